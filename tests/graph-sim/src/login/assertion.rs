//! Client assertions: signed with the key of a registered certificate, or issued by another identity provider.
//! Sources: "Microsoft identity platform application authentication certificate credentials", "Workload identity
//! federation", "Microsoft Entra authentication and authorization error codes". Where Microsoft is said to be
//! lenient (old algorithms, long lives), this is not.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::{LoginError, Tokens};
use crate::base64;
use crate::clock;
use crate::world::App;

/// How far clocks may differ, in seconds.
const SKEW: i64 = 5 * 60;

/// How long an assertion may be good from now on, in seconds.
const LONGEST: i64 = 60 * 60;

struct Jwt<'a> {
    header: Value,
    claims: Value,
    /// What is signed.
    message: &'a str,
    signature: Vec<u8>,
}

impl Jwt<'_> {
    fn claim(&self, name: &str) -> &str {
        self.claims[name].as_str().unwrap_or_default()
    }
}

fn refuse(number: u32, message: &str) -> LoginError {
    LoginError::new(401, "invalid_client", number, message)
}

/// Takes an assertion for an app, sent to `url` when it is `now` at the login host.
pub(super) fn check(
    app: &App,
    tokens: &mut Tokens,
    assertion: &str,
    url: &str,
    now: i64,
) -> Result<(), LoginError> {
    let malformed = || LoginError::new(400, "invalid_request", 50_027, "JWT token is invalid or malformed.");
    let jwt = parse(assertion).ok_or_else(malformed)?;
    if jwt.header.get("x5t#S256").is_some() || jwt.header.get("x5t").is_some() {
        by_certificate(app, &jwt, url, now)?;
        // An assertion is good for one use.
        if jwt.claim("jti").is_empty() || !tokens.take(jwt.claim("jti"), assertion) {
            return Err(refuse(50_012, "Client assertion has no id, or its id was used before."));
        }
        return Ok(());
    }
    federated(app, &jwt, now)?;
    tokens.take("", assertion);
    Ok(())
}

fn parse(assertion: &str) -> Option<Jwt<'_>> {
    let (message, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let json = |part: &str| serde_json::from_slice(&base64::decode(part)?).ok();
    Some(Jwt { header: json(header)?, claims: json(claims)?, message, signature: base64::decode(signature)? })
}

fn by_certificate(app: &App, jwt: &Jwt<'_>, url: &str, now: i64) -> Result<(), LoginError> {
    let bad = |why: &str| {
        let message = format!(
            "Client assertion failed signature validation. [Reason - {why}, Please visit the Azure Portal and \
             check the registered keys of app '{}'.]",
            app.client_id
        );
        refuse(700_027, &message)
    };
    if jwt.header["alg"] != "PS256" {
        return Err(bad("The algorithm is not PS256."));
    }
    let thumbprint = jwt.header["x5t#S256"].as_str().unwrap_or_default();
    let registered = app.certificates.iter().find(|it| it.thumbprint == thumbprint);
    let registered = registered.ok_or_else(|| bad("The key was not found."))?;
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &registered.public_key)
        .verify(jwt.message.as_bytes(), &jwt.signature)
        .map_err(|_| bad("The key was found, but use of the key to verify the signature failed."))?;
    if clock::seconds(&registered.ends).is_none_or(|ends| ends <= now) {
        return Err(bad("The key used is expired."));
    }
    if jwt.claim("aud") != url {
        return Err(refuse(700_023, "Client assertion audience claim does not match Realm issuer."));
    }
    if jwt.claim("iss") != app.client_id || jwt.claim("sub") != app.client_id {
        return Err(refuse(
            700_021,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        ));
    }
    in_time(jwt, now)?;
    if jwt.claims["exp"].as_i64().is_some_and(|exp| exp > now + LONGEST) {
        return Err(refuse(
            700_024,
            "Client assertion is not within its valid time range: it is good for too long.",
        ));
    }
    Ok(())
}

fn in_time(jwt: &Jwt<'_>, now: i64) -> Result<(), LoginError> {
    let time = |name: &str| jwt.claims[name].as_i64();
    let (from, until) = (time("nbf").unwrap_or(now), time("exp").unwrap_or(i64::MIN));
    if from > now + SKEW || until <= now - SKEW {
        let message = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, \
             expiry time of assertion {}.",
            clock::login(now),
            clock::login(from),
            clock::login(until.max(0)),
        );
        return Err(refuse(700_024, &message));
    }
    Ok(())
}

fn federated(app: &App, jwt: &Jwt<'_>, now: i64) -> Result<(), LoginError> {
    let no_match = |number, what: &str, presented: &str| {
        let message = format!(
            "No matching federated identity record found for presented assertion {what} '{presented}'."
        );
        refuse(number, &message)
    };
    let issuer = jwt.claim("iss");
    let of_issuer: Vec<_> = app.federated.iter().filter(|it| it.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return Err(no_match(700_211, "issuer", issuer));
    }
    let subject = jwt.claim("sub");
    let record = of_issuer.into_iter().find(|it| it.subject == subject);
    let record = record.ok_or_else(|| no_match(700_213, "subject", subject))?;
    if jwt.claim("aud") != record.audience {
        return Err(no_match(700_212, "audience", jwt.claim("aud")));
    }
    let signed = jwt.header["alg"] == "RS256"
        && UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &record.public_key)
            .verify(jwt.message.as_bytes(), &jwt.signature)
            .is_ok();
    if !signed {
        return Err(refuse(50_013, "Assertion failed signature validation."));
    }
    in_time(jwt, now)
}
