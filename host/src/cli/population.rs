//! Who is there, counted by the source itself: how many the filter lets through, of whom it compares an empty
//! property, and who may not be meant. Best effort: what cannot be counted is left out.

use tokio::runtime::Handle;

use super::output::number;
use super::proof::{CheckItem, Verdict, item};
use crate::config::SourceField;
use crate::engine::Connector;
use crate::engine::contract::Source;
use crate::sync::sample::{SAMPLE_USERS, Sample, read_sample};
use crate::sync::{FilterCheck, Progress, Retry, ask};

/// Properties of a filter whose empty values are counted.
const MOST_PROPERTIES: usize = 3;

/// The properties that tell people from mailboxes and services.
const TELLING: [&str; 5] = ["accountEnabled", "givenName", "mail", "surname", "userType"];

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

    /// Everything that counts can say about who is there.
    pub(super) fn population(
        &mut self,
        filter: Option<&FilterCheck>,
        fields: &[SourceField],
    ) -> Vec<CheckItem> {
        let mut items = Vec::new();
        let sent = filter.and_then(|it| it.report.corrected.clone());
        if let (Some(check), Some(sent)) = (filter, &sent) {
            items.extend(self.of_filter(check, sent));
        }
        let also = |more: &str| match &sent {
            Some(sent) => format!("({sent}) and {more}"),
            None => more.to_owned(),
        };
        let people = [
            ("guests", "userType eq 'Guest'", "userType eq 'Member'"),
            ("disabled", "accountEnabled eq false", "accountEnabled eq true"),
        ];
        for (what, those, others) in people {
            if let Some(many) = self.count(Some(also(those))).filter(|many| *many > 0) {
                let help = format!("to leave them out: filter = \"{}\"", also(others));
                items.push(item(
                    what,
                    Verdict::Note,
                    format!("{} would be loaded", number(many)),
                    Some(help),
                ));
            }
        }
        if let Some(sample) = self.sample(fields) {
            items.extend(unlikely(&sample, also));
        }
        items
    }

    fn of_filter(&mut self, check: &FilterCheck, sent: &str) -> Vec<CheckItem> {
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
        let (matched, all) = (self.count(Some(sent.to_owned())), self.count(None));
        if let (Some(matched), Some(all)) = (matched, all) {
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
fn unlikely(sample: &Sample, also: impl Fn(&str) -> String) -> Vec<CheckItem> {
    let people = sample.population;
    let among =
        if sample.whole { String::new() } else { format!(" among the first {}", number(sample.users)) };
    [
        (
            "mailboxes",
            people.mailboxes,
            "look like rooms or shared mailboxes (a mail address, no licence, no sign-in)",
            "accountEnabled eq true",
        ),
        (
            "services",
            people.services,
            "look like service accounts (no first or last name, no mail address)",
            "givenName ne null",
        ),
    ]
    .into_iter()
    .filter(|(_, many, ..)| *many > 0)
    .map(|(what, many, clause, filter)| {
        let help = format!("to leave them out: filter = \"{}\"", also(filter));
        item(what, Verdict::Note, format!("{}{among} {clause}", number(many)), Some(help))
    })
    .collect()
}
