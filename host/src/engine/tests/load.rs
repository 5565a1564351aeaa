use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn engine() -> Engine {
    Engine::new(options()).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    Plugin::load(&engine(), bytes).unwrap_err().to_string()
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn what_is_not_a_component_is_called_by_its_name() {
    assert!(refused(&Guest::new().module()).contains("this is a core module"));
    assert!(refused(b"(component)").contains("this is text"));
    assert!(refused(b"\n  (module)").contains("this is text"));
    assert!(refused(b"").contains("an empty file"));
    assert!(refused(&[7; 1_000]).contains("something else"));
    assert!(refused(b"\0asm\x09\0\0\0").contains("of another version"));
    let engine = engine();
    let compiled = engine.inner.precompile_component(&Guest::new().component()).unwrap();
    assert!(refused(&compiled).contains("compiled code"));
    let program = fs::read("/proc/self/exe").unwrap();
    assert!(refused(&program[..4_096]).contains("a native program"));
}

#[test]
fn a_broken_component_is_refused() {
    let whole = Guest::new().component();
    assert!(refused(&whole[..whole.len() / 2]).contains("the component is not valid"));
    let mut flipped = whole.clone();
    for at in (8..whole.len()).step_by(97) {
        flipped[at] ^= 0x55;
    }
    assert!(Plugin::load(&engine(), &flipped).is_err());
}

#[test]
fn a_plugin_that_is_too_large_is_not_looked_at() {
    let bytes = vec![0; (16 << 20) + 1];
    assert!(matches!(Plugin::load(&engine(), &bytes), Err(LoadError::TooLarge { limit: 0x100_0000, .. })));
}

#[test]
fn powers_beyond_the_list_are_refused_by_name() {
    let asks = |import: &str| {
        component(&format!(
            r#"(component (import "{import}" (instance)) (instance $i)
               (export "userload:directory/connector@0.2.0" (instance $i)))"#
        ))
    };
    for import in [
        "wasi:filesystem/types@0.2.2",
        "wasi:sockets/tcp@0.2.2",
        "wasi:cli/environment@0.2.2",
        "evil:thing/x",
    ] {
        assert!(refused(&asks(import)).contains(&format!("`{import}`")), "{import}");
    }
    let function = r#"(component (import "read-file" (func)) (instance $i)
        (export "userload:directory/connector@0.2.0" (instance $i)))"#;
    assert!(refused(&component(function)).contains("`read-file`"));
}

#[test]
fn another_version_of_the_contract_is_refused_with_both() {
    let text = r#"(component (instance $i) (export "userload:directory/connector@0.7.0" (instance $i)))"#;
    let words = refused(&component(text));
    assert_eq!(words, "the component speaks version 0.7.0 of the contract, this host speaks 0.2.0");
}

#[test]
fn other_components_and_wrong_types_are_refused() {
    assert!(refused(&component("(component)")).contains("is not a plugin"));
    let hollow = r#"(component (instance $i) (export "userload:directory/connector@0.2.0" (instance $i))
        (export "userload:directory/transform@0.2.0" (instance $i)))"#;
    assert!(refused(&component(hollow)).contains("does not fit version 0.2.0"));
}

#[test]
fn features_that_are_off_are_refused() {
    for extra in [
        "(memory $second 1)",
        "(func $tail (return_call $tail))",
        "(func (drop (ref.i31 (i32.const 1))))",
        "(func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0))))",
        "(tag $t) (func (throw $t))",
    ] {
        let words = refused(&Guest::new().extra(extra).component());
        assert!(words.contains("the component is not valid"), "{extra}: {words}");
    }
}

#[test]
fn a_memory_that_starts_too_large_is_refused_at_once() {
    let words = refused(&Guest::new().pages(2_000).component());
    assert!(words.contains("the component is not valid") && words.contains("memory"), "{words}");
}

#[test]
fn a_component_of_too_many_parts_is_refused_at_once() {
    let many = |times: usize| {
        let instances = "(core instance (instantiate $m))".repeat(times);
        refused(&component(&format!("(component (core module $m) {instances})")))
    };
    assert!(many(10).contains("is not a plugin"));
    assert!(many(20).contains("the component is not valid"));
}

#[test]
fn the_list_of_powers_can_be_read() {
    let plugin =
        load(&Guest::new().imports(guest::HTTP).export("identify", "(drop (call $fields)) unreachable"));
    let asks = plugin.asks();
    assert_eq!(asks.contract, "0.2.0");
    assert!(asks.imports.contains(&"wasi:http/types@0.2.2".to_owned()), "{asks:?}");
    assert!(asks.exports.contains(&"userload:directory/transform@0.2.0".to_owned()));
    assert_eq!((asks.digest.len(), asks.digest.as_str()), (64, plugin.digest()));
}

#[test]
fn the_compiled_form_is_kept_and_trusted_only_when_whole_and_private() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("cache");
    let engine = Engine::new(EngineOptions { cache_dir: Some(dir.clone()), ..options() }).unwrap();
    let answer =
        |len| Guest::new().export("identify", format!("(call $identity (i32.const 0) (i32.const {len}))"));
    let (bytes, other) = (answer(1).component(), answer(2).component());
    let cached = |bytes: &[u8]| Plugin::load(&engine, bytes).unwrap().from_cache();
    assert!(!cached(&bytes) && cached(&bytes));

    let files = || fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    let [file] = &files()[..] else { panic!("{:?}", files()) };
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(file)), (0o700, 0o600));
    let whole = fs::read(file).unwrap();

    let mut tampered = whole.clone();
    let middle = whole.len() / 2;
    tampered[middle] ^= 1;
    for bad in [tampered, whole[..middle].to_vec(), Vec::new(), whole[1..].to_vec()] {
        fs::write(file, bad).unwrap();
        assert!(!cached(&bytes), "a damaged file was loaded");
        assert!(cached(&bytes), "and it was not replaced");
    }

    // Another plugin's compiled form under this one's name.
    assert!(!cached(&other));
    let of_other = files().into_iter().find(|path| path != file).unwrap();
    fs::copy(&of_other, file).unwrap();
    assert!(!cached(&bytes), "another plugin's code was loaded");

    fs::set_permissions(file, fs::Permissions::from_mode(0o622)).unwrap();
    assert!(!cached(&bytes), "a file that others can write to was loaded");
    assert!(cached(&bytes));
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(!cached(&bytes), "a folder that others can write to was used");
}
