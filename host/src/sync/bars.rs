//! What a person in charge has put out of a run's reach: locks, pins, tombstones.

use super::terms::Terms;
use crate::engine::contract::{BarredField, KnownPerson};
use crate::store::fields::{self, FieldMap};
use crate::store::{Pin, STATUS, Store, StoreError, WHOLE};

/// What the source says about the status of somebody now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Listed: enabled, disabled, or nothing about it.
    Listed(Option<bool>),
    /// Not listed, but there when asked for by id.
    Unlisted(Option<bool>),
    /// Deleted.
    Deleted,
    /// Unknown to the source.
    NotFound,
}

impl Word {
    /// Whether a pin of the status that was made from `pinned` still holds.
    fn holds(self, pinned: &str) -> bool {
        match self {
            Self::Listed(Some(true)) => pinned == "enabled",
            Self::Listed(Some(false)) | Self::Unlisted(Some(false)) => pinned == "disabled",
            // Silence is no other word; but whoever was gone is there again.
            Self::Listed(None) => matches!(pinned, "enabled" | "disabled"),
            Self::Unlisted(None) => matches!(pinned, "enabled" | "disabled" | "left-filter"),
            // A listing can miss somebody: that alone lifts nothing.
            Self::Unlisted(Some(true)) => matches!(pinned, "enabled" | "left-filter"),
            Self::Deleted => pinned == "deleted",
            // Thirty days later the deleted are not found any more: nothing new was said.
            Self::NotFound => matches!(pinned, "not-found" | "deleted"),
        }
    }
}

/// The pins of one record, held against what the source says now.
#[derive(Debug, Default)]
pub(super) struct Pins {
    /// Those that still hold.
    pub(super) holding: Vec<Pin>,
    /// Rows of those that the source has outlived.
    pub(super) lifted: Vec<i64>,
}

impl Pins {
    /// Looks them up, when there are any in the integration at all. `mapped` are the record's mapped fields, as
    /// far as there is a record; `known` tells whether it is linked to somebody.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn of(
        terms: &Terms,
        store: &Store,
        source_id: &str,
        word: Word,
        mapped: Option<&str>,
        known: bool,
    ) -> Result<Self, StoreError> {
        let mut pins = Self::default();
        if !terms.standing.pins {
            return Ok(pins);
        }
        let all = store.pins_of(&terms.integration.name, source_id)?;
        if all.is_empty() {
            return Ok(pins);
        }
        let map = mapped.map(fields::parse).transpose()?;
        for pin in all {
            let holds = match pin.field.as_str() {
                STATUS => word.holds(pin.source_value.as_deref().unwrap_or_default()),
                WHOLE => match mapped {
                    _ if known => false,
                    // Without a digest it holds whatever the record says, until somebody lifts it.
                    Some(text) => match &pin.source_value {
                        Some(digest) => *digest == crate::store::fields_digest(text)?,
                        None => true,
                    },
                    None => true,
                },
                field => map.as_ref().is_none_or(|map| same(map, field, pin.source_value.as_deref())),
            };
            if holds {
                pins.holding.push(pin);
            } else {
                pins.lifted.push(pin.id);
            }
        }
        Ok(pins)
    }

    /// Why the record is not to become anybody, if so.
    pub(super) fn whole(&self) -> Option<&str> {
        self.holding.iter().find(|pin| pin.field == WHOLE).map(|pin| pin.reason.as_str())
    }

    /// Bars what they pin.
    pub(super) fn bar(&self, known: &mut KnownPerson) {
        for pin in &self.holding {
            if pin.field == STATUS {
                known.status_barred.get_or_insert_with(|| pin.reason.clone());
            } else if pin.field != WHOLE && !known.barred.iter().any(|it| it.field == pin.field) {
                known.barred.push(BarredField { field: pin.field.clone(), reason: pin.reason.clone() });
            }
        }
    }
}

/// Whether the mapped value of a field is what it was. A field that the source did not send says nothing.
fn same(map: &FieldMap<'_>, field: &str, pinned: Option<&str>) -> bool {
    let Some(now) = map.get(field).map(|raw| raw.get()) else { return true };
    let now = (now != "null").then_some(now);
    let text = |json: &str| serde_json::from_str::<String>(json).ok();
    match (now, pinned) {
        (Some(now), Some(then)) => now == then || text(now).is_some_and(|it| text(then) == Some(it)),
        (now, then) => now == then,
    }
}

/// Bars what is locked of a person.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn locks(
    terms: &Terms,
    store: &Store,
    person: i64,
    known: &mut KnownPerson,
) -> Result<(), StoreError> {
    if !terms.standing.locks {
        return Ok(());
    }
    let locked = store.locked_fields(person)?;
    let is = |name: &str| locked.iter().any(|it| it.is_empty() || it == name);
    if is(STATUS) {
        known.status_barred = Some("locked".to_owned());
    }
    for rule in &terms.integration.mapping {
        let field = rule.target.name.as_str();
        if is(field) {
            known.barred.retain(|it| it.field != field);
            known.barred.push(BarredField { field: field.to_owned(), reason: "locked".to_owned() });
        }
    }
    Ok(())
}

/// Why a record is passed over because its person was erased, if so.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn erased(terms: &Terms, store: &Store, source_id: &str) -> Result<Option<String>, StoreError> {
    if !terms.standing.tombstones || !store.is_erased(source_id)? {
        return Ok(None);
    }
    Ok(Some(format!("erased; `userload people unerase {source_id}` lifts it")))
}

#[cfg(test)]
mod tests {
    use super::{Word, same};
    use crate::store::fields::parse;

    #[test]
    fn a_pin_of_the_status_holds_while_the_source_says_the_same() {
        for (word, holding) in [
            (Word::Listed(Some(true)), &["enabled"][..]),
            (Word::Listed(Some(false)), &["disabled"]),
            (Word::Listed(None), &["enabled", "disabled"]),
            (Word::Unlisted(Some(true)), &["enabled", "left-filter"]),
            (Word::Unlisted(Some(false)), &["disabled"]),
            (Word::Unlisted(None), &["enabled", "disabled", "left-filter"]),
            (Word::Deleted, &["deleted"]),
            (Word::NotFound, &["deleted", "not-found"]),
        ] {
            for pinned in ["enabled", "disabled", "deleted", "not-found", "left-filter"] {
                assert_eq!(word.holds(pinned), holding.contains(&pinned), "{word:?}, {pinned}");
            }
        }
    }

    #[test]
    fn a_pin_of_a_field_holds_while_the_value_is_the_same() {
        let map = parse(r#"{"a":"x","b":null,"c":1.0,"d":"\u00e9"}"#).unwrap();
        assert!(same(&map, "a", Some("\"x\"")) && !same(&map, "a", Some("\"y\"")) && !same(&map, "a", None));
        assert!(same(&map, "b", None) && !same(&map, "b", Some("\"x\"")));
        assert!(!same(&map, "c", Some("1")), "numbers by their text");
        assert!(same(&map, "d", Some("\"é\"")), "texts by what they say");
        assert!(same(&map, "missing", Some("\"x\"")), "not sent says nothing");
    }
}
