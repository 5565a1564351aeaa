//! What an undo pins, so that the next night does not do again what was undone; and which pins an undo of an
//! undo lifts.

use rusqlite::params;

use super::Undoing;
use super::deed::Deed;
use super::verdict::{Plan, Verdict};
use crate::store::hand::Present;
use crate::store::hand::links::LinkKey;
use crate::store::pins::{STATUS, WHOLE};
use crate::store::{NewPin, Result, pins};

impl Undoing<'_> {
    /// What a change of somebody who stays leaves pinned.
    pub(super) fn pins(&self, deed: &Deed, present: &Present, verdict: &Verdict) -> Result<()> {
        let Plan::Alter { differences, active, unlink, relink } = &verdict.plan else { return Ok(()) };
        if !deed.pins {
            for (field, ..) in differences {
                self.unpin(deed, field)?;
            }
            if active.is_some() {
                self.unpin(deed, STATUS)?;
            }
            if *relink {
                self.unpin(deed, WHOLE)?;
            }
            return Ok(());
        }
        if unlink.is_some() {
            return self.pin(deed, Some(present.id), WHOLE, deed.whole()?.as_deref());
        }
        for (field, from, _) in differences {
            // What stands now is what the source said.
            let from = from.as_deref().map(serde_json::value::RawValue::get);
            self.pin_of(deed, present.id, field, from)?;
        }
        match (active, deed.source_word()) {
            (Some(_), Some(word)) => self.pin_of(deed, present.id, STATUS, Some(word)),
            _ => Ok(()),
        }
    }

    /// Pins what somebody has got back: for the user of the row, and when another one has taken that one's place
    /// since (a rehire, a merge), for whoever the person is linked to now.
    fn pin_of(&self, deed: &Deed, person: i64, field: &str, value: Option<&str>) -> Result<()> {
        let links = self.hand.links(person)?;
        let same = |it: &&LinkKey| Some(&it.integration) == deed.integration.as_ref();
        let mut users: Vec<&str> = links.iter().filter(same).map(|it| it.source_id.as_str()).collect();
        if users.is_empty() || users.iter().any(|it| Some(*it) == deed.source_id.as_deref()) {
            users = deed.source_id.as_deref().into_iter().collect();
        }
        for user in users {
            self.pin_user(deed, user, Some(person), field, value)?;
        }
        Ok(())
    }

    pub(super) fn pin(
        &self,
        deed: &Deed,
        person: Option<i64>,
        field: &str,
        value: Option<&str>,
    ) -> Result<()> {
        match &deed.source_id {
            Some(user) => self.pin_user(deed, user, person, field, value),
            None => Ok(()),
        }
    }

    fn pin_user(
        &self,
        deed: &Deed,
        source_id: &str,
        person: Option<i64>,
        field: &str,
        value: Option<&str>,
    ) -> Result<()> {
        let Some(integration) = &deed.integration else { return Ok(()) };
        // A pin that is there is about a later word of the source: an undo of an earlier run does not lift it.
        let later = field != WHOLE
            && self
                .hand
                .tx
                .prepare_cached(
                    "SELECT 1 FROM pin WHERE tenant = ?1 AND integration = ?2 AND source_id = ?3 AND field = ?4",
                )?
                .exists(params![self.hand.tenant, integration, source_id, field])?;
        if later {
            return Ok(());
        }
        let reason = format!("undone in run {}", self.hand.number);
        let pin = NewPin {
            tenant: self.hand.tenant,
            integration,
            source_id,
            person,
            field,
            source_value: value,
            reason: &reason,
            run: self.hand.run,
            at: self.hand.now,
        };
        pins::insert(self.hand.tx, &pin)
    }

    /// Lifts the pin that the undone undo has made.
    pub(super) fn unpin(&self, deed: &Deed, field: &str) -> Result<()> {
        // One statement each, so that each has an index of its own: with OR, all pins of the integration are read.
        let of_user =
            "DELETE FROM pin WHERE tenant = ?1 AND integration = ?2 AND source_id = ?3 AND field = ?4
                         AND run = ?5";
        let of_person =
            "DELETE FROM pin WHERE person = ?3 AND +tenant = ?1 AND +integration = ?2 AND field = ?4
                           AND run = ?5";
        let (tenant, run) = (self.hand.tenant, self.target.row);
        let tx = self.hand.tx;
        tx.prepare_cached(of_user)?.execute(params![tenant, deed.integration, deed.source_id, field, run])?;
        tx.prepare_cached(of_person)?.execute(params![tenant, deed.integration, deed.person, field, run])?;
        Ok(())
    }
}
