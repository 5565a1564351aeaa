//! One person, two integrations, two plugins: each user of theirs is told about with the fields of its own plugin.

use serde_json::json;
use userload_tests::ScimSim;
use userload_tests::upn;

use super::town::Town;

/// The component as `cargo xtask build` leaves it.
const COMPONENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-scim.wasm");

const TOKEN: &str = "Zx9-the-bearer-token-of-the-service";

/// Twenty people from Entra ID, three of them from a SCIM service as well, which fills their title.
fn town() -> (Town, ScimSim) {
    let mut town = Town::loaded("priority = 1");
    let user = |n: usize| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": format!("scim-{n}"), "userName": upn(n),
            "active": true, "title": format!("Title {n}"), "emails": [{"value": upn(n), "primary": true}],
        })
    };
    let scim = ScimSim::start(TOKEN, (0..3).map(user).collect());
    let home = &town.contoso.home;
    let base = format!("base-url={}/scim/v2", scim.origin());
    let add = ["credential", "add", "scim", "--plugin", COMPONENT, "--set", &base, "--secret-env", "T"];
    home.call(&add).env("T", TOKEN).run().ended(0);
    let inspected = home.call(&["plugin", "inspect", COMPONENT, "--json"]).run().ended(0).json();
    let digest = inspected["plugin"]["digest"].as_str().unwrap().to_owned();
    let document = format!(
        "name = \"scim\"\ncredential = \"scim\"\naccess-role = \"Employee\"\npriority = 2\n\
         plugin = {{ file = \"{COMPONENT}\", sha256 = \"{digest}\" }}\n\
         grants = [{{ origin = \"{}\", private = true }}]\n\n[mapping]\nusername = \"User Name\"\n\
         job_title = \"title\"\n",
        scim.origin()
    );
    home.write("scim.toml", document);
    home.done("integration save -f scim.toml");
    home.done("launch scim");
    town.night_of("scim", 0);
    (town, scim)
}

#[test]
fn each_user_is_told_about_by_the_plugin_that_brought_them() {
    let (mut town, _scim) = town();
    let story = town.why(&upn(0)).0;
    let accounts = story["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 2, "{story:#}");
    let field = |name: &str| {
        story["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["field"] == name)
            .unwrap_or_else(|| panic!("{story:#}"))
    };
    let rule = |name: &str, of: &str| {
        let rules = field(name)["rules"].as_array().unwrap();
        rules
            .iter()
            .find(|it| it["integration"] == of)
            .unwrap_or_else(|| panic!("{of}: {name}: {story:#}"))
            .clone()
    };
    assert_eq!(field("job_title")["value"], "Title 0");
    assert_eq!(rule("job_title", "scim")["mapped"], "value", "{story:#}");
    assert!(rule("department", "contoso")["mapped"] == "value", "{story:#}");
    let told = town.told(&upn(0));
    assert!(told.contains("━━ contoso") && told.contains("━━ scim"), "{told}");
    assert!(!told.contains("cannot be read"), "{told}");
    // The next nights of both leave it so, and each is asked through its own plugin.
    // The title of three is the other one's, and stays.
    assert_eq!(town.night_of("contoso", 0)["outcomes"], json!({"unchanged": 17, "kept": 3}));
    assert_eq!(town.night_of("scim", 0)["outcomes"]["unchanged"], 3);
    let asked = town.run(&["why", &upn(0), "--ask", "--json"]).ended(0).json();
    for account in asked["accounts"].as_array().unwrap() {
        assert_eq!(account["asked"]["answer"], "present", "{asked:#}");
    }
}
