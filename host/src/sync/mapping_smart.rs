//! A mapping that is proposed from what a sample shows: names, types and values.

use serde::Serialize;

use super::sample::{FieldSample, Sample, prevailing};
use crate::config::SourceField;
use crate::engine::contract::Suggestion;
use crate::model::{CONNECTOR_SYNC_TIME, Filled, Targets, ValueType};

/// How sure a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Look at it before you take it.
    Low,
    /// Likely.
    Medium,
    /// Name, type and values agree.
    High,
}

impl Confidence {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A field of the source for a field of people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// The field of people.
    pub target: String,
    /// The property.
    pub source: String,
    /// As the vendor's page calls it: what a document may say as well.
    pub label: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why.
    pub reason: String,
    /// How many of the sample have a value, in percent. None for the stamp of the run.
    pub fill_rate: Option<f64>,
    /// How many different values there are in the sample.
    pub distinct: Option<u64>,
    /// It stands in the proposed mapping: a field that nobody fills does not.
    pub taken: bool,
}

/// What is said about a field by which people could be recognised.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyAdvice {
    /// The field of people.
    pub target: String,
    /// It stands in the proposed `match-keys`.
    pub taken: bool,
    /// The facts, and what follows.
    pub advice: String,
}

/// A proposed mapping.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmartMapping {
    /// In the order in which people are shown.
    pub proposals: Vec<Proposal>,
    /// The match keys, the best first.
    pub keys: Vec<KeyAdvice>,
}

impl SmartMapping {
    /// The names of the proposed match keys, in order.
    #[must_use]
    pub fn match_keys(&self) -> Vec<&str> {
        self.keys.iter().filter(|key| key.taken).map(|key| key.target.as_str()).collect()
    }
}

/// Proposes a mapping.
#[must_use]
pub fn propose(
    sample: &Sample,
    suggestions: &[Suggestion],
    fields: &[SourceField],
    targets: &Targets,
) -> SmartMapping {
    let mut proposals: Vec<Proposal> = targets
        .iter()
        .filter(|target| target.filled == Filled::ByMapping)
        .filter_map(|target| {
            if target.name == CONNECTOR_SYNC_TIME {
                return stamp(fields);
            }
            let suggested = suggestions.iter().find(|it| it.target == target.name);
            let field = suggested.and_then(|it| sample.field(&it.source));
            let named = || sample.fields.iter().find(|it| same(&it.path, &target.name));
            let field = field.or_else(named)?;
            Some(judge(sample, field, &target.name, &target.label, target.value_type, suggested.is_some()))
        })
        .collect();
    prefer_mail(sample, &mut proposals);
    let keys = keys(sample, &proposals, targets);
    SmartMapping { proposals, keys }
}

fn stamp(fields: &[SourceField]) -> Option<Proposal> {
    let field = fields.iter().find(|it| it.synthetic)?;
    Some(Proposal {
        target: CONNECTOR_SYNC_TIME.to_owned(),
        source: field.path.clone(),
        label: field.label.clone(),
        confidence: Confidence::High,
        reason: "the time of the run, set by userload".to_owned(),
        fill_rate: None,
        distinct: None,
        taken: true,
    })
}

/// Whether two names are one but for their spelling: `jobTitle`, `job_title`, `Job title`.
fn same(one: &str, two: &str) -> bool {
    let plain = |it: &str| -> String {
        it.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    plain(one) == plain(two)
}

fn judge(
    sample: &Sample,
    field: &FieldSample,
    target: &str,
    label: &str,
    wanted: ValueType,
    suggested: bool,
) -> Proposal {
    let named = same(&field.path, target) || same(&field.label, label) || same(&field.label, target);
    let mut reasons = Vec::new();
    if named {
        reasons.push("same name".to_owned());
    } else if suggested {
        reasons.push("the plugin suggests it".to_owned());
    }
    let fits =
        field.value_type == wanted || (field.value_type == ValueType::Time && wanted == ValueType::Text);
    if !fits {
        reasons.push("another type".to_owned());
    }
    let look = prevailing(field);
    let expected = match target {
        "email" | "username" => Some("mail addresses"),
        "mobile_phone" | "fax_number" => Some("phone numbers"),
        "source_id" => Some("GUIDs"),
        "hire_date" | "created_at" | "password_changed_at" => Some("times"),
        _ => None,
    };
    let looks_right = match (expected, look) {
        (Some(expected), Some((found, share))) => {
            reasons.push(format!("values look like {found}: {share:.0}%"));
            Some(expected == found && share >= 80.0)
        }
        (Some(expected), None) if field.filled > 0 => {
            reasons.push(format!("values do not look like {expected}"));
            Some(false)
        }
        _ => None,
    };
    let fill = sample.fill_rate(field);
    if field.filled == 0 {
        reasons.push("nobody in the sample has a value".to_owned());
    } else if field.distinct == 1 && sample.users > 1 {
        reasons.push("everybody who has one has the same value".to_owned());
    }
    let confidence = if !fits || field.filled == 0 || looks_right == Some(false) {
        Confidence::Low
    } else if fill >= 50.0 && (named || looks_right == Some(true)) {
        Confidence::High
    } else if fill >= 5.0 || looks_right == Some(true) {
        Confidence::Medium
    } else {
        Confidence::Low
    };
    Proposal {
        target: target.to_owned(),
        source: field.path.clone(),
        label: field.label.clone(),
        confidence,
        reason: reasons.join("; "),
        fill_rate: Some(fill),
        distinct: Some(field.distinct),
        taken: fits && (field.filled > 0 || sample.users == 0),
    }
}

/// Many tenants leave `mail` empty; then the sign-in name is the better address, when it looks like one.
fn prefer_mail(sample: &Sample, proposals: &mut [Proposal]) {
    let (Some(mail), Some(upn)) = (sample.field("mail"), sample.field("userPrincipalName")) else { return };
    let Some(email) = proposals.iter_mut().find(|it| it.target == "email") else { return };
    let looks = prevailing(upn).is_some_and(|(look, share)| look == "mail addresses" && share >= 95.0);
    if sample.users > 0 && sample.fill_rate(mail) < 20.0 && looks {
        email.reason = format!(
            "only {:.0}% have `mail`; the sign-in name looks like an address",
            sample.fill_rate(mail)
        );
        email.source.clone_from(&upn.path);
        email.label.clone_from(&upn.label);
        email.fill_rate = Some(sample.fill_rate(upn));
        email.distinct = Some(upn.distinct);
        email.confidence = Confidence::Medium;
        email.taken = true;
    }
}

/// What the facts say about each field by which people can be recognised: the unique and full ones first.
fn keys(sample: &Sample, proposals: &[Proposal], targets: &Targets) -> Vec<KeyAdvice> {
    let mut found: Vec<(bool, f64, KeyAdvice)> = Vec::new();
    for target in targets.keys() {
        let Some(proposal) = proposals.iter().find(|it| it.target == target.name) else { continue };
        let Some(field) = sample.field(&proposal.source) else { continue };
        let fill = sample.fill_rate(field);
        let empty = sample.users.saturating_sub(field.filled);
        let shared = field.filled.saturating_sub(field.distinct);
        let percent = |part: u64| super::sample::share(part, sample.users);
        let (taken, advice) = if field.filled == 0 {
            (false, "nobody has one: of no use".to_owned())
        } else if shared > 0 {
            let text = format!(
                "not unique: {shared} of {} share their value with somebody; such records would be ambiguous",
                field.filled
            );
            // A few doubles do not spoil a key; many do.
            (super::sample::share(shared, field.filled) < 1.0, text)
        } else if empty == 0 {
            (true, "unique, and everybody has one".to_owned())
        } else {
            let text =
                format!("unique, but {:.0}% are empty: use it after one that everybody has", percent(empty));
            (true, text)
        };
        let advice = KeyAdvice { target: target.name.to_string(), taken, advice };
        found.push((taken && shared == 0, fill, advice));
    }
    found.sort_by(|one, two| two.0.cmp(&one.0).then(two.1.total_cmp(&one.1)));
    found.into_iter().map(|(.., advice)| advice).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::Observer;
    use super::*;
    use crate::config::seed_fields;

    fn sample(users: &[String]) -> Sample {
        let mut observer = Observer::new(&seed_fields());
        users.iter().for_each(|user| observer.add(user));
        let (users, fields, population) = observer.finish();
        Sample { users, total: None, whole: true, fields, population, records: Vec::new() }
    }

    fn suggestions() -> Vec<Suggestion> {
        [
            ("userPrincipalName", "username"),
            ("mail", "email"),
            ("displayName", "display_name"),
            ("employeeId", "employee_id"),
            ("mobilePhone", "mobile_phone"),
            ("department", "department"),
        ]
        .map(|(source, target)| Suggestion { source: source.to_owned(), target: target.to_owned() })
        .into()
    }

    fn user(number: usize, mail: &str, id: &str) -> String {
        format!(
            r#"{{"userPrincipalName":"u{number}@contoso.example","mail":{mail},"employeeId":{id},
            "displayName":"User {number}","mobilePhone":"x{number}"}}"#
        )
    }

    #[test]
    fn facts_decide() {
        let users: Vec<String> = (0..100)
            .map(|n| {
                let id = if n < 93 { format!("\"{n:05}\"") } else { "null".to_owned() };
                user(n, &format!("\"m{n}@contoso.example\""), &id)
            })
            .collect();
        let smart = propose(&sample(&users), &suggestions(), &seed_fields(), &Targets::built_in());
        let of = |target: &str| smart.proposals.iter().find(|it| it.target == target).unwrap();
        assert_eq!(of("email").confidence, Confidence::High);
        assert_eq!(of("email").reason, "the plugin suggests it; values look like mail addresses: 100%");
        assert_eq!(of("display_name").reason, "same name");
        assert_eq!(of("mobile_phone").confidence, Confidence::Low);
        assert!(of("mobile_phone").reason.contains("do not look like phone numbers"));
        assert!(!of("department").taken, "nobody has one");
        assert!(of("connector_sync_time").taken);
        assert_eq!(smart.match_keys(), ["username", "email", "employee_id"]);
        let id = smart.keys.iter().find(|it| it.target == "employee_id").unwrap();
        assert_eq!(id.advice, "unique, but 7% are empty: use it after one that everybody has");
    }

    #[test]
    fn doubles_spoil_a_key_and_an_empty_mail_is_replaced() {
        let users: Vec<String> = (0..10).map(|n| user(n, "null", "\"7\"")).collect();
        let smart = propose(&sample(&users), &suggestions(), &seed_fields(), &Targets::built_in());
        let email = smart.proposals.iter().find(|it| it.target == "email").unwrap();
        assert_eq!((email.source.as_str(), email.confidence), ("userPrincipalName", Confidence::Medium));
        let id = smart.keys.iter().find(|it| it.target == "employee_id").unwrap();
        assert!(!id.taken && id.advice.starts_with("not unique: 9 of 10"), "{id:?}");
    }
}
