//! Rules that speak of a whole integration: who may get which access role, what a launch needs, and which
//! fields two integrations share.

use super::integration::{Integration, Origin};
use crate::model::{ACCESS_ROLE, CONNECTOR_SYNC_TIME, MANAGER, Targets, fold_key};

/// The access roles of a document that names none.
pub const DEFAULT_ACCESS_ROLES: [&str; 5] = ["Employee", "Contractor", "External", "Guest", "Administrator"];

/// Whether an access role gives power over the directory: its name has `admin` in it.
#[must_use]
pub fn is_administrator_role(role: &str) -> bool {
    fold_key(role).is_some_and(|folded| folded.contains("admin"))
}

impl Integration {
    /// Whether somebody may get that access role from this integration. A role that is written in the
    /// document itself (a constant) may be an administrator's; one that comes from a field of the source
    /// may only when the document names it in `administrator-roles-from-source`.
    ///
    /// # Errors
    /// Why not: one clause, for the row's reason.
    pub fn check_access_role(&self, role: &str) -> Result<(), String> {
        let same = |listed: &String| fold_key(listed) == fold_key(role);
        if !self.access_roles.iter().any(same) {
            return Err(format!(
                "`{role}` is no access role of this integration, expected one of {}",
                self.access_roles.join(", ")
            ));
        }
        let from_source = self
            .mapping
            .iter()
            .any(|rule| rule.target.name == ACCESS_ROLE && matches!(rule.origin, Origin::Source(_)));
        if from_source
            && is_administrator_role(role)
            && !self.administrator_roles_from_source.iter().any(same)
        {
            return Err(format!(
                "the access role `{role}` may not come from the source unless \
                 `administrator-roles-from-source` names it"
            ));
        }
        Ok(())
    }

    /// Whether the Connector Sync Time is shown for people of this integration.
    #[must_use]
    pub fn maps_sync_time(&self) -> bool {
        self.mapping.iter().any(|rule| rule.origin == Origin::SyncTime)
    }
}

/// What an integration needs before it can be launched, one sentence each. Empty = it can be.
#[must_use]
pub fn missing_for_launch(integration: &Integration) -> Vec<String> {
    Targets::built_in()
        .iter()
        .filter(|target| target.mandatory)
        .filter(|target| !integration.mapping.iter().any(|rule| rule.target.name == target.name))
        .map(|target| {
            let line = match target.name.as_str() {
                ACCESS_ROLE => "add `access-role = \"Employee\"`".to_owned(),
                name => format!("add `{name} = \"User Principal Name\"` to `[mapping]`"),
            };
            format!("the mandatory field `{}` is not mapped: {line}", target.name)
        })
        .collect()
}

/// The fields that both of two integrations fill, in the order in which a person is shown.
#[must_use]
pub fn shared_fields<'a>(one: &'a Integration, other: &Integration) -> Vec<&'a str> {
    let mut shared: Vec<&str> = one
        .mapping
        .iter()
        .map(|rule| rule.target.name.as_str())
        // A stamp of each link, not a value of the person: nobody has to win.
        .filter(|name| *name != CONNECTOR_SYNC_TIME)
        .filter(|name| other.mapping.iter().any(|rule| rule.target.name == *name))
        .collect();
    if one.manager && other.manager {
        shared.push(MANAGER);
    }
    // The tenant's own fields come last.
    let built_in = Targets::built_in();
    shared.sort_by_key(|name| built_in.names().position(|it| it == *name).unwrap_or(usize::MAX));
    shared
}

#[cfg(test)]
mod tests {
    use super::super::{parse, seed_fields};
    use super::*;

    fn integration(rest: &str) -> Integration {
        let text = format!("name = \"a\"\ncredential = \"c\"\n{rest}");
        parse("a.toml", &text, &seed_fields(), &Targets::built_in())
            .unwrap_or_else(|report| panic!("{report}"))
    }

    #[test]
    fn administrators_do_not_come_from_a_field() {
        let constant = integration("access-role = \"Administrator\"");
        assert_eq!(constant.check_access_role("Administrator"), Ok(()));

        let mapped = integration("[mapping]\naccess_role = \"employeeType\"");
        assert_eq!(mapped.check_access_role("contractor"), Ok(()), "compared case-folded");
        assert!(mapped.check_access_role("Administrator").unwrap_err().contains("may not come from"));
        assert!(mapped.check_access_role("Chief").unwrap_err().contains("no access role"));

        let named = integration(
            "administrator-roles-from-source = [\"Administrator\"]\n[mapping]\naccess_role = \"employeeType\"",
        );
        assert_eq!(named.check_access_role("Administrator"), Ok(()));
    }

    #[test]
    fn a_draft_says_what_it_lacks() {
        let draft = integration("");
        let missing = missing_for_launch(&draft);
        assert_eq!(missing.len(), 2);
        assert!(missing[0].contains("`username`") && missing[1].contains("`access_role`"));
        let whole = integration("access-role = \"Guest\"\n[mapping]\nusername = \"mail\"");
        assert!(missing_for_launch(&whole).is_empty());
    }

    #[test]
    fn shared_fields_leave_the_stamp_out() {
        let one =
            integration("[mapping]\nusername = \"mail\"\nconnector_sync_time = \"Connector Sync Time\"");
        let other = integration(
            "[mapping]\nusername = \"mail\"\ncity = \"city\"\nconnector_sync_time = \"Connector Sync Time\"",
        );
        assert_eq!(shared_fields(&one, &other), ["username"]);
    }
}
