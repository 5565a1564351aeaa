//! Golden records: what a mapping makes of records that are kept beside it.

use std::fmt;

use serde::Serialize;

use crate::config::MappingTest;
use crate::engine::{CallError, Transformer};
use crate::store::fields;

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// What is not as expected; empty when the test passed.
    pub differences: Vec<Unexpected>,
}

/// One field that is not as expected. Values are JSON texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unexpected {
    /// The target field; none when the record as a whole is at fault.
    pub field: Option<String>,
    /// What was expected; none = empty.
    pub expected: Option<String>,
    /// What came; none = empty.
    pub found: Option<String>,
    /// In words, when it is no matter of values.
    pub reason: Option<String>,
}

impl TestResult {
    /// Everything is as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for TestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.name)?;
        let value = |it: &Option<String>| it.clone().unwrap_or_else(|| "nothing".to_owned());
        for it in &self.differences {
            let field = it.field.as_deref().unwrap_or("the record");
            match &it.reason {
                Some(reason) => write!(f, "\n    {field}: {reason}")?,
                None => {
                    write!(f, "\n    {field}: expected {}, found {}", value(&it.expected), value(&it.found))?;
                }
            }
        }
        Ok(())
    }
}

/// Runs tests through the plugin, in order.
///
/// # Errors
/// When the plugin fails.
pub fn run_tests(
    transformer: &mut Transformer,
    mapping: &str,
    tests: &[MappingTest],
) -> Result<Vec<TestResult>, CallError> {
    tests.iter().map(|test| run(transformer, mapping, test)).collect()
}

fn run(transformer: &mut Transformer, mapping: &str, test: &MappingTest) -> Result<TestResult, CallError> {
    let mut differences = Vec::new();
    let mut say = |field: Option<String>, reason: String| {
        differences.push(Unexpected { field, expected: None, found: None, reason: Some(reason) });
    };
    let mapped = match transformer.map_record(mapping, &test.raw)? {
        Err(bad) => {
            if test.fails.is_none() || test.fails != bad.field {
                say(bad.field, format!("the record fails: {}", bad.reason));
            }
            return Ok(TestResult { name: test.name.clone(), differences });
        }
        Ok(mapped) => mapped,
    };
    if let Some(field) = &test.fails {
        say(Some(field.clone()), "the record was to fail for it, and did not".to_owned());
        return Ok(TestResult { name: test.name.clone(), differences });
    }
    let map = fields::parse(&mapped.fields).unwrap_or_default();
    let found = |field: &str| {
        let value = map.get(field).map(|it| it.get().to_owned());
        value.filter(|it| it != "null")
    };
    let wanted = test.expect.iter().map(|(field, value)| (field, Some(value.clone())));
    for (field, expected) in wanted.chain(test.empty.iter().map(|field| (field, None))) {
        let found = found(field);
        if found != expected && decoded(found.as_deref()) != decoded(expected.as_deref()) {
            differences.push(Unexpected { field: Some(field.clone()), expected, found, reason: None });
        }
    }
    Ok(TestResult { name: test.name.clone(), differences })
}

/// A text, whatever its escapes; other values as they stand, so that `1.0` is not `1`.
fn decoded(value: Option<&str>) -> Option<(bool, String)> {
    let value = value?;
    Some(match serde_json::from_str::<String>(value) {
        Ok(text) => (true, text),
        Err(_) => (false, value.to_owned()),
    })
}
