//! The same with our own host.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use userload::capabilities::{Log, LogLimits, SecretSet};
use userload::engine::contract::{
    AbsentPerson, BadRecord, BarredField, CandidateSet, DeactivatedBy, Decision, Evidence, Incoming,
    KnownPerson, MappedRecord, Situation, Tie,
};
use userload::engine::{Engine, EngineOptions, Plugin, Transformer};

use crate::{Fixture, object};

pub(crate) fn run(component: &Path, fixture: &Fixture) -> Result<Value> {
    let bytes = std::fs::read(component).with_context(|| format!("reading `{}`", component.display()))?;
    let plugin = Plugin::load(&Engine::new(EngineOptions::default())?, &bytes)?;
    let mut transformer = Transformer::new(&plugin, Log::new(LogLimits::default(), SecretSet::none()));
    let (mut mapped, mut present) = (Vec::new(), Vec::new());
    for raw in &fixture.records {
        match transformer.map_record(&fixture.mapping, raw)? {
            Ok(record) => {
                mapped.push(json!({"ok": of_record(&record)}));
                let known = fixture.known["present"].get(&record.id).and_then(Value::as_array);
                let known = known.into_iter().flatten().map(person).collect::<Result<_>>()?;
                present.push(CandidateSet { incoming: record, known });
            }
            Err(bad) => mapped.push(json!({"err": of_bad(&bad)})),
        }
    }
    let absent = fixture.known["absent"].as_array().into_iter().flatten();
    let absent = absent.map(|it| {
        Ok(AbsentPerson {
            id: text(it, "id")?,
            known: person(&it["known"])?,
            evidence: evidence(&it["evidence"])?,
        })
    });
    let incoming = Incoming { present, absent: absent.collect::<Result<_>>()? };
    let decided = transformer.reconcile(&fixture.policy, &incoming)?;
    let decided: Vec<Value> = decided.iter().map(of_decision).collect();
    Ok(json!({"mapped": mapped, "decided": {"ok": decided}}))
}

fn text(value: &Value, field: &str) -> Result<String> {
    value[field].as_str().map(str::to_owned).with_context(|| format!("`{field}` is no text in {value}"))
}

fn flag(value: &Value, field: &str) -> Result<bool> {
    value[field].as_bool().with_context(|| format!("`{field}` is no flag in {value}"))
}

fn person(given: &Value) -> Result<KnownPerson> {
    let barred = given["barred"].as_array().into_iter().flatten();
    let barred = barred.map(|it| Ok(BarredField { field: text(it, "field")?, reason: text(it, "reason")? }));
    Ok(KnownPerson {
        person: u32::try_from(given["person"].as_u64().context("`person` is no number")?)?,
        tie: match &given["tie"] {
            Value::String(tie) if tie == "linked" => Tie::Linked,
            Value::String(tie) if tie == "decided" => Tie::Decided,
            tie => Tie::Matched(text(tie, "matched")?),
        },
        active: flag(given, "active")?,
        inactive_since: match given["inactive-since"].as_str() {
            None => None,
            Some("this-integration") => Some(DeactivatedBy::ThisIntegration),
            Some("another-integration") => Some(DeactivatedBy::AnotherIntegration),
            Some("a-person") => Some(DeactivatedBy::APerson),
            Some(other) => bail!("`inactive-since` is `{other}`"),
        },
        was_enabled: given["was-enabled"].as_bool(),
        was_absent: flag(given, "was-absent")?,
        status_barred: given["status-barred"].as_str().map(str::to_owned),
        barred: barred.collect::<Result<_>>()?,
        fields: text(given, "fields")?,
    })
}

fn evidence(given: &Value) -> Result<Evidence> {
    Ok(match given {
        Value::String(_) => Evidence::Removed,
        it if it.get("deleted").is_some() => Evidence::Deleted(Some(text(it, "deleted")?)),
        it if it.get("not-found").is_some() => Evidence::NotFound(flag(it, "not-found")?),
        it => Evidence::LeftFilter(text(it, "left-filter")?),
    })
}

fn of_record(record: &MappedRecord) -> Value {
    object([
        ("id", Some(record.id.as_str().into())),
        ("enabled", record.enabled.map(Value::from)),
        ("fields", Some(record.fields.as_str().into())),
        ("filtered", record.filtered.clone().map(Value::from)),
    ])
}

fn of_bad(bad: &BadRecord) -> Value {
    object([
        ("id", bad.id.clone().map(Value::from)),
        ("field", bad.field.clone().map(Value::from)),
        ("reason", Some(bad.reason.as_str().into())),
    ])
}

fn of_decision(decision: &Decision) -> Value {
    let differences = decision.differences.iter().map(|it| {
        object([
            ("field", Some(it.field.as_str().into())),
            ("before", it.before.clone().map(Value::from)),
            ("after", it.after.clone().map(Value::from)),
        ])
    });
    object([
        ("person", decision.person.map(Value::from)),
        ("situation", Some(situation(decision.situation).into())),
        ("active", decision.active.map(Value::from)),
        ("reason", Some(decision.reason.as_str().into())),
        ("differences", Some(differences.collect())),
        ("not-applied", Some(decision.not_applied.clone().into())),
    ])
}

fn situation(it: Situation) -> &'static str {
    match it {
        Situation::Create => "create",
        Situation::Unchanged => "unchanged",
        Situation::Update => "update",
        Situation::Rename => "rename",
        Situation::Adopt => "adopt",
        Situation::Reactivate => "reactivate",
        Situation::Deactivate => "deactivate",
        Situation::Ambiguous => "ambiguous",
        Situation::Wait => "wait",
        Situation::Keep => "keep",
        Situation::Skip => "skip",
        Situation::Filtered => "filtered",
    }
}
