//! Twenty people, nights that pass, and questions about them that leave no trace.

use graph_sim::{SimConfig, World};
use serde_json::Value;
use userload_tests::plain;
use userload_tests::program::{Answer, Contoso};

/// A simulated tenant, a home, and the day that it is.
pub(super) struct Town {
    pub(super) contoso: Contoso,
    /// Object ids, in the order of hiring.
    pub(super) ids: Vec<String>,
    day: u32,
}

impl Town {
    /// Twenty people; nobody is loaded yet. `more` are lines of the document.
    pub(super) fn new(more: &str) -> Self {
        let (world, ids) = plain(20);
        let contoso = Contoso::of(SimConfig::default(), world, more);
        contoso.home.done("launch contoso");
        Self { contoso, ids, day: 0 }
    }

    /// Everybody is loaded on the first night.
    pub(super) fn loaded(more: &str) -> Self {
        let mut town = Self::new(more);
        town.night(0);
        town
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.contoso.sim.change(change)
    }

    /// A call at the time that it is.
    pub(super) fn run(&self, arguments: &[&str]) -> Answer {
        let clock = format!("2026-12-{:02}T04:05:06Z", self.day + 1);
        self.contoso.home.call(arguments).at(&clock).run()
    }

    /// A day passes, then the integration runs and ends with this code.
    pub(super) fn night(&mut self, code: i32) -> Value {
        self.day += 1;
        self.run(&["sync", "--json"]).ended(code).run()
    }

    /// The same for one of several integrations.
    pub(super) fn night_of(&mut self, name: &str, code: i32) -> Value {
        self.day += 1;
        self.run(&["sync", name, "--json"]).ended(code).run()
    }

    /// Asks why, and sees to it that nothing was written and nothing sent.
    pub(super) fn asks(&self, arguments: &[&str]) -> Answer {
        let (files, sent) = (self.contoso.home.contents(), self.contoso.sim.journal().len());
        let answer = self.run(&[&["why"], arguments].concat());
        assert!(self.contoso.home.contents() == files, "why {arguments:?} has left a trace");
        assert_eq!(self.contoso.sim.journal().len(), sent, "why {arguments:?} has asked the source");
        answer
    }

    /// The story as JSON.
    pub(super) fn why(&self, who: &str) -> Story {
        Story(self.asks(&[who, "--json"]).ended(0).json())
    }

    /// The story about one run.
    pub(super) fn why_in(&self, who: &str, run: i64) -> Story {
        Story(self.asks(&[who, "--run", &run.to_string(), "--json"]).ended(0).json())
    }

    /// The story as people read it.
    pub(super) fn told(&self, who: &str) -> String {
        self.asks(&[who]).ended(0).out
    }
}

/// An answer of `why --json`.
#[derive(Debug)]
pub(super) struct Story(pub(super) Value);

impl Story {
    /// The only user of the source that it is about.
    #[track_caller]
    pub(super) fn account(&self) -> &Value {
        let accounts = self.0["accounts"].as_array().expect("a list");
        assert_eq!(accounts.len(), 1, "{:#}", self.0);
        &accounts[0]
    }

    /// `outcome: reason` of the run.
    #[track_caller]
    pub(super) fn decided(&self) -> String {
        let it = self.account();
        match it["outcome"].as_str() {
            Some(outcome) => format!("{outcome}: {}", it["reason"].as_str().unwrap_or_default()),
            None => it["reason"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// What comes next, on one line.
    #[track_caller]
    pub(super) fn next(&self) -> String {
        let lines = self.account()["next"].as_array().expect("a list");
        lines.iter().map(|it| it.as_str().expect("a sentence")).collect::<Vec<_>>().join(" | ")
    }

    /// A field.
    #[track_caller]
    pub(super) fn field(&self, name: &str) -> &Value {
        let fields = self.0["fields"].as_array().expect("a list");
        fields.iter().find(|it| it["field"] == name).unwrap_or_else(|| panic!("no {name}: {:#}", self.0))
    }

    /// Who wrote a field, step by step: `contoso 1, contoso 3`.
    #[track_caller]
    pub(super) fn history(&self, name: &str) -> String {
        let steps = self.field(name)["history"].as_array().expect("a list");
        let step = |it: &Value| format!("{} {}", it["who"].as_str().unwrap_or_default(), it["run"]);
        steps.iter().map(step).collect::<Vec<_>>().join(", ")
    }

    /// What was not applied of a field's first rule.
    #[track_caller]
    pub(super) fn not_applied(&self, name: &str) -> String {
        let list = self.field(name)["rules"][0]["not_applied"].as_array().expect("a list");
        list.iter().map(|it| it.as_str().expect("a sentence")).collect::<Vec<_>>().join(" | ")
    }
}
