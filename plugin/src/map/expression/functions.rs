//! What an expression can call: each as a filter (`mail|lower`), and as a method (`mail.lower()`) where
//! people write it so. No file, no clock, no random number.

use std::borrow::Cow;

use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::scan::Kind;
use super::values::{Digits, approximately};
use crate::map::words;

type Function = fn(&[Value]) -> Result<Value, Error>;
type Test = fn(&[Value]) -> Result<bool, Error>;

/// Name, the most arguments beside the value.
const FILTERS: [(&str, usize, Function); 26] = [
    ("default", 1, |it| Ok(if missing(&it[0]) { at(it, 1) } else { it[0].clone() })),
    ("d", 1, |it| Ok(if missing(&it[0]) { at(it, 1) } else { it[0].clone() })),
    ("text", 0, to_text),
    ("string", 0, to_text),
    ("number", 0, to_number),
    ("int", 0, to_number),
    ("float", 0, to_number),
    ("lower", 0, |it| Ok(text(&it[0])?.to_lowercase().into())),
    ("upper", 0, |it| Ok(text(&it[0])?.to_uppercase().into())),
    ("title", 0, |it| Ok(words::title(text(&it[0])?).into())),
    ("capitalize", 0, |it| Ok(capitalize(text(&it[0])?).into())),
    ("trim", 0, |it| Ok(text(&it[0])?.trim().into())),
    ("strip", 0, |it| Ok(text(&it[0])?.trim().into())),
    ("replace", 2, |it| Ok(text(&it[0])?.replace(text(&it[1])?, text(&it[2])?).into())),
    ("split", 1, split),
    ("join", 1, join),
    ("first", 0, |it| edge(&it[0], true)),
    ("last", 0, |it| edge(&it[0], false)),
    ("length", 0, |it| Ok(length(&it[0])?.into())),
    ("count", 0, |it| Ok(length(&it[0])?.into())),
    ("sort", 0, |it| {
        let mut all = list(&it[0])?;
        all.sort();
        Ok(all.into_iter().collect())
    }),
    ("min", 0, |it| Ok(list(&it[0])?.into_iter().min().unwrap_or(Value::UNDEFINED))),
    ("max", 0, |it| Ok(list(&it[0])?.into_iter().max().unwrap_or(Value::UNDEFINED))),
    ("starting", 1, |it| select(it, |item, part| item.starts_with(part))),
    ("containing", 1, |it| select(it, |item, part| item.contains(part))),
    ("ending", 1, |it| select(it, |item, part| item.ends_with(part))),
];

/// Those that are called by their name alone, too.
const FUNCTIONS: [&str; 2] = ["text", "number"];

/// Those that are written behind a dot, too; and two that are written only so.
const METHODS: [&str; 8] = ["lower", "upper", "title", "capitalize", "strip", "split", "replace", "join"];

const METHOD_TESTS: [(&str, &str); 2] = [("startswith", "starting"), ("endswith", "ending")];

const TESTS: [(&str, usize, Test); 9] = [
    ("defined", 0, |it| Ok(!it[0].is_undefined())),
    ("undefined", 0, |it| Ok(it[0].is_undefined())),
    ("none", 0, |it| Ok(it[0].is_none())),
    ("blank", 0, |it| Ok(missing(&it[0]) || it[0].as_str().is_some_and(|it| it.trim().is_empty()))),
    ("string", 0, |it| Ok(it[0].as_str().is_some())),
    ("number", 0, |it| Ok(it[0].is_number() || it[0].downcast_object_ref::<Digits>().is_some())),
    ("starting", 1, |it| Ok(text(&it[0])?.starts_with(text(&it[1])?))),
    ("ending", 1, |it| Ok(text(&it[0])?.ends_with(text(&it[1])?))),
    ("containing", 1, |it| Ok(text(&it[0])?.contains(text(&it[1])?))),
];

/// The names that are known for a use.
pub(super) fn names(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Filter => FILTERS.iter().map(|(name, ..)| *name).collect(),
        Kind::Test => TESTS.iter().map(|(name, ..)| *name).collect(),
        Kind::Function => FUNCTIONS.to_vec(),
        Kind::Method => METHODS.into_iter().chain(METHOD_TESTS.map(|(name, _)| name)).collect(),
    }
}

/// Makes them known to the engine.
pub(super) fn register(environment: &mut Environment<'static>) {
    for (name, most, function) in FILTERS {
        let call = move |all: Rest<Value>| counted(name, most, &all).and_then(|()| function(&all));
        environment.add_filter(name, call);
        if FUNCTIONS.contains(&name) {
            environment.add_function(name, call);
        }
    }
    for (name, most, test) in TESTS {
        environment
            .add_test(name, move |all: Rest<Value>| counted(name, most, &all).and_then(|()| test(&all)));
    }
    environment.set_unknown_method_callback(|_, value, name, arguments| {
        let mut all = vec![value.clone()];
        // `a.join(list)` is the list joined by `a`.
        if name == "join" && arguments.len() == 1 {
            all.insert(0, arguments[0].clone());
        } else {
            all.extend_from_slice(arguments);
        }
        if let Some((_, test)) = METHOD_TESTS.iter().find(|(method, _)| *method == name) {
            let (_, most, test) = TESTS.iter().find(|(known, ..)| known == test).ok_or_else(unknown)?;
            return counted(name, *most, &all).and_then(|()| test(&all)).map(Value::from);
        }
        let known = FILTERS.iter().find(|(known, ..)| *known == name && METHODS.contains(&name));
        let (_, most, function) = known.ok_or_else(unknown)?;
        counted(name, *most, &all).and_then(|()| function(&all))
    });
}

fn unknown() -> Error {
    Error::from(ErrorKind::UnknownMethod)
}

fn counted(name: &str, most: usize, all: &[Value]) -> Result<(), Error> {
    // `replace` takes both of its arguments, `default` may go without, `split` and `join` too.
    let least = match name {
        "replace" => 2,
        "starting" | "ending" | "containing" | "startswith" | "endswith" => 1,
        _ => 0,
    };
    match all.len().checked_sub(1) {
        Some(given) if (least..=most).contains(&given) => Ok(()),
        given => {
            let given = given.map_or_else(|| "no value".to_owned(), |given| format!("{given} arguments"));
            Err(wrong(format!("`{name}` takes {least} to {most} arguments beside the value, found {given}")))
        }
    }
}

fn wrong(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

fn at(all: &[Value], place: usize) -> Value {
    all.get(place).cloned().unwrap_or_else(|| "".into())
}

/// Not there, or null.
fn missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none()
}

fn what(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => "a value that is not there".to_owned(),
        ValueKind::None => "null".to_owned(),
        ValueKind::Plain => format!("the number {value}"),
        ValueKind::Seq | ValueKind::Iterable => "a list".to_owned(),
        ValueKind::Map => "an object".to_owned(),
        ValueKind::String => "a text".to_owned(),
        ValueKind::Number => format!("the number {value}"),
        other => format!("{other} {value}"),
    }
}

fn text(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| wrong(format!("expected a text, found {}", what(value))))
}

fn to_text(all: &[Value]) -> Result<Value, Error> {
    match all[0].kind() {
        ValueKind::String => Ok(all[0].clone()),
        ValueKind::Number | ValueKind::Plain | ValueKind::Bool => Ok(all[0].to_string().into()),
        _ => Err(wrong(format!("expected a value, found {}", what(&all[0])))),
    }
}

fn to_number(all: &[Value]) -> Result<Value, Error> {
    let digits = match all[0].kind() {
        ValueKind::Number => return Ok(all[0].clone()),
        ValueKind::String | ValueKind::Plain => all[0].to_string(),
        _ => String::new(),
    };
    approximately(&digits)
        .ok_or_else(|| wrong(format!("expected the digits of a number, found {}", what(&all[0]))))
}

fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

fn split(all: &[Value]) -> Result<Value, Error> {
    let whole = text(&all[0])?;
    match all.get(1) {
        None => Ok(whole.split_whitespace().map(Value::from).collect()),
        Some(by) if text(by)?.is_empty() => Err(wrong("there is nothing to split by")),
        Some(by) => Ok(whole.split(text(by)?).map(Value::from).collect()),
    }
}

fn join(all: &[Value]) -> Result<Value, Error> {
    let by = at(all, 1);
    let parts = list(&all[0])?;
    let parts: Vec<String> = parts
        .iter()
        .filter(|it| !missing(it))
        .map(|it| to_text(std::slice::from_ref(it)).map(|it| it.to_string()))
        .collect::<Result<_, Error>>()?;
    Ok(parts.join(text(&by)?).into())
}

fn list(value: &Value) -> Result<Vec<Value>, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Ok(value.try_iter()?.collect()),
        _ => Err(wrong(format!("expected a list, found {}", what(value)))),
    }
}

/// The first or last of a list or text; not there when it is empty.
fn edge(value: &Value, first: bool) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        let mut letters = text.chars();
        let letter = if first { letters.next() } else { letters.next_back() };
        return Ok(letter.map_or(Value::UNDEFINED, |it| it.to_string().into()));
    }
    let mut all = list(value)?.into_iter();
    Ok(if first { all.next() } else { all.next_back() }.unwrap_or(Value::UNDEFINED))
}

fn length(value: &Value) -> Result<usize, Error> {
    match value.as_str() {
        Some(text) => Ok(text.chars().count()),
        None => value.len().ok_or_else(|| wrong(format!("expected a text or a list, found {}", what(value)))),
    }
}

/// Those texts of a list for which something holds.
fn select(all: &[Value], holds: fn(&str, &str) -> bool) -> Result<Value, Error> {
    let part = at(all, 1);
    let part = text(&part)?;
    let mut found = Vec::new();
    for item in list(&all[0])? {
        if holds(text(&item)?, part) {
            found.push(item);
        }
    }
    Ok(found.into_iter().collect())
}
