use super::*;
use crate::capabilities::vault::{Place, TokenAsk};
use serde_json::json;

const SECRET: &str = "the-secret-that-was-sent";

fn login() -> Origin {
    "https://login.example".parse().unwrap()
}

fn set() -> SecretSet {
    let place = Place::Header { name: http::header::AUTHORIZATION, prefix: "Bearer ".to_owned() };
    let origin = "https://graph.example".parse().unwrap();
    SecretSet::new([], [TokenAsk { field: "access_token".to_owned(), origin, place }], []).unwrap()
}

fn cleaned(set: &SecretSet, status: u16, body: Read) -> Result<String, Refusal> {
    let status = StatusCode::from_u16(status).unwrap();
    let sent = [Arc::new(Secret::new(SECRET))];
    if let Read::Whole(body) = &body
        && sent_needles(&sent, &login(), &HeaderMap::new())?.found_in(body)
    {
        return Err(echo(&login()));
    }
    let clean = clean(set, &login(), status, &mut HeaderMap::new(), body)?;
    Ok(String::from_utf8(clean.to_vec()).unwrap())
}

fn whole(body: impl ToString) -> Read {
    Read::Whole(body.to_string().into_bytes())
}

#[test]
fn tokens_become_placeholders_at_any_depth() {
    let set = set();
    let body = json!({
        "token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ.access", "nested": [{"id_token": "eyJ.id"}],
        "refresh_token": "", "ext": null,
    });
    let clean = cleaned(&set, 200, whole(&body)).unwrap();
    assert!(!clean.contains("eyJ"), "{clean}");
    let value: Value = serde_json::from_str(&clean).unwrap();
    let access = set.lookup(value["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(access.value.expose(), "eyJ.access");
    assert!(access.binding.is_some() && access.is_token);
    let id = set.lookup(value["nested"][0]["id_token"].as_str().unwrap()).unwrap();
    assert!(id.binding.is_none(), "no binding in the manifest: good for nothing");
    assert_eq!((&value["expires_in"], &value["refresh_token"]), (&json!(3599), &json!("")));
}

#[test]
fn a_doubled_key_cannot_smuggle_a_token() {
    let clean =
        cleaned(&set(), 200, whole(r#"{"access_token":"eyJ.first","access_token":"eyJ.second"}"#)).unwrap();
    assert!(!clean.contains("eyJ"), "{clean}");
    let clean = cleaned(&set(), 200, whole(r#"{"\u0061ccess_token":"eyJ.first"}"#)).unwrap();
    assert!(!clean.contains("eyJ"), "{clean}");
}

#[test]
fn a_token_elsewhere_or_of_another_shape_is_withheld() {
    for body in [
        json!({"access_token": "eyJ.access", "copy": "Bearer eyJ.access"}),
        json!({"access_token": {"value": "eyJ.access"}}),
        json!({"access_token": ["eyJ.access"]}),
    ] {
        let refusal = cleaned(&set(), 200, whole(&body)).unwrap_err();
        assert!(matches!(refusal, Refusal::Failed(Fault::Withheld { .. })), "{body}: {refusal}");
    }
}

#[test]
fn a_secret_that_comes_back_is_refused_in_every_disguise() {
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("id:{SECRET}"));
    let escaped: String = SECRET.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
    let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for echo in [SECRET.to_owned(), base64, escaped, hex, percent] {
        for status in [200, 400, 500] {
            let refusal =
                cleaned(&set(), status, whole(format!(r#"{{"error_description":"{echo}"}}"#))).unwrap_err();
            assert!(matches!(refusal, Refusal::Denied(Denial::Echo { .. })), "{echo}: {refusal}");
        }
    }
    assert!(matches!(cleaned(&set(), 200, whole(format!("<p>{SECRET}"))), Err(Refusal::Denied(_))));
}

#[test]
fn a_secret_in_a_header_is_refused() {
    let mut headers = HeaderMap::new();
    headers.insert("location", format!("https://x.example/?s={SECRET}").parse().unwrap());
    let sent = [Arc::new(Secret::new(SECRET))];
    let searched = sent_needles(&sent, &login(), &headers);
    assert!(matches!(searched, Err(Refusal::Denied(Denial::Echo { .. }))));
}

#[test]
fn errors_reach_the_guest_and_a_success_that_is_not_json_does_not() {
    let aadsts = r#"{"error":"invalid_client","error_codes":[7000215]}"#;
    assert_eq!(cleaned(&set(), 401, whole(aadsts)).unwrap(), aadsts);
    assert_eq!(cleaned(&set(), 502, whole("<html>bad gateway")).unwrap(), WITHHELD);
    assert_eq!(cleaned(&set(), 500, Read::TooLarge).unwrap(), WITHHELD);
    assert_eq!(cleaned(&set(), 503, whole("")).unwrap(), "");
    for body in [whole("<html>"), Read::TooLarge] {
        assert!(matches!(cleaned(&set(), 200, body), Err(Refusal::Failed(Fault::Withheld { .. }))));
    }
}

fn data_of(set: &SecretSet, body: &str) -> Result<String, Refusal> {
    let clean = data(set, &login(), &mut HeaderMap::new(), body.as_bytes().to_vec())?;
    Ok(String::from_utf8(clean.to_vec()).unwrap())
}

#[test]
fn data_passes_as_it_is() {
    for body in [
        r#"{"Resources":[{"id":"a\/b","n":1e5, "note":"your access_token is elsewhere"}]}"#,
        "<html>",
        "",
        "id,name\n1,\\u00fc",
    ] {
        assert_eq!(data_of(&set(), body).unwrap(), body);
    }
}

#[test]
fn a_token_in_data_becomes_a_placeholder_and_nothing_else_changes() {
    let set = set();
    let clean =
        data_of(&set, r#"{"n":1e5, "x":[{"\u0061ccess_token" : "eyJ.a\/b"},{"refresh_token":""}],"z":007}"#);
    assert!(matches!(clean, Err(Refusal::Failed(Fault::Withheld { .. }))), "007 is no JSON");
    let clean =
        data_of(&set, r#"{"n":1e5, "x":[{"\u0061ccess_token" : "eyJ.a\/b"},{"refresh_token":""}],"z":[ ]}"#)
            .unwrap();
    let placeholder = clean.split('"').find(|it| it.len() == 48).unwrap();
    assert_eq!(
        clean,
        format!(
            r#"{{"n":1e5, "x":[{{"\u0061ccess_token" : "{placeholder}"}},{{"refresh_token":""}}],"z":[ ]}}"#
        )
    );
    assert_eq!(set.lookup(placeholder).unwrap().value.expose(), "eyJ.a/b");
}

#[test]
fn a_token_in_data_is_let_through_in_no_other_way() {
    for body in [
        r#"{"access_token":"eyJ.access","copy":"Bearer eyJ.access"}"#,
        r#"{"access_token":"eyJ.access","copy":"\u0065yJ.access"}"#,
        r#"{"access_token":["eyJ.access"]}"#,
        "access_token=eyJ.access&token_type=bearer",
        "<p>access_token: eyJ.access",
    ] {
        let refusal = data_of(&set(), body).unwrap_err();
        assert!(matches!(refusal, Refusal::Failed(Fault::Withheld { .. })), "{body}: {refusal}");
    }
    let mut headers = HeaderMap::from_iter([(http::header::LOCATION, "/?t=eyJ.access".parse().unwrap())]);
    let body = br#"{"access_token":"eyJ.access"}"#.to_vec();
    assert!(data(&set(), &login(), &mut headers, body).is_err());
}
