use graph_sim::{DEFAULT_SECRET, DEFAULT_TENANT, Sim, SimConfig, World};
use userload_tests::program::{Home, Origin, add_credential, document, save};

/// A private origin has to be granted by an integration. Login and Graph are one origin here: it is said once.
#[test]
fn an_origin_that_no_integration_grants_yet_is_said_once() {
    let sim = Sim::start(SimConfig::default(), World::contoso(7, 40)).unwrap();
    let (home, origin) = (Home::new(), sim.origin());
    let secret =
        sim.look(|world| world.apps.first().map_or(DEFAULT_SECRET.to_owned(), |app| app.secret.clone()));
    let to = Origin { origin: &origin, tenant: DEFAULT_TENANT, secret: &secret };
    add_credential(&home, "entra", &to).run().ended(0);
    let tested = home.run("credential test entra --json").ended(2).json();
    let checks = tested["checks"].as_array().unwrap();
    let missing: Vec<_> = checks.iter().filter(|it| it["what"] == "grants").collect();
    assert_eq!(missing.len(), 1, "{tested:#}");
    let help = missing[0]["help"].as_str().unwrap();
    let line = format!("grants = [{{ origin = \"{origin}\", private = true }}]");
    assert!(help.contains(&line) && help.contains("no integration uses `entra` yet"), "{help}");
    assert!(help.contains("userload integration save -f FILE"), "{help}");
    assert!(sim.journal().is_empty(), "nothing was asked");
    // As it says: a draft grants it.
    save(&home, &document(&home, &origin, "")).ended(0);
    home.done("credential test entra");
    // One without the grant is to be edited.
    let text = document(&home, &origin, "").replace("grants = ", "# grants = ");
    save(&home, &text).ended(0);
    let told = home.run("credential test entra").ended(2).out;
    assert_eq!(
        told.matches("is not granted").count() + told.matches("is not encrypted").count(),
        1,
        "{told}"
    );
    assert!(told.contains("to allow it, add to the integration"), "{told}");
}
