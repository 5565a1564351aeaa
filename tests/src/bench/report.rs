//! Numbers and how they are told: medians, the lowest and highest beside them, ratios.
#![expect(clippy::print_stdout, reason = "the benchmark's answer")]

use serde_json::{Value, json};

use crate::Options;
use crate::scenarios::{ALL, Scenario};

/// One thing that was measured, once in each run.
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    values: Vec<f64>,
    /// How many times what was measured beside it in the same run, and what that was.
    against: Option<(&'static str, Vec<f64>)>,
}

impl Row {
    /// A value for each run.
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        Self { name: name.into(), unit, values, against: None }
    }

    /// With a ratio for each run.
    pub(crate) fn against(mut self, what: &'static str, ratios: Vec<f64>) -> Self {
        self.against = Some((what, ratios));
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.against.as_ref().map(|(_, ratios)| median(ratios))
    }
}

/// The middle one; of an even number the upper one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// One for one, how many times the other.
pub(crate) fn ratios(of: &[f64], against: &[f64]) -> Vec<f64> {
    of.iter().zip(against).map(|(one, other)| one / other).collect()
}

/// What there is to choose from.
pub(crate) fn list() {
    for scenario in ALL {
        println!("{:<14} {}", scenario.name, scenario.about);
    }
}

/// One scenario's table.
pub(crate) fn table(scenario: &Scenario, rows: &[Row]) {
    println!("{}: {}", scenario.name, scenario.about);
    for row in rows {
        let (low, high) = span(&row.values);
        let span =
            if row.values.len() > 1 { format!("{} … {}", short(low), short(high)) } else { String::new() };
        let ratio = row.ratio().map(|it| format!("{it:.2}x")).unwrap_or_default();
        let against = row.against.as_ref().map_or("", |(what, _)| what);
        let value = short(median(&row.values));
        println!("  {:<44} {value:>10} {:<11} {span:>22} {ratio:>8} {against}", row.name, row.unit);
    }
}

/// Everything, for machines.
pub(crate) fn json(options: &Options, measured: &[(&Scenario, Vec<Row>)]) {
    let scenarios: Vec<Value> = measured
        .iter()
        .map(|(scenario, rows)| {
            let rows: Vec<Value> = rows.iter().map(row).collect();
            json!({"name": scenario.name, "about": scenario.about, "rows": rows})
        })
        .collect();
    let (people, runs) = (options.people, options.runs);
    println!("{}", json!({"version": 2, "people": people, "runs": runs, "scenarios": scenarios}));
}

fn row(row: &Row) -> Value {
    let (low, high) = span(&row.values);
    json!({
        "name": row.name, "unit": row.unit, "median": median(&row.values), "low": low, "high": high,
        "ratio": row.ratio(), "against": row.against.as_ref().map(|(what, _)| what),
    })
}

fn span(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().min_by(f64::total_cmp).unwrap_or_default();
    (low, values.iter().copied().max_by(f64::total_cmp).unwrap_or_default())
}

/// Three digits or more, no more behind the point than say something.
fn short(value: f64) -> String {
    match value {
        large if large >= 1000.0 => {
            let digits = format!("{large:.0}");
            let groups: Vec<&str> =
                digits.as_bytes().rchunks(3).rev().filter_map(|it| std::str::from_utf8(it).ok()).collect();
            groups.join(",")
        }
        middle if middle >= 100.0 => format!("{middle:.0}"),
        middle if middle >= 10.0 => format!("{middle:.1}"),
        small => format!("{small:.2}"),
    }
}
