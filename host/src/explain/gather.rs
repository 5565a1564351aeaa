//! Gathers what is known of one person or user, and puts it in order.

use super::fields::{Feed, stories};
use super::next::{self, Facts, day};
use super::subject::is_guid;
use super::{
    Ask, Asked, Decision, Filter, KeyStory, Matching, Record, RunBrief, Subject, Tale, Today, Unseen,
    Waiting, Why, status_history,
};
use crate::config::{Action, Integration, Origin, SourceField};
use crate::engine::contract::{Presence, Tie};
use crate::engine::{PluginFailure, Transformer};
use crate::model::{Millis, Outcome};
use crate::store::{Account, ChangeRow, IntegrationRow, LinkState, PersonRow, RunRow, Store};
use crate::sync::look::{Looked, look, terms_of};
use crate::sync::{RunError, Terms};

/// Rows of the ledger that a story looks at; older ones are not told.
const ROWS: u32 = 2_000;

/// Runs that are looked through for the one that a story is about.
const RUNS: u32 = 200;

const DAY: Millis = 24 * 60 * 60 * 1000;

/// Where a story is looked up.
pub struct Place<'a> {
    /// The store.
    pub store: &'a Store,
    /// The plugin of an integration, or why there is none: each user is told about by the one that brought them.
    pub plugin: &'a dyn Fn(&IntegrationRow) -> Result<Pure<'a>, String>,
    /// Integrations whose Connector Sync Time is shown.
    pub stamped: &'a [String],
    /// Asks the source, when that is wanted.
    pub ask: Option<&'a Ask<'a>>,
    /// Now.
    pub now: Millis,
}

/// What a story needs of a plugin.
pub struct Pure<'a> {
    /// The fields that it knows.
    pub fields: &'a [SourceField],
    /// Makes an instance of the pure half.
    pub transformer: Box<dyn Fn() -> Transformer + 'a>,
}

/// An integration, and what its rules are today.
struct Rules<'a> {
    row: IntegrationRow,
    terms: Result<Terms, String>,
    plugin: Option<Pure<'a>>,
    runs: Vec<RunRow>,
}

impl Rules<'_> {
    fn integration(&self) -> Option<&Integration> {
        self.terms.as_ref().ok().map(|it| &it.integration)
    }

    /// Looks at a record by them. None when they cannot be read.
    fn look(&self, store: &Store, source_id: &str, raw: &str) -> Result<Option<Looked>, RunError> {
        match (&self.terms, &self.plugin) {
            (Ok(terms), Some(plugin)) => look(terms, store, &plugin.transformer, source_id, raw).map(Some),
            _ => Ok(None),
        }
    }

    /// The newest run that left a word about everybody; else the newest.
    fn last(&self) -> Option<&RunRow> {
        let told = |run: &&RunRow| matches!(run.state.as_str(), "applied" | "planned");
        self.runs.iter().find(told).or_else(|| self.runs.first())
    }
}

/// Tells the story of somebody, about `run` or the last one.
///
/// # Errors
/// When the store cannot be read, or the plugin fails.
pub fn why(place: &Place<'_>, subject: Subject, run: Option<&RunRow>) -> Result<Why, RunError> {
    let store = place.store;
    let mut rules = Vec::new();
    for row in store.integrations()? {
        let (plugin, terms) = match (place.plugin)(&row) {
            Ok(plugin) => {
                let terms = terms_of(store, &row, plugin.fields).map_err(|problem| problem.what);
                (Some(plugin), terms)
            }
            Err(why) => (None, Err(why)),
        };
        let runs = store.runs(Some(&row.name), RUNS)?;
        rules.push(Rules { row, terms, plugin, runs });
    }
    let (person, mut accounts, never) = match subject {
        Subject::Person(person) => {
            let accounts = store.accounts_of_person(person.id)?;
            (Some(*person), accounts, None)
        }
        Subject::Nobody(accounts) => (None, accounts, None),
        Subject::Never { who, .. } => (None, Vec::new(), Some(who)),
        Subject::Several(_) => (None, Vec::new(), None),
    };
    let numbers = match run {
        Some(run) => vec![run.number],
        None => rules
            .iter()
            .filter_map(Rules::last)
            .filter(|it| it.state == "planned")
            .map(|it| it.number)
            .collect(),
    };
    let rows = store.rows_about(person.as_ref().map(|it| it.id), &accounts, &numbers, ROWS)?;
    let mut notes = Vec::new();
    if rows.len() == ROWS as usize {
        notes.push(format!("the ledger has more than {ROWS} rows about them: the oldest are not told"));
    }
    if let Some(run) = run
        && let Some(name) = &run.integration
    {
        accounts.retain(|it| it.integration == *name);
        if accounts.is_empty() && never.is_none() {
            notes.push(format!("run {} is one of `{name}`, which has not met them", run.number));
        }
    }
    let locks = match &person {
        Some(person) => store.standing_locks(person.id)?,
        None => Vec::new(),
    };
    let mut tales = Vec::new();
    let mut looks = Vec::new();
    for account in &accounts {
        let own = rules.iter().find(|it| it.row.name == account.integration);
        let scene = Scene { place, rules: own, account, person: person.as_ref(), rows: &rows, run };
        let (tale, looked) = scene.tell()?;
        tales.push(tale);
        looks.push((own, looked));
    }
    let feeds: Vec<Feed<'_>> = tales
        .iter()
        .zip(&looks)
        .filter_map(|(tale, (own, looked))| feed(tale, own.as_ref()?, looked.as_ref()))
        .collect();
    let fields = stories(person.as_ref(), &rows, &locks, &feeds, place.store.targets());
    let met = |name: &str| accounts.iter().any(|it| it.integration == name);
    let mut unseen = Vec::new();
    let wanted = |it: &&Rules<'_>| {
        run.is_none_or(|run| run.integration.as_deref().is_none_or(|name| name == it.row.name))
    };
    for own in rules.iter().filter(|it| !met(&it.row.name)).filter(wanted) {
        unseen.push(unmet(place, own, person.as_ref(), never.as_deref(), run)?);
    }
    if let (Some(who), None) = (&never, &person)
        && let Some(at) = store.erased_at(who)?
    {
        notes.push(format!(
            "erased by hand on {}: no run makes this person again until that is lifted",
            day(at)
        ));
    }
    drop(feeds);
    let status = status_history(&rows);
    Ok(Why { person, tales, fields, status, locks, unseen, notes })
}

fn feed<'a>(tale: &'a Tale, own: &'a Rules<'_>, looked: Option<&'a Looked>) -> Option<Feed<'a>> {
    let terms = own.terms.as_ref().ok()?;
    Some(Feed {
        integration: &own.row.name,
        mapping: &terms.mapping,
        stamps: terms.integration.mapping.iter().any(|rule| rule.origin == Origin::SyncTime),
        managers: terms.integration.manager,
        mapped: looked.map(|it| &it.mapped),
        barred: looked
            .map(|it| it.barred.iter().map(|bar| (bar.field.clone(), bar.reason.clone())).collect())
            .unwrap_or_default(),
        held: &tale.held,
        pins: &tale.pins,
        not_applied: tale.today.as_ref().map_or(&[], |it| it.not_applied.as_slice()),
    })
}

/// One user of the source, and everything that is known about them.
struct Scene<'a, 'p> {
    place: &'a Place<'p>,
    rules: Option<&'a Rules<'p>>,
    account: &'a Account,
    person: Option<&'a PersonRow>,
    rows: &'a [ChangeRow],
    run: Option<&'a RunRow>,
}

impl Scene<'_, '_> {
    fn tell(&self) -> Result<(Tale, Option<Looked>), RunError> {
        let (store, account) = (self.place.store, self.account);
        let link = store.link_state(account)?;
        let run = self.run.or_else(|| self.rules.and_then(Rules::last));
        let (record, which) = self.record(link.as_ref(), run)?;
        let looked = self.look(record.raw.as_deref())?;
        let decision = self.decision(link.as_ref(), run);
        let today = looked.as_ref().map(|it| Today {
            outcome: it.verdict.outcome,
            reason: it.verdict.reason.clone(),
            differences: it.verdict.differences.clone(),
            not_applied: it.verdict.not_applied.clone(),
            rules_changed: self.rules_changed(),
        });
        let questions = store.questions_about(account)?;
        let held: Vec<_> = questions.into_iter().filter(|it| it.state == "open").collect();
        let pins = store.standing_pins(account)?;
        let waiting = self.waiting(link.as_ref());
        let barred = match waiting {
            Some(_) => self.barred(link.as_ref())?,
            None => None,
        };
        let brief = run.map(brief);
        let facts = Facts {
            name: &account.integration,
            launched: self.rules.map(|it| it.row.launched_at.is_some()),
            integration: self.rules.and_then(Rules::integration),
            person: self.person,
            link: link.as_ref(),
            run: brief.as_ref(),
            decision: &decision,
            today: today.as_ref(),
            held: &held,
            waiting,
            barred: barred.as_deref(),
            pins: &pins,
            erased_at: store.erased_at(&account.source_id)?,
            now: self.place.now,
        };
        let next = next::next(&facts);
        let tale = Tale {
            filter: self.filter(link.as_ref(), run, &decision),
            matching: self.matching(looked.as_ref(), link.as_ref())?,
            asked: self.asked(link.as_ref())?,
            account: account.clone(),
            run: brief,
            record: Record { note: which, ..record },
            decision,
            today,
            held,
            waiting,
            pins,
            next,
        };
        Ok((tale, looked))
    }

    /// The record of the run as far as it is kept, and which one it is.
    fn record(&self, link: Option<&LinkState>, run: Option<&RunRow>) -> Result<(Record, String), RunError> {
        let kept = |raw: Option<String>| Record { raw, note: String::new() };
        if let Some(run) = run.filter(|it| it.state == "planned")
            && let Some(raw) = self.place.store.planned_record(run.number, &self.account.source_id)?
        {
            return Ok((kept(Some(raw)), format!("as plan {} read it", run.number)));
        }
        let Some(link) = link else {
            return Ok((
                kept(None),
                "no record is kept of users who are not linked; `--ask` asks the source for it".to_owned(),
            ));
        };
        let Some(raw) = link.raw.clone() else {
            return Ok((kept(None), "no record was kept".to_owned()));
        };
        let last = self.rules.and_then(|it| it.row.applied_run);
        let mut note = match run {
            Some(run) if last.is_some_and(|last| run.number < last) && run.state == "applied" => {
                format!("the latest record: only that is kept, run {} may have read another one", run.number)
            }
            _ => match link.seen_at {
                Some(at) => format!("as an applied run last saw it, {}", day(at)),
                None => "the latest record".to_owned(),
            },
        };
        if let Some(row) = self.row_of(run)
            && row.outcome == Outcome::Failed.name()
        {
            note = "the latest record that could be mapped; the one that failed is not kept".to_owned();
        }
        Ok((kept(Some(raw)), note))
    }

    fn look(&self, raw: Option<&str>) -> Result<Option<Looked>, RunError> {
        match (raw, self.rules) {
            (Some(raw), Some(own)) => own.look(self.place.store, &self.account.source_id, raw),
            _ => Ok(None),
        }
    }

    fn rules_changed(&self) -> bool {
        self.rules.is_some_and(|own| match (&own.terms, &own.row.applied_shape) {
            (Ok(terms), Some(applied)) => terms.shape != *applied,
            _ => false,
        })
    }

    /// What the ledger has about this user in a run.
    fn row_of(&self, run: Option<&RunRow>) -> Option<&ChangeRow> {
        let run = run?;
        let own = |row: &&ChangeRow| {
            row.run == run.number
                && (row.source_id.is_none() || row.source_id.as_deref() == Some(&self.account.source_id))
        };
        self.rows.iter().find(own)
    }

    fn decision(&self, link: Option<&LinkState>, run: Option<&RunRow>) -> Decision {
        let silent = |reason: String| Decision { outcome: None, reason, row: None };
        let Some(run) = run else {
            return silent(format!("`{}` has never run", self.account.integration));
        };
        if let Some(row) = self.row_of(Some(run)) {
            return Decision {
                outcome: Some(row.outcome.clone()),
                reason: row.reason.clone(),
                row: Some(row.clone()),
            };
        }
        match run.state.as_str() {
            "failed" => {
                let error = run.report.as_ref().and_then(|it| it.error.as_deref()).unwrap_or_default();
                let first = error.lines().next().unwrap_or_default();
                return silent(format!("run {} failed before anybody was judged: {first}", run.number));
            }
            "discarded" => return silent(format!("run {} was given up; nobody was changed", run.number)),
            "staging" | "judging" => {
                return silent(format!("run {} is under way, or was interrupted", run.number));
            }
            _ => {}
        }
        if run.integration.is_none() {
            return silent(format!("run {} was made by hand, and did nothing to them", run.number));
        }
        let first = self.rows.iter().rev().find(|row| row.was_applied() && row.integration.is_some());
        if first.is_some_and(|row| row.run > run.number) {
            return silent(format!("run {} had not met them yet", run.number));
        }
        let Some(link) = link else {
            return silent(format!("run {} left no word about them: it did not list them", run.number));
        };
        let last = self.rules.and_then(|it| it.row.applied_run) == Some(run.number);
        if last && link.seen_last {
            return Decision {
                outcome: Some(Outcome::Unchanged.name().to_owned()),
                reason: "nothing differs".to_owned(),
                row: None,
            };
        }
        if last && link.gone {
            return silent(format!("not listed by run {}; their absence was settled before", run.number));
        }
        silent(format!(
            "run {} left no word about them: nothing differed, or they were not listed",
            run.number
        ))
    }

    fn filter(&self, link: Option<&LinkState>, run: Option<&RunRow>, decision: &Decision) -> Filter {
        let text = self.rules.and_then(Rules::integration).and_then(|it| it.filter.clone());
        let listed = match decision.outcome.as_deref() {
            Some("filtered") => return Filter { text, verdict: format!("left out: {}", decision.reason) },
            Some("waiting") => Some(false),
            Some("deactivated" | "kept" | "held") => {
                let evidence = decision.row.as_ref().and_then(|it| it.evidence.as_deref());
                match evidence {
                    Some(evidence) => Some(evidence.contains("\"disabled\"")),
                    None => self.current(run).then_some(link).flatten().map(|it| it.seen_last),
                }
            }
            Some(_) => Some(true),
            None => self.current(run).then_some(link).flatten().map(|it| it.seen_last),
        };
        let through = if text.is_some() { "let through" } else { "everybody is let through" };
        let verdict = match listed {
            Some(true) => format!("{through}: the source listed them"),
            Some(false) => "not listed by the source".to_owned(),
            None => "whether the source listed them then is not kept".to_owned(),
        };
        Filter { text, verdict }
    }

    /// Whether a run is the last applied one, of which the link tells.
    fn current(&self, run: Option<&RunRow>) -> bool {
        let last = self.rules.and_then(|it| it.row.applied_run);
        run.is_some_and(|run| Some(run.number) == last)
    }

    fn matching(&self, looked: Option<&Looked>, link: Option<&LinkState>) -> Result<Matching, RunError> {
        let store = self.place.store;
        let name = |row: i64| -> Result<(String, String), RunError> {
            let person = store.person_of_row(row, &[])?;
            Ok((person.name(), person.uid))
        };
        let mut matching = Matching { decided: store.decision_of(self.account)?, ..Matching::default() };
        if let Some(link) = link {
            matching.linked = Some(name(link.person)?);
            matching.linked_by = self
                .rows
                .iter()
                .rev()
                .find(|row| {
                    row.was_applied()
                        && row.integration.as_deref() == Some(&self.account.integration)
                        && row.source_id.as_deref() == Some(&self.account.source_id)
                })
                .map(|row| (row.run, row.at));
            return Ok(matching);
        }
        for key in looked.map(|it| it.keys.as_slice()).unwrap_or_default() {
            let people: Result<Vec<_>, RunError> = key.people.iter().map(|row| name(*row)).collect();
            matching.keys.push(KeyStory {
                field: key.field.clone(),
                value: key.value.clone(),
                people: people?,
            });
        }
        Ok(matching)
    }

    fn waiting(&self, link: Option<&LinkState>) -> Option<Waiting> {
        let (link, integration) = (link?, self.rules?.integration()?);
        let since = link.absent_since.filter(|_| !link.gone)?;
        let counts = link.absent_runs > 0
            && integration.deactivate
            && integration.on_not_found == Action::Deactivate
            && self.person.is_some_and(|it| it.active);
        counts.then(|| Waiting {
            runs: link.absent_runs,
            of_runs: integration.grace.runs,
            since,
            until: since + i64::from(integration.grace.days) * DAY,
        })
    }

    /// Why a run may not write the status of somebody who is absent, pins aside.
    fn barred(&self, link: Option<&LinkState>) -> Result<Option<String>, RunError> {
        let (Some(link), Some(Ok(terms))) = (link, self.rules.map(|it| it.terms.as_ref())) else {
            return Ok(None);
        };
        let (store, name) = (self.place.store, &self.account.integration);
        if let Some(other) = store.seen_by_others(name, link.person)?.first() {
            return Ok(Some(format!("still seen by {other}")));
        }
        let candidate = store.candidate(name, link.person)?;
        let known = terms.known_person(store, 0, Tie::Linked, &candidate)?;
        Ok(known.status_barred.map(|why| format!("the status is {why}")))
    }

    fn asked(&self, link: Option<&LinkState>) -> Result<Option<Asked>, RunError> {
        let Some(ask) = self.place.ask else { return Ok(None) };
        answer(self.place, self.rules, self.account, self.person, link, ask(self.account)).map(Some)
    }
}

fn brief(run: &RunRow) -> RunBrief {
    RunBrief { number: run.number, kind: run.kind.clone(), state: run.state.clone(), at: run.started_at }
}

/// What a run would make of an answer of the source.
fn answer(
    place: &Place<'_>,
    rules: Option<&Rules<'_>>,
    account: &Account,
    person: Option<&PersonRow>,
    link: Option<&LinkState>,
    told: Result<Presence, String>,
) -> Result<Asked, RunError> {
    let asked = |answer, raw, verdict| Ok(Asked { answer, raw, verdict });
    let integration = rules.and_then(Rules::integration);
    let active = person.is_some_and(|it| it.active);
    let leaves = |action: Option<Action>, then: &str| match (link, integration) {
        (None, _) => "nobody is linked to this user: nothing would change".to_owned(),
        _ if !active => "the person is inactive already: nothing would change".to_owned(),
        (_, Some(it)) if !it.deactivate => "`deactivate` is off: nothing would change".to_owned(),
        _ if action == Some(Action::Keep) => "the rule for this is keep: nothing would change".to_owned(),
        _ => format!("a complete run that does not list them {then}"),
    };
    match told {
        Err(why) => asked("unknown", None, format!("the source gave no answer: {why}")),
        Ok(Presence::Unknown(error)) => {
            let failure = PluginFailure { error, denials: Vec::new(), fault: None };
            asked("unknown", None, format!("the source gave no answer: {failure}"))
        }
        Ok(Presence::Deleted(at)) => {
            let at = at.map(|it| format!(" on {it}")).unwrap_or_default();
            let then = leaves(integration.map(|it| it.on_deleted), "deactivates them at once");
            asked("deleted", None, format!("deleted at the source{at}; {then}"))
        }
        Ok(Presence::NotFound) => {
            let then = leaves(integration.map(|it| it.on_not_found), "counts towards the grace");
            asked("not-found", None, format!("the source does not know this id; {then}"))
        }
        Ok(Presence::Present(user)) => {
            let raw = user.raw;
            let looked = match rules {
                Some(own) => own.look(place.store, &account.source_id, &raw)?,
                None => None,
            };
            let (Some(looked), Some(integration)) = (looked, integration) else {
                return asked("present", Some(raw), "there; the integration's rules cannot be read".into());
            };
            let filter = match &integration.filter {
                Some(filter) => match (user.inside_filter, user.outside_because) {
                    (Some(true), _) => String::new(),
                    (Some(false), Some(why)) => {
                        format!(", but the filter `{filter}` does not let them through: {why}")
                    }
                    (Some(false), None) => format!(", but the filter `{filter}` does not let them through"),
                    (None, _) => format!(", if the filter `{filter}` lets them through"),
                },
                None => String::new(),
            };
            let verdict = &looked.verdict;
            let reason =
                if verdict.reason.is_empty() { String::new() } else { format!(": {}", verdict.reason) };
            asked("present", Some(raw), format!("there; a run would say {}{reason}{filter}", verdict.outcome))
        }
    }
}

/// What can be said of an integration that has not met somebody.
fn unmet(
    place: &Place<'_>,
    own: &Rules<'_>,
    person: Option<&PersonRow>,
    never: Option<&str>,
    run: Option<&RunRow>,
) -> Result<Unseen, RunError> {
    let name = own.row.name.clone();
    let asked = match (place.ask, never) {
        (Some(ask), Some(who)) => {
            let account = Account { integration: name.clone(), source_id: who.to_owned() };
            Some(answer(place, Some(own), &account, None, None, ask(&account))?.verdict)
        }
        _ => None,
    };
    let Some(last) = run.filter(|it| it.integration.as_deref() == Some(&name)).or_else(|| own.last()) else {
        return Ok(Unseen { integration: name, why: "it has never run".to_owned(), asked });
    };
    let mut parts = vec![match (last.state.as_str(), &last.report) {
        ("applied" | "planned", Some(report)) if report.kind.lists() && !report.completeness.complete => {
            format!("not met by run {}, whose listing was incomplete", last.number)
        }
        ("applied" | "planned", _) => format!("not met by run {}", last.number),
        (state, _) => format!("its last run {} is {state}", last.number),
    }];
    let integration = own.integration();
    let missed =
        last.report.as_ref().map_or(0, |it| it.count(Outcome::Failed) + it.count(Outcome::Ambiguous));
    let nameless = never.is_some_and(|who| !is_guid(who)) && missed > 0;
    let whole = last.report.as_ref().is_some_and(|it| it.kind.lists() && it.completeness.complete);
    match integration.map(|it| it.filter.as_deref()) {
        // Of somebody who is known here it is worth saying; of a name that nobody may have it is not so.
        Some(None) if person.is_none() && whole && !nameless => {
            parts.push("there is no filter: the source did not list them".to_owned());
        }
        Some(None) if person.is_none() => parts.push("there is no filter".to_owned()),
        Some(None) => parts.push("there is no filter: it would have let them through".to_owned()),
        Some(Some(filter)) => parts.push(format!(
            "the filter is `{filter}`; whether it would have let them through cannot be told without a record"
        )),
        None => parts.push("its document cannot be read".to_owned()),
    }
    if let (Some(person), Some(integration)) = (person, integration) {
        let keys: Vec<String> = integration
            .match_keys
            .iter()
            .filter_map(|key| Some(format!("{key} `{}`", person.text(key)?)))
            .collect();
        if !keys.is_empty() {
            parts.push(format!("a record with {} is recognised as them", keys.join(" or ")));
        }
    }
    if nameless {
        parts.push(format!(
            "rows that failed or are ambiguous are known by their source id only: `userload runs show {} --all`",
            last.number
        ));
    }
    Ok(Unseen { integration: name, why: parts.join("; "), asked })
}
