//! Maps and reconciles the fixture of `tests/portability`, for `cargo xtask portability`: with our own host, or with the
//! wasmtime command line.
//!
//! `userload-portability host COMPONENT FIXTURE` and `userload-portability wasmtime PROGRAM COMPONENT FIXTURE` print the
//! result as JSON: records as objects, cases as `{tag: payload}` or `tag`, without what is none.

mod host;
mod wave;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

/// What is mapped and reconciled.
struct Fixture {
    mapping: String,
    policy: String,
    records: Vec<String>,
    /// `present`: candidates by source id; `absent`: people with their evidence.
    known: Value,
}

impl Fixture {
    fn read(folder: &Path) -> Result<Self> {
        let text = |name: &str| {
            let text =
                std::fs::read_to_string(folder.join(name)).with_context(|| format!("reading `{name}`"))?;
            Ok::<_, anyhow::Error>(text.trim_end_matches('\n').to_owned())
        };
        Ok(Self {
            mapping: text("mapping.json")?,
            policy: text("policy.json")?,
            records: text("records.jsonl")?.split('\n').map(str::to_owned).collect(),
            known: serde_json::from_str(&text("known.json")?)?,
        })
    }

    /// What `reconcile` takes, from what was mapped.
    fn incoming(&self, mapped: &[Value]) -> Value {
        let present = mapped.iter().filter_map(|it| it.get("ok")).map(|record| {
            let id = record["id"].as_str().unwrap_or_default();
            let known = self.known["present"].get(id).cloned().unwrap_or_else(|| json!([]));
            json!({"incoming": record, "known": known})
        });
        json!({"present": present.collect::<Vec<_>>(), "absent": self.known["absent"]})
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["host", component, folder] => host::run(Path::new(component), &Fixture::read(Path::new(folder))?)?,
        ["wasmtime", program, component, folder] => {
            let line = CommandLine { program: program.into(), component: component.into() };
            line.run(&Fixture::read(Path::new(folder))?)?
        }
        _ => bail!("usage: userload-portability host COMPONENT FIXTURE | wasmtime PROGRAM COMPONENT FIXTURE"),
    };
    #[expect(clippy::print_stdout, reason = "this is what it is for")]
    {
        println!("{result}");
    }
    Ok(())
}

/// The wasmtime command line: one process for each call.
struct CommandLine {
    program: PathBuf,
    component: PathBuf,
}

impl CommandLine {
    fn run(&self, fixture: &Fixture) -> Result<Value> {
        let text = |text: &str| wave::render("", &Value::from(text));
        let map =
            |raw: &String| self.invoke(&format!("map-record({}, {})", text(&fixture.mapping), text(raw)));
        let mapped = fixture.records.iter().map(map).collect::<Result<Vec<_>>>()?;
        let incoming = wave::render("", &fixture.incoming(&mapped));
        let decided = self.invoke(&format!("reconcile({}, {incoming})", text(&fixture.policy)))?;
        Ok(json!({"mapped": mapped, "decided": decided}))
    }

    fn invoke(&self, call: &str) -> Result<Value> {
        // Imports of ours are not wasmtime's to give: the pure half calls none of them, so that a trap stands for each.
        let answer = Command::new(&self.program)
            .args(["run", "-S", "http", "-W", "unknown-imports-trap=y", "--invoke", call])
            .arg(&self.component)
            .output()
            .with_context(|| format!("running `{}`", self.program.display()))?;
        if !answer.status.success() {
            let short: String = call.chars().take(200).collect();
            bail!("`--invoke '{short}…'` failed:\n{}", String::from_utf8_lossy(&answer.stderr));
        }
        wave::parse(std::str::from_utf8(&answer.stdout)?.trim())
    }
}

/// An object without what is none.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}
