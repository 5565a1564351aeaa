//! `people erase` and `unerase`: a person and everything that tells of them goes; that there was one stays.

use std::collections::BTreeSet;

use rusqlite::{Transaction, TransactionBehavior, params};
use serde_json::Value;

use super::erase_managers::{Names, forget};
use super::{Hand, Order, Present, Row, still_there};
use crate::model::{Millis, Outcome, fold_key};
use crate::store::runs::discard_open;
use crate::store::{Result, Store, StoreError, fields};
use crate::sync::{RunKind, RunReport};

/// Stands where a value or a name was.
const ERASED: &str = "(erased)";

/// Texts shorter than this are only erased from reports where they are the whole text.
const TELLING: usize = 5;

impl Store {
    /// Erases a person: keys, links, raw documents, locks, pins, holds; values in the ledger and names in reports;
    /// the name where others have it for their manager's. Their users at the source get tombstones, so that no run makes them again.
    ///
    /// The second value tells whether the file was swept as well: it is not while another process has it open.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was changed then.
    pub fn erase_person(&mut self, person: i64, now: Millis) -> Result<(RunReport, bool)> {
        let report = self.erase(person, now)?;
        // Pages that were freed, now or years ago, still have the old texts; so has the log beside the file.
        let swept = self.sql.execute_batch("VACUUM").is_ok()
            && self
                .sql
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
                .is_ok_and(|busy| busy == 0);
        Ok((report, swept))
    }

    fn erase(&mut self, person: i64, now: Millis) -> Result<RunReport> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Hand, now)?;
        let present = still_there(&hand, person)?;
        let links = hand.links(person)?;
        let ids: BTreeSet<String> = former_ids(&hand, person)?
            .into_iter()
            .chain(links.iter().map(|link| link.source_id.clone()))
            .collect();
        // Whatever is staged may hold the person, be it as somebody whom an integration has not linked.
        let integrations: Vec<String> = tx
            .prepare("SELECT name FROM integration WHERE tenant = ?1")?
            .query_map([hand.tenant], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for integration in &integrations {
            discard_open(&tx, hand.tenant, integration, now)?;
        }
        let all = merged_into(&tx, &present.uid, person)?;
        let mut managers = names(&hand, &present, &all, &NAMED)?;
        leave_to_others(&hand, person, &mut managers)?;
        let names = names(&hand, &present, &all, &TELL)?;
        reports(&hand, &all, &ids, &names)?;
        for id in &ids {
            tx.execute(
                "INSERT INTO tombstone (tenant, source_id, uid, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (tenant, source_id) DO UPDATE SET uid = excluded.uid, at = excluded.at",
                params![hand.tenant, id, present.uid, now],
            )?;
            let nobody =
                "UPDATE change SET fields = NULL, differences = NULL, not_applied = NULL, reason = ?3
                          WHERE tenant = ?1 AND source_id = ?2 AND person IS NULL";
            tx.execute(nobody, params![hand.tenant, id, ERASED])?;
            for table in ["saas_user", "saas_change", "saas_pin"] {
                let sql = format!(
                    "DELETE FROM {table} WHERE source_id = ?2
                       AND application IN (SELECT id FROM saas_application WHERE tenant = ?1)"
                );
                tx.execute(&sql, params![hand.tenant, id])?;
            }
            for table in ["hold", "pin", "decision"] {
                let sql = format!("DELETE FROM {table} WHERE tenant = ?1 AND source_id = ?2");
                tx.execute(&sql, params![hand.tenant, id])?;
            }
        }
        for sql in [
            "DELETE FROM document WHERE id IN (SELECT document FROM link WHERE person = ?1
               UNION ALL SELECT document FROM former_link WHERE person = ?1)",
            "DELETE FROM link WHERE person = ?1",
            "DELETE FROM former_link WHERE person = ?1",
            "DELETE FROM hold WHERE person = ?1",
            "DELETE FROM pin WHERE person = ?1",
            "DELETE FROM decision WHERE person = ?1",
        ] {
            tx.execute(sql, [person])?;
        }
        for person in all {
            tx.execute(
                "UPDATE change SET fields = CASE WHEN fields IS NULL THEN NULL ELSE '{}' END, differences = NULL,
                   not_applied = NULL, reason = ?2, mapped = NULL,
                   evidence = CASE WHEN evidence IS NULL THEN NULL
                              ELSE json_object('kind', json_extract(evidence, '$.kind')) END
                 WHERE person = ?1",
                params![person, ERASED],
            )?;
        }
        hand.remove(person)?;
        forget(&hand, &Names::new(managers.iter().map(String::as_str)))?;
        hand.ledger(
            Outcome::Removed,
            &Row {
                person: Some(person),
                uid: Some(&present.uid),
                cause: "erased",
                reason: "erased by hand",
                evidence: Some(Order::by("hand", None)?.text()),
                base_version: Some(present.version),
                ..Row::default()
            },
        )?;
        let report = hand.finish(|_| {})?;
        tx.commit()?;
        Ok(report)
    }

    /// Lifts the tombstones of a source id, or of everybody with a uid: the next run makes the person again.
    ///
    /// # Errors
    /// When there is none, or the store cannot be written; nothing was changed then.
    pub fn unerase(&mut self, id: &str, now: Millis) -> Result<RunReport> {
        let tx = Transaction::new_unchecked(&self.sql, TransactionBehavior::Immediate)?;
        let hand = Hand::begin(&tx, self, RunKind::Hand, now)?;
        let lifted: Vec<String> = tx
            .prepare(
                "DELETE FROM tombstone WHERE tenant = ?1 AND (source_id = ?2 OR uid = lower(?2)) RETURNING source_id",
            )?
            .query_map(params![hand.tenant, id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        if lifted.is_empty() {
            return Err(StoreError::Refused(format!("nobody was erased as `{}`", id.escape_debug())));
        }
        for source_id in &lifted {
            hand.ledger(
                Outcome::Updated,
                &Row {
                    source_id: Some(source_id),
                    cause: "unerased",
                    reason: "the erasure was lifted by hand",
                    idle: true,
                    ..Row::default()
                },
            )?;
        }
        let report = hand.finish(|_| {})?;
        tx.commit()?;
        Ok(report)
    }
}

/// Users whose links were taken away from the person, and who are nobody else's now.
fn former_ids(hand: &Hand<'_>, person: i64) -> Result<Vec<String>> {
    Ok(hand
        .tx
        .prepare(
            "SELECT DISTINCT f.source_id FROM former_link f WHERE f.person = ?1 AND NOT EXISTS (
               SELECT 1 FROM link l WHERE l.tenant = f.tenant AND l.source_id = f.source_id AND l.person != ?1)",
        )?
        .query_map([person], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// Texts that tell who somebody is.
const TELL: [&str; 7] =
    ["username", "email", "display_name", "employee_id", "mobile_phone", "mail_nickname", "street"];

/// Those by which somebody is named as a manager.
const NAMED: [&str; 2] = ["username", "email"];

/// What the person is and was called in these fields, and those who were merged into them.
fn names(hand: &Hand<'_>, present: &Present, all: &BTreeSet<i64>, tell: &[&str]) -> Result<BTreeSet<String>> {
    let mut names: BTreeSet<String> = tell.iter().filter_map(|field| present.text(field)).collect();
    let mut query = hand.tx.prepare(
        "SELECT fields, differences FROM change WHERE person IN (SELECT value FROM json_each(?1))",
    )?;
    let mut rows = query.query([serde_json::to_string(all)?])?;
    while let Some(row) = rows.next()? {
        if let Some(text) = row.get::<_, Option<String>>(0)? {
            let map = fields::parse(&text)?;
            let found = tell.iter().filter_map(|field| map.get(field));
            names.extend(found.filter_map(|raw| serde_json::from_str::<String>(raw.get()).ok()));
        }
        if let Some(text) = row.get::<_, Option<String>>(1)? {
            let list: Vec<fields::Difference<'_>> = serde_json::from_str(&text)?;
            for (_, before, after) in list.iter().filter(|(field, ..)| tell.contains(field)) {
                let values = [before, after].into_iter().flatten();
                names.extend(values.filter_map(|raw| serde_json::from_str::<String>(raw.get()).ok()));
            }
        }
    }
    names.retain(|name| !name.is_empty());
    Ok(names)
}

/// Leaves out the names by which somebody else is known by now: whoever has one for a manager means that one.
fn leave_to_others(hand: &Hand<'_>, person: i64, names: &mut BTreeSet<String>) -> Result<()> {
    let mut other = hand.tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM person_key WHERE tenant = ?1 AND key = ?2 AND person != ?3
           AND field IN (SELECT value FROM json_each(?4)))",
    )?;
    let fields = serde_json::to_string(&NAMED)?;
    let mut theirs = Vec::new();
    for name in names.iter() {
        if let Some(key) = fold_key(name)
            && other.query_row(params![hand.tenant, key, person, fields], |row| row.get::<_, bool>(0))?
        {
            theirs.push(name.clone());
        }
    }
    names.retain(|name| !theirs.contains(name));
    Ok(())
}

/// Takes the person, and those who were merged into them, out of the reports of runs: samples with a name,
/// sentences.
fn reports(
    hand: &Hand<'_>,
    all: &BTreeSet<i64>,
    ids: &BTreeSet<String>,
    names: &BTreeSet<String>,
) -> Result<()> {
    // Runs with a row of the person or one of their users; holds are told by later runs as well, so that every
    // report from the first one on is looked at.
    let first: Option<i64> = hand.tx.query_row(
        "SELECT min(run) FROM change WHERE person IN (SELECT value FROM json_each(?1))
           OR source_id IN (SELECT value FROM json_each(?2))",
        params![serde_json::to_string(all)?, serde_json::to_string(ids)?],
        |row| row.get(0),
    )?;
    let runs: Vec<i64> = hand
        .tx
        .prepare("SELECT id FROM run WHERE tenant = ?1 AND id >= ?2 AND report IS NOT NULL")?
        .query_map(params![hand.tenant, first.unwrap_or(i64::MAX)], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for run in runs {
        let text: String =
            hand.tx.query_row("SELECT report FROM run WHERE id = ?1", [run], |row| row.get(0))?;
        let mut report: Value = serde_json::from_str(&text)?;
        if clean(&mut report, ids, names) {
            let text = serde_json::to_string(&report)?;
            hand.tx.execute("UPDATE run SET report = ?2 WHERE id = ?1", params![run, text])?;
        }
    }
    Ok(())
}

/// Whether anything was erased.
fn clean(value: &mut Value, ids: &BTreeSet<String>, names: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => {
            let told = names.contains(text.as_str())
                || names.iter().any(|name| name.len() >= TELLING && text.contains(name.as_str()));
            if told {
                ERASED.clone_into(text);
            }
            told
        }
        Value::Array(list) => list.iter_mut().fold(false, |told, it| clean(it, ids, names) | told),
        Value::Object(map) => {
            let theirs = map.get("source_id").and_then(Value::as_str).is_some_and(|id| ids.contains(id));
            let mut told = false;
            for (key, it) in map.iter_mut() {
                told |= match key.as_str() {
                    "name" | "reason" if theirs => {
                        *it = ERASED.into();
                        true
                    }
                    "changes" if theirs => {
                        *it = Value::Array(Vec::new());
                        true
                    }
                    _ => clean(it, ids, names),
                };
            }
            told
        }
        _ => false,
    }
}

/// A person, and everybody who was merged into them, directly or by way of somebody else.
fn merged_into(tx: &Transaction<'_>, uid: &str, person: i64) -> Result<BTreeSet<i64>> {
    let mut all = BTreeSet::from([person]);
    let mut next = vec![uid.to_owned()];
    let mut query = tx.prepare(
        "SELECT person, uid FROM change
         WHERE cause = 'merged' AND outcome = 'removed' AND instr(reason, '(' || ?1 || ')') > 0",
    )?;
    while let Some(uid) = next.pop() {
        let found: Vec<(i64, Option<String>)> =
            query.query_map([uid], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
        for (person, uid) in found {
            if all.insert(person) {
                next.extend(uid);
            }
        }
    }
    Ok(all)
}
