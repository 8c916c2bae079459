//! What is deployed is held against its own linters.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::checkers;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name)
}

/// Runs a linter of the checkers; what it said where it found something.
fn lint(tool: &str, args: &[&str], files: &[PathBuf]) {
    let tool = checkers().join("venv/bin").join(tool);
    let output = Command::new(&tool).args(args).args(files).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", tool.display()));
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_container_is_built_by_the_rules() {
    lint("hadolint", &[], &[deploy("docker/Dockerfile")]);
    let schema = ["--builtin-schema", "vendor.compose-spec"];
    lint(
        "check-jsonschema",
        &schema,
        &[deploy("docker/compose.yaml")],
    );
}

#[test]
fn kubernetes_takes_what_it_is_given() {
    for file in ["deployment.yaml", "cronjob.yaml"] {
        lint(
            "kubernetes-validate",
            &["--strict"],
            &[deploy("kubernetes").join(file)],
        );
    }
}

#[test]
fn systemd_takes_its_units() {
    let folder = tempfile::tempdir().unwrap();
    let mut units = Vec::new();
    for name in [
        "quittance.service",
        "quittance-tick.service",
        "quittance-tick.timer",
    ] {
        let unit = std::fs::read_to_string(deploy("systemd").join(name)).unwrap();
        // The program has to be there.
        let unit = unit.replace("/usr/local/bin/quittance", env!("CARGO_BIN_EXE_quittance"));
        let file = folder.path().join(name);
        std::fs::write(&file, unit).unwrap();
        units.push(file);
    }
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .args(&units)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Those of other packages on this machine are no business of ours.
    let own: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("quittance"))
        .collect();
    assert!(own.is_empty(), "{own:#?}");
    assert!(output.status.success() || !said.is_empty(), "{output:?}");
}

#[test]
fn a_linter_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("quittance.service");
    let unit = std::fs::read_to_string(deploy("systemd/quittance.service")).unwrap();
    std::fs::write(
        &wrong,
        unit.replace("/usr/local/bin/quittance", "/nowhere/quittance"),
    )
    .unwrap();
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&wrong)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("quittance.service"), "{output:?}");
}
