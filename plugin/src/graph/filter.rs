//! A filter is sent as it was typed, but for what can only mean one thing (a label, curly quotes). It is read
//! to refuse what Graph would refuse with words that help nobody, to see whether it needs an advanced query
//! (`ConsistencyLevel: eventual` and `$count=true`), and to judge a record by it. When unsure: let it pass,
//! and ask advanced.

use crate::bindings::exports::userload::directory::connector::{
    FilterFinding, FilterReport, Source, Weight as WireWeight,
};
use crate::bindings::userload::directory::types::SettingProblem;
use crate::error::problem;
use crate::graph::filter_expr::{Expr, Function, Operator, Value};
use crate::graph::filter_note::{Note, Notes, Weight};
use crate::graph::filter_parse::{Parsed, parse};
use crate::graph::filter_rules::{self as rules, Test};
use crate::graph::url;
use crate::settings::{DEFAULT_DOMAIN, DOMAIN};

/// Default-mode limits: alternatives, nesting, length of a value
/// (<https://learn.microsoft.com/graph/known-issues>, and the service's own messages).
const ALTERNATIVES: usize = 15;
const DEPTH: usize = 3;
const VALUE_CHARS: usize = 120;

/// Longer than any URL; it bounds what hostile input costs.
const MOST_BYTES: usize = 32 * 1024;

/// A filter that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// As it is sent.
    pub(crate) text: String,
    /// It works as an advanced query only, or may.
    pub(crate) advanced: bool,
    /// It looks at the sign-in activity, which is read in smaller pages.
    pub(crate) sign_in: bool,
    /// What it says.
    pub(crate) expr: Expr,
}

impl Filter {
    /// The properties to read with a user so that the filter can be judged by it. None of those that another
    /// store holds: they need a permission of their own.
    pub(crate) fn selection(&self) -> Vec<String> {
        let properties = self.expr.properties().into_iter().filter(|it| !rules::of_sign_in(it));
        properties.map(|it| it.split('/').next().unwrap_or_default().to_owned()).collect()
    }
}

/// What reading a filter came to.
pub(crate) struct Checked {
    notes: Notes,
    /// What to send; with something refused, what to propose.
    corrected: Option<String>,
    /// None when something is refused, and for everybody.
    filter: Option<Filter>,
}

/// Checks a filter. `Default`, in any case, is what the vendor's page tells people to type for "everybody".
pub(crate) fn check(filter: Option<&str>) -> Result<Option<Filter>, SettingProblem> {
    let text = filter.unwrap_or_default().trim();
    let checked = read(text);
    match checked.notes.0.iter().find(|note| note.weight == Weight::Refused) {
        None => Ok(checked.filter),
        Some(note) => {
            let column = text.get(..note.span.start).unwrap_or(text).chars().count() + 1;
            let instead = checked.corrected.map(|it| format!("; did you mean: {it}")).unwrap_or_default();
            Err(problem("filter", format!("column {column}: {}{instead}", note.text)))
        }
    }
}

/// Checks a filter, and says everything that is to be said about it.
pub fn check_filter(source: &Source) -> FilterReport {
    let given = source.filter.as_deref().unwrap_or_default();
    let mut checked = read(given);
    if let Some(filter) = &checked.filter {
        let domain = source.settings.iter().find(|it| it.name == DOMAIN).map(|it| it.value.as_str());
        let domain = domain.unwrap_or(DEFAULT_DOMAIN).trim_end_matches('/');
        let select = url::select(&source.select).unwrap_or_default();
        if let Err(long) = url::first_page(domain, &select, source.page_size.clamp(1, 999), Some(filter)) {
            checked.notes.add(Note::refused(0..given.len(), long.problem));
            checked.filter = None;
            checked.corrected = None;
        }
    }
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut notes = checked.notes.0;
    notes.sort_by_key(|note| note.span.start);
    let findings = notes.into_iter().map(|note| FilterFinding {
        weight: match note.weight {
            Weight::Corrected => WireWeight::Corrected,
            Weight::Suspicious => WireWeight::Suspicious,
            Weight::Refused => WireWeight::Refused,
        },
        start: place(note.span.start),
        end: place(note.span.end),
        text: note.text,
    });
    let properties = checked.filter.as_ref().map(|it| it.expr.properties()).unwrap_or_default();
    FilterReport {
        findings: findings.collect(),
        advanced: checked.filter.as_ref().is_some_and(|it| it.advanced),
        properties: properties.into_iter().map(str::to_owned).collect(),
        corrected: checked.corrected,
    }
}

/// Reads a filter, and its correction once more: what is sent or proposed is clean.
fn read(given: &str) -> Checked {
    let mut notes = Notes::default();
    let text = given.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("default") {
        return Checked { notes, corrected: None, filter: None };
    }
    if given.len() > MOST_BYTES {
        let text = format!("{} bytes are more than any URL has", given.len());
        notes.add(Note::refused(0..given.len(), text));
        return Checked { notes, corrected: None, filter: None };
    }
    if strsim::damerau_levenshtein(&text.to_lowercase(), "default") <= 2 {
        notes.add(Note::refused(0..given.len(), "did you mean `Default`, which reads everybody?"));
        return Checked { notes, corrected: Some("Default".to_owned()), filter: None };
    }
    let parsed = parse(given, &mut notes);
    let corrected = notes.corrected(given);
    let clean = corrected.as_deref().and_then(|corrected| {
        let mut again = Notes::default();
        let parsed = parse(corrected, &mut again)?;
        let settled = again.0.iter().all(|note| note.weight == Weight::Suspicious);
        settled.then(|| filter(parsed, corrected))
    });
    let corrected = clean.as_ref().and(corrected);
    match clean {
        Some(Ok(filter)) => {
            let filter = (!notes.refused()).then_some(filter);
            Checked { notes, corrected, filter }
        }
        Some(Err(note)) => {
            notes.add(note.at(0..given.len()));
            Checked { notes, corrected: None, filter: None }
        }
        None => {
            if !notes.refused() {
                let why = if parsed.is_some() { "it cannot be corrected" } else { "it cannot be read" };
                notes.add(Note::refused(0..given.len(), why));
            }
            Checked { notes, corrected: None, filter: None }
        }
    }
}

/// What was read as a filter to send; or why it cannot be sent as a whole.
fn filter(parsed: Parsed, text: &str) -> Result<Filter, Note> {
    let Parsed { expr, unsure, brackets } = parsed;
    let mut seen = Seen { advanced: unsure, ..Seen::default() };
    expr.each(&mut |part| seen.part(part));
    if seen.sign_in && seen.comparisons > 1 {
        let text = "Graph combines `signInActivity` with no other property; expected it alone";
        return Err(Note::refused(0..0, text));
    }
    let advanced = seen.advanced
        || (seen.alternatives > ALTERNATIVES && seen.branches)
        || expr.height().max(brackets) > DEPTH
        || seen.longest > VALUE_CHARS;
    Ok(Filter { text: text.to_owned(), advanced: advanced && !seen.sign_in, sign_in: seen.sign_in, expr })
}

/// What a filter is made of.
#[derive(Default)]
struct Seen {
    advanced: bool,
    sign_in: bool,
    comparisons: usize,
    /// Comparisons, each value of a list one.
    alternatives: usize,
    /// There is an `or` or a list.
    branches: bool,
    longest: usize,
}

impl Seen {
    fn part(&mut self, part: &Expr) {
        match part {
            Expr::All(_) => {}
            Expr::Any(_) => self.branches = true,
            Expr::Not(_) | Expr::Opaque(_) => {
                self.advanced = true;
                self.comparisons += usize::from(matches!(part, Expr::Opaque(_)));
            }
            Expr::Compare { property, operator, value } => {
                let test = match (operator, value) {
                    (_, Value::Null) => Test::Other,
                    (Operator::Eq, _) => Test::Equal,
                    (Operator::Ge | Operator::Le, _) => Test::Bound,
                    _ => Test::Other,
                };
                self.compared(property, test, std::slice::from_ref(value));
            }
            Expr::In { property, values } => {
                self.branches = true;
                self.advanced |= values.contains(&Value::Null);
                self.compared(property, Test::In, values);
            }
            Expr::Function { function, property, text } => {
                let test = match function {
                    Function::StartsWith => Test::StartsWith,
                    Function::EndsWith => Test::Other,
                };
                self.longest = self.longest.max(text.chars().count());
                self.compared(property, test, &[Value::Null]);
            }
        }
    }

    fn compared(&mut self, property: &str, test: Test, values: &[Value]) {
        self.comparisons += 1;
        self.alternatives += values.len();
        self.sign_in |= rules::of_sign_in(property);
        self.advanced |= !rules::by_default(property, test);
        for value in values {
            if let Value::Text(text) = value {
                self.longest = self.longest.max(text.chars().count());
            }
        }
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
