//! People as files: CSV out, CSV in.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::value::RawValue;

use super::output::printer::Data;
use super::trouble::Trouble;
use crate::config::nearest;
use crate::model::{ACCESS_ROLE, CONNECTOR_SYNC_TIME, Target, Targets, ValueType, fold_key};
use crate::store::{Import, ImportRow, PersonRow, fields};

/// Rows of CSV on a stream.
pub(super) struct Csv {
    data: Data,
    line: csv::Writer<Vec<u8>>,
}

impl Csv {
    pub(super) fn new(data: Data) -> Self {
        Self { data, line: csv::Writer::from_writer(Vec::with_capacity(1024)) }
    }

    pub(super) fn row<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) -> Result<()> {
        self.line.write_record(cells)?;
        self.line.flush()?;
        // The writer only ever holds one row, whose cells are texts.
        let written = std::mem::replace(&mut self.line, csv::Writer::from_writer(Vec::with_capacity(1024)));
        let bytes = written.into_inner().map_err(|error| anyhow::anyhow!("CSV: {error}"))?;
        self.data.write(&String::from_utf8_lossy(&bytes))?;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        Ok(self.data.finish()?)
    }
}

/// The header of an export.
pub(super) fn header(targets: &Targets) -> Vec<&str> {
    ["uid", "status"].into_iter().chain(targets.names()).collect()
}

/// A person as a row of an export: texts as they are, other values as JSON, empty fields as nothing.
pub(super) fn cells(person: &PersonRow, targets: &Targets) -> Result<Vec<String>> {
    let map = fields::parse(&person.fields)?;
    let status = if person.active { "active" } else { "inactive" };
    let mut cells = vec![person.uid.clone(), status.to_owned()];
    for target in targets.iter() {
        cells.push(if target.name == CONNECTOR_SYNC_TIME {
            person.sync_time.map(super::output::json_v1::moment).unwrap_or_default()
        } else {
            map.get(target.name.as_str()).map_or_else(String::new, |raw| {
                serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
            })
        });
    }
    Ok(cells)
}

/// What a column of a file is.
#[derive(Clone, Copy)]
enum Heading<'t> {
    Field(&'t Target),
    Status,
    /// Exported, but not for hands to write.
    PassedOver,
}

/// Reads a file of people. All problems at once; the columns that are passed over come with it.
pub(super) fn read(
    file: &str,
    bytes: &[u8],
    access_roles: &[String],
    targets: &Targets,
) -> Result<(Import, Vec<String>)> {
    let mut problems = Vec::new();
    // Excel marks UTF-8 by a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.split(|it| *it == b'\n').next().unwrap_or_default();
    // Personnel offices on the continent get semicolons from Excel.
    let semicolons = first.contains(&b';') && !first.contains(&b',');
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(if semicolons { b';' } else { b',' })
        .from_reader(bytes);
    let titles = reader.headers().map_err(|error| malformed(file, &error))?.clone();
    let mut passed_over = Vec::new();
    let mut headings = Vec::new();
    for (at, title) in titles.iter().enumerate() {
        match heading(title, targets) {
            Ok(heading) => {
                if matches!(heading, Heading::PassedOver) {
                    passed_over.push(title.trim().to_owned());
                }
                headings.push(heading);
            }
            Err(problem) => {
                problems.push(format!("line 1, column {}: {problem}", at + 1));
                headings.push(Heading::PassedOver);
            }
        }
    }
    for (at, heading) in headings.iter().enumerate() {
        if let Heading::Field(target) = heading {
            let twice = headings[..at]
                .iter()
                .any(|it| matches!(it, Heading::Field(other) if other.name == target.name));
            if twice {
                problems.push(format!("line 1, column {}: `{}` stands twice", at + 1, target.name));
            }
        }
    }
    if !headings.iter().any(|it| matches!(it, Heading::Field(target) if target.name == "username")) {
        problems.push("line 1: there is no column `username`, by which people are known".to_owned());
    }
    let mut rows = Vec::new();
    if problems.is_empty() {
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(|error| malformed(file, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            if let Some(row) = row(line, &record, &headings, access_roles, &mut seen, &mut problems) {
                rows.push(row);
            }
        }
    }
    if problems.is_empty() {
        return Ok((Import { file: file.to_owned(), rows }, passed_over));
    }
    /// More than these are only counted.
    const MOST: usize = 20;
    let more = problems.len().saturating_sub(MOST);
    let mut text = format!("`{file}` was not imported:");
    for problem in problems.iter().take(MOST) {
        text.push_str(&format!("\n  {problem}"));
    }
    if more > 0 {
        text.push_str(&format!("\n  … and {more} more"));
    }
    Err(Trouble::usage(text)
        .help("nobody was changed; `userload people export --csv` shows the columns that a file may have")
        .into())
}

fn malformed(file: &str, error: &csv::Error) -> Trouble {
    let place = error.position().map_or_else(String::new, |at| format!(" at line {}", at.line()));
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "is no UTF-8 text".to_owned(),
        _ => format!("is no CSV: {error}"),
    };
    Trouble::usage(format!("`{file}` {what}{place}")).help("save it as CSV in UTF-8")
}

fn heading<'t>(title: &str, targets: &'t Targets) -> Result<Heading<'t>, String> {
    let title = title.trim();
    let plain = title.to_lowercase();
    if plain == "status" {
        return Ok(Heading::Status);
    }
    if plain == "uid" || plain == CONNECTOR_SYNC_TIME {
        return Ok(Heading::PassedOver);
    }
    match targets.find(title) {
        Some(target) if target.name == CONNECTOR_SYNC_TIME => Ok(Heading::PassedOver),
        Some(target) => Ok(Heading::Field(target)),
        None => {
            let names = targets.names().chain(["status"]);
            Err(match nearest(title, names) {
                Some(near) => {
                    format!("people have no field `{}`; did you mean `{near}`?", title.escape_debug())
                }
                None => format!("people have no field `{}`", title.escape_debug()),
            })
        }
    }
}

fn row(
    line: u64,
    record: &csv::StringRecord,
    headings: &[Heading<'_>],
    access_roles: &[String],
    seen: &mut BTreeMap<String, u64>,
    problems: &mut Vec<String>,
) -> Option<ImportRow> {
    if record.len() != headings.len() {
        problems.push(format!("line {line}: {} cells, expected {}", record.len(), headings.len()));
        return None;
    }
    let before = problems.len();
    let mut row = ImportRow { line, fields: BTreeMap::new(), active: None };
    for (heading, cell) in headings.iter().zip(record) {
        let cell = cell.trim();
        if cell.is_empty() {
            continue;
        }
        let name = match heading {
            Heading::PassedOver => continue,
            Heading::Status => "status",
            Heading::Field(target) => target.name.as_str(),
        };
        let read = match heading {
            Heading::Field(target) => value(target, cell, access_roles).map(|raw| {
                row.fields.insert(target.name.clone(), raw);
            }),
            _ => status(cell).map(|active| row.active = Some(active)),
        };
        if let Err(problem) = read {
            problems.push(format!("line {line}, column `{name}`: {problem}"));
        }
    }
    let username = headings.iter().zip(record).find_map(|(heading, cell)| match heading {
        Heading::Field(target) if target.name == "username" => fold_key(cell),
        _ => None,
    });
    match username {
        None => problems.push(format!("line {line}, column `username`: empty, expected a username")),
        Some(key) => {
            if let Some(first) = seen.get(&*key) {
                problems.push(format!(
                    "line {line}, column `username`: `{}` stands in line {first} already",
                    key.escape_debug()
                ));
            } else {
                seen.insert(key.into_owned(), line);
            }
        }
    }
    (problems.len() == before).then_some(row)
}

fn status(cell: &str) -> Result<bool, String> {
    match cell.to_lowercase().as_str() {
        "active" => Ok(true),
        "inactive" => Ok(false),
        _ => Err(format!("`{}`, expected active or inactive", cell.escape_debug())),
    }
}

/// The JSON text of a cell, by the type of its field. Numbers and times keep their text.
pub(super) fn value(target: &Target, cell: &str, access_roles: &[String]) -> Result<Box<RawValue>, String> {
    let shown = cell.escape_debug();
    let text = |text: &str| serde_json::value::to_raw_value(text).map_err(|error| error.to_string());
    if target.name == ACCESS_ROLE {
        return match access_roles.iter().find(|it| fold_key(it) == fold_key(cell)) {
            Some(role) => text(role),
            None => Err(format!("`{shown}` is no access role, expected one of {}", access_roles.join(", "))),
        };
    }
    match target.value_type {
        ValueType::Text => text(cell),
        ValueType::Flag => match cell.to_lowercase().as_str() {
            "true" | "yes" => Ok(super::output::json_v1::raw("true")),
            "false" | "no" => Ok(super::output::json_v1::raw("false")),
            _ => Err(format!("`{shown}`, expected true or false")),
        },
        ValueType::Number => match serde_json::from_str::<serde_json::Number>(cell) {
            Ok(_) => Ok(super::output::json_v1::raw(cell)),
            Err(_) => Err(format!("`{shown}`, expected a number")),
        },
        ValueType::Time => match cell.parse::<jiff::Timestamp>() {
            Ok(_) => text(cell),
            Err(_) => Err(format!("`{shown}`, expected a time such as 2026-11-23T04:05:06Z")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Vec<String> {
        vec!["Employee".into(), "Guest".into()]
    }

    fn refused(text: &str) -> String {
        read("people.csv", text.as_bytes(), &roles(), &Targets::built_in()).unwrap_err().to_string()
    }

    #[test]
    fn names_labels_and_semicolons_are_read() {
        let text = "\u{feff}UID;Username;Access role;employee_id;Hire date;resource_account;Status\n\
                    1;ana@x;guest;007;2024-01-01T00:00:00Z;Yes;inactive\n2;bo;Employee;;;;\n";
        let (import, passed) = read("people.csv", text.as_bytes(), &roles(), &Targets::built_in()).unwrap();
        assert_eq!(passed, ["UID"]);
        assert_eq!(import.rows[0].fields["access_role"].get(), "\"Guest\"");
        assert_eq!(import.rows[0].fields["employee_id"].get(), "\"007\"");
        assert_eq!(import.rows[0].fields["resource_account"].get(), "true");
        assert_eq!((import.rows[0].active, import.rows[1].active), (Some(false), None));
        assert_eq!(import.rows[1].fields.len(), 2, "empty cells are no fields");
        assert_eq!(import.rows[1].line, 3);
    }

    #[test]
    fn problems_name_line_and_column() {
        insta::assert_snapshot!(refused("user name,departmnt,colour\na,b,c\n"), @r"
        `people.csv` was not imported:
          line 1, column 1: people have no field `user name`; did you mean `username`?
          line 1, column 2: people have no field `departmnt`; did you mean `department`?
          line 1, column 3: people have no field `colour`
          line 1: there is no column `username`, by which people are known
        ");
        insta::assert_snapshot!(
            refused("username,username,city\na,b,c\n"), @r"
        `people.csv` was not imported:
          line 1, column 2: `username` stands twice
        "
        );
        insta::assert_snapshot!(refused(
            "username,access_role,hire_date,resource_account,status\n\
             ana,Boss,yesterday,maybe,gone\nANA,Guest,,,\n,Guest,,,\nbo,Guest\n"
        ), @r"
        `people.csv` was not imported:
          line 2, column `access_role`: `Boss` is no access role, expected one of Employee, Guest
          line 2, column `hire_date`: `yesterday`, expected a time such as 2026-11-23T04:05:06Z
          line 2, column `resource_account`: `maybe`, expected true or false
          line 2, column `status`: `gone`, expected active or inactive
          line 3, column `username`: `ana` stands in line 2 already
          line 4, column `username`: empty, expected a username
          line 5: 2 cells, expected 5
        ");
        insta::assert_snapshot!(refused(""), @r"
        `people.csv` was not imported:
          line 1: there is no column `username`, by which people are known
        ");
    }

    #[test]
    fn what_is_exported_is_imported_again() {
        let person = PersonRow {
            id: 1,
            uid: "u".into(),
            active: false,
            ended_by: None,
            fields: r#"{"access_role":"Guest","display_name":"O\"Hara, \u0007","resource_account":true,"username":"a"}"#.into(),
            version: 1,
            created_at: 0,
            sync_time: Some(0),
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(header(&Targets::built_in())).unwrap();
        writer.write_record(cells(&person, &Targets::built_in()).unwrap()).unwrap();
        let text = writer.into_inner().unwrap();
        let (import, passed) = read("x", &text, &roles(), &Targets::built_in()).unwrap();
        assert_eq!(passed, ["uid", "connector_sync_time"]);
        let again = import.rows[0].fields.iter().map(|(name, raw)| (name.as_str(), &**raw)).collect();
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&fields::write(&again)), same(&person.fields));
        assert_eq!(import.rows[0].active, Some(false));
    }

    proptest::proptest! {
        #[test]
        fn no_file_makes_it_panic(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "username", "email", "hire_date", "access_role", "status", ",", ",", ";", "\n", "\n", "\r\n", "\"",
                "a", "Guest", "2024-02-30", "\u{feff}", "\0", "é", " ",
            ]), 0..40),
            raw in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..8),
        ) {
            let mut bytes = parts.concat().into_bytes();
            bytes.extend(raw);
            if let Ok((import, _)) = read("people.csv", &bytes, &roles(), &Targets::built_in()) {
                for row in import.rows {
                    let username = serde_json::from_str::<String>(row.fields["username"].get()).unwrap();
                    proptest::prop_assert!(!username.trim().is_empty());
                }
            }
        }
    }
}
