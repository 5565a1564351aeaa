//! Who is there, counted by the source itself: how many the filter lets through, of whom it compares an empty
//! property, and who may not be meant. Best effort: what cannot be counted is left out.

use serde::Serialize;
use tokio::runtime::Handle;
use toml_edit::Value;

use super::output::number;
use super::proof::{CheckItem, Verdict, item};
use crate::config::{Integration, Origin, PathStep, SourceField};
use crate::engine::Connector;
use crate::engine::contract::Source;
use crate::sync::sample::{SAMPLE_USERS, Sample, read_sample};
use crate::sync::{FilterCheck, Progress, Retry, ask};

/// Properties of a filter whose empty values are counted.
const MOST_PROPERTIES: usize = 3;

/// The properties that tell people from mailboxes and services.
const TELLING: [&str; 5] = ["accountEnabled", "givenName", "mail", "surname", "userType"];

/// How many there are, by the source's own count. None = it could not be had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Heads {
    /// Everybody.
    pub(super) all: Option<u64>,
    /// Whom the filter lets through; everybody without one.
    pub(super) loaded: Option<u64>,
    /// Guests among these.
    pub(super) guests: Option<u64>,
    /// Disabled ones among these.
    pub(super) disabled: Option<u64>,
    /// Those among these who have no employee id.
    pub(super) without_employee_id: Option<u64>,
    /// A filter that leaves guests and disabled ones out, where there are any.
    pub(super) proposed: Option<Proposed>,
}

/// A filter that nobody has asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Proposed {
    /// As a document takes it.
    pub(super) filter: String,
    /// How many it would let through.
    pub(super) left: u64,
}

/// A condition on mapped fields, which a document may have in `only-if`, and what it reads: field of people,
/// property of the source. It lets through who has nothing there.
struct After {
    condition: &'static str,
    reads: &'static [(&'static str, &'static str)],
}

const ENABLED: After =
    After { condition: "source_enabled != false", reads: &[("source_enabled", "accountEnabled")] };

const NAMED: After = After {
    condition: "not (given_name is blank and surname is blank and email is blank)",
    reads: &[("given_name", "givenName"), ("surname", "surname"), ("email", "mail")],
};

/// People who may not be meant, and how to leave them out.
struct Group {
    what: &'static str,
    those: &'static str,
    others: &'static str,
    after: After,
    /// Many have no such thing at all: then nothing is said, and no filter proposed.
    optional: bool,
}

const GROUPS: [Group; 3] = [
    Group {
        what: "guests",
        those: "userType eq 'Guest'",
        others: "userType eq 'Member'",
        after: After { condition: "user_type != 'Guest'", reads: &[("user_type", "userType")] },
        optional: false,
    },
    Group {
        what: "disabled",
        those: "accountEnabled eq false",
        others: "accountEnabled eq true",
        after: ENABLED,
        optional: false,
    },
    Group {
        what: "without employee id",
        those: "employeeId eq null",
        others: "employeeId ne null",
        after: After { condition: "employee_id is not blank", reads: &[("employee_id", "employeeId")] },
        optional: true,
    },
];

/// Lines that can be pasted into a document.
struct Lines<'a> {
    /// The filter that the document has.
    sent: Option<&'a str>,
    integration: &'a Integration,
    fields: &'a [SourceField],
}

impl Lines<'_> {
    /// The document's filter, and this.
    fn also(&self, more: &str) -> String {
        match self.sent {
            Some(sent) => format!("({sent}) and {more}"),
            None => more.to_owned(),
        }
    }

    /// Both ways to leave somebody out: at the source, and after the fetch.
    fn help(&self, filter: &str, after: &After) -> String {
        let mut help = format!("to leave them out: filter = {}", Value::from(self.also(filter)));
        let mut to_map = Vec::new();
        for (target, path) in after.reads {
            match self.integration.mapping.iter().find(|rule| rule.target.name == *target) {
                None => {
                    let label = self.fields.iter().find(|it| it.path == *path);
                    to_map.push(format!("{target} = \"{}\"", label.map_or(*path, |it| it.label.as_str())));
                }
                Some(rule) if rule.origin == Origin::Source(vec![PathStep::Key((*path).to_owned())]) => {}
                // Filled from elsewhere, it says nothing about this property.
                Some(_) => return help,
            }
        }
        let condition = match &self.integration.only_if {
            Some(only_if) => format!("({only_if}) and {}", after.condition),
            None => after.condition.to_owned(),
        };
        help.push_str(&format!("\nor, after the fetch: only-if = {}", Value::from(condition)));
        if !to_map.is_empty() {
            help.push_str(&format!("\n  and in [mapping]: {}", to_map.join(", ")));
        }
        help
    }
}

/// Asks the source for counts.
pub(super) struct Counter<'a> {
    pub(super) net: &'a Handle,
    pub(super) connector: &'a mut Connector,
    pub(super) source: &'a Source,
    pub(super) progress: &'a dyn Progress,
}

impl Counter<'_> {
    fn count(&mut self, filter: Option<String>) -> Option<u64> {
        let source = Source { filter, ..self.source.clone() };
        let connector = &mut *self.connector;
        let asked = ask(self.net, &mut Retry::default(), "counting users", self.progress, async || {
            connector.count_users(&source).await
        });
        asked.ok().flatten()
    }

    /// Everything that counts can say about who is there. `sample` spares a look at the first users.
    pub(super) fn population(
        &mut self,
        filter: Option<&FilterCheck>,
        integration: &Integration,
        fields: &[SourceField],
        sample: Option<&Sample>,
    ) -> (Vec<CheckItem>, Heads) {
        let mut items = Vec::new();
        let sent = filter.and_then(|it| it.report.corrected.clone());
        let mut heads = Heads { all: self.count(None), ..Heads::default() };
        heads.loaded = match &sent {
            Some(sent) => self.count(Some(sent.clone())),
            None => heads.all,
        };
        if let (Some(check), Some(_)) = (filter, &sent) {
            items.extend(self.of_filter(check, &heads));
        }
        let lines = Lines { sent: sent.as_deref(), integration, fields };
        let mut others = Vec::new();
        for group in &GROUPS {
            let many = self.count(Some(lines.also(group.those)));
            match group.what {
                "guests" => heads.guests = many,
                "disabled" => heads.disabled = many,
                _ => heads.without_employee_id = many,
            }
            // Where nobody has one, it is not used, and nobody is missing it.
            if many.is_none_or(|many| many == 0) || (group.optional && many == heads.loaded) {
                continue;
            }
            if !group.optional {
                others.push(group.others);
            }
            let left = self.count(Some(lines.also(group.others)));
            let left = left.map(|it| format!("; {} without them", number(it))).unwrap_or_default();
            let said = format!("{} would be loaded{left}", number(many.unwrap_or(0)));
            items.push(item(group.what, Verdict::Note, said, Some(lines.help(group.others, &group.after))));
        }
        if !others.is_empty() {
            let filter = lines.also(&others.join(" and "));
            heads.proposed = self.count(Some(filter.clone())).map(|left| Proposed { filter, left });
        }
        if let Some(proposed) = heads.proposed.as_ref().filter(|_| others.len() > 1) {
            let said = format!("{} without both", number(proposed.left));
            let help = format!("to leave both out: filter = {}", Value::from(proposed.filter.as_str()));
            items.push(item("guests and disabled", Verdict::Note, said, Some(help)));
        }
        let read = if sample.is_none() { self.sample(fields) } else { None };
        if let Some(sample) = sample.or(read.as_ref()) {
            items.extend(unlikely(sample, &lines));
        }
        (items, heads)
    }

    fn of_filter(&mut self, check: &FilterCheck, heads: &Heads) -> Vec<CheckItem> {
        let mut items = Vec::new();
        if let Some(instead) = check.sent_instead() {
            items.push(item("filter", Verdict::Note, format!("is sent as {instead}"), None));
        }
        for warning in check.warnings() {
            items.push(item(
                "filter",
                Verdict::Note,
                format!("may not mean what it should\n{warning}"),
                None,
            ));
        }
        if let (Some(matched), Some(all)) = (heads.loaded, heads.all) {
            let verdict = if matched == 0 { Verdict::Note } else { Verdict::Ok };
            let said = format!("lets {} of {} users through", number(matched), number(all));
            items.push(item("filter", verdict, said, None));
        }
        let plain = check.report.properties.iter().filter(|it| !it.contains('/'));
        for property in plain.take(MOST_PROPERTIES) {
            if let Some(many) = self.count(Some(format!("{property} eq null"))).filter(|many| *many > 0) {
                let said = format!("{} users have no {property}", number(many));
                let help = format!("add `or {property} eq null` to the filter when they are meant as well");
                items.push(item("filter", Verdict::Note, said, Some(help)));
            }
        }
        if check.report.advanced {
            let said = "it is an advanced query: the source answers from a copy that may be minutes behind";
            items.push(item("filter", Verdict::Note, said, None));
        }
        items
    }

    fn sample(&mut self, fields: &[SourceField]) -> Option<Sample> {
        let telling: Vec<SourceField> =
            fields.iter().filter(|it| TELLING.contains(&it.path.as_str())).cloned().collect();
        read_sample(self.net, self.connector, self.source, &telling, SAMPLE_USERS, self.progress).ok()
    }
}

/// Who is likely to be no person. Nobody is left out for it: it is for the operator to say.
fn unlikely(sample: &Sample, lines: &Lines<'_>) -> Vec<CheckItem> {
    let people = sample.population;
    let among =
        if sample.whole { String::new() } else { format!(" among the first {}", number(sample.users)) };
    let mut items = Vec::new();
    let mut kinds = format!("{} members, {} guests", number(people.members), number(people.guests));
    if people.untyped > 0 {
        kinds.push_str(&format!(", {} of no type", number(people.untyped)));
    }
    if let Some(unlicensed) = people.unlicensed {
        kinds.push_str(&format!("; {} enabled members have no licence", number(unlicensed)));
    }
    items.push(item("kinds", Verdict::Ok, format!("{kinds}{among}"), None));
    if people.mailboxes > 0 {
        let clause = "look like rooms or shared mailboxes (a mail address, no licence, no sign-in)";
        let said = format!("{}{among} {clause}", number(people.mailboxes));
        // No filter tells them from people who were disabled.
        let help = format!(
            "all of them are disabled: what leaves out the disabled{} leaves them out too",
            match people.disabled {
                0 => String::new(),
                disabled => format!(" ({}{among})", number(disabled)),
            }
        );
        items.push(item("mailboxes", Verdict::Note, said, Some(help)));
    }
    if people.services > 0 {
        let clause = "look like service accounts (no first or last name, no mail address)";
        let said = format!("{}{among} {clause}", number(people.services));
        items.push(item("services", Verdict::Note, said, Some(lines.help("givenName ne null", &NAMED))));
    }
    items
}
