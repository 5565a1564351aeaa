//! Who compiles a plugin: this process, or a child with limits that can be killed.
//!
//! Compiling is the one step in which a component costs time and memory before any limit of the sandbox holds, and the
//! compiler's authors do not take that for a fault. So the program compiles what is not its own in a child: it gets the
//! component through a pipe and nothing else, bounds its own memory and processor before it looks at it, and is killed
//! when it takes too long. What it gives back is loaded only when it is whole and fits ([`super::cache::Key::open`]).

use super::cache::{Key, MOST};
use super::error::LoadError;
use super::runtime::{EngineOptions, config};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::component::Component;

/// Who compiles a plugin.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// This process: for components that are trusted to be sound, and for tests. Nothing bounds it.
    #[default]
    InProcess,
    /// A child process.
    Child(ChildCompiler),
}

/// A program that ends in [`compile_as_child`].
#[derive(Clone, Debug)]
pub struct ChildCompiler {
    /// The program: of the same version, or what it compiles is not loaded.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What it may take.
    pub limits: CompileLimits,
}

/// What compiling one plugin may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// By the clock.
    pub wall: Duration,
    /// On processors, all threads together; whole seconds, at least one.
    pub cpu: Duration,
    /// Bytes of address space.
    pub memory: u64,
}

impl Default for CompileLimits {
    /// A hundred times what a plugin of 1 MiB takes.
    fn default() -> Self {
        Self { wall: Duration::from_secs(20), cpu: Duration::from_secs(20), memory: 1 << 30 }
    }
}

/// The limit that stopped a compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompileLimit {
    /// [`CompileLimits::wall`].
    Wall(Duration),
    /// [`CompileLimits::cpu`].
    Cpu(Duration),
    /// [`CompileLimits::memory`].
    Memory(u64),
    /// So many bytes of compiled code are never read.
    Code(u64),
}

impl fmt::Display for CompileLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wall(limit) => write!(f, "{limit:?} by the clock"),
            Self::Cpu(limit) => write!(f, "{limit:?} of processor time"),
            Self::Memory(limit) => write!(f, "{} MiB of memory", limit >> 20),
            Self::Code(limit) => write!(f, "{} MiB of compiled code", limit >> 20),
        }
    }
}

/// What a child says instead of the compiled form of a component that is not valid; its reason follows.
const REFUSED: &[u8] = b"userload refused plugin 1\n";

/// Threads of a child: each has address space of its own, and a machine of many processors must not use it up.
const THREADS: &str = "4";

/// The same of the allocator's arenas.
const ARENAS: &str = "2";

/// How much of a child's last words is kept.
const WORDS: u64 = 4096;

impl Compiler {
    /// Compiles a component that is not known yet.
    pub(super) fn compile(
        &self,
        engine: &wasmtime::Engine,
        key: &Key,
        bytes: &[u8],
    ) -> Result<Component, LoadError> {
        let invalid = |error: wasmtime::Error| LoadError::Invalid(format!("{error:#}"));
        let Self::Child(child) = self else {
            return Component::from_binary(engine, bytes).map_err(invalid);
        };
        let answer = child.run(bytes)?;
        if let Some(why) = answer.strip_prefix(REFUSED) {
            return Err(LoadError::Invalid(String::from_utf8_lossy(why).into_owned()));
        }
        match key.open(engine, &answer) {
            Some(component) => component.map_err(invalid),
            None => Err(LoadError::Compiler("what the compiling process gave is not whole".to_owned())),
        }
    }
}

impl ChildCompiler {
    /// The child's whole answer, when it ended well.
    fn run(&self, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
        let until = Instant::now() + self.limits.wall;
        let failed = |error: io::Error| LoadError::Compiler(format!("no process to do it in: {error}"));
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        // It knows nothing of this process: no secrets of the environment, no folder.
        command.env_clear().env("RAYON_NUM_THREADS", THREADS).env("MALLOC_ARENA_MAX", ARENAS);
        command.current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (status, answer, words) = thread::scope(|scope| {
            // A child that is killed breaks its pipes: none of these threads outlives it.
            scope.spawn(|| {
                stdin.map(|mut to| to.write_all(&self.request()).and_then(|()| to.write_all(bytes)))
            });
            let words = scope.spawn(|| read(stderr, WORDS));
            let (tell, told) = mpsc::channel();
            scope.spawn(move || tell.send(read(stdout, MOST + 1)));
            let answer = told.recv_timeout(self.limits.wall);
            let status = if answer.is_ok() { wait(&mut child, until) } else { None };
            if status.is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
            (status, answer.unwrap_or_default(), words.join().unwrap_or_default())
        });
        let Some(status) = status else {
            return Err(LoadError::CompileLimit(CompileLimit::Wall(self.limits.wall)));
        };
        if answer.len() as u64 > MOST {
            return Err(LoadError::CompileLimit(CompileLimit::Code(MOST)));
        }
        if status.success() { Ok(answer) } else { Err(self.end(status, &String::from_utf8_lossy(&words))) }
    }

    /// Limits first, so that they hold before a byte of the component is read.
    fn request(&self) -> [u8; 16] {
        let cpu = self.limits.cpu.as_secs().max(1);
        let mut request = [0; 16];
        request[..8].copy_from_slice(&cpu.to_le_bytes());
        request[8..].copy_from_slice(&self.limits.memory.to_le_bytes());
        request
    }

    /// Why a child ended badly. Its own limit of processor time asks before it kills, and this process kills only by
    /// the clock: whoever else killed it was the system, and that does so when memory is short.
    fn end(&self, status: ExitStatus, words: &str) -> LoadError {
        match status.signal() {
            Some(SIGXCPU) => LoadError::CompileLimit(CompileLimit::Cpu(self.limits.cpu)),
            _ if starved(words) => LoadError::CompileLimit(CompileLimit::Memory(self.limits.memory)),
            Some(SIGKILL) => LoadError::Compiler(
                "the compiling process was killed from outside, as systems do when they run out of memory"
                    .to_owned(),
            ),
            _ => {
                let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
                LoadError::Compiler(format!("the compiling process ended with {status}: {last}"))
            }
        }
    }
}

const SIGKILL: i32 = rustix::process::Signal::KILL.as_raw();
const SIGXCPU: i32 = rustix::process::Signal::XCPU.as_raw();

/// Whether these are words of somebody who got no memory: of Rust before it aborts, of the system for a mapping, and
/// for the stack of a thread.
fn starved(words: &str) -> bool {
    ["memory allocation of", "Cannot allocate memory", "Resource temporarily unavailable"]
        .iter()
        .any(|it| words.contains(it))
}

/// At most so many bytes of a pipe; what came until it broke.
fn read(from: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(most).read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for a child that has closed its output; none when it does not end.
fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= until {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The whole work of a compiling child: reads limits and component from `input`, gives what is to be written to the
/// parent. It bounds the process that it runs in for good.
///
/// # Errors
/// When the input breaks off, or the limits cannot be set: then nothing is compiled.
pub fn compile_as_child(mut input: impl Read) -> io::Result<Vec<u8>> {
    let mut number = || -> io::Result<u64> {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    };
    let (cpu, memory) = (number()?, number()?);
    // A second apart: at the first one it ends by a signal that says why.
    bound(Resource::Cpu, cpu, cpu.saturating_add(1))?;
    bound(Resource::As, memory, memory)?;
    // No file, however small, and no image of a crash.
    bound(Resource::Fsize, 0, 0)?;
    bound(Resource::Core, 0, 0)?;
    // Nobody would read the answer.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    // Without a pool, which needs more address space than it gets.
    let engine =
        wasmtime::Engine::new(&config(&EngineOptions::default(), false)).map_err(io::Error::other)?;
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    match engine.precompile_component(&bytes) {
        Ok(compiled) => {
            let mut answer = Key::new(&digest, &engine).head(&compiled);
            answer.extend_from_slice(&compiled);
            Ok(answer)
        }
        // Not the component's fault, and told as what it is.
        Err(error) if starved(&format!("{error:#}")) => Err(io::Error::other(error)),
        Err(error) => Ok([REFUSED, format!("{error:#}").as_bytes()].concat()),
    }
}

/// Lowers a limit of this process: where it is asked to end, and where it must. One that is lower already stays.
fn bound(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let known = getrlimit(resource).maximum;
    let lower = |most: u64| Some(known.map_or(most, |known| known.min(most)));
    Ok(setrlimit(resource, Rlimit { current: lower(soft), maximum: lower(hard) })?)
}
