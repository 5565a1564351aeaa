//! A look at the first users of a source: how full each field is, how many values it has, what the values
//! look like, and who is there. Reads, and changes nothing. What is told of a sample is true of the sample:
//! Graph lists in no useful order, and the first two thousand are not everybody.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use xxhash_rust::xxh3::xxh3_64;

use super::error::RunError;
use super::progress::Progress;
use super::retry::Retry;
use super::stage::call;
use crate::config::SourceField;
use crate::engine::Connector;
use crate::engine::contract::{Next, PageUser, Source};
use crate::model::{ValueType, fold_key};

/// How many users a sample has at most, when nobody says.
pub const SAMPLE_USERS: usize = 2000;

/// Pages of one sample: an endless source of empty pages ends as well.
const MOST_PAGES: usize = 100;

/// Values that are kept of a field, to be shown.
const EXAMPLES: usize = 3;

/// Read beside the fields: without it nobody can say who has a licence.
const LICENCES: &str = "assignedLicenses";

/// What the values of a field look like, whatever their declared type: how many of the filled ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Looks {
    /// `somebody@example.com`.
    pub mail: u64,
    /// RFC 3339.
    pub time: u64,
    /// A GUID.
    pub guid: u64,
    /// Digits, blanks, `+`, `-`, `.`, brackets, at least five digits.
    pub phone: u64,
    /// True or false.
    pub flag: u64,
}

/// One field of the source, as the sample has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldSample {
    /// The property; a path has dots.
    pub path: String,
    /// As the vendor's mapping page calls it.
    pub label: String,
    /// What it holds, by the manifest.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// How many users have a value that is neither null nor empty.
    pub filled: u64,
    /// How many different values there are, as match keys are compared: without regard to case.
    pub distinct: u64,
    /// What the values look like.
    pub looks: Looks,
    /// The first few different values, as text.
    pub examples: Vec<String>,
}

impl FieldSample {
    /// Nobody shares a value with anybody.
    #[must_use]
    pub fn unique(&self) -> bool {
        self.filled > 0 && self.distinct == self.filled
    }
}

/// Who is there, as far as the users tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Population {
    /// `userType` is Member.
    pub members: u64,
    /// `userType` is Guest.
    pub guests: u64,
    /// `userType` is null.
    pub untyped: u64,
    /// `accountEnabled` is false.
    pub disabled: u64,
    /// Enabled members without a licence. None when the source told nothing of licences.
    pub unlicensed: Option<u64>,
    /// Likely shared mailboxes and rooms: members with a mail address who may not sign in and have no licence.
    pub mailboxes: u64,
    /// Likely service accounts: enabled members with neither given name, surname nor mail.
    pub services: u64,
}

/// What a sample found.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// How many users were looked at.
    pub users: u64,
    /// How many there are, when the source said.
    pub total: Option<u64>,
    /// The listing was read to its end: the sample is everybody.
    pub whole: bool,
    /// The fields, in the order of the manifest.
    pub fields: Vec<FieldSample>,
    /// Who is there.
    pub population: Population,
    /// The users themselves, as they were sent.
    #[serde(skip)]
    pub records: Vec<PageUser>,
}

impl Sample {
    /// The field of that path.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&FieldSample> {
        self.fields.iter().find(|it| it.path == path)
    }

    /// How many of the users have a value in the field, in percent.
    #[must_use]
    pub fn fill_rate(&self, field: &FieldSample) -> f64 {
        share(field.filled, self.users)
    }
}

/// `part` of `whole` in percent; of nothing it is nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share of a number of people")]
    let (part, whole) = (part as f64, whole as f64);
    if whole > 0.0 { part * 100.0 / whole } else { 0.0 }
}

/// What a sample of these fields asks the source for. Settings, filter and page size are those of `source`.
#[must_use]
pub fn sample_source(source: &Source, fields: &[SourceField]) -> Source {
    let paths = fields.iter().filter(|it| !it.synthetic).map(|it| it.path.clone());
    let mut select: Vec<String> = paths.chain([LICENCES.to_owned()]).collect();
    select.sort_unstable();
    select.dedup();
    Source { select, delta: false, ..source.clone() }
}

/// Reads the first `most` users with all of `fields` and tells what they look like.
///
/// # Errors
/// When not even the first page can be had. A page that fails later ends the sample early.
pub fn read_sample(
    net: &Handle,
    connector: &mut Connector,
    source: &Source,
    fields: &[SourceField],
    most: usize,
    progress: &dyn Progress,
) -> Result<Sample, RunError> {
    let read = read_users(net, connector, &sample_source(source, fields), most, progress)?;
    let mut observer = Observer::new(fields);
    read.users.iter().for_each(|user| observer.add(&user.raw));
    let (users, fields, population) = observer.finish();
    Ok(Sample { users, total: read.total, whole: read.whole, fields, population, records: read.users })
}

/// The first users of a listing.
#[derive(Debug)]
pub struct Read {
    /// As they were sent.
    pub users: Vec<PageUser>,
    /// How many there are, when the source said.
    pub total: Option<u64>,
    /// The listing was read to its end.
    pub whole: bool,
}

/// Reads the first `most` users of a listing.
///
/// # Errors
/// When not even the first page can be had. A page that fails later ends it early.
pub fn read_users(
    net: &Handle,
    connector: &mut Connector,
    source: &Source,
    most: usize,
    progress: &dyn Progress,
) -> Result<Read, RunError> {
    let mut retry = Retry::default();
    let mut users: Vec<PageUser> = Vec::new();
    let (mut total, mut whole, mut after) = (None, false, None);
    progress.stage("sample", Some(most as u64));
    for number in 0..MOST_PAGES {
        let asked = call(net, &mut retry, "reading a sample", progress, async || {
            connector.fetch_users(source, after.as_deref()).await
        });
        let page = match asked {
            Ok(page) => page,
            Err(error) if number == 0 => return Err(error),
            Err(error) => {
                progress.note(&format!("the sample ends here: {error}"));
                break;
            }
        };
        total = total.or(page.total);
        let room = most.saturating_sub(users.len());
        let cut = page.users.len() > room;
        progress.advance(page.users.len().min(room) as u64);
        users.extend(page.users.into_iter().take(room));
        match page.next {
            Next::Complete(_) => {
                whole = !cut;
                break;
            }
            Next::More(_) if users.len() >= most => break,
            Next::More(cursor) => after = Some(cursor),
        }
    }
    Ok(Read { users, total, whole })
}

/// Adds users up, one by one.
#[derive(Debug)]
pub struct Observer {
    users: u64,
    fields: Vec<FieldSample>,
    seen: Vec<HashSet<u64>>,
    population: Population,
    licences_told: bool,
    unlicensed: u64,
}

impl Observer {
    /// An observer of these fields; synthetic ones are left out.
    #[must_use]
    pub fn new(fields: &[SourceField]) -> Self {
        let fields: Vec<FieldSample> = fields
            .iter()
            .filter(|field| !field.synthetic)
            .map(|field| FieldSample {
                path: field.path.clone(),
                label: field.label.clone(),
                value_type: field.value_type,
                filled: 0,
                distinct: 0,
                looks: Looks::default(),
                examples: Vec::new(),
            })
            .collect();
        Self {
            users: 0,
            seen: vec![HashSet::new(); fields.len()],
            fields,
            population: Population::default(),
            licences_told: false,
            unlicensed: 0,
        }
    }

    /// Adds one user. A text that is no JSON object counts as a user without any value.
    pub fn add(&mut self, raw: &str) {
        self.users += 1;
        let user: Map<String, Value> = serde_json::from_str(raw).unwrap_or_default();
        for (field, seen) in self.fields.iter_mut().zip(&mut self.seen) {
            let Some(text) = value_at(&user, &field.path).and_then(text_of) else { continue };
            field.filled += 1;
            look(&mut field.looks, &text);
            let key = fold_key(&text).map_or(0, |key| xxh3_64(key.as_bytes()));
            if seen.insert(key) {
                field.distinct += 1;
                if field.examples.len() < EXAMPLES {
                    field.examples.push(text);
                }
            }
        }
        self.count(&user);
    }

    fn count(&mut self, user: &Map<String, Value>) {
        let text = |name: &str| user.get(name).and_then(text_of);
        let enabled = user.get("accountEnabled").and_then(Value::as_bool);
        let guest = text("userType").is_some_and(|it| it.eq_ignore_ascii_case("guest"));
        let people = &mut self.population;
        match text("userType") {
            None => people.untyped += 1,
            Some(_) if guest => people.guests += 1,
            Some(_) => people.members += 1,
        }
        people.disabled += u64::from(enabled == Some(false));
        let licences = user.get(LICENCES).and_then(Value::as_array);
        self.licences_told |= licences.is_some();
        if guest {
            return;
        }
        let without = licences.is_some_and(Vec::is_empty);
        let mail = text("mail").is_some();
        self.unlicensed += u64::from(without && enabled == Some(true));
        people.mailboxes += u64::from(without && mail && enabled == Some(false));
        let nameless = text("givenName").is_none() && text("surname").is_none();
        people.services += u64::from(nameless && !mail && enabled == Some(true));
    }

    /// What was seen: how many users, the fields, who is there.
    #[must_use]
    pub fn finish(self) -> (u64, Vec<FieldSample>, Population) {
        let unlicensed = self.licences_told.then_some(self.unlicensed);
        (self.users, self.fields, Population { unlicensed, ..self.population })
    }
}

/// The value at a path with dots.
fn value_at<'v>(user: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut steps = path.split('.');
    let first = user.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

/// A value that is there, as text. Lists and objects are no value of a field.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn look(looks: &mut Looks, text: &str) {
    looks.mail += u64::from(is_mail(text));
    looks.time += u64::from(text.contains(':') && text.parse::<jiff::Timestamp>().is_ok());
    looks.guid += u64::from(is_guid(text));
    looks.phone += u64::from(is_phone(text));
    looks.flag += u64::from(text == "true" || text == "false");
}

fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && domain.split('.').count() > 1
        && domain.split('.').all(|it| !it.is_empty())
        && !text.chars().any(char::is_whitespace)
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit())
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let other = |it: u8| it.is_ascii_digit() || b" +-./()".contains(&it);
    let written = text.starts_with('+') || text.bytes().any(|it| b" -./()".contains(&it));
    (5..=20).contains(&digits) && written && text.bytes().all(other) && !text.contains(':')
}

/// Which look most of the filled values have, and how many of them in percent; none under half.
#[must_use]
pub fn prevailing(field: &FieldSample) -> Option<(&'static str, f64)> {
    let looks = field.looks;
    let named = BTreeMap::from([
        ("mail addresses", looks.mail),
        ("times", looks.time),
        ("GUIDs", looks.guid),
        ("phone numbers", looks.phone),
        ("true or false", looks.flag),
    ]);
    let (name, count) = named.into_iter().max_by_key(|(_, count)| *count)?;
    let share = share(count, field.filled);
    (share >= 50.0).then_some((name, share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::seed_fields;

    fn observe(users: &[&str]) -> (u64, Vec<FieldSample>, Population) {
        let mut observer = Observer::new(&seed_fields());
        users.iter().for_each(|user| observer.add(user));
        observer.finish()
    }

    #[test]
    fn fill_distinct_and_looks() {
        let (users, fields, _) = observe(&[
            r#"{"mail":"Ann@contoso.example","mobilePhone":"+49 221 5550100","employeeId":"007"}"#,
            r#"{"mail":"ann@CONTOSO.example","mobilePhone":"312-800-9919","employeeId":null}"#,
            r#"{"mail":"bob","mobilePhone":"","employeeId":"8","id":"4562bcc8-c436-4f95-b7c0-4f8ce89dca5e"}"#,
            "no json",
        ]);
        let of = |path: &str| fields.iter().find(|it| it.path == path).unwrap();
        assert_eq!(users, 4);
        let mail = of("mail");
        assert_eq!((mail.filled, mail.distinct, mail.looks.mail), (3, 2, 2), "case does not matter");
        assert!(!mail.unique());
        assert_eq!(prevailing(mail).unwrap().0, "mail addresses");
        let phone = of("mobilePhone");
        assert_eq!((phone.filled, phone.looks.phone), (2, 2));
        assert!(of("employeeId").unique());
        assert_eq!(prevailing(of("employeeId")), None);
        assert_eq!(of("id").looks.guid, 1);
        assert_eq!(of("city").filled, 0);
        assert!(fields.iter().all(|it| it.path != "connectorSyncTime"));
    }

    #[test]
    fn who_is_there() {
        let (.., people) = observe(&[
            r#"{"userType":"Member","accountEnabled":true,"mail":"a@b.example","givenName":"A","assignedLicenses":[{}]}"#,
            r#"{"userType":"Guest","accountEnabled":true,"mail":"g@b.example","assignedLicenses":[]}"#,
            r#"{"userType":"Member","accountEnabled":false,"mail":"room@b.example","assignedLicenses":[]}"#,
            r#"{"userType":"Member","accountEnabled":true,"mail":null,"assignedLicenses":[]}"#,
            r#"{"userType":null,"accountEnabled":null}"#,
        ]);
        assert_eq!(
            people,
            Population {
                members: 3,
                guests: 1,
                untyped: 1,
                disabled: 1,
                unlicensed: Some(1),
                mailboxes: 1,
                services: 1
            }
        );
        assert_eq!(observe(&["{}"]).2.unlicensed, None, "nothing was told of licences");
    }

    #[test]
    fn shares_of_nothing() {
        assert!((share(1, 0) - 0.0).abs() < f64::EPSILON);
        assert!((share(1, 4) - 25.0).abs() < f64::EPSILON);
    }
}
