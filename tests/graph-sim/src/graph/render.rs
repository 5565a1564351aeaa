//! From a person to the JSON of an answer.

use std::borrow::Cow;
use std::sync::Arc;

use super::catalog::{self, DEFAULT_SELECTION, Kind};
use super::query::Query;
use super::{Refused, Site};
use crate::world::{User, World};

/// A property of the answer.
struct Column {
    name: String,
    /// `"name":`, ready to be written.
    key: String,
    unset: Unset,
}

/// What stands for a property that someone does not have, or has as null.
#[derive(Clone, Copy, PartialEq)]
enum Unset {
    Null,
    EmptyList,
    /// The property is left out: extensions, and the activity of those who never signed in.
    Absent,
    /// Activity that Graph does not tell: an object of nothing, whatever is known.
    Blank,
}

/// signInActivity as it comes with too large a page or with advanced parameters
/// (msgraph-sdk-powershell#1898): empty, and not distinguishable from "never".
const BLANK_ACTIVITY: &str = "{\"lastSignInDateTime\":null,\"lastSignInRequestId\":\"\",\
    \"lastNonInteractiveSignInDateTime\":null,\"lastNonInteractiveSignInRequestId\":\"\",\
    \"lastSuccessfulSignInDateTime\":null,\"lastSuccessfulSignInRequestId\":\"\"}";

/// Which properties to write, and where they stand in people of the last shape seen.
pub(crate) struct Projection {
    columns: Vec<Column>,
    shape: Option<Arc<[Cow<'static, str>]>>,
    positions: Vec<Option<usize>>,
    manager: Option<Box<Projection>>,
}

impl Projection {
    /// The properties that a query selects. `blank_activity` empties signInActivity.
    pub(crate) fn of(query: &Query, blank_activity: bool) -> Result<Self, Refused> {
        let mut projection = match &query.select {
            Some(names) if !names.is_empty() => Self::named(names, blank_activity)?,
            _ => Self::default_selection(),
        };
        if let Some(expand) = &query.expand {
            projection.manager = Some(Box::new(expand_manager(expand)?));
        }
        Ok(projection)
    }

    fn default_selection() -> Self {
        let columns = DEFAULT_SELECTION.iter().map(|name| {
            let list = *name == "businessPhones";
            column(name, if list { Unset::EmptyList } else { Unset::Null })
        });
        Self::new(columns.collect())
    }

    fn named(names: &[String], blank_activity: bool) -> Result<Self, Refused> {
        let mut columns: Vec<Column> = Vec::new();
        for name in names {
            if columns.iter().all(|known| known.name != *name) {
                columns.push(column(name, unset_of(name, blank_activity)?));
            }
        }
        Ok(Self::new(columns))
    }

    /// Properties of a delta: what is cleared is null, extensions too.
    pub(crate) fn changed(names: &[String]) -> Result<Self, Refused> {
        let mut projection = Self::named(names, false)?;
        for column in projection.columns.iter_mut().filter(|it| it.unset == Unset::Absent) {
            column.unset = Unset::Null;
        }
        Ok(projection)
    }

    fn new(columns: Vec<Column>) -> Self {
        Self { columns, shape: None, positions: Vec::new(), manager: None }
    }

    /// Adds a property behind the others.
    pub(crate) fn and(mut self, name: &str) -> Self {
        if self.columns.iter().all(|known| known.name != name) {
            self.columns.push(column(name, Unset::Null));
        }
        self
    }

    /// Appends `{...}`.
    pub(crate) fn write(&mut self, user: &User, world: &World, out: &mut Vec<u8>) {
        out.push(b'{');
        self.write_properties(user, world, out);
        out.push(b'}');
    }

    /// Appends the properties without the braces; whether there was any.
    pub(crate) fn write_properties(&mut self, user: &User, world: &World, out: &mut Vec<u8>) {
        self.locate(user);
        let begin = out.len();
        for (column, position) in self.columns.iter().zip(&self.positions) {
            let raw = position.map(|position| user.at(position));
            let raw = raw.filter(|raw| *raw != "null");
            let raw = match (raw, column.unset) {
                (_, Unset::Blank) => BLANK_ACTIVITY,
                (Some(raw), _) => raw,
                (None, Unset::Null) => "null",
                (None, Unset::EmptyList) => "[]",
                (None, Unset::Absent) => continue,
            };
            if out.len() > begin {
                out.push(b',');
            }
            out.extend_from_slice(column.key.as_bytes());
            out.extend_from_slice(raw.as_bytes());
        }
        let manager = user.manager().and_then(|id| world.user(id));
        if let (Some(inner), Some(manager)) = (&mut self.manager, manager) {
            if out.len() > begin {
                out.push(b',');
            }
            out.extend_from_slice(b"\"manager\":{\"@odata.type\":\"#microsoft.graph.user\",");
            inner.write_properties(manager, world, out);
            out.push(b'}');
        }
    }

    fn locate(&mut self, user: &User) {
        let same = self.shape.as_ref().is_some_and(|shape| Arc::ptr_eq(shape, user.shape()));
        if !same {
            let positions = self.columns.iter().map(|column| user.position(&column.name));
            self.positions = positions.collect();
            self.shape = Some(Arc::clone(user.shape()));
        }
    }
}

fn column(name: &str, unset: Unset) -> Column {
    Column { name: name.to_owned(), key: format!("\"{name}\":"), unset }
}

fn unset_of(name: &str, blank_activity: bool) -> Result<Unset, Refused> {
    if name == "signInActivity" {
        return Ok(if blank_activity { Unset::Blank } else { Unset::Absent });
    }
    match catalog::property(name) {
        Some(property) if property.kind == Kind::List => Ok(Unset::EmptyList),
        Some(_) => Ok(Unset::Null),
        None if catalog::is_extension(name) => Ok(Unset::Absent),
        None if catalog::is_elsewhere(name) => Err(Refused::new(
            501,
            "NotImplemented",
            format!("The property '{name}' is not supported on a collection of users."),
        )),
        None => Err(Refused::odata(format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{name}' on \
             type 'microsoft.graph.user'."
        ))),
    }
}

/// `manager` or `manager($select=id,displayName)`: the only reference simulated.
fn expand_manager(expand: &str) -> Result<Projection, Refused> {
    let rest = expand.strip_prefix("manager").unwrap_or("?");
    if rest.is_empty() {
        return Ok(Projection::default_selection());
    }
    let inner = rest.strip_prefix("($select=").and_then(|rest| rest.strip_suffix(')'));
    let Some(inner) = inner else {
        return Err(Refused::odata(format!(
            "Parsing OData Select and Expand failed: '{expand}' cannot be expanded."
        )));
    };
    let names: Vec<String> = inner.split(',').map(str::to_owned).collect();
    Projection::named(&names, false)
}

/// `@odata.context` of users.
pub(crate) fn context(site: &Site<'_>, query: &Query, entity: bool) -> String {
    let select = match &query.select {
        Some(names) if !names.is_empty() => format!("({})", names.join(",")),
        _ => String::new(),
    };
    let entity = if entity { "/$entity" } else { "" };
    format!("{}/v1.0/$metadata#users{select}{entity}", site.origin)
}
