//! The account API, spoken to by others: the platform's official client for Node.js, and
//! a reader of the document that tries whatever it allows and forbids.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::api::{Client, furnish_api, secret};
use crate::on_both;
use crate::support::{House, Served, checkers};

on_both!(
    the_official_client_works_unchanged,
    whatever_the_document_allows_is_answered_as_it_says,
);

fn script(name: &str) -> String {
    format!("{}/tests/checkers/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let program = command.get_program().to_owned();
    command
        .output()
        .unwrap_or_else(|error| panic!("{program:?} does not run: {error}"))
}

fn the_official_client_works_unchanged(house: &House) {
    furnish_api(house, 10_000);
    let served = Served::start(house);
    let token = secret(house, "acc-1", &[]);
    let output = run(Command::new("node")
        .arg(script("scalingo.cjs"))
        .args([served.url(""), token])
        .env("NODE_PATH", checkers().join("npm/node_modules")));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["self"]["username"], "ada");
    assert_eq!(told["updated"]["fullname"], "Augusta Ada");
    assert_eq!(told["updated"]["preferences"]["theme"], "dark");
    assert_eq!(told["profile"]["name"], "Augusta Ada");
    assert_eq!(told["profile"]["address_country"], "FR");
    assert_eq!(told["filled_in_again"]["status"], 409);
    assert_eq!(
        told["profile_updated"]["invoice_additional_info"],
        "PO 4711"
    );
    assert_eq!(
        told["wrong_profile"],
        json!({ "status": 422, "data": { "errors": { "vat_number": ["is no valid VAT number of FR"] } } })
    );
    let key = &told["key"];
    assert_eq!(
        key["fingerprint"].as_str().unwrap().split(':').count(),
        16,
        "{key}"
    );
    assert_eq!(told["keys"], json!([key]));
    assert_eq!(told["key_shown"], *key);
    assert_eq!(told["key_again"]["status"], 422);
    assert_eq!(told["keys_left"], json!([]));
    let renewed = &told["renewed"];
    assert_ne!(renewed["id"], told["token"]["id"]);
    assert!(renewed["token"].as_str().unwrap().starts_with("tk-us-"));
    assert_eq!(told["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(told["self_by_renewed"], told["updated"]);
    assert_eq!(
        told["not_let_in"],
        json!({ "status": 401, "data": { "error": "Authentication failed" } })
    );
    assert_eq!(told["tfa"]["enabled"], false);
    let uri = told["tfa_initiated"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/"), "{uri}");
    assert_eq!(told["tfa_wrong"]["status"], 422, "{told}");
    assert_eq!(told["contracts"], json!([]));
    assert_eq!(told["contracts_history"], json!([]));
    assert_eq!(told["regions"], json!([]));
    // Nobody could be mailed.
    assert_eq!(told["deletion_refused"]["status"], 409, "{told}");
    let events = &told["events"];
    assert_eq!(events["events"].as_array().unwrap().len(), 2, "{events}");
    assert_eq!(events["meta"]["pagination"]["next_page"], 2, "{events}");
}

fn whatever_the_document_allows_is_answered_as_it_says(house: &House) {
    furnish_api(house, 1_000_000);
    house.run(&["run", "2026-10"]);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let output = run(Command::new(checkers().join("venv/bin/schemathesis"))
        .args(["--config-file", &script("schemathesis.toml"), "run"])
        .arg(served.url("/openapi.json"))
        .args([
            "--header",
            &format!("Authorization: Bearer {}", client.bearer()),
        ])
        .args(["--phases", "examples,coverage,fuzzing", "--seed", "5"])
        .current_dir(house.path("")));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(" passed") && !said.contains("Failures:"),
        "{said}"
    );
    // Whatever was tried, the books are right.
    drop(served);
    house.run(&["verify"]);
}
