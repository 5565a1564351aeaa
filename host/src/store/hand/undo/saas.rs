//! What a run did with SaaS users is taken back with the rest of it.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{Kept, Undoing};
use crate::store::Result;
use crate::store::saas::pins::{pin, unpin};
use crate::store::{KnownSaas, SaasPinned};
use crate::sync::{SaasPass, Sample};

/// A row of the ledger of SaaS users.
struct Deed {
    id: i64,
    application: i64,
    source_id: String,
    outcome: String,
    role_before: Option<String>,
    role_after: Option<String>,
    active_after: Option<bool>,
    name: Option<String>,
    undoes: Option<i64>,
    undone: bool,
}

/// What taking a row back comes to.
struct Back {
    outcome: &'static str,
    role: Option<String>,
    active: Option<bool>,
    /// What is kept, and what the source had said.
    pins: Vec<(SaasPinned, Option<String>)>,
}

/// What was taken back.
#[derive(Default)]
pub(super) struct Undone {
    /// None = the run did nothing with SaaS users.
    pub(super) told: Option<SaasPass>,
    /// Rows that were looked at.
    pub(super) rows: usize,
    /// Rows of them that were undone before.
    pub(super) already: usize,
}

impl Undoing<'_> {
    /// Takes back what the run did with SaaS users. Of fields of people nothing is theirs, so that an undo by
    /// field leaves them as they are.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(super) fn saas(&self, kept: &mut Kept) -> Result<Undone> {
        let mut undone = Undone::default();
        if !self.order.fields.is_empty() {
            return Ok(undone);
        }
        for deed in self.saas_deeds()? {
            undone.rows += 1;
            if deed.undone {
                undone.already += 1;
                continue;
            }
            let told = match &mut undone.told {
                Some(told) => told,
                none => none.insert(SaasPass {
                    application: self.application(deed.application)?,
                    complete: true,
                    ..SaasPass::default()
                }),
            };
            told.read += 1;
            let present = known(self.hand.tx, &deed)?;
            match self.saas_back(&deed, present.as_ref())? {
                Ok(back) => {
                    self.saas_write(&deed, present.as_ref(), &back)?;
                    match back.outcome {
                        "created" => told.created += 1,
                        "updated" => told.updated += 1,
                        "deactivated" => told.deactivated += 1,
                        "reactivated" => told.reactivated += 1,
                        _ => told.removed += 1,
                    }
                }
                Err(why) => {
                    let name = present.and_then(|it| it.name).unwrap_or_else(|| deed.source_id.clone());
                    let sample = Sample {
                        source_id: Some(deed.source_id),
                        name,
                        reason: why.to_owned(),
                        changes: Vec::new(),
                    };
                    kept.whom += 1;
                    kept.add(&format!("SaaS user: {why}"), sample);
                }
            }
        }
        Ok(undone)
    }

    fn saas_deeds(&self) -> Result<Vec<Deed>> {
        let only: Vec<&str> = self.order.only.iter().map(|it| it.name()).collect();
        let mut query = self.hand.tx.prepare(
            "SELECT id, application, source_id, outcome, role_before, role_after, active_after, name, undoes,
               undone_by IS NOT NULL
             FROM saas_change WHERE run = ?1 AND state = 'flows'
               AND (?2 = '[]' OR outcome IN (SELECT value FROM json_each(?2)))
               AND (?3 IS NULL OR source_id IN (
                 SELECT source_id FROM link WHERE person = ?3
                 UNION SELECT source_id FROM former_link WHERE person = ?3))
             ORDER BY id",
        )?;
        let parameters = params![self.target.row, serde_json::to_string(&only)?, self.order.person];
        Ok(query
            .query_map(parameters, |row| {
                Ok(Deed {
                    id: row.get(0)?,
                    application: row.get(1)?,
                    source_id: row.get(2)?,
                    outcome: row.get(3)?,
                    role_before: row.get(4)?,
                    role_after: row.get(5)?,
                    active_after: row.get(6)?,
                    name: row.get(7)?,
                    undoes: row.get(8)?,
                    undone: row.get(9)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?)
    }

    fn application(&self, id: i64) -> Result<String> {
        Ok(self
            .hand
            .tx
            .query_row("SELECT name FROM saas_application WHERE id = ?1", [id], |row| row.get(0))?)
    }

    /// What taking a row back comes to, or why it has to stay.
    fn saas_back(
        &self,
        deed: &Deed,
        present: Option<&KnownSaas>,
    ) -> Result<std::result::Result<Back, &'static str>> {
        let word = |active: bool| if active { SaasPinned::USER } else { SaasPinned::LEFT };
        let role = |it: &KnownSaas| it.role == deed.role_after;
        Ok(match (deed.outcome.as_str(), present, deed.active_after) {
            ("removed", None, _) => {
                let active = self.hand.tx.query_row(
                    "SELECT coalesce(active_after, 1) FROM saas_change WHERE id = ?1",
                    [deed.undoes],
                    |row| row.get(0),
                )?;
                let role = deed.role_before.clone();
                Ok(Back { outcome: "created", role, active: Some(active), pins: Vec::new() })
            }
            ("removed", Some(_), _) => Err("is there again"),
            (_, None, _) => Err("is not there any more"),
            ("created", Some(now), active) if role(now) && Some(now.active) == active => Ok(Back {
                outcome: "removed",
                role: None,
                active: None,
                pins: vec![(SaasPinned::Whole, deed.role_after.clone())],
            }),
            ("updated", Some(now), _) if role(now) => Ok(Back {
                outcome: "updated",
                role: deed.role_before.clone(),
                active: None,
                pins: vec![(SaasPinned::Role, deed.role_after.clone())],
            }),
            ("deactivated" | "reactivated", Some(now), Some(active)) if now.active == active && role(now) => {
                let mut pins = vec![(SaasPinned::Status, Some(word(active).to_owned()))];
                if deed.role_before != deed.role_after {
                    pins.push((SaasPinned::Role, deed.role_after.clone()));
                }
                let outcome = if active { "deactivated" } else { "reactivated" };
                Ok(Back { outcome, role: deed.role_before.clone(), active: Some(!active), pins })
            }
            _ => Err("changed since"),
        })
    }

    fn saas_write(&self, deed: &Deed, present: Option<&KnownSaas>, back: &Back) -> Result<()> {
        let tx = self.hand.tx;
        let user = params![deed.application, deed.source_id];
        match back.outcome {
            "removed" => {
                tx.prepare_cached("DELETE FROM saas_user WHERE application = ?1 AND source_id = ?2")?
                    .execute(user)?;
            }
            "created" => {
                tx.prepare_cached(
                    "INSERT INTO saas_user (application, source_id, name, role, active) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![deed.application, deed.source_id, deed.name, back.role, back.active])?;
            }
            _ => {
                tx.prepare_cached(
                    "UPDATE saas_user SET role = ?3, active = coalesce(?4, active)
                     WHERE application = ?1 AND source_id = ?2",
                )?
                .execute(params![
                    deed.application,
                    deed.source_id,
                    back.role,
                    back.active
                ])?;
            }
        }
        tx.prepare_cached(
            "INSERT INTO saas_change (run, application, source_id, outcome, state, reason, role_before, role_after,
               active_after, follows, at, name, undoes)
             VALUES (?1, ?2, ?3, ?4, 'flows', ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11)",
        )?
        .execute(params![
            self.hand.run,
            deed.application,
            deed.source_id,
            back.outcome,
            format!("run {} undone", self.target.number),
            present.and_then(|it| it.role.as_deref()),
            back.role,
            back.active,
            self.hand.now,
            present.and_then(|it| it.name.as_deref()).filter(|_| back.outcome == "removed"),
            deed.id,
        ])?;
        tx.prepare_cached("UPDATE saas_change SET undone_by = ?2 WHERE id = ?1")?
            .execute(params![deed.id, self.hand.run])?;
        if let Some(first) = deed.undoes {
            tx.prepare_cached("UPDATE saas_change SET undone_by = NULL WHERE id = ?1")?.execute([first])?;
        }
        if undos(tx, deed.undoes)? % 2 == 1 {
            return unpin(tx, deed.application, &deed.source_id, self.target.row);
        }
        for (what, word) in &back.pins {
            let by = (self.hand.run, self.hand.now);
            pin(tx, deed.application, &deed.source_id, *what, word.as_deref(), by)?;
        }
        Ok(())
    }
}

/// How many undos lead to a row.
fn undos(tx: &Transaction<'_>, mut row: Option<i64>) -> Result<u32> {
    let mut many = 0;
    while let Some(id) = row {
        many += 1;
        row = tx
            .prepare_cached("SELECT undoes FROM saas_change WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?
            .flatten();
    }
    Ok(many)
}

fn known(tx: &Transaction<'_>, deed: &Deed) -> Result<Option<KnownSaas>> {
    Ok(tx
        .prepare_cached(
            "SELECT id, name, role, last_activity, active FROM saas_user WHERE application = ?1 AND source_id = ?2",
        )?
        .query_row(params![deed.application, deed.source_id], KnownSaas::read)
        .optional()?)
}
