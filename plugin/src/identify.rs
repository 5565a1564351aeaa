//! Whose directory the credential opens.

use crate::bindings::exports::userload::directory::connector::{Identity, Source};
use crate::bindings::userload::directory::types::Error;
use crate::error::malformed;
use crate::graph::page::text;
use crate::host_imports::Outside;
use crate::json::{Entries, shorten};
use crate::oauth::{Tokens, login_fault};
use crate::settings::{Settings, is_guid};
use crate::transport::Request;

/// Gets a new access token, which proves the credential, and reads the tenant's id out of the login's own
/// description (OpenID Connect Discovery 1.0, section 4): Graph's `/organization` would need a permission
/// more. Reads no user.
pub fn identify(outside: &mut dyn Outside, tokens: &mut Tokens, source: &Source) -> Result<Identity, Error> {
    let settings = Settings::read(&source.settings).map_err(Error::Settings)?;
    tokens.renew(outside, &settings)?;
    let url = format!("{}/{}/v2.0/.well-known/openid-configuration", settings.login, settings.tenant);
    let response = outside.send(Request::get(url))?;
    if response.status != 200 {
        return Err(login_fault(&response));
    }
    let issuer = Entries::parse(text(&response)?).ok();
    let issuer = issuer.and_then(|e| e.text("issuer")).unwrap_or_default();
    let Some(tenant) = issuer.split('/').find(|part| is_guid(part)) else {
        let found = shorten(&issuer, 200);
        let reason = format!("expected an issuer with the tenant's id, found `{found}`");
        return Err(malformed(Some("issuer"), reason));
    };
    if is_guid(&settings.tenant) && !settings.tenant.eq_ignore_ascii_case(tenant) {
        let reason = format!("asked about the tenant {}, told of {tenant}", settings.tenant);
        return Err(malformed(Some("issuer"), reason));
    }
    Ok(Identity { tenant: tenant.to_ascii_lowercase(), cloud: settings.cloud.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, answer, source};

    const TENANT: &str = "AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee";

    fn ask(script: &mut Script, source: &Source) -> Result<Identity, Error> {
        identify(script, &mut Tokens::new(), source)
    }

    #[test]
    fn the_tenant_stands_in_the_issuer() {
        let mut script = Script::new();
        let body = format!(r#"{{"issuer":"https://login.microsoftonline.com/{TENANT}/v2.0"}}"#);
        let part =
            "https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration";
        script.expect(part, answer(200, &body));
        let identity = ask(&mut script, &source()).unwrap();
        assert_eq!(identity.tenant, TENANT.to_lowercase());
        assert_eq!(identity.cloud, "global");
        assert_eq!(script.token_requests.len(), 1);
        assert!(script.seen[0].headers.iter().all(|(name, _)| *name != "authorization"));

        let mut other = source();
        other.settings[0].value = "11111111-bbbb-cccc-dddd-eeeeeeeeeeee".to_owned();
        script.expect("openid", answer(200, &body));
        assert!(matches!(ask(&mut script, &other), Err(Error::Malformed(_))));
    }

    #[test]
    fn an_answer_without_a_tenant() {
        let mut script = Script::new();
        script.expect("openid", answer(200, r#"{"issuer":"https://login.example/{tenantid}"}"#));
        assert!(matches!(ask(&mut script, &source()), Err(Error::Malformed(_))));
        let body = r#"{"error":"invalid_tenant","error_description":"AADSTS90002: no"}"#;
        script.expect("openid", answer(400, body));
        assert!(matches!(ask(&mut script, &source()), Err(Error::AuthRejected(_))));
    }
}
