use super::*;
use crate::capabilities::origin::Origin;
use crate::capabilities::vault::{Binding, SecretAsk, SecretKind, TokenAsk};
use http::{HeaderName, Method};
use proptest::prelude::*;

const SECRET: &str = "s3cr3t~with &=+% signs";
const FORM: &str = "application/x-www-form-urlencoded";

fn login() -> Origin {
    "https://login.example".parse().unwrap()
}

fn graph() -> Origin {
    "https://graph.example".parse().unwrap()
}

fn bearer() -> Place {
    Place::Header { name: http::header::AUTHORIZATION, prefix: "Bearer ".to_owned() }
}

/// One secret bound to a form field of the token path, and one token bound to Graph.
fn run() -> (SecretSet, String, String) {
    let binding = Binding {
        origin: login(),
        method: Some(Method::POST),
        path: Some("/t/token".to_owned()),
        place: Place::FormField("client_secret".to_owned()),
    };
    let ask = SecretAsk { name: "secret".to_owned(), kind: SecretKind::Text, optional: false, binding };
    let token = TokenAsk { field: "access_token".to_owned(), origin: graph(), place: bearer() };
    let set = SecretSet::new([ask], [token], [("secret".to_owned(), Secret::new(SECRET))]).unwrap();
    let secret = set.placeholder("secret").unwrap();
    let token = set.issue_token("access_token", "eyJ.tok.en").unwrap();
    (set, secret, token)
}

struct Case {
    target: Target,
    headers: HeaderMap,
    body: String,
}

/// The request that the secret is meant for.
fn token_request(secret: &str) -> Case {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    let target = Target { origin: login(), method: Method::POST, path: "/t/token".to_owned(), query: None };
    Case { target, headers, body: format!("grant_type=client_credentials&client_secret={secret}&x=a+b") }
}

/// The request that the token is meant for.
fn graph_request(token: &str) -> Case {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let query = Some("$top=999".to_owned());
    Case {
        target: Target { origin: graph(), method: Method::GET, path: "/v1.0/users".to_owned(), query },
        headers,
        body: String::new(),
    }
}

impl Case {
    fn swap(self, set: &SecretSet) -> Result<Swapped, Denial> {
        swap(set, &self.target, self.headers, Bytes::from(self.body))
    }

    fn refused(self, set: &SecretSet) -> Misplaced {
        match self.swap(set) {
            Err(Denial::Placeholder { place, .. }) => place,
            Err(other) => panic!("refused for another reason: {other}"),
            Ok(_) => panic!("it was let through"),
        }
    }
}

#[test]
fn each_in_its_own_place_is_swapped() {
    let (set, secret, token) = run();
    let swapped = token_request(&secret).swap(&set).ok().unwrap();
    let pairs: Vec<_> = form_urlencoded::parse(&swapped.body).into_owned().collect();
    let expected = [("grant_type", "client_credentials"), ("client_secret", SECRET), ("x", "a b")];
    assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(swapped.secrets.len(), 1);

    let swapped = graph_request(&token).swap(&set).ok().unwrap();
    let header = &swapped.headers["authorization"];
    assert_eq!(header, "Bearer eyJ.tok.en");
    assert!(header.is_sensitive() && !format!("{header:?}").contains("eyJ"));
    assert!(swapped.secrets.is_empty(), "a reply to a token alone is not searched");
}

#[test]
fn a_request_without_placeholders_goes_out_as_it_is() {
    let (set, ..) = run();
    let mut case = token_request("nothing");
    case.body = "a=%20b&&c".to_owned();
    assert_eq!(case.swap(&set).ok().unwrap().body, "a=%20b&&c");
}

#[test]
fn the_secret_in_any_other_place_is_refused() {
    let (set, secret, _) = run();
    let with = |change: &dyn Fn(&mut Case)| {
        let mut case = token_request(&secret);
        change(&mut case);
        case.refused(&set)
    };
    let plain = |case: &mut Case| case.body = "grant_type=x".to_owned();
    let field = |name: &str| Misplaced::FormField(name.to_owned());
    assert_eq!(with(&|case| case.target.origin = graph()), Misplaced::Origin);
    assert_eq!(with(&|case| case.target.method = Method::PUT), Misplaced::Method);
    assert_eq!(with(&|case| case.target.path = "/other/token".to_owned()), Misplaced::Path);
    assert_eq!(with(&|case| case.target.path = "/t/token/".to_owned()), Misplaced::Path);
    assert_eq!(with(&|case| case.target.query = Some("x=1".to_owned())), Misplaced::Path);
    assert_eq!(with(&|case| case.target.query = Some(format!("x={secret}"))), Misplaced::Url);
    assert_eq!(with(&|case| case.target.path = format!("/t/token/{secret}")), Misplaced::Url);
    let hidden: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(with(&|case| case.target.query = Some(hidden.clone())), Misplaced::Url);
    assert_eq!(with(&|case| case.body = format!("other={secret}")), field("other"));
    assert_eq!(with(&|case| case.body = format!("client_secret=x{secret}")), field("client_secret"));
    assert_eq!(with(&|case| case.body = format!("client_secret={secret}x")), field("client_secret"));
    assert_eq!(
        with(&|case| case.body = format!("client_secret={secret}&client_secret=y")),
        field("client_secret")
    );
    assert_eq!(with(&|case| case.body = format!("client_secret={secret}&scope={secret}")), field("scope"));
    assert_eq!(with(&|case| case.body = format!("{secret}=x")), Misplaced::Body);
    assert_eq!(with(&|case| drop(case.headers.remove(CONTENT_TYPE))), Misplaced::Body);
    let json = HeaderValue::from_static("application/json");
    assert_eq!(with(&|case| drop(case.headers.insert(CONTENT_TYPE, json.clone()))), Misplaced::Body);
    assert_eq!(with(&|case| _ = case.headers.append(CONTENT_TYPE, json.clone())), Misplaced::Body);
    for name in ["authorization", "x-other", "cookie"] {
        let header = |case: &mut Case| {
            plain(case);
            case.headers.insert(HeaderName::from_static(name), format!("Bearer {secret}").parse().unwrap());
        };
        assert_eq!(with(&header), Misplaced::Header(name.to_owned()));
    }
}

#[test]
fn the_token_in_any_other_place_is_refused() {
    let (set, secret, token) = run();
    let with = |change: &dyn Fn(&mut Case)| {
        let mut case = graph_request(&token);
        change(&mut case);
        case.refused(&set)
    };
    let header = |name: &str| Misplaced::Header(name.to_owned());
    let set_header = |case: &mut Case, name: &'static str, value: String| {
        case.headers.clear();
        case.headers.insert(name, value.parse().unwrap());
    };
    assert_eq!(with(&|case| case.target.origin = login()), Misplaced::Origin);
    assert_eq!(with(&|case| case.target.query = Some(format!("t={token}"))), Misplaced::Url);
    assert_eq!(with(&|case| set_header(case, "x-token", format!("Bearer {token}"))), header("x-token"));
    for value in
        [format!("Basic {token}"), token.clone(), format!("bearer {token}"), format!("Bearer {token} x")]
    {
        assert_eq!(with(&|case| set_header(case, "authorization", value.clone())), header("authorization"));
    }
    let twice = |case: &mut Case| _ = case.headers.append("authorization", "Bearer y".parse().unwrap());
    assert_eq!(with(&twice), header("authorization"));
    assert_eq!(with(&|case| case.body = token.clone()), Misplaced::Body);
    // The secret's placeholder is no token, and the other way round.
    assert_eq!(graph_request(&secret).refused(&set), header("authorization"));
    assert_eq!(token_request(&token).refused(&set), Misplaced::FormField("client_secret".to_owned()));
}

#[test]
fn a_token_that_the_manifest_does_not_name_goes_nowhere() {
    let (set, ..) = run();
    let refresh = set.issue_token("refresh_token", "0.ARoA").unwrap();
    assert_eq!(graph_request(&refresh).refused(&set), Misplaced::Unbound);
    assert_eq!(token_request(&refresh).refused(&set), Misplaced::Unbound);
}

#[test]
fn tokens_have_no_method_and_no_path() {
    let (set, _, token) = run();
    let mut case = graph_request(&token);
    case.target.method = Method::POST;
    case.target.path = "/beta/anything".to_owned();
    assert!(case.swap(&set).is_ok());
}

proptest! {
    #[test]
    fn whatever_surrounds_it_a_secret_never_leaves_by_another_door(
        before in "[ -~]{0,12}", name in "[a-z_&=%+]{0,8}", after in "[ -~]{0,12}", form in any::<bool>(),
    ) {
        let (set, secret, _) = run();
        let mut case = token_request(&secret);
        case.body = format!("{before}{name}={secret}{after}");
        if !form {
            case.headers.remove(CONTENT_TYPE);
        }
        if let Ok(swapped) = case.swap(&set) {
            let pairs: Vec<_> = form_urlencoded::parse(&swapped.body).into_owned().collect();
            for (name, value) in pairs {
                prop_assert!(!value.contains(SECRET) || name == "client_secret");
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..300), query in ".{0,60}") {
        let (set, ..) = run();
        let case = token_request("x");
        let target = Target { query: Some(query), ..case.target };
        let _ = swap(&set, &target, case.headers, Bytes::from(body));
    }
}
