//! What the bank answers, booked: dated stories, on both databases, by the
//! real binary.

mod batches;
mod edits;
mod files;
mod orders;
mod processes;
mod stories;
pub mod xml;

use serde_json::Value;

use crate::support::{Answer, House};

/// The creditor's account, which is that of the samples.
pub const OURS: &str = "FR7630006000011234567890189";
pub const BATCH: &str = "DD-1";
pub const BLOCK: &str = "DD-1-RCUR-20261201";
/// What an attempt's id starts with; its account's number ends it.
const ID_START: &str = "01a0c4506c000000000000";

/// The attempt of the account `acc-{n}`.
pub fn id(n: usize) -> String {
    format!("{ID_START}{n:010}")
}

/// Settings with direct debits.
pub fn settings(house: &House) {
    let settings = include_str!("../../../deploy/quittance.toml");
    let sepa = format!(
        "[sepa]\ncreditor_name = \"Nuage Exemple SAS\"\ncreditor_id = \"FR72ZZZ123456\"\niban = \"{OURS}\"\n\
         [vault]\nkeys = [{{ id = \"1\", key = \"env:VAULT_KEY\" }}]\n"
    );
    house.file("quittance.toml", format!("{settings}\n{sepa}"));
    house.set_env("VAULT_KEY", &"11".repeat(32));
}

/// October billed to so many accounts, each of them debited: released to the
/// bank in one file and block, first of their mandates.
pub fn debited(house: &House, accounts: usize) {
    settings(house);
    house.import_catalog();
    let mut rows = String::new();
    let mut usage = String::new();
    for n in 1..=accounts {
        rows.push_str(&format!(
            "acc-{n},u{n},u{n}@example.com,User {n},,FR,1 rue A,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z\n"
        ));
        usage.push_str(&format!(
            "e{n},acc-{n},app,container,web,M,{},2026-10-02T00:00:00Z,2026-10-{:02}T00:00:00Z\n",
            1 + n % 7,
            12 + n % 15
        ));
    }
    house.import_accounts(&rows);
    house.import_usage(&usage);
    house.run(&["run", "2026-10"]);
    submit(house, "submitted");
}

/// Debits every invoice, behind the binary's back.
fn submit(house: &House, state: &str) {
    let blob = if house.is_sqlite() {
        "zeroblob(32)"
    } else {
        "CAST('x' AS BYTEA)"
    };
    let at = 1_793_606_400_000_000_i64;
    // The number in an account's name, to ten digits.
    let number = "SUBSTR('0000000000' || SUBSTR(a.external_id, 5), LENGTH(a.external_id) - 3)";
    let of_all = "FROM invoice i JOIN account a ON a.id = i.account_id";
    let edits = [
        format!(
            "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
             SELECT a.id, 1, 'sepa', 'usable', {at}, {at}, {at} {of_all}"
        ),
        format!(
            "INSERT INTO sepa_mandate (account_id, method_id, reference, scheme, one_off, debtor_name, iban_key, \
             iban_sealed, iban_masked, signed_on, signed_at, signed_from, signed_text, account_changed, \
             last_sequence, last_presented_on) SELECT a.id, 1, 'M' || {number}, 'CORE', 0, 'User', '1', {blob}, \
             'DE...3000', '2026-01-05', {at}, 'here', 'text', 0, 'FRST', '2026-12-01' {of_all}"
        ),
        format!(
            "INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, currency, \
             state, created_at) SELECT a.id, '{ID_START}' || {number}, i.period, i.kind, 'sepa', 1, i.total_minor, \
             i.currency, '{state}', {at} {of_all}"
        ),
        format!(
            "INSERT INTO sepa_batch (id, version, state, submit_on, created_at, released_at, debits, sum_minor, digest, \
             creditor_name, creditor_id) \
             SELECT '{BATCH}', 'pain.008.001.08', 'released', '2026-11-30', {at}, {at}, COUNT(*), \
             SUM(total_minor), {blob}, 'Nuage Exemple SAS', 'FR72ZZZ123456' FROM invoice"
        ),
        format!(
            "INSERT INTO sepa_debit (account_id, attempt_id, batch_id, block_id, sequence, collect_on) \
             SELECT account_id, id, '{BATCH}', '{BLOCK}', 'FRST', '2026-12-01' FROM payment_attempt"
        ),
    ];
    for edit in edits {
        house.edit(&edit);
    }
}

/// Every attempt, by the number of its account.
pub fn attempts(house: &House) -> Vec<Value> {
    let answer = house.run(&["payment", "list", "--json"]).json();
    let mut all = answer.as_array().unwrap().clone();
    all.sort_by_key(|attempt| attempt["id"].as_str().unwrap().to_owned());
    all
}

/// What each attempt takes, in minor units: the first is that of `acc-1`.
pub fn amounts(house: &House) -> Vec<i64> {
    attempts(house)
        .iter()
        .map(|attempt| attempt["amount_minor"].as_i64().unwrap())
        .collect()
}

/// State and refusal of an attempt, such as `returned AM04`.
pub fn state(house: &House, n: usize) -> String {
    let all = attempts(house);
    let attempt = all.iter().find(|attempt| attempt["id"] == id(n).as_str());
    let attempt = attempt.unwrap();
    let state = attempt["state"].as_str().unwrap();
    match attempt["decline"]["code"].as_str() {
        Some(code) => format!("{state} {code}"),
        None => state.to_owned(),
    }
}

/// Imports a file that is booked.
#[track_caller]
pub fn import(house: &House, xml: &str) -> Value {
    let file = house.file("answer.xml", xml);
    house
        .run(&["sepa", "import", file.to_str().unwrap(), "--json"])
        .json()
}

/// Imports a file that is refused.
#[track_caller]
pub fn refused(house: &House, xml: &str) -> Answer {
    let file = house.file("answer.xml", xml);
    house.refuse(&["sepa", "import", file.to_str().unwrap()])
}

/// Its outcomes in one line, such as `settled 2 (1800), returned 1 (900)`.
pub fn outcomes(report: &Value) -> String {
    let outcome = |outcome: &Value| {
        format!(
            "{} {} ({})",
            outcome["outcome"].as_str().unwrap(),
            outcome["debits"],
            outcome["amount_minor"]
        )
    };
    let all: Vec<String> = report["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(outcome)
        .collect();
    all.join(", ")
}

/// The problems of unmatched facts that wait.
pub fn unmatched(house: &House) -> Vec<String> {
    let answer = house.run(&["sepa", "unmatched", "--json"]).json();
    let mut all: Vec<String> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| fact["problem"].as_str().unwrap().to_owned())
        .collect();
    all.sort();
    all
}

/// What everyone owes, and what the bank holds by the ledger, in minor units.
pub fn owed_and_held(house: &House) -> (i64, i64) {
    let mut watch = house.watch();
    let owed = watch.count(
        "SELECT CAST((SELECT COALESCE(SUM(total_minor), 0) FROM invoice) + (SELECT COALESCE(SUM(amount_minor), 0) \
         FROM ledger_posting WHERE ledger_account = 'receivable') AS BIGINT)",
    );
    let held = watch.count(
        "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM ledger_posting WHERE ledger_account = 'clearing_bank'",
    );
    (owed, held)
}

/// Rows of the tables that an import writes.
pub fn rows(house: &House) -> [i64; 6] {
    let mut watch = house.watch();
    [
        "SELECT COUNT(*) FROM ledger_entry",
        "SELECT COUNT(*) FROM ledger_posting",
        "SELECT COUNT(*) FROM bank_fact",
        "SELECT COUNT(*) FROM bank_file",
        "SELECT COUNT(*) FROM outbox",
        "SELECT COUNT(*) FROM payment_attempt WHERE decided_at IS NOT NULL",
    ]
    .map(|query| watch.count(query))
}
