//! Components that are hostile before anything of them runs: to the compiler. It runs in a child with limits.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use userload::engine::{
    ChildCompiler, CompileLimit, CompileLimits, Compiler, Engine, EngineOptions, LoadError, Plugin,
};
use userload_tests::program::{Home, program};

use crate::shell::shell;

/// A number as WebAssembly writes it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&leb(bytes.len())[..], bytes].concat()
}

fn section(id: u8, bytes: &[u8]) -> Vec<u8> {
    [&[id][..], &sized(bytes)].concat()
}

/// A sound component that is no plugin: so many functions `(func (param i32) (result i32) …)` of this body.
fn component(functions: usize, body: &[u8]) -> Vec<u8> {
    let types = [1, 0x60, 1, 0x7f, 1, 0x7f];
    let declared = [&leb(functions)[..], &vec![0; functions]].concat();
    let code = [&leb(functions)[..], &sized(body).repeat(functions)].concat();
    let parts = [section(1, &types), section(3, &declared), section(10, &code)].concat();
    let module = [&b"\0asm\x01\0\0\0"[..], &parts].concat();
    [&b"\0asm\x0d\0\x01\0"[..], &section(1, &module)].concat()
}

/// Long functions: three bytes of an addition become a kilobyte of the compiler's own.
fn fat() -> Vec<u8> {
    // local.get 0, then again and again: local.get 0, i32.add
    component(16, &[&[0, 0x20, 0][..], &[0x20, 0, 0x6a].repeat(300_000), &[0x0b]].concat())
}

/// Tangled functions: 200 loops within each other, from the innermost of which each can be begun again, and 200 locals
/// that change in it. Three kilobytes of such a function take seconds.
fn tangle() -> Vec<u8> {
    const MANY: usize = 200;
    // 200 further locals of type i32.
    let mut body = [&[1][..], &leb(MANY), &[0x7f]].concat();
    body.extend([0x03, 0x40].repeat(MANY));
    for local in 0..MANY {
        // local = local + 1
        body.extend([&[0x20][..], &leb(local), &[0x41, 1, 0x6a, 0x21], &leb(local)].concat());
    }
    for outer in 0..MANY {
        // Again from there, if the first local is not zero.
        body.extend([&[0x20, 0, 0x0d][..], &leb(outer)].concat());
    }
    body.extend([0x0b].repeat(MANY));
    body.extend([0x20, 0, 0x0b]);
    component(500, &body)
}

fn child(limits: CompileLimits) -> Compiler {
    Compiler::Child(ChildCompiler {
        program: program(),
        arguments: ["plugin", "compile", "--home", "/"].map(Into::into).to_vec(),
        limits,
    })
}

fn load(compiler: Compiler, cache: Option<PathBuf>, bytes: &[u8]) -> Result<Plugin, LoadError> {
    let options = EngineOptions { compiler, cache_dir: cache, instances: 4, ..EngineOptions::default() };
    Plugin::load(&Engine::new(options).expect("an engine"), bytes)
}

/// Bytes of memory of this process's own at the most, so far.
fn peak(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}

#[test]
fn a_plugin_is_compiled_by_a_child_and_by_nobody_when_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let bytes = shell(&[]).component();
    let made = load(child(CompileLimits::default()), Some(cache.clone()), &bytes).unwrap();
    assert!(!made.from_cache());
    // What is kept needs no child: this one could not even be started.
    let nobody = Compiler::Child(ChildCompiler {
        program: folder.path().join("nobody"),
        arguments: Vec::new(),
        limits: CompileLimits::default(),
    });
    assert!(load(nobody.clone(), Some(cache), &bytes).unwrap().from_cache());
    let error = load(nobody, None, &bytes).unwrap_err().to_string();
    assert!(error.contains("could not be compiled: no process to do it in"), "{error}");
    // And it is the same as what this process compiles.
    let here = load(Compiler::InProcess, None, &bytes).unwrap();
    assert_eq!(made.asks(), here.asks());
}

#[test]
fn what_is_not_valid_is_told_as_by_this_process() {
    let whole = shell(&[]).component();
    let half = &whole[..whole.len() / 2];
    let told = |compiler| load(compiler, None, half).unwrap_err().to_string();
    assert_eq!(told(child(CompileLimits::default())), told(Compiler::InProcess));
}

#[test]
fn an_answer_that_is_not_whole_is_not_loaded() {
    let bytes = shell(&[]).component();
    for script in ["cat", "printf 'userload compiled plugin 1\\n0123456789abcdef0123456789abcdefx'", "exit 3"]
    {
        let other = Compiler::Child(ChildCompiler {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            limits: CompileLimits::default(),
        });
        let error = load(other, None, &bytes).unwrap_err();
        assert!(matches!(error, LoadError::Compiler(_)), "{script}: {error}");
    }
}

#[test]
fn each_limit_stops_it_and_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let (fat, tangle) = (fat(), tangle());
    let most = CompileLimits { wall: Duration::from_secs(60), cpu: Duration::from_secs(60), memory: 4 << 30 };
    // What is honest has room in the least of these.
    let little = CompileLimits { cpu: Duration::from_secs(1), memory: 384 << 20, ..most };
    load(child(little), None, &shell(&[]).component()).unwrap();
    let cases = [
        CompileLimit::Wall(Duration::from_millis(700)),
        CompileLimit::Cpu(Duration::from_secs(1)),
        CompileLimit::Memory(384 << 20),
    ];
    for case in cases {
        let limits = match case {
            CompileLimit::Wall(wall) => CompileLimits { wall, ..most },
            CompileLimit::Cpu(cpu) => CompileLimits { cpu, ..most },
            CompileLimit::Memory(memory) => CompileLimits { memory, ..most },
            CompileLimit::Code(_) => most,
        };
        let started = Instant::now();
        let bytes = if matches!(case, CompileLimit::Memory(_)) { &fat } else { &tangle };
        match load(child(limits), Some(cache.clone()), bytes).unwrap_err() {
            LoadError::CompileLimit(limit) => assert_eq!(limit, case),
            other => panic!("{case}: {other}"),
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{case}: {:?}", started.elapsed());
        let left = fs::read_dir(&cache).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{case}: something is kept");
    }
}

/// Each way to end is told as what it was: the limit that was reached, or what the process died of.
#[test]
fn how_it_ended_is_told_apart() {
    let limits = CompileLimits { wall: Duration::from_secs(30), ..CompileLimits::default() };
    let bytes = shell(&[]).component();
    let ended = |script: &str, limits| {
        let compiler =
            ChildCompiler { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()], limits };
        load(Compiler::Child(compiler), None, &bytes).unwrap_err().to_string()
    };
    let cpu = "compiling it needs more than 20s of processor time";
    let memory = "compiling it needs more than 1024 MiB of memory";
    for (script, told) in [
        ("kill -XCPU $$", cpu),
        // A signal that the system sends, too: it is not the limit of processor time.
        ("kill -KILL $$", "killed from outside, as systems do when they run out of memory"),
        ("echo 'memory allocation of 64 bytes failed' >&2; kill -ABRT $$", memory),
        ("echo 'Cannot allocate memory (os error 12)' >&2; exit 1", memory),
        ("echo 'some fault' >&2; exit 1", "some fault"),
    ] {
        let error = ended(script, limits);
        assert!(error.contains(told), "{script}: {error}");
        assert!(told == cpu || !error.contains("processor time"), "{script}: {error}");
    }
    let soon = CompileLimits { wall: Duration::from_millis(200), ..limits };
    let error = ended("exec sleep 60", soon);
    assert!(error.contains("compiling it needs more than 200ms by the clock"), "{error}");
}

/// The program as it is, with its own limits.
#[test]
fn the_program_survives_a_bomb() {
    let home = Home::new();
    home.write("bomb.wasm", tangle());
    let started = Instant::now();
    let mut running = home.call(&["plugin", "inspect", "bomb.wasm"]).spawn();
    let mut most = 0;
    while !running.ended() {
        most = most.max(peak(&String::from_utf8_lossy(&running.proc("status"))));
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = running.wait().ended(2);
    told.tells(&["`bomb.wasm` cannot be used: compiling it needs more than", "help: ask its maker"]);
    let limits = CompileLimits::default();
    assert!(started.elapsed() < limits.wall + Duration::from_secs(10), "{:?}", started.elapsed());
    // Itself and next to nothing: the compiler takes hundreds.
    assert!(most < 100 << 20, "{most}");
}
