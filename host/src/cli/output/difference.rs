//! Differences of fields, for people: `department: "Sales" → "Revenue"`.

use serde_json::value::RawValue;

use super::text::{shown, value};
use crate::sync::PlannedChange;

/// The differences of one person on one line.
pub(crate) fn field_changes(changes: &[PlannedChange]) -> String {
    /// More are only counted: the line is for looking over.
    const MOST: usize = 3;
    let mut parts: Vec<String> = changes
        .iter()
        .take(MOST)
        .map(|change| {
            format!(
                "{}: {} → {}",
                shown(&change.field),
                value(change.before.as_deref()),
                value(change.after.as_deref())
            )
        })
        .collect();
    if changes.len() > MOST {
        parts.push(format!("and {} more", changes.len() - MOST));
    }
    parts.join(", ")
}

/// The value before or after; none = empty.
type Side = Option<Box<RawValue>>;

/// Differences as the store has them: a JSON list of `[field, before, after]`. What is no such list shows
/// nothing.
pub(crate) fn stored_differences(json: Option<&str>) -> Vec<PlannedChange> {
    let Some(json) = json else {
        return Vec::new();
    };
    let list: Vec<(String, Side, Side)> = serde_json::from_str(json).unwrap_or_default();
    let text = |raw: Side| raw.map(|it| it.get().to_owned()).filter(|it| it != "null");
    list.into_iter()
        .map(|(field, before, after)| PlannedChange { field, before: text(before), after: text(after) })
        .collect()
}
