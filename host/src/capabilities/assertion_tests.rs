use super::*;
use crate::capabilities::origin::Origin;
use crate::capabilities::vault::{Binding, Place, SecretAsk, SecretError, SecretKind, SecretSet};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

/// Made up for tests.
const FIRST: &str = include_str!("../../../tests/src/keys/first.pem");
const SECOND: &str = include_str!("../../../tests/src/keys/second.pem");

const URL: &str = "https://login.example/t/token";

fn certificate(key: &str) -> String {
    let key = KeyPair::from_pkcs8_pem_and_sign_algo(key, &PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "userload");
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 31);
    params.self_signed(&key).unwrap().pem()
}

fn refused(pem: &str) -> SigningKeyError {
    SigningKey::from_pem(pem).err().unwrap()
}

fn set(pem: &str) -> SecretSet {
    let binding = Binding {
        origin: "https://login.example".parse().unwrap(),
        method: Some(http::Method::POST),
        path: Some("/t/token".to_owned()),
        place: Place::FormField("client_assertion".to_owned()),
    };
    let kind = SecretKind::SigningKey { subject: "the-app".to_owned() };
    let ask = SecretAsk { name: "certificate".to_owned(), kind, optional: false, binding };
    SecretSet::new([ask], [], [("certificate".to_owned(), Secret::new(pem))]).unwrap()
}

/// Header and claims of what a placeholder stands for.
fn parts(set: &SecretSet, placeholder: &str) -> [serde_json::Value; 2] {
    let issued = set.lookup(placeholder).unwrap();
    let mut parts = issued.value.expose().split('.');
    [(); 2].map(|()| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap()).unwrap())
}

#[test]
fn a_pair_is_found_in_any_order_and_in_a_chain() {
    let (own, other) = (certificate(FIRST), certificate(SECOND));
    for pem in [format!("{own}{FIRST}"), format!("{FIRST}{other}{own}")] {
        let key = SigningKey::from_pem(&pem).unwrap();
        assert_eq!(key.facts().subject, "CN=userload");
        assert_eq!(key.facts().not_after, 1_801_353_600, "2027-01-31");
        assert_eq!(key.facts().thumbprint.len(), 43);
    }
}

#[test]
fn what_is_no_pair_is_told_apart_and_not_quoted() {
    let own = certificate(FIRST);
    assert_eq!(refused("hello"), SigningKeyError::NoCertificate);
    assert_eq!(refused(FIRST), SigningKeyError::NoCertificate);
    assert_eq!(refused(&own), SigningKeyError::NoKey);
    assert_eq!(refused(&format!("{own}{SECOND}")), SigningKeyError::Strangers);
    assert_eq!(refused(&format!("{own}{FIRST}{SECOND}")), SigningKeyError::ManyKeys(2));
    let protected = FIRST.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(refused(&format!("{own}{protected}")), SigningKeyError::Encrypted);
    let elliptic = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    assert!(matches!(refused(&format!("{own}{elliptic}")), SigningKeyError::BadKey(_)));
    let cut = FIRST.replacen("MII", "M", 1);
    let error = refused(&format!("{own}{cut}"));
    assert!(!error.to_string().contains("MII") && !error.help("f.pem").contains("MII"), "{error}");
    let mangled = own.replacen("MII", "AAA", 1);
    assert!(matches!(refused(&format!("{mangled}{FIRST}")), SigningKeyError::BadCertificate(_)));
}

#[test]
fn an_assertion_is_what_microsoft_asks_for() {
    let pem = format!("{}{FIRST}", certificate(FIRST));
    let key = SigningKey::from_pem(&pem).unwrap();
    let signed = sign(&key, "the-app", URL, 1_000_000).unwrap();
    let (message, signature) = signed.expose().rsplit_once('.').unwrap();
    let public = pair(key.form, &key.key).unwrap().public().as_ref().to_vec();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public).verify(message.as_bytes(), &signature).unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let read =
        |part| serde_json::from_slice::<serde_json::Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims) = (read(header), read(claims));
    assert_eq!(header["alg"], "PS256");
    assert_eq!(header["x5t#S256"], key.facts().thumbprint.as_str());
    assert_eq!(
        (&claims["aud"], &claims["iss"], &claims["sub"]),
        (&URL.into(), &"the-app".into(), &"the-app".into())
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 900);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
}

#[test]
fn only_the_granted_audience_is_signed_for_and_each_assertion_is_new() {
    let set = set(&format!("{}{FIRST}", certificate(FIRST)));
    for wrong in [
        "https://login.example/t/other",
        "https://evil.example/t/token",
        "",
        "https://login.example/t/token?",
    ] {
        assert_eq!(set.sign_assertion("certificate", wrong), Err(SecretError::WrongAudience), "{wrong}");
    }
    assert_eq!(set.placeholder("certificate"), Err(SecretError::NotGranted), "a key is never sent");
    let (one, two) =
        (set.sign_assertion("certificate", URL).unwrap(), set.sign_assertion("certificate", URL).unwrap());
    assert_ne!(parts(&set, &one)[1]["jti"], parts(&set, &two)[1]["jti"]);
    let text = set.lookup(&one).unwrap().value.expose().to_owned();
    assert_eq!(set.redact(&format!("sent {text}")), "sent ***");
}

#[test]
fn the_clock_of_the_source_is_the_one_that_counts_within_reason() {
    let set = set(&format!("{}{FIRST}", certificate(FIRST)));
    let origin: Origin = "https://login.example".parse().unwrap();
    let issued_at = |ahead: i64, from: &Origin| {
        let there = jiff::Timestamp::from_second(now() + ahead).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&there).unwrap();
        set.hear_time(from, &date);
        let signed = set.sign_assertion("certificate", URL).unwrap();
        parts(&set, &signed)[1]["iat"].as_i64().unwrap() - now()
    };
    assert!((3_595..=3_605).contains(&issued_at(3_600, &origin)));
    let elsewhere = "https://graph.example".parse().unwrap();
    assert!((3_595..=3_605).contains(&issued_at(60, &elsewhere)), "another origin's clock is not asked");
    assert!((3_595..=3_605).contains(&issued_at(10 * 86_400, &origin)), "nobody is ten days ahead");
    set.hear_time(&origin, "soon");
    assert!((-5..=5).contains(&issued_at(0, &origin)));
}

#[test]
fn a_run_signs_so_many_and_no_more() {
    let set = set(&format!("{}{FIRST}", certificate(FIRST)));
    for _ in 0..256 {
        set.sign_assertion("certificate", URL).unwrap();
    }
    assert!(set.sign_assertion("certificate", URL).is_err());
}

proptest::proptest! {
    /// A file of a key may hold anything; it is a pair, or it is told what is missing, and nothing is quoted.
    #[test]
    fn no_pem_makes_it_panic(
        flips in proptest::collection::vec(
            (proptest::arbitrary::any::<proptest::sample::Index>(), proptest::arbitrary::any::<char>()), 0..4),
        cut in proptest::option::of(proptest::arbitrary::any::<proptest::sample::Index>()),
    ) {
        static WHOLE: std::sync::OnceLock<Vec<char>> = std::sync::OnceLock::new();
        let mut text = WHOLE.get_or_init(|| format!("{}{FIRST}", certificate(FIRST)).chars().collect()).clone();
        for (at, value) in flips {
            let at = at.index(text.len());
            text[at] = value;
        }
        if let Some(at) = cut {
            text.truncate(at.index(text.len()));
        }
        let _ = SigningKey::from_pem(&text.into_iter().collect::<String>());
    }
}
