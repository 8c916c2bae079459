//! A house that collects by direct debit, with keys of its own.

use std::path::Path;

use quittance::config::{SecretSource, VaultKey, VaultSettings};
use quittance::vault::Vault;

use super::House;

/// Examples of the IBAN registry.
pub const IBAN: &str = "DE89370400440532013000";
pub const OTHER_IBAN: &str = "FR1420041010050500013M02606";
/// Outside the European Economic Area.
pub const SWISS_IBAN: &str = "CH9300762011623852957";

/// Whoever acts in the tests.
pub const BY: [&str; 4] = ["--by", "ada", "--reason", "test"];

pub const KEY_A: &str = "aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11";
const KEY_B: &str = "bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22";

/// `[sepa]`, and `[vault]` with [`KEY_A`] in a file.
pub const SECTIONS: &str = r#"
[sepa]
creditor_name = "Nuage Exemple SAS"
creditor_id = "FR72ZZZ123456"
iban = "FR1420041010050500013M02606"
bic = "PSSTFRPPXXX"
version = "pain.008.001.08"
prenotification_days = 5
first_collection = "RCUR"
archive = "sepa"

[vault]
keys = [{ id = "a", key = "file:a.key" }]
"#;

/// The settings of direct debits, with these places changed.
pub fn sepa_settings(house: &House, changes: &[(&str, &str)]) {
    let mut sections = SECTIONS.to_owned();
    for (before, after) in changes {
        assert!(sections.contains(before), "{before}");
        sections = sections.replace(before, after);
    }
    let settings = include_str!("../../../deploy/quittance.toml");
    house.file("quittance.toml", format!("{settings}\n{sections}"));
    house.file("a.key", KEY_A);
    house.file("b.key", KEY_B);
}

/// The same with a new key, the old one still there.
pub fn rotated_settings(house: &House) {
    let old = "{ id = \"a\", key = \"file:a.key\" }";
    let both = format!("{old}, {{ id = \"b\", key = \"file:b.key\" }}");
    sepa_settings(house, &[(old, &both)]);
}

/// A house with three accounts and the settings of direct debits.
pub fn furnish_sepa(house: &House) {
    super::furnish(house);
    sepa_settings(house, &[]);
}

/// The arguments that add a mandate signed the night before.
pub fn signed_args<'a>(account: &'a str, file: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "method",
        "add-mandate",
        account,
        "--name",
        "Jan Kowalski",
        "--iban-file",
        file.to_str().unwrap(),
        "--signed-at",
        "2026-11-01T00:30:00+01:00",
        "--signed-from",
        "2001:db8::7",
    ];
    args.extend(BY);
    args.extend(more);
    args
}

/// Adds a mandate whose debtor is called as its account; its number.
#[track_caller]
pub fn add_mandate(house: &House, account: &str, iban: &str) -> i64 {
    let file = house.file("iban", iban);
    let mut args = signed_args(account, &file, &["--json"]);
    args[4] = account;
    let added = house.run(&args).json();
    std::fs::remove_file(file).unwrap();
    added["id"].as_i64().unwrap()
}

/// Makes an attempt by direct debit for every invoice that nothing is in flight
/// for and whose account has a mandate, as collecting does. `round` keeps their
/// ids apart.
pub fn attempt_debits(house: &House, round: u32) {
    house.edit(&format!(
        "INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, currency, \
         state, created_at) SELECT i.account_id, '{round:08x}' \
         || substr(CAST(1000000000000 + i.account_id AS TEXT), 2, 12) \
         || substr(CAST(1000000000000 + i.period AS TEXT), 2, 12), i.period, i.kind, 'sepa', m.id, \
         i.total_minor, i.currency, 'created', 1790000000000000 FROM invoice i JOIN (SELECT account_id, MAX(id) \
         AS id FROM payment_method WHERE method = 'sepa' AND state <> 'removed' GROUP BY account_id) m \
         ON m.account_id = i.account_id WHERE NOT EXISTS (SELECT 1 FROM payment_attempt t \
         WHERE t.account_id = i.account_id AND t.period = i.period \
         AND t.state IN ('created', 'submitted', 'pending', 'unknown', 'succeeded'))"
    ));
}

/// Writes a part of an account's one invoice off behind the binary's back, which
/// itself does so only while no payment is in flight: as a won dispute does, or
/// whatever else pays a debt meanwhile.
pub fn give_up(house: &House, account: &str, minor: i64) {
    for statement in given_up(account, minor) {
        house.edit(&statement);
    }
}

/// As [`give_up`], all of it.
pub fn give_up_all(house: &House, account: &str, minor: i64) {
    let [entry, postings, audit, _] = given_up(account, minor);
    let paid = format!(
        "DELETE FROM open_invoice WHERE open_minor = {minor} \
         AND account_id = (SELECT id FROM account WHERE external_id = '{account}')"
    );
    for statement in [entry, postings, audit, paid] {
        house.edit(&statement);
    }
}

/// The statements of [`give_up`].
pub fn given_up(account: &str, minor: i64) -> [String; 4] {
    let of_it = format!(
        "FROM invoice i JOIN account a ON a.id = i.account_id WHERE a.external_id = '{account}'"
    );
    let next =
        "(SELECT COALESCE(MAX(e.id), 0) FROM ledger_entry e WHERE e.account_id = i.account_id)";
    [
        format!(
            "INSERT INTO ledger_entry (account_id, id, movement, currency, at, period, kind, actor, reason) \
             SELECT i.account_id, {next} + 1, 'written_off', i.currency, 1790000000000000, i.period, i.kind, 'ada', \
             'test' {of_it}"
        ),
        format!(
            "INSERT INTO ledger_posting (account_id, entry_id, ledger_account, amount_minor) \
             SELECT i.account_id, {next}, 'receivable', -{minor} {of_it} UNION ALL \
             SELECT i.account_id, {next}, 'write_off', {minor} {of_it}"
        ),
        format!(
            "INSERT INTO audit_entry (account_id, id, at, actor, action, reason, subject, entry_id) \
             SELECT i.account_id, 9000 + {next}, 1790000000000000, 'ada', 'written_off', 'test', 'test', {next} {of_it}"
        ),
        format!(
            "UPDATE open_invoice SET open_minor = open_minor - {minor} \
             WHERE account_id = (SELECT id FROM account WHERE external_id = '{account}')"
        ),
    ]
}

impl House {
    /// The keys of the tests by their ids, the last the newest.
    pub fn vault(&self, ids: &str) -> Vault {
        let keys = ids
            .chars()
            .map(|id| VaultKey {
                id: id.to_string(),
                source: SecretSource::File(self.path(&format!("{id}.key"))),
            })
            .collect();
        Vault::open(Some(&VaultSettings { keys })).unwrap()
    }

    /// Bytes as this database writes them in SQL.
    pub fn bytes_literal(&self, hex: &str) -> String {
        if self.url().starts_with("sqlite:") {
            format!("x'{hex}'")
        } else {
            format!("'\\x{hex}'::bytea")
        }
    }
}
