use super::*;
use crate::testing::{Script, answer, source};
use crate::transport::Method;

const GONE: &str = r#"{"error":{"code":"Request_ResourceNotFound","message":"Resource 'x' does not exist"}}"#;

fn ask(script: &mut Script, ids: &[&str]) -> Result<Vec<Presence>, Error> {
    let ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
    let answers = confirm_absent(script, &mut Tokens::new(), &source(), &ids);
    assert!(script.done());
    answers
}

fn batch(parts: &[(usize, u16, &str)]) -> Response {
    let part = |(id, status, body): &(usize, u16, &str)| {
        format!(r#"{{"id":"{id}","status":{status},"headers":{{"Retry-After":"2.5"}},"body":{body}}}"#)
    };
    let parts: Vec<_> = parts.iter().map(part).collect();
    answer(200, &format!(r#"{{"responses":[{}]}}"#, parts.join(",")))
}

#[test]
fn each_kind_of_answer_in_the_order_asked() {
    let mut script = Script::new();
    script.expect(
        "/v1.0/$batch",
        batch(&[(3, 429, "{}"), (2, 404, GONE), (1, 404, GONE), (0, 200, r#"{ "id":"a", "n": 1.50 }"#)]),
    );
    let deleted = r#"{"value":[{"id":"zz"},{"id":"B","deletedDateTime":"2024-01-02T03:04:05Z"}]}"#;
    script.expect(
        "/v1.0/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime&$top=999",
        answer(200, deleted),
    );
    let answers = ask(&mut script, &["a", "b", "c", "d", "e", "../x"]).unwrap();
    let there = PresentUser {
        raw: r#"{ "id":"a", "n": 1.50 }"#.to_owned(),
        inside_filter: Some(true),
        outside_because: None,
    };
    assert_eq!(answers[0], Presence::Present(there));
    assert_eq!(answers[1], Presence::Deleted(Some("2024-01-02T03:04:05Z".to_owned())));
    assert_eq!(answers[2], Presence::NotFound);
    assert_eq!(answers[3], Presence::Unknown(Error::Throttled(Some(2500))));
    assert!(matches!(&answers[4], Presence::Unknown(Error::Malformed(_))), "missing part");
    assert!(matches!(&answers[5], Presence::Unknown(Error::Malformed(b)) if b.id.as_deref() == Some("../x")));
    let sent = String::from_utf8(script.seen[0].body.clone()).unwrap();
    assert!(script.seen[0].method == Method::Post && !sent.contains("../x"));
    assert!(
        sent.contains(r#"{"id":"0","method":"GET","url":"/users/a?$select=id,accountEnabled,displayName"}"#)
    );
}

#[test]
fn twenty_in_a_batch() {
    let mut script = Script::new();
    let ids: Vec<_> = (0..41).map(|n| format!("u{n}")).collect();
    for range in [0..20, 20..40, 40..41] {
        let bodies: Vec<_> = range.map(|n| (n, format!(r#"{{"id":"u{n}"}}"#))).collect();
        let parts: Vec<_> = bodies.iter().map(|(n, b)| (*n, 200, b.as_str())).collect();
        script.expect("$batch", batch(&parts));
    }
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let answers = ask(&mut script, &ids).unwrap();
    assert!(answers.iter().all(|a| matches!(a, Presence::Present(_))));
    let many: Vec<_> = std::iter::repeat_n("a", 501).collect();
    assert!(matches!(ask(&mut Script::new(), &many), Err(Error::Internal(_))));
}

#[test]
fn only_a_clear_answer_is_one() {
    for (status, body) in [
        (404, "{}"),
        (404, r#"{"error":{"code":"ResourceNotFound","message":"for the segment 'users'"}}"#),
        (404, r#"{"error":{"code":"UnknownError","message":""}}"#),
        (403, r#"{"error":{"code":"Authorization_RequestDenied","message":""}}"#),
        (500, "null"),
        (200, "{}"),
        (200, r#"{"id":"other"}"#),
        (204, "null"),
    ] {
        let mut script = Script::new();
        script.expect("$batch", batch(&[(0, status, body)]));
        let answers = ask(&mut script, &["a"]).unwrap();
        assert!(matches!(answers[0], Presence::Unknown(_)), "{status} {body}");
    }
    let mut script = Script::new();
    script.expect("$batch", batch(&[(0, 200, r#"{"id":"a"}"#), (0, 404, GONE)]));
    assert!(matches!(ask(&mut script, &["a"]).unwrap()[0], Presence::Unknown(_)));
}

#[test]
fn the_deleted_are_read_until_all_are_found() {
    let mut script = Script::new();
    let next = "https://graph.microsoft.com/v1.0/directory/deletedItems/microsoft.graph.user?$skiptoken=2";
    let first = format!(r#"{{"value":[{{"id":"zz"}}],"@odata.nextLink":"{next}"}}"#);
    let second =
        format!(r#"{{"value":[{{"id":"a","deletedDateTime":"soon"}}],"@odata.nextLink":"{next}3"}}"#);
    script
        .expect("$batch", batch(&[(0, 404, GONE)]))
        .expect("deletedItems", answer(200, &first))
        .expect("skiptoken=2", answer(200, &second));
    assert_eq!(ask(&mut script, &["a"]).unwrap(), [Presence::Deleted(None)]);

    script
        .expect("$batch", batch(&[(0, 404, GONE)]))
        .expect("deletedItems", answer(200, &first))
        .expect("skiptoken=2", answer(200, &first));
    assert!(matches!(ask(&mut script, &["a"]).unwrap()[0], Presence::Unknown(_)), "a loop");
}

#[test]
fn without_the_deleted_nobody_is_not_found() {
    let denied = r#"{"error":{"code":"Authorization_RequestDenied","message":"no"}}"#;
    for (status, body) in [(403, denied), (200, "{}"), (400, "")] {
        let mut script = Script::new();
        script.expect("$batch", batch(&[(0, 404, GONE), (1, 200, r#"{"id":"b"}"#)]));
        script.expect("deletedItems", answer(status, body));
        let answers = ask(&mut script, &["a", "b"]).unwrap();
        assert!(matches!(answers[0], Presence::Unknown(_)));
        assert!(matches!(answers[1], Presence::Present(_)));
    }
    let mut script = Script::new();
    script.expect("$batch", batch(&[(0, 404, GONE)])).expect("deletedItems", answer(429, ""));
    assert_eq!(ask(&mut script, &["a"]), Err(Error::Throttled(None)));
}

#[test]
fn an_error_of_the_whole_batch_is_the_calls() {
    let mut script = Script::new();
    script.expect("$batch", answer(429, ""));
    assert_eq!(ask(&mut script, &["a"]), Err(Error::Throttled(None)));
    script.expect("$batch", answer(200, "{}"));
    assert!(matches!(ask(&mut script, &["a"]), Err(Error::Malformed(_))));
    assert_eq!(ask(&mut script, &[]), Ok(Vec::new()));
}

#[test]
fn the_record_is_held_against_the_filter() {
    let mut script = Script::new();
    script.expect(
        "$batch",
        batch(&[
            (0, 200, r#"{"id":"a","employeeType":"staff"}"#),
            (1, 200, r#"{"id":"b","employeeType":"Contractor"}"#),
            (2, 200, r#"{"id":"c"}"#),
            (3, 200, r#"{"id":"d","employeeType":null}"#),
        ]),
    );
    let ids: Vec<_> = ["a", "b", "c", "d"].map(str::to_owned).into();
    let source = Source { filter: Some("Employee Type eq ‘Staff’".to_owned()), ..source() };
    let answers = confirm_absent(&mut script, &mut Tokens::new(), &source, &ids).unwrap();
    let told: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Presence::Present(user) => (user.inside_filter, user.outside_because.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(true), None),
            (Some(false), Some("employeeType is now 'Contractor'")),
            (None, None),
            (Some(false), Some("employeeType is now empty"))
        ]
    );
    let sent = String::from_utf8(script.seen[0].body.clone()).unwrap();
    assert!(sent.contains("$select=id,accountEnabled,displayName,employeeType\""), "{sent}");
    assert!(!sent.contains("filter"));
}
