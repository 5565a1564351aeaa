//! Who may do what in the tenant: groups, roles of the directory, enterprise applications.

/// A group and who is directly in it.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its object id.
    pub id: String,
    /// Users and groups, by object id.
    pub members: Vec<String>,
}

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A user, by object id.
    User(String),
    /// A group, by object id.
    Group(String),
    /// An application, by object id.
    ServicePrincipal(String),
}

impl Principal {
    /// Object id, and the type as Graph calls it.
    pub(crate) fn told(&self) -> (&str, &'static str) {
        match self {
            Self::User(id) => (id, "User"),
            Self::Group(id) => (id, "Group"),
            Self::ServicePrincipal(id) => (id, "ServicePrincipal"),
        }
    }
}

/// An enterprise application.
#[derive(Debug, Clone)]
pub struct Application {
    /// The object id of its service principal.
    pub id: String,
    /// Its application (client) id.
    pub app_id: String,
    /// Role id and name.
    pub roles: Vec<(String, String)>,
    /// Role id and holder; the id of zeros is access without a role.
    pub assigned: Vec<(String, Principal)>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The groups.
    pub groups: Vec<Group>,
    /// Directory roles: id and name.
    pub directory_roles: Vec<(String, String)>,
    /// Directory role id and holder.
    pub directory_assignments: Vec<(String, Principal)>,
    /// The enterprise applications.
    pub applications: Vec<Application>,
}

impl Access {
    /// The ids of everything in a group, however deeply nested, each once. Groups may be in each other.
    pub(crate) fn members(&self, group: &str) -> Option<Vec<&str>> {
        let of = |id: &str| self.groups.iter().find(|it| it.id == id);
        let mut open = vec![of(group)?];
        let mut seen: Vec<&str> = Vec::new();
        while let Some(group) = open.pop() {
            for member in &group.members {
                if !seen.contains(&member.as_str()) {
                    seen.push(member);
                    open.extend(of(member));
                }
            }
        }
        Some(seen)
    }
}
