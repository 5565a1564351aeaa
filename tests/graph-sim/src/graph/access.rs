//! Who may ask for what.

use std::sync::Arc;

use super::Refused;
use crate::world::World;

/// What a token allows.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// Throttling is per app and tenant.
    pub(crate) client_id: Arc<str>,
    /// Permissions at the time the token was issued.
    pub(crate) roles: Arc<[String]>,
}

impl Grant {
    fn has(&self, any: &[&str]) -> bool {
        self.roles.iter().any(|role| any.contains(&role.as_str()))
    }

    /// `User.Read.All` or more.
    pub(crate) fn may_read_users(&self) -> Result<(), Refused> {
        let enough = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
        self.has(&enough).then_some(()).ok_or_else(Refused::privileges)
    }

    /// `Organization.Read.All` or more.
    pub(crate) fn may_read_organisation(&self) -> Result<(), Refused> {
        let enough = ["Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];
        self.has(&enough).then_some(()).ok_or_else(Refused::privileges)
    }

    /// `RoleManagement.Read.Directory` or more.
    pub(crate) fn may_read_directory_roles(&self) -> Result<(), Refused> {
        let enough = ["RoleManagement.Read.Directory", "RoleManagement.Read.All", "Directory.Read.All"];
        self.has(&enough).then_some(()).ok_or_else(Refused::privileges)
    }

    /// `Application.Read.All` or more.
    pub(crate) fn may_read_applications(&self) -> Result<(), Refused> {
        let enough = ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"];
        self.has(&enough).then_some(()).ok_or_else(Refused::privileges)
    }

    /// `GroupMember.Read.All` or more.
    pub(crate) fn may_read_groups(&self) -> Result<(), Refused> {
        let enough = ["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"];
        self.has(&enough).then_some(()).ok_or_else(Refused::privileges)
    }

    /// signInActivity: `AuditLog.Read.All`, and a tenant with P1 or P2.
    pub(crate) fn may_read_activity(&self, world: &World) -> Result<(), Refused> {
        if !self.has(&["AuditLog.Read.All"]) {
            return Err(Refused::privileges());
        }
        if !world.premium {
            return Err(Refused::new(
                403,
                "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                "Neither tenant is B2C or tenant doesn't have premium license",
            ));
        }
        Ok(())
    }
}

/// 401 with the challenge that Graph sends.
pub(crate) fn unauthorised(origin: &str, message: &str) -> Refused {
    let challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"{origin}/common/oauth2/authorize\", \
         client_id=\"00000003-0000-0000-c000-000000000000\""
    );
    Refused::new(401, "InvalidAuthenticationToken", message).with("www-authenticate", challenge)
}
