//! Where a Rust compiler with a standard library for `wasm32-unknown-unknown` comes from.
//!
//! Two kinds of machine: one where rustup has, or can add, the target; and one that reaches only package
//! registries, where Debian's `rustc-web` and `rust-web-src` build the standard library from source with
//! the cargo that is already there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A way to compile for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// rustup's own compiler, with the target installed.
    Rustup,
    /// Debian's compiler and library source, driven by the cargo at hand.
    Debian,
}

impl Toolchain {
    /// The one asked for, or the first that this machine has or can get.
    pub(crate) fn choose(asked: Option<&str>) -> Result<Self> {
        match asked {
            Some("rustup") if rustup_ready() => Ok(Self::Rustup),
            Some("rustup") => {
                bail!("rustup has no `{TARGET}` and could not add it; try `--toolchain debian`")
            }
            Some("debian") => debian_ready().map(|()| Self::Debian),
            Some(other) => bail!("unknown toolchain `{other}`: expected `rustup` or `debian`"),
            None if rustup_ready() => Ok(Self::Rustup),
            None => debian_ready().map(|()| Self::Debian).with_context(|| {
                format!(
                    "no compiler for `{TARGET}`. Either of these helps:\n  \
                     rustup target add {TARGET}\n  \
                     apt-get install --no-install-recommends {}",
                    DEBIAN_PACKAGES.join(" ")
                )
            }),
        }
    }

    /// Its name, which is also the name of its target folder: two toolchains in one folder throw out each
    /// other's work.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        }
    }

    /// `cargo build` for the target, with an environment in which nothing of the caller's is left that
    /// could reach the compiler.
    pub(crate) fn cargo(self, root: &Path) -> Result<Command> {
        let mut cargo = Command::new(cargo_program());
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            let leaks = name_text.starts_with("CARGO_PKG")
                || name_text.starts_with("CARGO_ENCODED")
                || name_text.starts_with("CARGO_PROFILE")
                || name_text.starts_with("CARGO_BUILD")
                || name_text.starts_with("RUSTC")
                || matches!(name_text.as_ref(), "RUSTFLAGS" | "CARGO_TARGET_DIR" | "CARGO_MANIFEST_DIR");
            if leaks {
                cargo.env_remove(&name);
            }
        }
        cargo.current_dir(root).args(["build", "--target", TARGET]);
        let rustup_sysroot = sysroot("rustc")?;
        let mut remaps = vec![(root.to_path_buf(), "/userload"), (cargo_home()?, "/cargo")];
        if self == Self::Debian {
            let debian_sysroot = sysroot(DEBIAN_RUSTC)?;
            remaps.push((debian_sysroot, "/rust"));
            let bin = rustup_sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
            let path = std::env::var_os("PATH").unwrap_or_default();
            let joined = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)))?;
            cargo
                .env("PATH", joined)
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .args(["-Z", "build-std=std,panic_abort"]);
        } else {
            remaps.push((rustup_sysroot, "/rust"));
        }
        let flags: Vec<String> =
            remaps.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        Ok(cargo)
    }
}

/// The cargo that runs this task.
pub(crate) fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    Ok(PathBuf::from(std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?).join(".cargo"))
}

fn sysroot(rustc: &str) -> Result<PathBuf> {
    let out = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .with_context(|| format!("running `{rustc}`"))?;
    Ok(PathBuf::from(String::from_utf8(out.stdout)?.trim()))
}

fn rustup_ready() -> bool {
    if sysroot("rustc").is_ok_and(|root| root.join("lib/rustlib").join(TARGET).is_dir()) {
        return true;
    }
    crate::say(&format!("adding the target {TARGET} with rustup"));
    Command::new("rustup")
        .args(["target", "add", TARGET])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn debian_has_source() -> bool {
    Path::new(DEBIAN_RUSTC).exists()
        && sysroot(DEBIAN_RUSTC).is_ok_and(|root| root.join("lib/rustlib/src/rust/library/std").is_dir())
}

fn debian_ready() -> Result<()> {
    if !sysroot("rustc")?.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld").exists() {
        bail!("the Rust at hand has no `rust-lld`, which Debian's compiler needs as linker");
    }
    if debian_has_source() {
        return Ok(());
    }
    if !is_root() {
        bail!(
            "not root: run `apt-get install --no-install-recommends {}` as root",
            DEBIAN_PACKAGES.join(" ")
        );
    }
    crate::say(&format!("installing {} with apt-get", DEBIAN_PACKAGES.join(" and ")));
    let quiet = |args: &[&str]| {
        Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null())
            .status()
    };
    let install = || {
        let mut args = vec!["install", "-y", "--no-install-recommends"];
        args.extend(DEBIAN_PACKAGES);
        quiet(&args).is_ok_and(|status| status.success())
    };
    if !install() {
        quiet(&["update"]).context("running `apt-get update`")?;
        if !install() {
            bail!("`apt-get install {}` failed", DEBIAN_PACKAGES.join(" "));
        }
    }
    if !debian_has_source() {
        bail!("Debian's packages are there, but not the source of the standard library");
    }
    Ok(())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}
