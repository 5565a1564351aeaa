//! Files that are not what they are taken for: components and stores.

use std::fs;

use rusqlite::Connection;
use userload_tests::program::{Contoso, Home};

fn component() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/userload-entra.wasm");
    fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}: run `cargo xtask build`"))
}

#[test]
fn a_file_that_is_no_component() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    let before = contoso.home.contents();
    let noise: Vec<u8> = (0..5000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let whole = component();
    for (name, bytes, sentence) in [
        ("text.wasm", b"hello\n".to_vec(), "not a WebAssembly component"),
        ("wat.wasm", b"(component)".to_vec(), "text"),
        ("empty.wasm", Vec::new(), "not a WebAssembly component"),
        ("noise.wasm", noise, "not a WebAssembly component"),
        ("core.wasm", wat::parse_str("(module)").unwrap(), "core module"),
        ("truncated.wasm", whole[..whole.len() / 2].to_vec(), "not valid"),
        ("bare.wasm", wat::parse_str("(component)").unwrap(), "userload:directory"),
    ] {
        contoso.home.write(name, bytes);
        let inspect = contoso.home.refused(2, &format!("plugin inspect {name}"));
        for told in [inspect, contoso.home.refused(2, &format!("sync --plugin {name}"))] {
            assert!(told.starts_with(&format!("error: `{name}` cannot be used: ")), "{told}");
            assert!(told.contains(sentence) && told.contains("help: "), "{name}: {told}");
        }
        contoso.home.refused(2, &format!("status --plugin {name}"));
    }
    let told = contoso.home.refused(2, "plugin inspect missing.wasm");
    assert!(told.contains("cannot read the plugin `missing.wasm`"), "{told}");
    assert_eq!(contoso.home.contents(), before);
}

/// The same component with another version in the names of its exports: found by the bytes, which are as
/// many.
#[test]
fn a_component_of_another_contract() {
    let home = Home::new();
    let mut other = component();
    let (from, to) = (b"userload:directory/connector@0.2.0", b"userload:directory/connector@7.1.0");
    let mut at = 0;
    while let Some(found) = other[at..].windows(from.len()).position(|it| it == from) {
        other[at + found..at + found + to.len()].copy_from_slice(to);
        at += found + to.len();
    }
    assert!(at > 0, "the export is where it was");
    home.write("other.wasm", other);
    let told = home.refused(2, "plugin inspect other.wasm");
    assert!(told.contains("version 7.1.0 of the contract, this host speaks 0.2.0"), "{told}");
}

#[test]
fn a_store_of_a_newer_program() {
    let contoso = Contoso::launched(10);
    contoso.sync(0);
    let sql = Connection::open(contoso.home.store()).unwrap();
    let known: i64 = sql.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    sql.pragma_update(None, "user_version", known + 1).unwrap();
    drop(sql);
    let before = contoso.home.contents();
    for command in ["status", "sync", "people list", "launch", "integration save -f contoso.toml"] {
        let told = contoso.home.refused(1, command);
        assert!(
            told.contains("`TMP/home/userload.sqlite` was written by a newer userload"),
            "{command}: {told}"
        );
        assert!(told.contains(&format!("schema {}; this one knows {known}", known + 1)), "{told}");
        assert!(told.contains("help: install the newer userload"), "{told}");
    }
    assert_eq!(contoso.home.contents(), before);
}

#[test]
fn files_that_are_no_store() {
    let foreign = |path: &std::path::Path| {
        let sql = Connection::open(path).unwrap();
        sql.execute_batch("CREATE TABLE diary (day TEXT, text TEXT); INSERT INTO diary VALUES ('1', 'mine')")
            .unwrap();
    };
    let text = |path: &std::path::Path| fs::write(path, "this is my diary, and no database at all").unwrap();
    let makers: [&dyn Fn(&std::path::Path); 2] = [&foreign, &text];
    for make in makers {
        let home = Home::new();
        fs::create_dir(home.home()).unwrap();
        make(&home.store());
        let before = home.contents();
        for command in ["status", "people list", "credential list", "sync"] {
            let told = home.refused(1, command);
            assert!(told.contains("`TMP/home/userload.sqlite` is not a userload store"), "{command}: {told}");
            assert!(told.contains("help: point `--home`"), "{told}");
        }
        assert_eq!(home.contents(), before);
    }
}

#[test]
fn a_store_that_was_cut_short() {
    let contoso = Contoso::launched(300);
    contoso.sync(0);
    let bytes = fs::read(contoso.home.store()).unwrap();
    fs::write(contoso.home.store(), &bytes[..bytes.len() / 2]).unwrap();
    for suffix in ["-wal", "-shm"] {
        drop(fs::remove_file(format!("{}{suffix}", contoso.home.store().display())));
    }
    let told = contoso.home.refused(1, "people export --json --quiet");
    assert!(told.contains("\"error\":{\"message\":") && told.contains("userload.sqlite"), "{told}");
    assert!(told.contains("\"help\":\""), "{told}");
}
