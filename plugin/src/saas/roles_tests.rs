use super::*;
use crate::testing::{Script, answer, source};

const GRAPH: &str = "https://graph.microsoft.com";
const APP: &str = "11111111-2222-3333-4444-555555555555";

fn ask(script: &mut Script, roles: &RoleSource, after: Option<&str>) -> Result<RolePage, Error> {
    let page = fetch_saas_roles(script, &mut Tokens::new(), &source(), roles, after);
    assert!(script.done());
    page
}

fn told(page: &RolePage) -> Vec<(&str, &str)> {
    page.holders.iter().map(|it| (it.id.as_str(), it.role.as_str())).collect()
}

fn more(page: RolePage) -> String {
    match page.next {
        Next::More(cursor) => cursor,
        Next::Complete(_) => panic!("it was to go on"),
    }
}

fn refusal() -> crate::transport::Response {
    answer(403, r#"{"error":{"code":"Authorization_RequestDenied","message":"no"}}"#)
}

const DIRECTORY: &str = r##"{"value":[
    {"roleDefinitionId":"R1","principal":{"@odata.type":"#microsoft.graph.user","id":"u1"}},
    {"roleDefinitionId":"r2","principal":{"@odata.type":"#microsoft.graph.group","id":"g1"}},
    {"roleDefinitionId":"r9","principal":{"@odata.type":"#microsoft.graph.user","id":"u2"}},
    {"roleDefinitionId":"r1","principal":{"@odata.type":"#microsoft.graph.servicePrincipal","id":"s1"}}]"##;

const NAMES: &str =
    r#"{"value":[{"id":"r1","displayName":"User Administrator"},{"id":"r2","displayName":"Helpdesk"}]}"#;

#[test]
fn directory_roles_with_a_group_on_two_pages() {
    let roles = RoleSource::DirectoryRoles;
    let mut script = Script::new();
    let link = format!("{GRAPH}{ASSIGNMENTS}?$skiptoken=2");
    script.expect("roleDefinitions?$select=id,displayName", answer(200, NAMES)).expect(
        "roleAssignments?$expand=principal",
        answer(200, &format!(r#"{DIRECTORY},"@odata.nextLink":"{link}"}}"#)),
    );
    let first = ask(&mut script, &roles, None).unwrap();
    assert_eq!(told(&first), [("u1", "User Administrator"), ("u2", "r9")]);
    let cursor = more(first);

    let next = format!("{GRAPH}/v1.0/groups/g1/transitiveMembers/microsoft.graph.user?$skiptoken=1");
    let members = format!(r#"{{"value":[{{"id":"u3"}}],"@odata.nextLink":"{next}"}}"#);
    script.expect(
        "/v1.0/groups/g1/transitiveMembers/microsoft.graph.user?$select=id&$top=999",
        answer(200, &members),
    );
    let second = ask(&mut script, &roles, Some(&cursor)).unwrap();
    assert_eq!(told(&second), [("u3", "Helpdesk")]);
    let cursor = more(second);

    script.expect("skiptoken=1", answer(200, r#"{"value":[{"id":"u1"}]}"#));
    let third = ask(&mut script, &roles, Some(&cursor)).unwrap();
    assert_eq!(told(&third), [("u1", "Helpdesk")]);
    let cursor = more(third);

    script
        .expect("roleDefinitions", answer(200, NAMES))
        .expect("skiptoken=2", answer(200, r#"{"value":[]}"#));
    assert_eq!(ask(&mut script, &roles, Some(&cursor)).unwrap().next, Next::Complete(None));
}

#[test]
fn app_roles_and_access_without_one() {
    let roles = RoleSource::AppRoles(APP.to_owned());
    let mut script = Script::new();
    let principal = r#"{"id":"sp1","appRoles":[{"id":"AAA","displayName":"Approver","value":"approve"}]}"#;
    let assigned = format!(
        r#"{{"value":[{{"appRoleId":"aaa","principalId":"u1","principalType":"User"}},
        {{"appRoleId":"{NO_ROLE}","principalId":"u2","principalType":"User"}},
        {{"appRoleId":"aaa","principalId":"s1","principalType":"ServicePrincipal"}},
        {{"appRoleId":"{NO_ROLE}","principalId":"g1","principalType":"Group"}}]}}"#
    );
    script
        .expect(
            &format!("/v1.0/servicePrincipals(appId='{APP}')?$select=id,appRoles"),
            answer(200, principal),
        )
        .expect("/v1.0/servicePrincipals/sp1/appRoleAssignedTo?$top=100", answer(200, &assigned));
    let first = ask(&mut script, &roles, None).unwrap();
    assert_eq!(told(&first), [("u1", "Approver"), ("u2", "Default access")]);
    let cursor = more(first);
    script.expect("groups/g1", answer(404, r#"{"error":{"code":"Request_ResourceNotFound","message":""}}"#));
    let last = ask(&mut script, &roles, Some(&cursor)).unwrap();
    assert!(last.holders.is_empty() && last.next == Next::Complete(None), "a group that is gone");
    assert!(ask(&mut script, &RoleSource::DirectoryRoles, Some(&cursor)).is_err(), "another source's cursor");
    let no_guid = ask(&mut script, &RoleSource::AppRoles("x')/y".into()), None);
    assert!(matches!(no_guid, Err(Error::Settings(_))));
}

#[test]
fn without_permission_roles_are_missing_not_none() {
    let mut script = Script::new();
    script.expect("roleDefinitions", refusal());
    let page = ask(&mut script, &RoleSource::DirectoryRoles, None).unwrap();
    assert!(page.missing.unwrap().contains("RoleManagement.Read.Directory"));

    script
        .expect("roleDefinitions", answer(200, NAMES))
        .expect("roleAssignments", answer(200, &format!("{DIRECTORY}}}")));
    let cursor = more(ask(&mut script, &RoleSource::DirectoryRoles, None).unwrap());
    script.expect("groups/g1", refusal());
    let page = ask(&mut script, &RoleSource::DirectoryRoles, Some(&cursor)).unwrap();
    assert!(page.holders.is_empty() && page.missing.unwrap().contains("GroupMember.Read.All"));
}

#[test]
fn an_assignment_that_cannot_be_read_spoils_the_page() {
    for odd in [
        r#"{"roleDefinitionId":"r1"}"#,
        "null",
        r##"{"roleDefinitionId":"r1","principal":{"id":"a/b","@odata.type":"#microsoft.graph.user"}}"##,
        r##"{"roleDefinitionId":"r1","principal":{"id":"x","@odata.type":"#microsoft.graph.robot"}}"##,
    ] {
        let mut script = Script::new();
        script
            .expect("roleDefinitions", answer(200, NAMES))
            .expect("roleAssignments", answer(200, &format!(r#"{{"value":[{odd}]}}"#)));
        let page = ask(&mut script, &RoleSource::DirectoryRoles, None);
        assert!(matches!(page, Err(Error::Malformed(_))), "{odd}");
    }
}

#[test]
fn a_group_with_two_roles_is_read_twice() {
    let two = r##"{"value":[
        {"roleDefinitionId":"r1","principal":{"@odata.type":"#microsoft.graph.group","id":"g1"}},
        {"roleDefinitionId":"r2","principal":{"@odata.type":"#microsoft.graph.group","id":"g1"}}]}"##;
    let mut script = Script::new();
    script.expect("roleDefinitions", answer(200, NAMES)).expect("roleAssignments", answer(200, two));
    let mut page = ask(&mut script, &RoleSource::DirectoryRoles, None).unwrap();
    for role in ["User Administrator", "Helpdesk"] {
        let cursor = more(page);
        script.expect("groups/g1", answer(200, r#"{"value":[{"id":"u1"}]}"#));
        page = ask(&mut script, &RoleSource::DirectoryRoles, Some(&cursor)).unwrap();
        assert_eq!(told(&page), [("u1", role)]);
    }
    assert_eq!(page.next, Next::Complete(None));
}
