//! Keys, certificates and tokens, made up for tests.

#![allow(dead_code, reason = "each suite uses a part")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use graph_sim::{Federated, Registered};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

/// A private key of nobody.
pub(crate) const FIRST: &str = include_str!("../../src/keys/first.pem");
/// Another one.
pub(crate) const SECOND: &str = include_str!("../../src/keys/second.pem");

fn pair(key: &str) -> (KeyPair, RsaKeyPair) {
    let key = KeyPair::from_pkcs8_pem_and_sign_algo(key, &PKCS_RSA_SHA256).unwrap();
    let ring = RsaKeyPair::from_pkcs8(key.serialized_der()).unwrap();
    (key, ring)
}

/// A certificate for a key that ends on this day, in PEM, and as it is registered at the source, where it is
/// good for long: the source has the machine's clock, the program the test's.
pub(crate) fn certificate(key: &str, (year, month, day): (i32, u8, u8)) -> (String, Registered) {
    let (key, ring) = pair(key);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "userload");
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, month, day);
    let made = params.self_signed(&key).unwrap();
    let registered = Registered::new(made.der(), ring.public().as_ref(), "2099-01-01T00:00:00Z");
    (made.pem(), registered)
}

/// The audience of tokens that are exchanged with Entra.
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";
/// A made-up identity provider.
pub(crate) const ISSUER: &str = "https://issuer.contoso.example";
/// A made-up workload.
pub(crate) const SUBJECT: &str = "system:serviceaccount:userload:userload";

/// The provider as Entra knows it.
pub(crate) fn provider() -> Federated {
    Federated {
        issuer: ISSUER.to_owned(),
        subject: SUBJECT.to_owned(),
        audience: AUDIENCE.to_owned(),
        public_key: pair(SECOND).1.public().as_ref().to_vec(),
    }
}

/// A token of the provider. `mark` makes it differ from others.
pub(crate) fn federated_token(subject: &str, mark: &str) -> String {
    let (_, key) = pair(SECOND);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT","kid":"one"}"#);
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"{subject}","aud":"{AUDIENCE}","jti":"{mark}","nbf":0,"exp":4102444800}}"#
    );
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
