//! Fields that a tenant has added to the built-in ones.

use rusqlite::Connection;

use crate::model::{Filled, Target, Targets, TenantId, ValueType};
use crate::store::{Result, StoreError};

/// The fields that people of a tenant have, custom ones in the order in which they were added.
pub(in crate::store) fn targets(sql: &Connection, tenant: TenantId) -> Result<Targets> {
    let mut query = sql.prepare(
        "SELECT name, label, value_type, key FROM custom_field WHERE tenant = ?1 ORDER BY created_at, name",
    )?;
    let mut rows = query.query([tenant.0])?;
    let mut custom = Vec::new();
    while let Some(row) = rows.next()? {
        let word: String = row.get(2)?;
        let value_type = ValueType::ALL.into_iter().find(|it| it.name() == word);
        custom.push(Target {
            name: row.get(0)?,
            label: row.get(1)?,
            value_type: value_type
                .ok_or_else(|| StoreError::Corrupt(format!("a field of the type `{word}`")))?,
            key: row.get(3)?,
            mandatory: false,
            filled: Filled::ByMapping,
            custom: true,
        });
    }
    Ok(Targets::with(custom))
}
