use super::*;
use crate::testing::{Script, answer, source};

const SKUS: &str = r#"{"value":[{"skuId":"AAAA","skuPartNumber":"SPE_E3"},{"skuId":"bbbb","skuPartNumber":"FLOW_FREE"},{"skuId":"cccc","skuPartNumber":"NEW_THING"}]}"#;

fn ask(script: &mut Script, after: Option<&str>) -> Result<SaasPage, Error> {
    let page = fetch_saas_users(script, &mut Tokens::new(), &source(), after);
    assert!(script.done());
    page
}

fn user(id: &str, skus: &[&str], activity: &str) -> String {
    let skus: Vec<_> = skus.iter().map(|s| format!(r#"{{"disabledPlans":[],"skuId":"{s}"}}"#)).collect();
    format!(
        r#"{{"id":"{id}","userPrincipalName":"{id}@contoso.example","assignedLicenses":[{}]{activity}}}"#,
        skus.join(",")
    )
}

fn refusal(code: &str) -> Response {
    answer(403, &format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#))
}

#[test]
fn two_pages_and_one_look_at_the_licences() {
    let mut script = Script::new();
    let activity = r#","signInActivity":{"lastSuccessfulSignInDateTime":"2024-05-01T00:00:00Z"}"#;
    let users = [user("a", &["cccc", "bbbb", "aaaa", "dddd"], activity), user("b", &[], "")].join(",");
    let next = "https://graph.microsoft.com/v1.0/users?$skiptoken=1";
    script
        .expect(
            "/v1.0/users?$select=id,userPrincipalName,assignedLicenses,signInActivity&$top=100",
            answer(200, &format!(r#"{{"value":[{users}],"@odata.nextLink":"{next}"}}"#)),
        )
        .expect("/v1.0/subscribedSkus", answer(200, SKUS))
        .expect("/v1.0/users/$count", answer(200, "3"));
    let first = ask(&mut script, None).unwrap();
    let listed = script.seen.iter().filter(|r| !r.url.ends_with("/$count"));
    assert!(listed.flat_map(|r| &r.headers).all(|(name, _)| *name != "consistencylevel"));
    assert_eq!((first.total, first.broken), (Some(3), 0));
    let role = "dddd, Microsoft 365 E3, Microsoft Power Automate Free, NEW_THING";
    assert_eq!(first.users[0].role.as_deref(), Some(role));
    assert_eq!(first.users[0].last_activity.as_deref(), Some("2024-05-01T00:00:00Z"));
    assert_eq!((first.users[1].role.clone(), first.users[1].last_activity.clone()), (None, None));
    assert_eq!((first.users[0].holds, first.users[1].holds), (true, false));
    assert_eq!(first.users[0].name.as_deref(), Some("a@contoso.example"));
    let Next::More(cursor) = first.next else { panic!() };

    let users = [user("c", &["AAAA", "aaaa"], ""), r#"{"no":"id"}"#.to_owned()].join(",");
    script.expect("skiptoken=1", answer(200, &format!(r#"{{"value":[{users}]}}"#)));
    let second = ask(&mut script, Some(&cursor)).unwrap();
    assert_eq!((second.users.len(), second.broken, second.total), (1, 1, None));
    assert_eq!(second.users[0].role.as_deref(), Some("Microsoft 365 E3"));
    assert_eq!(second.next, Next::Complete(None));
    assert_eq!(script.logged.len(), 1);
}

#[test]
fn without_activity_the_listing_goes_on_and_says_so() {
    let next = "https://graph.microsoft.com/v1.0/users?$skiptoken=1";
    let page = format!(r#"{{"value":[{}],"@odata.nextLink":"{next}"}}"#, user("a", &[], ""));
    let mut script = Script::new();
    script
        .expect("signInActivity", refusal(NOT_PREMIUM))
        .expect("signInActivity", refusal(NOT_PREMIUM))
        .expect("signInActivity", refusal(NOT_PREMIUM))
        .expect("/users?$select=id,userPrincipalName,assignedLicenses&$top=999", answer(200, &page))
        .expect("subscribedSkus", answer(200, SKUS))
        .expect("$count", answer(403, ""));
    let first = ask(&mut script, None).unwrap();
    assert!(first.activity_missing.as_deref().unwrap().contains("P1"));
    let Next::More(cursor) = first.next else { panic!() };
    script.expect("skiptoken=1", answer(200, r#"{"value":[]}"#));
    assert!(ask(&mut script, Some(&cursor)).unwrap().activity_missing.is_some());

    script
        .expect("signInActivity", refusal("Authorization_RequestDenied"))
        .expect("$top=999", answer(200, r#"{"value":[]}"#))
        .expect("subscribedSkus", answer(200, SKUS))
        .expect("$count", answer(200, "0"));
    let page = ask(&mut script, None).unwrap();
    assert!(page.activity_missing.unwrap().contains("AuditLog.Read.All"));

    script.expect("signInActivity", refusal("x")).expect("$top=999", refusal("y"));
    assert!(matches!(ask(&mut script, None), Err(Error::Upstream(u)) if u.code == "y"));
}

#[test]
fn a_refusal_that_was_not_meant() {
    let mut script = Script::new();
    script
        .expect("signInActivity", refusal(NOT_PREMIUM))
        .expect("signInActivity", answer(200, r#"{"value":[]}"#))
        .expect("subscribedSkus", answer(200, SKUS))
        .expect("$count", answer(200, "0"));
    assert_eq!(ask(&mut script, None).unwrap().activity_missing, None);
}

#[test]
fn without_the_permission_only_common_licences_have_names() {
    let mut script = Script::new();
    let common = "05e9a617-0261-4cee-bb44-138d3ef5d965";
    let users = [user("a", &["AAAA"], ""), user("b", &[common], ""), user("c", &[common, "aaaa"], "")];
    let next = "https://graph.microsoft.com/v1.0/users?$skiptoken=1";
    let page = format!(r#"{{"value":[{}],"@odata.nextLink":"{next}"}}"#, users.join(","));
    script
        .expect("signInActivity", answer(200, &page))
        .expect("subscribedSkus", refusal("Authorization_RequestDenied"))
        .expect("$count", answer(200, "3"));
    let page = ask(&mut script, None).unwrap();
    assert!(page.roles_missing.unwrap().contains("Organization.Read.All"));
    let roles: Vec<_> = page.users.iter().map(|it| (it.holds, it.role.as_deref())).collect();
    assert_eq!(roles, [(true, None), (true, Some("Microsoft 365 E3")), (true, None)]);
    let Next::More(cursor) = page.next else { panic!() };
    script.expect("skiptoken=1", answer(200, r#"{"value":[]}"#));
    assert!(ask(&mut script, Some(&cursor)).unwrap().roles_missing.is_some(), "not asked again");
}

#[test]
fn too_many_names_are_asked_for_again() {
    let mut script = Script::new();
    let sku = |n: usize| format!(r#"{{"skuId":"{n:036}","skuPartNumber":"P{n:040}"}}"#);
    let skus: Vec<_> = (0..300).map(sku).collect();
    let skus = format!(r#"{{"value":[{}]}}"#, skus.join(","));
    let next = "https://graph.microsoft.com/v1.0/users?$skiptoken=1";
    let page = format!(r#"{{"value":[],"@odata.nextLink":"{next}"}}"#);
    script
        .expect("signInActivity", answer(200, &page))
        .expect("subscribedSkus", answer(200, &skus))
        .expect("$count", answer(200, "0"));
    let Next::More(cursor) = ask(&mut script, None).unwrap().next else { panic!() };
    assert!(cursor.len() < CURSOR_BYTES);
    script.expect("skiptoken=1", answer(200, r#"{"value":[]}"#)).expect("subscribedSkus", answer(200, &skus));
    ask(&mut script, Some(&cursor)).unwrap();
}
