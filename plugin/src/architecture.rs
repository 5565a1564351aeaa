//! What the source text itself must hold.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

fn whoever_says(words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let says = |text: &str| words.iter().any(|word| text.contains(word));
    let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let files = found.iter().filter(|(_, text)| says(text)).map(|(path, _)| named(path));
    let mut files: Vec<_> = files.filter(|name| name != "architecture.rs").collect();
    files.sort();
    files
}

#[test]
fn imports_are_called_in_two_places() {
    assert_eq!(whoever_says(&["waki::", "use waki"]), ["transport.rs"]);
    assert_eq!(whoever_says(&["secrets::placeholder(", "log::log("]), ["host_imports.rs"]);
}

#[test]
fn no_number_becomes_a_float() {
    // But where an expression computes: what it passes on keeps its digits (`map::expression::values`).
    assert_eq!(whoever_says(&["f64", "f32"]), ["values.rs"]);
}

#[test]
fn files_stay_small() {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    for (path, text) in found {
        assert!(text.lines().count() <= 400, "{}", path.display());
    }
}
