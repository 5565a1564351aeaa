use super::*;
use crate::testing::{Script, answer, source};
use crate::transport::TransportError;

const USERS: &str = "https://graph.microsoft.com/v1.0/users";

fn fetch(script: &mut Script, source: &Source, after: Option<&str>) -> Result<Page, Error> {
    let page = fetch_users(script, &mut Tokens::new(), source, after);
    assert!(script.done(), "not everything was asked");
    page
}

fn page(ids: &[&str], rest: &str) -> String {
    let users: Vec<_> = ids.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    format!(r#"{{"value":[{}]{rest}}}"#, users.join(","))
}

fn more(page: &Page) -> String {
    match &page.next {
        Next::More(cursor) => cursor.clone(),
        other => panic!("{other:?}"),
    }
}

fn has_header(request: &Request, name: &str) -> bool {
    request.headers.iter().any(|(present, _)| *present == name)
}

#[test]
fn a_whole_enumeration_with_an_empty_page_in_it() {
    let mut script = Script::new();
    let link = |n: u32| format!(r#","@odata.nextLink":"{USERS}?$skiptoken={n}""#);
    script
        .expect(
            "/v1.0/users?$select=id,accountEnabled,displayName&$top=999",
            answer(200, &page(&["a"], &link(1))),
        )
        .expect("/v1.0/users/$count", answer(200, "\u{feff}2"));
    let first = fetch(&mut script, &source(), None).unwrap();
    assert_eq!(first.total, Some(2));
    assert!(!has_header(&script.seen[0], "consistencylevel"));
    assert!(has_header(&script.seen[1], "consistencylevel"));

    script.expect("skiptoken=1", answer(200, &page(&[], &link(2))));
    let second = fetch(&mut script, &source(), Some(&more(&first))).unwrap();
    assert!(second.users.is_empty() && second.total.is_none());

    script.expect("skiptoken=2", answer(200, &page(&["b"], "")));
    let third = fetch(&mut script, &source(), Some(&more(&second))).unwrap();
    assert_eq!(third.users[0].id, "b");
    assert_eq!(third.next, Next::Complete(None));
}

#[test]
fn a_count_that_fails_fails_nothing() {
    for count in [answer(400, ""), answer(200, "many"), answer(429, "")] {
        let mut script = Script::new();
        script.expect("/users?", answer(200, &page(&["a"], ""))).expect("$count", count);
        assert_eq!(fetch(&mut script, &source(), None).unwrap().total, None);
        assert_eq!(script.logged.len(), 1);
    }
    let mut script = Script::new();
    script
        .expect("/users?", answer(200, &page(&["a"], "")))
        .fail("$count", TransportError::Denied("no".to_owned()));
    assert_eq!(fetch(&mut script, &source(), None).unwrap().total, None);
}

#[test]
fn an_advanced_query_sends_its_header_on_every_page() {
    let mut script = Script::new();
    let source = Source { filter: Some("employeeType in ('Staff')".to_owned()), ..source() };
    let rest = format!(r#","@odata.count":7,"@odata.nextLink":"{USERS}?$skiptoken=1""#);
    script.expect("&$filter=employeeType%20in%20('Staff')&$count=true", answer(200, &page(&["a"], &rest)));
    let first = fetch(&mut script, &source, None).unwrap();
    assert_eq!(first.total, Some(7));
    script.expect("skiptoken=1", answer(200, &page(&[], "")));
    fetch(&mut script, &source, Some(&more(&first))).unwrap();
    assert!(script.seen.iter().all(|r| has_header(r, "consistencylevel")));
}

#[test]
fn a_default_filter_is_neither_advanced_nor_counted() {
    let mut script = Script::new();
    let source = Source { filter: Some("accountEnabled eq true".to_owned()), ..source() };
    script.expect("&$filter=accountEnabled%20eq%20true", answer(200, &page(&["a"], "")));
    assert_eq!(fetch(&mut script, &source, None).unwrap().total, None);
    assert!(!has_header(&script.seen[0], "consistencylevel"));
}

#[test]
fn sign_in_activity_needs_small_pages() {
    let mut script = Script::new();
    let mut source = Source { select: vec!["signInActivity.lastSignInDateTime".to_owned()], ..source() };
    script.expect("signInActivity&$top=120", answer(200, &page(&[], ""))).expect("$count", answer(200, "0"));
    fetch(&mut script, &source, None).unwrap();
    source.filter = Some("employeeType eq 'x'".to_owned());
    let error = fetch(&mut script, &source, None).unwrap_err();
    assert!(matches!(error, Error::Settings(p) if p[0].setting == "select"));
}

#[test]
fn links_lead_home_or_nowhere() {
    for link in [
        "https://evil.example/v1.0/users?$skiptoken=1",
        "https://graph.microsoft.com/v1.0/groups?$skiptoken=1",
    ] {
        let mut script = Script::new();
        let rest = format!(r#","@odata.nextLink":"{link}""#);
        script.expect("/users?", answer(200, &page(&["a"], &rest)));
        let error = fetch(&mut script, &source(), None).unwrap_err();
        assert!(matches!(error, Error::Malformed(b) if b.field.as_deref() == Some("@odata.nextLink")));
    }
}

#[test]
fn a_link_that_repeats_is_an_expired_cursor() {
    let mut script = Script::new();
    let rest = format!(r#","@odata.nextLink":"{USERS}?$skiptoken=1""#);
    script.expect("/users?", answer(200, &page(&["a"], &rest))).expect("$count", answer(200, "1"));
    let cursor = more(&fetch(&mut script, &source(), None).unwrap());
    script.expect("skiptoken=1", answer(200, &page(&["a"], &rest)));
    let error = fetch(&mut script, &source(), Some(&cursor)).unwrap_err();
    assert_eq!(error, Error::CursorExpired);
    let error = fetch(&mut script, &source(), Some("{}")).unwrap_err();
    assert_eq!(error, Error::CursorExpired);
}

#[test]
fn a_delta_from_the_beginning_to_the_next_time() {
    let mut script = Script::new();
    let source = Source { delta: true, ..source() };
    let link = |what: &str, token: &str| format!(r#","@odata.{what}":"{USERS}/delta?$token={token}""#);
    let first = r#"{"value":[{"id":"a"},{"id":"b","@removed":{"reason":"deleted"}}]"#.to_owned();
    let first = format!("{first}{}}}", link("nextLink", "1"));
    script.expect("/v1.0/users/delta?$select=id,accountEnabled,displayName", answer(200, &first));
    let first = fetch(&mut script, &source, None).unwrap();
    assert!(!script.seen[0].url.contains("$top"));
    assert_eq!((first.users.len(), first.removed.len(), first.total), (1, 1, None));

    script.expect("token=1", answer(200, &page(&[], &link("deltaLink", "2"))));
    let last = fetch(&mut script, &source, Some(&more(&first))).unwrap();
    let Next::Complete(Some(changes)) = last.next else { panic!() };
    script.expect("token=2", answer(410, ""));
    let error = fetch(&mut script, &source, Some(&changes)).unwrap_err();
    assert_eq!(error, Error::CursorExpired);

    script.expect("token=1", answer(200, &page(&[], "")));
    let cut = fetch(&mut script, &source, Some(&more(&first))).unwrap_err();
    assert!(matches!(cut, Error::Malformed(_)), "a delta without a link is not complete");

    let filtered = Source { filter: Some("city eq 'x'".to_owned()), ..source };
    let error = fetch(&mut script, &filtered, None).unwrap_err();
    assert!(matches!(error, Error::Settings(p) if p[0].setting == "filter"));
}

#[test]
fn all_problems_at_once_and_nothing_sent() {
    let mut script = Script::new();
    let source = Source {
        settings: Vec::new(),
        filter: Some("contains(a,'b')".to_owned()),
        select: vec!["skills".to_owned()],
        ..source()
    };
    let Error::Settings(problems) = fetch(&mut script, &source, None).unwrap_err() else { panic!() };
    let names: Vec<_> = problems.iter().map(|p| p.setting.as_str()).collect();
    assert_eq!(names, ["tenant", "client-id", "select", "filter"]);
    assert!(script.token_requests.is_empty());
}

#[test]
fn an_error_names_the_filter() {
    let mut script = Script::new();
    let source = Source { filter: Some("nonsense eq 'x'".to_owned()), ..source() };
    let body = r#"{"error":{"code":"Request_BadRequest","message":"Invalid filter clause"}}"#;
    script.expect("nonsense", answer(400, body));
    let error = fetch(&mut script, &source, None).unwrap_err();
    let Error::Upstream(up) = error else { panic!() };
    assert_eq!(up.message, "Invalid filter clause (the filter was: nonsense eq 'x')");
}
