//! What the plugin is, takes and asks for.
//!
//! The fields and their labels are those of Oomnitza's page "Microsoft Entra ID User Load"; names and types
//! of the properties are those of Graph's v1.0 metadata for `microsoft.graph.user`.

use crate::bindings::exports::userload::directory::connector::{
    CatalogEntry, FieldInfo, Manifest, PermissionInfo, Place, SecretAsk, SecretKind, SettingInfo, Suggestion,
    TokenBinding,
};
use crate::bindings::userload::directory::types::{Setting, ValueType};
use crate::settings::{self, Authentication};

/// The names of the secrets. Which of them is asked for is said by the setting `authentication`.
pub(crate) const CLIENT_SECRET: &str = "client-secret";
/// Tried when the client secret is refused.
pub(crate) const NEXT_CLIENT_SECRET: &str = "next-client-secret";
pub(crate) const CERTIFICATE: &str = "certificate";
pub(crate) const FEDERATED_TOKEN: &str = "federated-token";

/// The form fields that they stand in.
pub(crate) const SECRET_FIELD: &str = "client_secret";
pub(crate) const ASSERTION_FIELD: &str = "client_assertion";

/// Name, required, what it is good for: what the plugin can make use of.
/// <https://learn.microsoft.com/graph/permissions-reference>
const PERMISSIONS: [(&str, bool, &str); 7] = [
    ("User.Read.All", true, "reads people"),
    ("AuditLog.Read.All", false, "reads when people were last active (with Entra ID P1 or P2)"),
    ("Organization.Read.All", false, "reads the names of licences"),
    ("Application.Read.All", false, "reads the credential's own permissions and when its secret expires"),
    ("RoleManagement.Read.Directory", false, "reads directory roles, for `saas.role = \"directory-roles\"`"),
    ("GroupMember.Read.All", false, "reads who is in the groups that have a role"),
    ("Directory.Read.All", false, "reads all of the above but activity"),
];

/// The property that is none: the host fills in the time of the run.
pub(crate) const SYNC_TIME: &str = "connectorSyncTime";

use ValueType::{Flag, Text, Time};

/// Path, label, type, sent by default, suggested target.
#[rustfmt::skip]
const FIELDS: [(&str, &str, ValueType, bool, &str); 33] = [
    ("ageGroup", "Age Group", Text, false, "age_group"),
    ("city", "City", Text, false, "city"),
    ("companyName", "Company Name", Text, false, "company"),
    (SYNC_TIME, "Connector Sync Time", Time, false, "connector_sync_time"),
    ("consentProvidedForMinor", "Consent Provided For Minor", Text, false, "consent_provided_for_minor"),
    ("createdDateTime", "Creation Date", Time, false, "created_at"),
    ("creationType", "Creation Type", Text, false, "creation_type"),
    ("department", "Department", Text, false, "department"),
    ("displayName", "Display Name", Text, true, "display_name"),
    ("employeeHireDate", "Employee Hire Date", Time, false, "hire_date"),
    ("employeeId", "Employee ID", Text, false, "employee_id"),
    ("employeeType", "Employee Type", Text, false, "employee_type"),
    ("faxNumber", "Fax number", Text, false, "fax_number"),
    ("givenName", "Given Name", Text, true, "given_name"),
    ("id", "ID", Text, true, "source_id"),
    ("accountEnabled", "Is Account Enabled", Flag, false, "source_enabled"),
    ("isResourceAccount", "Is Resource Account", Flag, false, "resource_account"),
    ("jobTitle", "Job Title", Text, true, "job_title"),
    ("lastPasswordChangeDateTime", "Last Password Change Date", Time, false, "password_changed_at"),
    ("legalAgeGroupClassification", "Legal Age Group", Text, false, "legal_age_group"),
    ("mail", "Mail", Text, true, "email"),
    ("mailNickname", "Mail Nickname", Text, false, "mail_nickname"),
    ("mobilePhone", "Mobile Phone", Text, true, "mobile_phone"),
    ("officeLocation", "Office Location", Text, true, "office"),
    ("passwordPolicies", "Password Policies", Text, false, "password_policies"),
    ("postalCode", "Postal Code", Text, false, "postal_code"),
    ("preferredLanguage", "Preferred Language", Text, true, "preferred_language"),
    ("state", "State", Text, false, "state"),
    ("streetAddress", "Street", Text, false, "street"),
    ("surname", "Surname", Text, true, "surname"),
    ("usageLocation", "Usage Location", Text, false, "usage_location"),
    ("userPrincipalName", "User Principal Name", Text, true, "username"),
    ("userType", "User Type", Text, false, "user_type"),
];

/// The vendor's application, by its name in a software catalog.
const APPLICATION: &str = "Microsoft Entra ID";

/// Name and category of what the SaaS roles of a tenant are commonly of. All of it is Microsoft's.
const CATALOG: [(&str, &str); 8] = [
    (APPLICATION, "Identity"),
    ("Microsoft 365", "Productivity"),
    ("Microsoft Teams", "Collaboration"),
    ("Microsoft Intune", "Device management"),
    ("Microsoft Dynamics 365", "Business applications"),
    ("Microsoft Power BI", "Analytics"),
    ("Microsoft Project", "Productivity"),
    ("Microsoft Visio", "Productivity"),
];

/// The properties and their labels, as the vendor's page calls them.
pub(crate) fn labels() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.iter().map(|(path, label, ..)| (*path, *label))
}

/// What the plugin is, takes and asks for. Pure: the same for every call.
pub fn describe() -> Manifest {
    let text = str::to_owned;
    Manifest {
        application: text(APPLICATION),
        catalog: CATALOG
            .map(|(name, category)| CatalogEntry {
                name: text(name),
                publisher: text("Microsoft"),
                category: text(category),
            })
            .into(),
        integrations: vec![
            text("Microsoft Entra ID User Load"),
            text("Microsoft Entra ID User Load with Filtering"),
        ],
        settings: setting_infos(),
        secrets: secret_asks(),
        tokens: ["access_token", "id_token", "refresh_token"]
            .map(|field| TokenBinding {
                field: text(field),
                origin: text("{domain}"),
                place: Place::Header((text("authorization"), text("Bearer "))),
            })
            .into(),
        origins: vec![text("{login}"), text("{domain}")],
        fields: FIELDS
            .map(|(path, label, type_of, by_default, _)| FieldInfo {
                path: text(path),
                label: text(label),
                type_of,
                by_default,
                synthetic: path == SYNC_TIME,
            })
            .into(),
        suggestions: FIELDS
            .map(|(source, _, _, _, target)| Suggestion { source: text(source), target: text(target) })
            .into(),
        permissions: PERMISSIONS
            .map(|(name, required, why)| PermissionInfo { name: text(name), required, why: text(why) })
            .into(),
    }
}

/// Each for one way in which the application can prove itself, all of them to the token's URL.
fn secret_asks() -> Vec<SecretAsk> {
    let ask = |name: &str, label: &str, way: Authentication, field: &str| SecretAsk {
        name: name.to_owned(),
        label: label.to_owned(),
        kind: SecretKind::Text,
        optional: false,
        origin: "{login}".to_owned(),
        method: "POST".to_owned(),
        path: "/{tenant}/oauth2/v2.0/token".to_owned(),
        place: Place::FormField(field.to_owned()),
        when: Some(Setting { name: settings::AUTHENTICATION.to_owned(), value: way.value().to_owned() }),
        subject: None,
    };
    vec![
        ask(CLIENT_SECRET, "Client secret", Authentication::ClientSecret, SECRET_FIELD),
        SecretAsk {
            optional: true,
            ..ask(NEXT_CLIENT_SECRET, "Next client secret", Authentication::ClientSecret, SECRET_FIELD)
        },
        SecretAsk {
            kind: SecretKind::SigningKey,
            subject: Some("{client-id}".to_owned()),
            ..ask(CERTIFICATE, "Certificate with its key", Authentication::Certificate, ASSERTION_FIELD)
        },
        ask(FEDERATED_TOKEN, "Federated token", Authentication::FederatedToken, ASSERTION_FIELD),
    ]
}

fn setting_infos() -> Vec<SettingInfo> {
    let info = |name: &str, label: &str, help: &str, required, default: Option<&str>| SettingInfo {
        name: name.to_owned(),
        label: label.to_owned(),
        help: help.to_owned(),
        required,
        default_value: default.map(str::to_owned),
    };
    vec![
        info(
            settings::DOMAIN,
            "Domain",
            "Microsoft Graph's URL, with its protocol. National clouds: https://graph.microsoft.us, \
             https://dod-graph.microsoft.us, https://microsoftgraph.chinacloudapi.cn.",
            true,
            Some(settings::DEFAULT_DOMAIN),
        ),
        info(
            settings::LOGIN,
            "Login",
            "The URL that gives access tokens. Follows from the domain; only a domain that is not \
             Microsoft's needs it.",
            false,
            None,
        ),
        info(
            settings::TENANT,
            "Tenant ID",
            "Directory (tenant) ID on the overview page of the app registration, or a domain name of the \
             tenant.",
            true,
            None,
        ),
        info(
            settings::CLIENT_ID,
            "Client ID",
            "Application (client) ID on the overview page of the app registration. The app needs the \
             application permission User.Read.All with admin consent.",
            true,
            None,
        ),
        info(
            settings::SCOPES,
            "Scopes",
            "May stay empty. Permissions are granted in Entra; `{domain}/.default` is what is sent.",
            false,
            None,
        ),
        info(
            settings::AUTHENTICATION,
            "Authentication",
            "How the application proves itself: client-secret, certificate or federated-token.",
            false,
            Some(Authentication::ClientSecret.value()),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn labels_are_the_seeds() {
        // `seed/oomnitza-entra-user-load.txt`, "Mappable fields", in its order.
        let seed = "Age Group|City|Company Name|Connector Sync Time|Consent Provided For Minor|Creation Date|\
            Creation Type|Department|Display Name|Employee Hire Date|Employee ID|Employee Type|Fax number|\
            Given Name|ID|Is Account Enabled|Is Resource Account|Job Title|Last Password Change Date|\
            Legal Age Group|Mail|Mail Nickname|Mobile Phone|Office Location|Password Policies|Postal Code|\
            Preferred Language|State|Street|Surname|Usage Location|User Principal Name|User Type";
        let labels: Vec<_> = describe().fields.into_iter().map(|f| f.label).collect();
        assert_eq!(labels, seed.split('|').collect::<Vec<_>>());
    }

    #[test]
    fn suggestions_name_each_target_once_and_each_hole_is_a_setting() {
        let manifest = describe();
        let targets: HashSet<_> = manifest.suggestions.iter().map(|s| &s.target).collect();
        assert_eq!(targets.len(), 33);
        let by_default = manifest.fields.iter().filter(|f| f.by_default).count();
        assert_eq!(by_default, 10, "and businessPhones, which is not mapped");
        let names: HashSet<_> = manifest.settings.iter().map(|s| s.name.as_str()).collect();
        let subjects = manifest.secrets.iter().filter_map(|it| it.subject.as_deref());
        let places = manifest.secrets.iter().flat_map(|it| [it.origin.as_str(), it.path.as_str()]);
        let holed = subjects.chain(places).collect::<String>();
        assert!(manifest.secrets.iter().all(|it| it.when.as_ref().is_some_and(|w| names.contains(&*w.name))));
        for hole in holed.split('{').skip(1).filter_map(|p| p.split('}').next()) {
            assert!(names.contains(hole), "{hole}");
        }
    }
}
