//! The built program, as a process of its own: wall time from start to end, peak memory from the kernel.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT, Sim};
use tempfile::TempDir;

/// One home with a launched integration.
pub(crate) struct Program {
    home: TempDir,
}

/// What setting up an integration reads.
struct Prepared {
    origin: String,
    secret: String,
    document: String,
}

/// What one run took.
pub(crate) struct Loaded {
    pub(crate) wall: Duration,
    /// On processors, all threads together; up to the last look at it.
    pub(crate) cpu: Duration,
    /// Bytes of anonymous memory at the most.
    pub(crate) peak: u64,
}

impl Program {
    /// A home with one integration, of the tenant that is there without a name.
    pub(crate) fn new(sim: &Sim) -> Result<Self> {
        let program = Self { home: tempfile::tempdir()? };
        let prepared = program.prepare(sim)?;
        program.launch(&prepared, &[])?;
        Ok(program)
    }

    /// A home with as many tenants, each with an integration of its own that reads from the same place.
    pub(crate) fn tenants(sim: &Sim, count: usize) -> Result<Self> {
        let program = Self { home: tempfile::tempdir()? };
        let prepared = program.prepare(sim)?;
        for number in 0..count {
            program.launch(&prepared, &["--tenant", &format!("tenant{number}")])?;
        }
        Ok(program)
    }

    /// The files that setting up reads.
    fn prepare(&self, sim: &Sim) -> Result<Prepared> {
        let origin = sim.origin();
        let secret = self.home.path().join("secret");
        std::fs::write(&secret, DEFAULT_SECRET)?;
        let inspected: serde_json::Value =
            serde_json::from_str(&self.run(&["plugin", "inspect", "--json"])?)?;
        let mut document = format!(
            "name = \"sim\"\ncredential = \"sim\"\naccess-role = \"Employee\"\ndeactivate = true\n\
             grants = [{{ origin = \"{origin}\", private = true }}]\n[mapping]\n"
        );
        for field in inspected["plugin"]["fields"].as_array().context("no fields")? {
            if let Some(target) = field["suggested_target"].as_str() {
                document.push_str(&format!("{target} = {}\n", field["path"]));
            }
        }
        let file = self.home.path().join("sim.toml");
        std::fs::write(&file, document)?;
        Ok(Prepared { origin, secret: secret.display().to_string(), document: file.display().to_string() })
    }

    /// Credential, integration, launch; `whose` names the tenant.
    fn launch(&self, prepared: &Prepared, whose: &[&str]) -> Result<()> {
        let Prepared { origin, secret, document } = prepared;
        let add =
            ["credential", "add", "sim", "--domain", origin, "--login", origin, "--secret-file", secret];
        let ids = ["--tenant-id", DEFAULT_TENANT, "--client-id", DEFAULT_CLIENT_ID];
        self.run(&[whose, &add, &ids].concat())?;
        self.run(&[whose, &["integration", "save", "-f", document]].concat())?;
        self.run(&[whose, &["launch", "sim"]].concat())?;
        Ok(())
    }

    /// The first request of a listing, as the program made it; it is planned once when nobody asked yet.
    pub(crate) fn listing(&self, sim: &Sim) -> Result<String> {
        let asked = |sim: &Sim| sim.journal().into_iter().find(|it| it.target.starts_with("/v1.0/users?"));
        if asked(sim).is_none() {
            self.run(&["plan", "sim"])?;
        }
        Ok(asked(sim).context("no listing was asked for")?.target)
    }

    pub(crate) fn sync(&self) -> Result<Loaded> {
        self.timed(&["sync", "sim", "--json"])
    }

    /// A call that must end well.
    pub(crate) fn timed(&self, args: &[&str]) -> Result<Loaded> {
        let start = Instant::now();
        let mut child = self.start(args)?;
        let about = PathBuf::from(format!("/proc/{}", child.id()));
        let (mut peak, mut cpu) = (0, Duration::ZERO);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            peak = peak.max(anonymous(&about.join("status")));
            cpu = cpu.max(processor(&about.join("stat")));
            thread::sleep(Duration::from_millis(5));
        };
        let wall = start.elapsed();
        if !status.success() {
            bail!("`userload {}` ended with {status}", args.join(" "));
        }
        Ok(Loaded { wall, cpu, peak })
    }

    /// A call whose answer nobody reads.
    pub(crate) fn start(&self, args: &[&str]) -> Result<Child> {
        Ok(self.command(args)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// The number of the newest run.
    pub(crate) fn last_run(&self) -> Result<u64> {
        let runs: serde_json::Value =
            serde_json::from_str(&self.run(&["runs", "list", "--limit", "1", "--json"])?)?;
        runs["runs"][0]["number"].as_u64().context("no run")
    }

    fn run(&self, args: &[&str]) -> Result<String> {
        let out = self.command(args)?.output()?;
        if !out.status.success() {
            bail!("`userload {}`: {}", args.join(" "), String::from_utf8_lossy(&out.stderr));
        }
        Ok(String::from_utf8(out.stdout)?)
    }

    fn command(&self, args: &[&str]) -> Result<Command> {
        let program = std::env::current_exe()?.with_file_name("userload");
        let mut command = Command::new(program);
        command.args(args).env("USERLOAD_HOME", self.home.path()).stdin(Stdio::null());
        Ok(command)
    }
}

/// `RssAnon` of a process, in bytes; nothing when it has ended.
fn anonymous(status: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// What a process has used of processors: `utime` and `stime` of its `stat`, in ticks of 10 ms.
fn processor(stat: &std::path::Path) -> Duration {
    let text = std::fs::read_to_string(stat).unwrap_or_default();
    // The name in parentheses may hold anything; the numbers come behind it, from the third on.
    let numbers = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = numbers.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
