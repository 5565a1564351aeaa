//! Functions that SQL calls, so that statements stay set-based where a rule of ours is needed.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::fields;

/// Makes the functions known to a connection.
pub(super) fn register(sql: &Connection) -> rusqlite::Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // merge_fields(fields, differences) -> fields
    sql.create_scalar_function("merge_fields", 2, pure, |call| {
        fields::merge(call.get_raw(0).as_str()?, call.get_raw(1).as_str_or_null()?).map_err(fault)
    })
}

fn fault(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error))
}
