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

/// A sound component that is no plugin, of so many functions of so many additions each: three bytes of addition become
/// some hundred of the compiler's own.
fn bomb(functions: usize, additions: usize) -> Vec<u8> {
    // (func (param i32) (result i32) local.get 0, then again and again: local.get 0, i32.add)
    let body = [&[0, 0x20, 0][..], &[0x20, 0, 0x6a].repeat(additions), &[0x0b]].concat();
    let types = [1, 0x60, 1, 0x7f, 1, 0x7f];
    let declared = [&leb(functions)[..], &vec![0; functions]].concat();
    let code = [&leb(functions)[..], &sized(&body).repeat(functions)].concat();
    let parts = [section(1, &types), section(3, &declared), section(10, &code)].concat();
    let module = [&b"\0asm\x01\0\0\0"[..], &parts].concat();
    [&b"\0asm\x0d\0\x01\0"[..], &section(1, &module)].concat()
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
    for script in ["cat", "printf 'userload compiled plugin 1\\n0123456789abcdef0123456789abcdefx'", "exit 3"] {
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
    // Minutes of work for the compiler, in 15 MiB.
    let many = bomb(50_000, 100);
    let most = CompileLimits { wall: Duration::from_secs(60), cpu: Duration::from_secs(60), memory: 4 << 30 };
    let cases = [
        CompileLimit::Wall(Duration::from_millis(700)),
        CompileLimit::Cpu(Duration::from_secs(1)),
        CompileLimit::Memory(256 << 20),
    ];
    for case in cases {
        let limits = match case {
            CompileLimit::Wall(wall) => CompileLimits { wall, ..most },
            CompileLimit::Cpu(cpu) => CompileLimits { cpu, ..most },
            CompileLimit::Memory(memory) => CompileLimits { memory, ..most },
            CompileLimit::Code(_) => most,
        };
        let started = Instant::now();
        match load(child(limits), Some(cache.clone()), &many).unwrap_err() {
            LoadError::CompileLimit(limit) => assert_eq!(limit, case),
            other => panic!("{case}: {other}"),
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{case}: {:?}", started.elapsed());
        let left = fs::read_dir(&cache).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{case}: something is kept");
    }
}

/// The program as it is, with its own limits.
#[test]
fn the_program_survives_a_bomb() {
    let home = Home::new();
    let bytes = bomb(50_000, 100);
    let size = bytes.len() as u64;
    home.write("bomb.wasm", bytes);
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
    // Itself, the file, and next to nothing: the compiler would take gigabytes.
    assert!(most < (100 << 20) + 2 * size, "{most}");
}
