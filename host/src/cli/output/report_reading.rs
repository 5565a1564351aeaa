//! What a report says of the way in which the source was read.

use crate::sync::Reading;

use super::report::View;
use super::text::{count, number, shown};

/// The line of a run that read changes.
pub(super) fn changes(reading: &Reading, rows: &str) -> String {
    let since = reading.why.as_deref().map(|it| format!(" {}", shown(it))).unwrap_or_default();
    let parts = [
        ("asked about by id", reading.asked),
        ("looked at again", reading.again),
        ("without an answer", reading.unanswered),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, many)| *many > 0)
        .map(|(what, many)| format!(", {} {what}", number(*many)))
        .collect();
    format!(
        "changes{since}: {} named by the source{}; {rows} judged, everybody else is as before\n",
        number(reading.told),
        parts.concat()
    )
}

/// The lines of a run that listed everybody though it might have read changes.
pub(super) fn listed(reading: &Reading, view: View) -> String {
    let mut text = String::new();
    if let Some(why) = &reading.why {
        text.push_str(&format!("everybody was listed: {}\n", shown(why)));
    }
    if let Some(why) = &reading.next {
        text.push_str(&format!("the next run lists everybody as well: {}\n", shown(why)));
    }
    if let Some(parity) = &reading.parity {
        if parity.people == 0 {
            text.push_str("the runs since the last listing, which read changes, had missed nothing\n");
        } else {
            let users = count(parity.people, "user", "users");
            let names: Vec<String> = parity.properties.iter().map(|it| shown(it).into_owned()).collect();
            let line = format!(
                "reading changes had missed something of {users} ({}); this run puts it right: {}",
                names.join(", "),
                parity.samples.iter().map(|it| shown(it)).collect::<Vec<_>>().join(", ")
            );
            text.push_str(&format!("{}\n", view.paint.warn(&line)));
        }
    }
    text
}
