//! `userload why`: the story of one person, as a run would tell it.

use anyhow::Result;

use super::exit::ExitStatus;
use super::output::json_v1::story;
use super::output::{Column, Paint, Table, cut, field_changes, shown, stored_differences, time, value};
use super::runs;
use super::services;
use super::session::Session;
use super::trouble::Trouble;
use crate::config;
use crate::explain::{self, FieldStory, Mapped, Place, Pure, RuleStory, Subject, Tale, Why, pretty};
use crate::store::PersonRow;

/// Who, and about which run.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Username, email, employee id, id, source id (or the beginning of one), or display name
    person: String,
    /// The run to tell about; the last one when left out
    #[arg(long, value_name = "RUN")]
    run: Option<i64>,
    /// Ask the source about this user now; nothing is changed
    #[arg(long)]
    ask: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitStatus> {
    let store = session.store_to_read()?;
    let run = arguments.run.map(|number| runs::find(&store, Some(number))).transpose()?;
    let stamped = session.stamped(&store)?;
    let subject = explain::subject(&store, &arguments.person, &stamped)?;
    if let Subject::Several(people) = &subject {
        return Err(several(&arguments.person, people).into());
    }
    if subject.is_mistyped() {
        return Err(nobody(&arguments.person, &subject).into());
    }
    if let Subject::Never { who, .. } = &subject
        && arguments.ask
        && who.contains('@')
    {
        return Err(Trouble::usage(format!(
            "the source can only be asked by id, and nobody known is `{}`",
            shown(who)
        ))
        .help("give the user's object id: the Entra admin center shows it under Users")
        .into());
    }
    let plugin = |row: &crate::store::IntegrationRow| {
        let site = session
            .site_of(config::plugin_of(&row.document).as_ref())
            .map_err(|error| format!("{error:#}"))?;
        Ok(Pure { fields: &site.fields, transformer: Box::new(|| site.transformer()) })
    };
    let ask = |account: &crate::store::Account| {
        services::ask_about(session, &store, &account.integration, &account.source_id)
            .map_err(|error| format!("{error:#}"))
    };
    let place = Place {
        store: &store,
        plugin: &plugin,
        stamped: &stamped,
        ask: arguments.ask.then_some(&ask),
        now: session.now(),
    };
    let near = match &subject {
        Subject::Never { near, .. } => near.clone(),
        _ => None,
    };
    let why = explain::why(&place, subject, run.as_ref())?;
    if session.printer.json() {
        session.printer.answer(&story(&why).text()?)?;
    } else {
        let text = render(&why, &arguments.person, near.as_deref(), session.printer.paint());
        session.printer.answer(text.trim_end())?;
    }
    let unanswered = why.tales.iter().filter_map(|it| it.asked.as_ref()).any(|it| it.answer == "unknown")
        || why
            .unseen
            .iter()
            .any(|it| it.asked.as_deref().is_some_and(|it| it.starts_with("the source gave no")));
    Ok(if unanswered { ExitStatus::Failed } else { ExitStatus::Done })
}

pub(super) fn several(who: &str, people: &[PersonRow]) -> Trouble {
    let names: Vec<String> = people
        .iter()
        .map(|it| {
            let username = it.text("username").unwrap_or_default();
            format!("  {}  {}  {}", &it.uid, shown(&username), shown(&it.name()))
        })
        .collect();
    Trouble::usage(format!("`{}` is more than one person:\n{}", shown(who), names.join("\n")))
        .help("type the username, or the id")
}

pub(super) fn nobody(who: &str, subject: &Subject) -> Trouble {
    let help = match subject {
        Subject::Never { near: Some(near), .. } => format!("did you mean `{}`?", shown(near)),
        _ => "`userload people list --search TEXT` looks in usernames, emails and display names; somebody whom no \
              run has met is told about by source id or email"
            .to_owned(),
    };
    Trouble::usage(format!("there is nobody `{}`", shown(who))).help(help)
}

fn render(why: &Why, asked_for: &str, near: Option<&str>, paint: Paint) -> String {
    let mut text = String::new();
    match &why.person {
        Some(person) => {
            let username = person.text("username").unwrap_or_default();
            let ended = match person.ended_by.as_deref() {
                Some("hand") => ", by hand".to_owned(),
                Some(by) => format!(", by {}", shown(by.strip_prefix("integration:").unwrap_or(by))),
                None => String::new(),
            };
            text.push_str(&format!("{}\n", paint.bold(&shown(&person.name()))));
            let status = if person.active { "active" } else { "inactive" };
            text.push_str(&format!("{}, {status}{ended}\n", shown(&username)));
        }
        None if why.tales.is_empty() => {
            text.push_str(&format!("{}\n", paint.bold(&format!("No run has met {}", shown(asked_for)))));
            if let Some(near) = near {
                text.push_str(&format!("did you mean {}?\n", shown(near)));
            }
        }
        None => text.push_str(&format!("{}\nnobody in the directory yet\n", paint.bold(&shown(asked_for)))),
    }
    for note in &why.notes {
        text.push_str(&format!("{} {}\n", paint.warn("note:"), shown(note)));
    }
    for tale in &why.tales {
        text.push('\n');
        text.push_str(&one(tale, why, paint));
    }
    let others: Vec<&FieldStory> = why.fields.iter().filter(|it| it.rules.is_empty()).collect();
    if !others.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("Fields that no mapping fills")));
        text.push_str(&table(&others, None, paint));
    }
    if !why.status.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("Status")));
        let mut rows = Table::new(&[Column::Text(""), Column::Text(""), Column::Text(""), Column::Text("")]);
        for row in &why.status {
            let status = if row.active_after == Some(true) { "active" } else { "inactive" };
            rows.row([
                time(row.at),
                format!("run {}", row.run),
                status.to_owned(),
                cut(&shown(&row.reason), 90).into_owned(),
            ]);
        }
        text.push_str(&rows.render(2, paint));
    }
    for lock in &why.locks {
        let what =
            if lock.field.is_empty() { "everything".to_owned() } else { shown(&lock.field).into_owned() };
        let note = lock.note.as_deref().map(|it| format!(": {}", shown(it))).unwrap_or_default();
        text.push_str(&format!("\n{} {what} since {}{note}\n", paint.warn("locked:"), time(lock.at)));
    }
    for unseen in &why.unseen {
        text.push_str(&format!("\n{} {}\n", paint.bold("Never seen by"), shown(&unseen.integration)));
        text.push_str(&format!("  {}\n", shown(&unseen.why)));
        if let Some(asked) = &unseen.asked {
            text.push_str(&format!("  asked just now: {}\n", shown(asked)));
        }
    }
    text
}

/// The story of one user of the source.
fn one(tale: &Tale, why: &Why, paint: Paint) -> String {
    let run = match &tale.run {
        Some(run) => {
            format!(", {} {} ({}, {})", run.kind, run.number, run.state, time(run.at))
        }
        None => String::new(),
    };
    let title = format!("━━ {}{run}", shown(&tale.account.integration));
    let mut text = format!("{}\n", paint.bold(&title));
    let mut step = |name: &str, lines: String| {
        text.push_str(&format!("\n{}\n{lines}", paint.bold(name)));
    };
    step("1. What the source said", record(tale, paint));
    let filter = match &tale.filter.text {
        Some(filter) => format!("   {}\n", shown(filter)),
        None => "   there is no filter\n".to_owned(),
    };
    step("2. The filter", format!("{filter}   {}\n", shown(&tale.filter.verdict)));
    let name = tale.account.integration.as_str();
    let mapped: Vec<&FieldStory> =
        why.fields.iter().filter(|it| it.rules.iter().any(|rule| rule.integration == name)).collect();
    if !mapped.is_empty() {
        step("3. The fields", table(&mapped, Some(name), paint));
    } else {
        step("3. The fields", "   the mapping cannot be read\n".to_owned());
    }
    step("4. Who it is", matching(tale));
    step("5. What was decided", decision(tale, paint));
    step("6. What comes next", next(tale, paint));
    text
}

fn record(tale: &Tale, paint: Paint) -> String {
    let mut text =
        format!("   user {}\n   {}\n", shown(&tale.account.source_id), paint.dim(&shown(&tale.record.note)));
    if let Some(raw) = &tale.record.raw {
        for line in pretty(raw).lines() {
            text.push_str(&format!("   {}\n", shown(line)));
        }
    }
    text
}

/// The fields with their values, then what there is to say about some of them.
fn table(fields: &[&FieldStory], integration: Option<&str>, paint: Paint) -> String {
    let mut rows = Table::new(&[
        Column::Text("Field"),
        Column::Text("Value"),
        Column::Text("From"),
        Column::Text("Rule"),
    ]);
    let rule_of = |field: &FieldStory| {
        field.rules.iter().find(|it| Some(it.integration.as_str()) == integration).cloned()
    };
    // Whatever was never there needs no line of its own.
    let silent = |field: &&&FieldStory| {
        field.value.is_none()
            && field.history.is_empty()
            && rule_of(field).is_none_or(|rule| differs(&rule, field).is_empty())
    };
    let (empty, told): (Vec<&FieldStory>, Vec<&FieldStory>) =
        fields.iter().copied().partition(|field| silent(&field));
    for field in &told {
        let from = match (field.history.last(), &field.value) {
            (Some(last), _) => format!("{}, run {}", shown(&last.who), last.run),
            (None, Some(_)) if rule_of(field).is_some_and(|it| it.mapped == Mapped::Stamp) => {
                "stamp".to_owned()
            }
            (None, Some(_)) => "not in the ledger".to_owned(),
            (None, None) => String::new(),
        };
        let rule = rule_of(field).map(|it| cut(&shown(&it.rule), 60).into_owned()).unwrap_or_default();
        rows.row([shown(&field.label).into_owned(), value(field.value.as_deref()), from, rule]);
    }
    let mut text = rows.render(3, paint);
    if !empty.is_empty() {
        let names: Vec<String> = empty.iter().map(|it| shown(&it.label).into_owned()).collect();
        text.push_str(&paint.dim(&format!("   mapped, and empty: {}\n", names.join(", "))));
    }
    for field in told {
        let said = rule_of(field).map(|rule| differs(&rule, field)).unwrap_or_default();
        if said.is_empty() && field.history.len() < 2 {
            continue;
        }
        text.push_str(&format!("   {}\n", paint.bold(&shown(&field.label))));
        for line in said {
            text.push_str(&format!("     {}\n", shown(&line)));
        }
        let mut steps =
            Table::new(&[Column::Text(""), Column::Number(""), Column::Text(""), Column::Text("")]);
        for step in field.history.iter().filter(|_| field.history.len() > 1) {
            let undone = step.undone_by.map(|run| format!(" (undone by run {run})")).unwrap_or_default();
            steps.row([
                time(step.at),
                format!("run {}", step.run),
                shown(&step.who).into_owned(),
                format!("{} → {}{undone}", value(step.before.as_deref()), value(step.after.as_deref())),
            ]);
        }
        text.push_str(&steps.render(5, paint));
    }
    text
}

/// What a rule gives, where that is not what stands, and why.
fn differs(rule: &RuleStory, field: &FieldStory) -> Vec<String> {
    let mut lines = Vec::new();
    match &rule.mapped {
        Mapped::Value(mapped) if Some(mapped) != field.value.as_ref() => {
            lines.push(format!("the record says {}", value(Some(mapped))));
        }
        Mapped::Empty if field.value.is_some() => lines.push("the record says empty".to_owned()),
        Mapped::Kept if field.value.is_some() => {
            lines.push("kept: the record has no value, and the rule does not clear".to_owned());
        }
        Mapped::Failed(reason) => lines.push(format!("fails: {reason}")),
        _ => {}
    }
    lines.extend(rule.not_applied.iter().map(|it| format!("not applied: {it}")));
    lines
}

fn matching(tale: &Tale) -> String {
    let mut text = String::new();
    if let Some((name, uid)) = &tale.matching.linked {
        let by = match tale.matching.linked_by {
            Some((run, at)) => format!(", first told of in run {run}, {}", time(at)),
            None => String::new(),
        };
        text.push_str(&format!("   linked to {} ({uid}){by}\n", shown(name)));
    }
    for key in &tale.matching.keys {
        let people: Vec<String> =
            key.people.iter().map(|(name, uid)| format!("{} ({uid})", shown(name))).collect();
        let whom = if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
        match &key.value {
            Some(value) => {
                text.push_str(&format!("   {} `{}` matches {whom}\n", shown(&key.field), shown(value)))
            }
            None => text.push_str(&format!("   {} is empty and matches nobody\n", shown(&key.field))),
        }
    }
    if let Some(decided) = &tale.matching.decided {
        let whom = match &decided.person {
            Some((name, uid)) => format!("{} ({uid})", shown(name)),
            None => "somebody new".to_owned(),
        };
        text.push_str(&format!("   decided by hand on {}: {whom}\n", time(decided.at)));
    }
    if text.is_empty() {
        text.push_str("   not linked; without a record nothing can be matched\n");
    }
    text
}

fn decision(tale: &Tale, paint: Paint) -> String {
    let it = &tale.decision;
    let mut text = match &it.outcome {
        Some(outcome) => format!("   {}: {}\n", paint.bold(&shown(outcome)), shown(&it.reason)),
        None => format!("   {}\n", shown(&it.reason)),
    };
    if let Some(row) = &it.row {
        let state = match (row.state.as_str(), row.run_state.as_str()) {
            ("moved", _) => "left out: changed since the plan",
            ("held", _) if it.outcome.as_deref() != Some("held") => "held",
            (_, "planned") => "planned, not applied",
            (_, "discarded") => "the plan was given up: nothing of it is applied",
            _ => "",
        };
        if !state.is_empty() {
            text.push_str(&format!("   {state}\n"));
        }
        let changes = stored_differences(row.differences.as_deref());
        for chunk in changes.chunks(3) {
            text.push_str(&format!("   {}\n", field_changes(chunk)));
        }
        let kept: Vec<String> =
            row.not_applied.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        for sentence in kept {
            text.push_str(&format!("   not applied: {}\n", shown(&sentence)));
        }
        if let Some(evidence) = &row.evidence {
            text.push_str(&format!("   evidence: {}\n", shown(evidence)));
        }
        if let Some(run) = row.undone_by {
            text.push_str(&format!("   undone by run {run}\n"));
        }
    }
    text
}

fn next(tale: &Tale, paint: Paint) -> String {
    let mut text: String = tale.next.iter().map(|line| format!("   {}\n", shown(line))).collect();
    for question in &tale.held {
        for chunk in stored_differences(question.differences.as_deref()).chunks(3) {
            text.push_str(&format!("   waits: {}\n", field_changes(chunk)));
        }
    }
    if let Some(asked) = &tale.asked {
        text.push_str(&format!("   {} {}\n", paint.good("asked just now:"), shown(&asked.verdict)));
        if let Some(raw) = asked.raw.as_deref().filter(|raw| Some(*raw) != tale.record.raw.as_deref()) {
            for line in pretty(raw).lines() {
                text.push_str(&format!("   {}\n", shown(line)));
            }
        }
    }
    text
}
