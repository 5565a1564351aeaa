//! The pages of Microsoft's about a credential, for people to open.

use crate::bindings::exports::userload::directory::connector::{CredentialPage, PagePurpose};
use crate::bindings::userload::directory::types::{Error, Setting};
use crate::settings::Settings;

/// The administration of each cloud. <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
const CENTERS: [(&str, &str); 4] = [
    ("global", "https://entra.microsoft.com"),
    ("us-gov", "https://entra.microsoft.us"),
    ("us-gov-dod", "https://entra.microsoft.us"),
    ("china", "https://portal.azure.cn"),
];

/// Where consent is granted, permissions are chosen, secrets are made and ids are read. Sends nothing.
/// Admin consent: <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>.
pub fn credential_pages(given: &[Setting]) -> Result<Vec<CredentialPage>, Error> {
    let settings = Settings::read(given).map_err(Error::Settings)?;
    let Settings { login, tenant, client_id, .. } = &settings;
    let consent = format!("{login}/{tenant}/adminconsent?client_id={client_id}");
    let mut pages = vec![CredentialPage { purpose: PagePurpose::Consent, url: consent }];
    if let Some((_, center)) = CENTERS.iter().find(|(cloud, _)| *cloud == settings.cloud) {
        let blades = [
            (PagePurpose::Permissions, "CallAnAPI"),
            (PagePurpose::Keys, "Credentials"),
            (PagePurpose::Overview, "Overview"),
        ];
        pages.extend(blades.map(|(purpose, blade)| CredentialPage {
            purpose,
            url: format!(
                "{center}/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/{blade}/appId/{client_id}"
            ),
        }));
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::source;

    #[test]
    fn each_cloud_has_its_own_and_a_simulator_only_consent() {
        let pages = credential_pages(&source().settings).unwrap();
        assert_eq!(
            pages[0].url,
            "https://login.microsoftonline.com/contoso.onmicrosoft.com/adminconsent?client_id=11111111-2222-3333-4444-555555555555"
        );
        assert!(pages[2].url.starts_with("https://entra.microsoft.com/#view/"));
        assert!(pages[2].url.ends_with("~/Credentials/appId/11111111-2222-3333-4444-555555555555"));
        let local = |name: &str| Setting { name: name.to_owned(), value: "http://127.0.0.1:1".to_owned() };
        let mut settings = source().settings;
        settings.extend([local("domain"), local("login")]);
        assert_eq!(credential_pages(&settings).unwrap().len(), 1);
        assert!(credential_pages(&[]).is_err());
    }
}
