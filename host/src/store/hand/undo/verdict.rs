//! What undoing one row comes to, for the person as they are now.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::deed::{Deed, Done};
use super::names::Claims;
use super::{STATUS, Swap, swaps, value_of};
use crate::model::Outcome;
use crate::store::hand::links::LinkKey;
use crate::store::hand::{Hand, Present};
use crate::store::{Result, fields};

/// What is done.
#[derive(Debug)]
pub(super) enum Plan {
    /// Nothing can be done.
    Keep,
    /// The person goes.
    Remove,
    /// The person comes back.
    Restore(Box<Present>),
    /// Values, status and links come back.
    Alter {
        /// `[field, now, afterwards]`.
        differences: Vec<Swap>,
        /// The status afterwards, when it changes.
        active: Option<bool>,
        /// The link that goes.
        unlink: Option<LinkKey>,
        /// The links that the row took away come back.
        relink: bool,
    },
}

/// Why something stays as it is.
#[derive(Debug)]
pub(super) struct Why {
    /// What several people have in common.
    pub(super) group: String,
    /// What is told of this one; empty = nothing more.
    pub(super) detail: String,
}

impl Why {
    fn new(group: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { group: group.into(), detail: detail.into() }
    }

    pub(super) fn sentence(&self) -> String {
        if self.detail.is_empty() { self.group.clone() } else { format!("{} ({})", self.group, self.detail) }
    }
}

/// What undoing one row comes to.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) plan: Plan,
    pub(super) kept: Vec<Why>,
    pub(super) present: Option<Present>,
}

impl Verdict {
    /// What people call whom it is about.
    pub(super) fn name(&self, deed: &Deed) -> String {
        let called = |text: &str| {
            let map = fields::parse(text).ok()?;
            let of = |field: &str| serde_json::from_str::<String>(map.get(field)?.get()).ok();
            of("display_name").or_else(|| of("username"))
        };
        self.present
            .as_ref()
            .and_then(|it| called(&it.fields))
            .or_else(|| deed.fields.as_deref().and_then(called))
            .or_else(|| deed.source_id.clone())
            .unwrap_or_default()
    }
}

/// Judges one row. None: it is undone already.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn judge(
    hand: &Hand<'_>,
    deed: &Deed,
    present: Option<Present>,
    done: &Done,
    only: &BTreeSet<String>,
    claims: &Claims,
) -> Result<Option<Verdict>> {
    if done.whole || (deed.outcome == Outcome::Created && done.status) {
        return Ok(None);
    }
    if deed.outcome == Outcome::Removed {
        return restore(hand, deed, present, claims).map(Some);
    }
    let Some(present) = present else {
        let kept = vec![Why::new("is not there any more", "")];
        return Ok(Some(Verdict { plan: Plan::Keep, kept, present: None }));
    };
    if deed.outcome == Outcome::Created {
        return creation(hand, deed, present).map(Some);
    }
    alteration(hand, deed, present, done, only, claims)
}

/// Somebody whom the run removed comes back as they were.
fn restore(hand: &Hand<'_>, deed: &Deed, present: Option<Present>, claims: &Claims) -> Result<Verdict> {
    let keep = |group: &str, detail: String, present| {
        Ok(Verdict { plan: Plan::Keep, kept: vec![Why::new(group, detail)], present })
    };
    let (Some(id), Some(uid), Some(fields)) = (deed.person, &deed.uid, &deed.fields) else {
        return keep("nothing is left of them", String::new(), present);
    };
    if present.is_some() {
        return keep("is there again", String::new(), present);
    }
    let taken = hand
        .tx
        .prepare_cached("SELECT 1 FROM person WHERE tenant = ?1 AND uid = ?2")?
        .exists(rusqlite::params![hand.tenant, uid])?;
    if taken {
        return keep("was made anew since", String::new(), None);
    }
    if let Some((source_id, name)) = hand.relinked_to(deed.id)? {
        return keep("the user at the source is somebody else's now", format!("{source_id}: {name}"), None);
    }
    if let Some(owner) = claims.blocked(id) {
        return keep("the username is somebody else's now", owner.to_owned(), None);
    }
    let was: Value = deed.evidence.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    let person = Present {
        id,
        uid: uid.clone(),
        active: was["active"].as_bool().unwrap_or(true),
        ended_by: was["ended_by"].as_str().map(str::to_owned),
        fields: still_fields(hand, fields)?.into_owned(),
        // Never a number that they had before: what was planned with them is not theirs any more.
        version: deed.base_version.unwrap_or(1) + 1,
        created_at: was["created_at"].as_i64().unwrap_or(hand.now),
    };
    Ok(Verdict { plan: Plan::Restore(Box::new(person)), kept: Vec::new(), present: None })
}

/// Somebody whom the run created goes, when nobody has touched them since; else they are deactivated.
fn creation(hand: &Hand<'_>, deed: &Deed, present: Present) -> Result<Verdict> {
    let links = hand.links(present.id)?;
    let locks = locked(hand, present.id)?;
    if locks.contains("") || locks.contains(STATUS) {
        let kept = vec![Why::new("locked", "")];
        return Ok(Verdict { plan: Plan::Keep, kept, present: Some(present) });
    }
    // Entered by hand, and a user of the source since: it is no longer the entry that keeps them here.
    if let (None, None, Some(link)) = (&deed.integration, deed.undoes, links.first()) {
        let why = Why::new(format!("linked to {} since: left as they are", link.integration), "");
        return Ok(Verdict { plan: Plan::Keep, kept: vec![why], present: Some(present) });
    }
    let locked = !locks.is_empty();
    let first = deed.fields.as_deref().map(|it| still_fields(hand, it)).transpose()?;
    let same = first.as_deref() == Some(present.fields.as_str()) && deed.active_after == Some(present.active);
    // A person who came back by an undo has the links that they had.
    let foreign = deed.undoes.is_none() && links.iter().any(|it| it.made_by != Some(deed.run));
    if same && !foreign && !locked {
        return Ok(Verdict { plan: Plan::Remove, kept: Vec::new(), present: Some(present) });
    }
    let what = match (same, locked) {
        (false, _) => "edited",
        (true, true) => "locked",
        (true, false) => "linked to another user",
    };
    let (plan, group) = if present.active {
        let plan = Plan::Alter { differences: Vec::new(), active: Some(false), unlink: None, relink: false };
        (plan, "changed since: deactivated, not removed")
    } else {
        (Plan::Keep, "changed since, and inactive: not removed")
    };
    Ok(Verdict { plan, kept: vec![Why::new(group, format!("{what} since"))], present: Some(present) })
}

/// Values without those of fields that were removed since: nobody sees them.
fn still_fields<'t>(hand: &Hand<'_>, text: &'t str) -> Result<Cow<'t, str>> {
    let mut values = fields::parse(text)?;
    let before = values.len();
    values.retain(|field, _| hand.targets.named(field).is_some());
    Ok(if values.len() == before { text.into() } else { fields::write(&values).into() })
}

/// Values, status and link go back as far as they are what the run made of them.
fn alteration(
    hand: &Hand<'_>,
    deed: &Deed,
    present: Present,
    done: &Done,
    only: &BTreeSet<String>,
    claims: &Claims,
) -> Result<Option<Verdict>> {
    let now = fields::parse(&present.fields)?;
    let chosen = |field: &str| only.is_empty() || only.contains(field);
    let locked = locked(hand, present.id)?;
    let is_locked = |field: &str| locked.contains(field) || locked.contains("");
    let since = since(hand, deed)?;
    let (mut differences, mut kept, mut left) = (Vec::new(), Vec::new(), false);
    for (field, before, after) in swaps(deed.differences.as_deref())? {
        if !chosen(&field) || done.fields.contains(&field) {
            continue;
        }
        left = true;
        if value_of(&now, &field) != after.as_deref().map(serde_json::value::RawValue::get) {
            let detail = match value_of(&now, &field) {
                Some(value) => format!("{field} is {value}"),
                None => format!("{field} is empty"),
            };
            kept.push(Why::new(format!("{field}: edited since"), detail));
        } else if since.contains(field.as_str()) {
            kept.push(Why::new(format!("{field}: edited since"), "and is what it was by chance"));
        } else if is_locked(&field) {
            kept.push(Why::new(format!("{field}: locked"), ""));
        } else if hand.targets.named(&field).is_none() {
            // A field of the tenant's own that was removed since: what nobody sees nobody could take away again.
            let help = "`userload fields add` makes it anew";
            kept.push(Why::new(format!("there is no field {field} any more"), help));
        } else if let Some(owner) = claims.blocked(present.id).filter(|_| field == "username") {
            kept.push(Why::new("the username is somebody else's now", owner));
        } else {
            differences.push((field, after, before));
        }
    }
    let mut active = None;
    if let Some(made) = deed.active_after.filter(|_| chosen(STATUS) && !done.status) {
        left = true;
        if is_locked(STATUS) {
            kept.push(Why::new("status: locked", ""));
        } else if present.active == made && !since.contains(STATUS) {
            active = Some(!made);
        } else {
            let is = if present.active { "active" } else { "inactive" };
            kept.push(Why::new("status: changed since", format!("{is} now")));
        }
    }
    let (mut unlink, mut relink) = (None, false);
    if only.is_empty() {
        unlink = made_link(hand, deed, &present)?;
        relink = hand.put_away_by(deed.id)? > 0;
        if relink {
            left = true;
            if let Some((source_id, name)) = hand.relinked_to(deed.id)? {
                relink = false;
                let detail = format!("{source_id}: {name}");
                kept.push(Why::new("the user at the source is somebody else's now", detail));
            } else if let Some(source_id) = hand.linked_anew(deed.id)? {
                relink = false;
                kept.push(Why::new("linked to another user since", source_id));
            }
        }
        left |= unlink.is_some();
    }
    if !left {
        return Ok(None);
    }
    let plan = if differences.is_empty() && active.is_none() && unlink.is_none() && !relink {
        Plan::Keep
    } else {
        Plan::Alter { differences, active, unlink, relink }
    };
    Ok(Some(Verdict { plan, kept, present: Some(present) }))
}

/// What of a person no run writes: fields, `status`, or empty for everything.
fn locked(hand: &Hand<'_>, person: i64) -> Result<BTreeSet<String>> {
    let mut query = hand.tx.prepare_cached("SELECT field FROM lock WHERE tenant = ?1 AND person = ?2")?;
    Ok(query.query_map([hand.tenant, person], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Fields, and `status`, that a later run has written and nobody has undone: a value that is the same again is
/// not the one that this row made.
fn since(hand: &Hand<'_>, deed: &Deed) -> Result<BTreeSet<String>> {
    let mut query = hand.tx.prepare_cached(
        "SELECT c.differences, c.active_after IS NOT NULL FROM change c JOIN run r ON r.id = c.run
         WHERE c.person = ?1 AND c.id > ?2 AND c.run != ?3 AND c.run != ?4 AND c.state = 'flows'
           AND c.undoes IS NULL AND c.undone_by IS NULL AND r.state = 'applied'",
    )?;
    let mut rows = query.query(rusqlite::params![deed.person, deed.id, deed.run, hand.run])?;
    let mut touched = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let text: Option<String> = row.get(0)?;
        touched.extend(swaps(text.as_deref())?.into_iter().map(|(field, ..)| field));
        if row.get(1)? {
            touched.insert(STATUS.to_owned());
        }
    }
    Ok(touched)
}

/// The link that the row made, by adopting the person. A second integration that sees the same user keeps its
/// own: who it is was not its discovery.
fn made_link(hand: &Hand<'_>, deed: &Deed, present: &Present) -> Result<Option<LinkKey>> {
    let Some(source_id) = &deed.source_id else { return Ok(None) };
    // A row of an undo made no link but those that it brought back, which `undoes` leads to.
    let first = match (deed.undoes, deed.whole()?) {
        (_, None) => return Ok(None),
        (None, Some(_)) => Some(deed.run),
        (Some(_), Some(_)) if deed.pins => None,
        (Some(_), Some(_)) => return Ok(None),
    };
    let links = hand.links(present.id)?;
    let same: Vec<&LinkKey> = links.iter().filter(|it| it.source_id == *source_id).collect();
    Ok(match same.as_slice() {
        [one] if first.is_none_or(|run| one.made_by == Some(run)) => Some((*one).clone()),
        _ => None,
    })
}
