//! `domain/` decides; it never asks.

use std::path::{Path, PathBuf};

/// What a pure module has no business with.
const FORBIDDEN: [&str; 18] = [
    "sqlx",
    "tokio",
    "reqwest",
    "axum",
    "async ",
    ".await",
    "Utc::now",
    "Local::now",
    "SystemTime",
    "Instant::now",
    "rand::",
    "std::env",
    "std::fs",
    "std::net",
    "crate::store",
    "crate::engine",
    "crate::providers",
    "crate::http",
];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// Where a source has something that is forbidden.
fn impure(source: &str) -> Option<&'static str> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .find_map(|line| FORBIDDEN.into_iter().find(|word| line.contains(word)))
}

#[test]
fn the_domain_is_pure() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain"),
        &mut files,
    );
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        assert_eq!(impure(&source), None, "{}", file.display());
    }
}

#[test]
fn an_impure_source_is_seen() {
    assert_eq!(
        impure("fn f() { crate::store::open() }"),
        Some("crate::store")
    );
    assert_eq!(impure("// sqlx\nfn f() {}"), None);
}
