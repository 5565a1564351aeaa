//! Listings, counts and single people.

use std::time::Duration;

use graph_sim::{Sim, SimConfig, User, World};
use serde_json::Value;

use crate::talk::Client;

fn sim(people: usize) -> Sim {
    Sim::start(SimConfig::default(), World::contoso(7, people)).unwrap()
}

#[test]
fn pages_of_999_give_everybody_once() {
    let sim = sim(2500);
    let client = Client::new(&sim);
    let pages = client.pages("/v1.0/users?$select=id&$top=999", false);
    let sizes: Vec<usize> = pages.iter().map(|page| page.ids().len()).collect();
    assert_eq!(sizes, [999, 999, 502]);
    let ids: Vec<String> = pages.iter().flat_map(|page| page.ids()).collect();
    assert_eq!(ids, sim.look(World::ids));
    let next = pages[0].next().unwrap();
    assert!(next.starts_with(&format!("{}/v1.0/users?$select=id&$top=999&$skiptoken=", sim.origin())));
    assert_eq!(pages[0].json()["@odata.context"], format!("{}/v1.0/$metadata#users(id)", sim.origin()));
}

#[test]
fn the_count_is_on_the_first_page_of_an_advanced_query_only() {
    let sim = sim(250);
    let client = Client::new(&sim);
    let target = "/v1.0/users?$select=id&$count=true&$top=100";
    let pages = client.pages(target, true);
    assert_eq!(pages[0].json()["@odata.count"], 250);
    assert!(pages[1..].iter().all(|page| page.json().get("@odata.count").is_none()));
    // Without the header the parameter is silently ignored.
    assert!(client.get(target).json().get("@odata.count").is_none());
    // The header alone does not make an advanced query.
    assert!(client.eventual("/v1.0/users").json().get("@odata.count").is_none());
}

#[test]
fn the_header_is_needed_on_every_page_of_an_advanced_query() {
    let sim = sim(3000);
    let client = Client::new(&sim);
    let target = "/v1.0/users?$select=id&$count=true&$top=50&$filter=employeeType in ('Admin', 'Staff')";
    assert_eq!(client.get(target).error(), (400, "Request_UnsupportedQuery".to_owned()));
    let without_count = target.replace("&$count=true", "");
    assert_eq!(client.eventual(&without_count).error().0, 400);
    let first = client.eventual(target);
    assert_eq!(first.status, 200);
    let next = first.next().unwrap();
    assert_eq!(client.get(&next).error(), (400, "Request_UnsupportedQuery".to_owned()));
    assert_eq!(client.eventual(&next).status, 200);
    let found: usize = client.pages(target, true).iter().map(|page| page.ids().len()).sum();
    assert_eq!(first.json()["@odata.count"], found);
    assert!((900..1400).contains(&found), "{found}");
    // A count alone makes the query advanced, too.
    let counted = client.eventual("/v1.0/users?$count=true&$top=5").next().unwrap();
    assert_eq!(client.get(&counted).error(), (400, "Request_UnsupportedQuery".to_owned()));
}

#[test]
fn filters() {
    let sim = sim(2000);
    let client = Client::new(&sim);
    let count = |filter: &str| {
        let answer = client.eventual(&format!("/v1.0/users/$count?$filter={filter}"));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        answer.text().parse::<usize>().unwrap_or_else(|_| panic!("{filter}: {answer:?}"))
    };
    let guests = count("userType eq 'Guest'");
    assert!((30..100).contains(&guests), "{guests}");
    assert_eq!(count("not (userType eq 'Guest')") + guests, 2000);
    assert_eq!(count("accountEnabled eq true or accountEnabled eq false or accountEnabled ne true"), 2000);
    assert_eq!(count("employeeId eq '007'"), 1);
    assert!(count("surname eq 'o''brien'") > 0);
    assert!(count("endsWith(mail,'@example.com')") > 0);
    for (filter, code) in [
        ("accountEnabled eq 'true'", "BadRequest"),
        ("contains(displayName,'a')", "Request_UnsupportedQuery"),
        ("lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z", "Request_UnsupportedQuery"),
        ("department eq 'Sales", "BadRequest"),
    ] {
        let answer = client.eventual(&format!("/v1.0/users?$count=true&$filter={filter}"));
        assert_eq!(answer.error(), (400, code.to_owned()), "{filter}");
    }
    let uncounted = client.get("/v1.0/users/$count");
    assert_eq!(uncounted.error(), (400, "Request_BadRequest".to_owned()));
}

#[test]
fn options_that_graph_refuses() {
    let sim = sim(10);
    let client = Client::new(&sim);
    for (query, status, code) in [
        ("$top=1000", 400, "Request_BadRequest"),
        ("$top=0", 400, "Request_BadRequest"),
        ("$skip=1", 400, "Request_BadRequest"),
        ("$orderby=displayName", 400, "Request_UnsupportedQuery"),
        ("$search=%22displayName:a%22", 400, "Request_BadRequest"),
        ("$select=id,colour", 400, "BadRequest"),
        ("$select=id,skills", 501, "NotImplemented"),
        ("$select=id,hireDate", 501, "NotImplemented"),
        ("$skiptoken=made-up", 400, "DirectoryPageTokenNotFoundException"),
    ] {
        let answer = client.get(&format!("/v1.0/users?{query}"));
        assert_eq!(answer.error(), (status, code.to_owned()), "{query}");
        let json = answer.json();
        assert!(json["error"]["innerError"]["request-id"].is_string());
        assert_eq!(json["error"]["innerError"]["request-id"], answer.header("request-id").unwrap());
    }
    let text = client.get("/v1.0/users?$top=1000").json();
    let message = "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.";
    assert_eq!(text["error"]["message"], message);
    let expanded = client.eventual("/v1.0/users?$count=true&$expand=manager");
    assert_eq!(expanded.error(), (400, "Request_UnsupportedQuery".to_owned()));
    assert_eq!(client.get("/v1.0/users?$expand=manager($select=id)").status, 200);
    let long = format!("/v1.0/users?$count=true&$filter=city eq '{}'", "x".repeat(2100));
    assert_eq!(client.eventual(&long).error(), (400, "Request_BadRequest".to_owned()));
    let odd = client.try_get("/v1.0/users", &[("ConsistencyLevel", "session")]).unwrap();
    assert_eq!(odd.status, 400);
}

#[test]
fn ids_are_looked_up_in_order_and_over_pages() {
    let sim = sim(50);
    let client = Client::new(&sim);
    let ids = sim.look(World::ids);
    let (a, b, c) = (&ids[40], &ids[3], &ids[20]);
    let target = format!("/v1.0/users?$select=id&$top=2&$filter=id in ('{a}','{b}','{c}','{b}','x')");
    let pages = client.pages(&target, false);
    assert_eq!(pages.len(), 2);
    let found: Vec<String> = pages.iter().flat_map(|page| page.ids()).collect();
    assert_eq!(found, [b.clone(), c.clone(), a.clone()]);
    let both = format!("/v1.0/users?$filter=id eq '{a}' and employeeType eq 'None' or id eq '{b}'");
    assert_eq!(client.eventual(&format!("{both}&$count=true")).json()["@odata.count"], 1);
}

#[test]
fn unset_values() {
    let sim = sim(5);
    let badge = "extension_0123456789abcdef0123456789abcdef_badge";
    let id = sim.change(|world| {
        let id = world.hire("ann@contoso.example", "Ann");
        world.update(&id, "employeeId", "12345678901234567890").unwrap();
        world.update(&id, "faxNumber", "1e5").unwrap();
        id
    });
    let client = Client::new(&sim);
    let plain = client.get(&format!("/v1.0/users/{id}")).json();
    assert_eq!(plain.as_object().unwrap().len(), 12, "eleven and the context: {plain}");
    let target = format!("/v1.0/users/{id}?$select=employeeId,faxNumber,city,{badge},businessPhones");
    let text = client.get(&target).text().to_owned();
    let wanted = r#""employeeId":12345678901234567890,"faxNumber":1e5,"city":null,"businessPhones":[]}"#;
    assert!(text.ends_with(wanted), "{text}");
    sim.change(|world| world.update_text(&id, badge, "B-7")).unwrap();
    assert_eq!(client.get(&target).json()[badge], "B-7");
}

#[test]
fn page_tokens_expire_and_belong_to_their_query() {
    let config = SimConfig { page_lifetime: Some(Duration::from_millis(400)), ..Default::default() };
    let sim = Sim::start(config, World::contoso(7, 30)).unwrap();
    let client = Client::new(&sim);
    let next = client.get("/v1.0/users?$select=id&$top=10").next().unwrap();
    let other = next.replace("$top=10", "$top=11");
    assert_eq!(client.get(&other).error().1, "DirectoryPageTokenNotFoundException");
    let second = client.get(&next);
    assert_eq!(second.status, 200);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(client.get(&next).error(), (400, "Directory_ExpiredPageToken".to_owned()));
    assert_eq!(client.get("/v1.0/users?$select=id&$top=10").status, 200);
}

#[test]
fn a_listing_goes_on_while_the_world_moves() {
    let sim = sim(30);
    let client = Client::new(&sim);
    let ids = sim.look(World::ids);
    let first = client.get("/v1.0/users?$select=id&$top=10");
    sim.change(|world| {
        world.delete(&ids[0]).unwrap();
        world.delete(&ids[15]).unwrap();
        world.hire("new@contoso.example", "New");
    });
    let rest = client.pages(&first.next().unwrap(), false);
    let rest: Vec<String> = rest.iter().flat_map(|page| page.ids()).collect();
    assert_eq!(rest[..5], ids[10..15]);
    assert_eq!(rest[5], ids[16]);
    assert_eq!(rest.len(), 20);
}

#[test]
fn people_by_id_and_name() {
    let sim = sim(2000);
    let client = Client::new(&sim);
    let (id, upn) = sim.look(|world| {
        let guest = world.users().find(|user| user.upn().contains("#EXT#")).unwrap();
        (guest.id().into_owned(), guest.upn().into_owned())
    });
    let by_id = client.get(&format!("/v1.0/users/{}", id.to_uppercase()));
    let by_upn = client.get(&format!("/v1.0/users/{}", upn.replace('#', "%23")));
    assert_eq!(by_id.json(), by_upn.json());
    assert_eq!(by_id.json()["userPrincipalName"], upn);
    for key in ["nobody@contoso.example", "11111111-2222-4333-8444-555555555555"] {
        let answer = client.get(&format!("/v1.0/users/{key}"));
        assert_eq!(answer.error(), (404, "Request_ResourceNotFound".to_owned()));
    }
    for path in ["/", "/v1.0", "/v1.0/groups", "/beta/users", "/v1.0/users/a/b"] {
        assert_eq!(client.get(path).error(), (404, "ResourceNotFound".to_owned()), "{path}");
    }
}

#[test]
fn deleted_people() {
    let sim = sim(300);
    let ids = sim.look(World::ids);
    sim.change(|world| ids[..250].iter().for_each(|id| world.delete(id).unwrap()));
    let client = Client::new(&sim);
    let target = "/v1.0/directory/deletedItems/microsoft.graph.user";
    let pages = client.pages(&format!("{target}?$select=id,deletedDateTime&$top=200"), false);
    let gone: Vec<String> = pages.iter().flat_map(|page| page.ids()).collect();
    assert_eq!(gone, ids[..250]);
    assert!(pages[0].json()["value"][0]["deletedDateTime"].is_string());
    assert!(client.get(target).json()["value"][0]["deletedDateTime"].is_string());
    let one = client.get(&format!("/v1.0/directory/deletedItems/{}", ids[0])).json();
    assert_eq!((&one["id"], &one["@odata.type"]), (&ids[0].clone().into(), &"#microsoft.graph.user".into()));
    assert_eq!(client.get(&format!("/v1.0/users/{}", ids[0])).status, 404);
    assert_eq!(client.get(&format!("/v1.0/directory/deletedItems/{}", ids[299])).status, 404);
    assert_eq!(client.get("/v1.0/directory/deletedItems").status, 400);
}

#[test]
fn activity_needs_permission_premium_and_small_pages() {
    let sim = sim(400);
    let denied = Client::new(&sim).get("/v1.0/users?$select=id,signInActivity");
    assert_eq!(denied.error(), (403, "Authorization_RequestDenied".to_owned()));
    sim.change(|world| world.grant("AuditLog.Read.All"));
    let client = Client::new(&sim);
    let told = |page: Value| {
        let users = page["value"].as_array().unwrap().clone();
        users.iter().filter(|user| user["signInActivity"]["lastSignInDateTime"].is_string()).count()
    };
    assert!(told(client.get("/v1.0/users?$select=id,signInActivity&$top=120").json()) > 80);
    assert_eq!(told(client.get("/v1.0/users?$select=id,signInActivity&$top=121").json()), 0);
    assert_eq!(told(client.eventual("/v1.0/users?$select=id,signInActivity&$top=100").json()), 0);
    let by_upn = sim.look(|world| world.users().next().map(|user| user.upn().into_owned())).unwrap();
    assert_eq!(client.get(&format!("/v1.0/users/{by_upn}?$select=signInActivity")).status, 400);
    sim.change(|world| world.premium = false);
    let refused = client.get("/v1.0/users?$select=id,signInActivity");
    assert_eq!(refused.error(), (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant".to_owned()));
}

#[test]
fn licences_need_their_own_permission() {
    let sim = sim(10);
    assert_eq!(Client::new(&sim).get("/v1.0/subscribedSkus").status, 403);
    sim.change(|world| world.grant("Organization.Read.All"));
    let skus = Client::new(&sim).get("/v1.0/subscribedSkus").json();
    assert_eq!(skus["value"][0]["skuPartNumber"], "SPE_E5");
}

#[test]
fn junk_is_served_as_it_is() {
    let sim = Sim::start(SimConfig::default(), World::empty(1)).unwrap();
    sim.change(|world| {
        world.add(User::new("11111111-2222-4333-8444-555555555555", "a@contoso.example"));
        world.add_junk("[1, 2]").unwrap();
    });
    let client = Client::new(&sim);
    let text = client.get("/v1.0/users?$select=id").text().to_owned();
    assert!(text.ends_with(r#"[{"id":"11111111-2222-4333-8444-555555555555"},[1, 2]]}"#), "{text}");
}
