//! A home with a simulated directory to read from.

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Sim, SimConfig, World};

use super::{Answer, Call, Home};

/// The simulator of a made-up company, and a home whose credential opens it.
pub struct Contoso {
    /// The source.
    pub sim: Sim,
    /// The home.
    pub home: Home,
}

/// Where a credential leads.
pub struct Origin<'a> {
    /// Graph and login.
    pub origin: &'a str,
    /// The tenant.
    pub tenant: &'a str,
    /// The secret.
    pub secret: &'a str,
}

impl Contoso {
    /// So many people, an integration that maps everything, launched.
    #[must_use]
    pub fn launched(people: usize) -> Self {
        let contoso = Self::draft(people);
        contoso.home.done("launch contoso");
        contoso
    }

    /// The same as a draft.
    #[must_use]
    pub fn draft(people: usize) -> Self {
        Self::of(SimConfig::default(), World::contoso(7, people), "")
    }

    /// A draft that reads this world; `more` are lines of its document.
    ///
    /// # Panics
    /// When the simulator does not start.
    #[must_use]
    pub fn of(config: SimConfig, world: World, more: &str) -> Self {
        let sim = Sim::start(config, world).expect("a simulator");
        let home = Home::new();
        let secret = world_secret(&sim);
        add_credential(
            &home,
            "entra",
            &Origin { origin: &sim.origin(), tenant: DEFAULT_TENANT, secret: &secret },
        )
        .run()
        .ended(0);
        let contoso = Self { sim, home };
        contoso.save(more).ended(0);
        contoso
    }

    /// A further home with the same credential and document, launched.
    #[must_use]
    pub fn another_home(&self, more: &str) -> Home {
        let home = Home::new();
        let secret = world_secret(&self.sim);
        let origin = Origin { origin: &self.sim.origin(), tenant: DEFAULT_TENANT, secret: &secret };
        add_credential(&home, "entra", &origin).run().ended(0);
        save(&home, &document(&home, &self.sim.origin(), more)).ended(0);
        home.done("launch contoso");
        home
    }

    /// The document that maps everything the plugin suggests, with further lines at its top.
    #[must_use]
    pub fn document(&self, more: &str) -> String {
        document(&self.home, &self.sim.origin(), more)
    }

    /// Saves the document with further lines.
    #[must_use]
    pub fn save(&self, more: &str) -> Answer {
        save(&self.home, &self.document(more))
    }

    /// `sync --json`, and the run it tells of, if it ended with this code.
    #[track_caller]
    pub fn sync(&self, code: i32) -> serde_json::Value {
        self.home.run("sync --json").ended(code).run()
    }
}

/// The secret of the default application.
fn world_secret(sim: &Sim) -> String {
    sim.look(|world| world.apps.first().map_or(DEFAULT_SECRET.to_owned(), |app| app.secret.clone()))
}

/// `credential add`, with the secret in the environment.
#[must_use]
pub fn add_credential(home: &Home, name: &str, to: &Origin<'_>) -> Call {
    let arguments = ["credential", "add", name, "--domain", to.origin, "--login", to.origin, "--tenant-id"];
    let rest = [to.tenant, "--client-id", DEFAULT_CLIENT_ID, "--secret-env", "THE_SECRET"];
    home.call(&[&arguments[..], &rest[..]].concat()).env("THE_SECRET", to.secret)
}

/// Saves a document.
#[must_use]
pub fn save(home: &Home, document: &str) -> Answer {
    home.write("contoso.toml", document);
    home.run("integration save -f contoso.toml")
}

/// A document that maps everything the plugin suggests.
#[must_use]
pub fn document(home: &Home, origin: &str, more: &str) -> String {
    let mut text = format!(
        "name = \"contoso\"\ncredential = \"entra\"\naccess-role = \"Employee\"\ndeactivate = true\n{more}\n\
         grants = [{{ origin = \"{origin}\", private = true }}]\n\n[mapping]\n"
    );
    let plugin = home.done("plugin inspect --json").json();
    for field in plugin["plugin"]["fields"].as_array().expect("a list of fields") {
        if let (Some(target), Some(path)) = (field["suggested_target"].as_str(), field["path"].as_str()) {
            text.push_str(&format!("{target} = \"{path}\"\n"));
        }
    }
    text
}
