//! Nothing of a person is left, but in what the law asks for.

use super::leaving::{BY, Leaver};
use crate::on_both;
use crate::support::direct_debit::{IBAN, KEY_A, SECTIONS};
use crate::support::{ACCOUNT_COLUMNS, House, THREE_ACCOUNTS};

on_both!(
    nothing_of_the_person_is_left,
    what_is_kept_goes_when_its_time_is_over,
    who_is_gone_is_not_taken_in_again,
    every_edit_of_it_shows,
);

/// What only this person has.
const TRACES: [&str; 6] = ["Zebulon", "zebulon", "Quagga", "quagga", "Okapi", "okapi"];

/// acc-2 is somebody with a name to be found, has a mandate, was billed by credit,
/// and moved before it was.
fn zebulon(house: &House) -> Leaver<'_> {
    let leaver = Leaver::unfurnished(house, SECTIONS);
    house.file("a.key", KEY_A);
    for address in ["1 Okapi Road", "2 Okapi Road"] {
        house.import_accounts(&row(address));
    }
    leaver.october();
    house.import_accounts(&row("3 Okapi Road"));
    house.set_now("2026-11-10T09:00:00Z");
    let iban = house.file("iban", IBAN);
    let mut mandate = vec![
        "method",
        "add-mandate",
        "acc-2",
        "--name",
        "Zebulon Quagga",
        "--iban-file",
        iban.to_str().unwrap(),
        "--signed-at",
        "2026-11-01T00:30:00+01:00",
        "--signed-from",
        "2001:db8::7",
    ];
    mandate.extend(BY);
    house.run(&mandate);
    std::fs::remove_file(iban).unwrap();
    house.run(&[
        "credit",
        "grant",
        "acc-2",
        "5",
        "--by",
        "ada",
        "--reason",
        "Zebulon was unhappy",
    ]);
    house.run(&[
        "voucher",
        "grant",
        "acc-2",
        "for Mr Quagga",
        "--amount",
        "5",
        "--from",
        "2026-12",
    ]);
    house.run(&[
        "account",
        "token",
        "acc-2",
        "--name",
        "Zebulon's laptop",
        "--by",
        "ada",
        "--reason",
        "asked by phone",
    ]);
    house.edit(
        "INSERT INTO account_settings (account_id, location, email_newsletter, theme) \
         SELECT id, 'Okapiville', 0, 'dark' FROM account WHERE external_id = 'acc-2'",
    );
    for secret in [
        "INSERT INTO account_credential (account_id, password_hash, version, failures) \
         SELECT id, 'okapi', 1, 0 FROM account WHERE external_id = 'acc-2'",
        "INSERT INTO account_link (account_id, purpose, digest, until) \
         SELECT id, 'okapi', 'x', 1 FROM account WHERE external_id = 'acc-2'",
        "INSERT INTO second_factor (account_id, id, secret_key, secret_sealed, enabled_at) \
         SELECT id, 'okapi', 'a', 'x', 1 FROM account WHERE external_id = 'acc-2'",
        "INSERT INTO contract_acceptance (account_id, contract_id, version, locale, accepted_at) \
         SELECT id, 'okapi', '1', 'fr', 1 FROM account WHERE external_id = 'acc-2'",
        "INSERT INTO hds_contact (account_id, app, id, org_type, name, email, phone_number, company, address_line1, \
         address_line2, address_city, address_zip, address_country, notes, updated_at) SELECT id, 'blog', '1', \
         'company', 'okapi', '', '', '', '', '', '', '', 'FR', '', 1 FROM account WHERE external_id = 'acc-2'",
        "INSERT INTO accountant (account_id, id, email, digest, invited_at) \
         SELECT id, '1', 'okapi', 'x', 1 FROM account WHERE external_id = 'acc-2'",
        "INSERT INTO account_budget (account_id, amount_minor, set_at) \
         SELECT id, 1, 1 FROM account WHERE external_id = 'acc-2'",
        "INSERT INTO recovery_code (account_id, digest) \
         SELECT id, 'x' FROM account WHERE external_id = 'acc-2'",
    ] {
        let is_sqlite = house.is_sqlite();
        house.edit(&if is_sqlite {
            secret.replace("'x'", "x'00'")
        } else {
            secret.to_owned()
        });
    }
    leaver
}

fn row(address: &str) -> String {
    format!(
        "acc-2,zebulon,zebulon@quagga.example,Zebulon Quagga,Quagga Ltd,FR,{address},67000,Okapiville,,EUR,2025-01-05T10:00:00Z\n"
    )
}

/// Every table of the database, with its rows as text.
fn tables(house: &House) -> Vec<(String, String)> {
    let names = if house.is_sqlite() {
        house
            .watch()
            .texts("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    } else {
        house.watch().texts(
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
             WHERE table_schema = 'public' ORDER BY 1",
        )
    };
    assert!(names.len() > 30, "{names:?}");
    let rows = names.into_iter().map(|name| {
        let rows = house.watch().rows_as_text(&name);
        (name, rows)
    });
    rows.collect()
}

/// The tables in which something of the person stands, with what.
fn traces(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for (name, rows) in tables(house) {
        // Its last digits may be in any number elsewhere.
        let masked = (name == "sepa_mandate").then_some("3000");
        for trace in TRACES.into_iter().chain([IBAN]).chain(masked) {
            if rows.contains(trace) {
                found.push(format!("{name}: {trace}"));
            }
        }
    }
    found
}

#[track_caller]
fn gone(leaver: &Leaver<'_>) {
    leaver.leave(&[]);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
}

fn nothing_of_the_person_is_left(house: &House) {
    let leaver = zebulon(house);
    let before = traces(house);
    for table in [
        "billing_profile: Zebulon",
        "sepa_mandate: Quagga",
        "audit_entry: Zebulon",
        "ledger_entry: Zebulon",
        "allowance: Quagga",
        "api_token: Zebulon",
        "account_event: Zebulon",
        "account_settings: Okapi",
        "account_credential: okapi",
        "account_link: okapi",
        "second_factor: okapi",
        "contract_acceptance: okapi",
        "hds_contact: okapi",
        "accountant: okapi",
    ] {
        assert!(
            before.contains(&table.to_owned()),
            "the test finds nothing: {before:?}"
        );
    }
    gone(&leaver);
    let left = traces(house);
    assert!(
        left.iter()
            .all(|trace| trace.starts_with("billing_profile: ")),
        "{left:?}"
    );
    // The one version that an invoice refers to, as it was, and an empty one.
    let profiles = house.watch().texts(
        "SELECT CAST(p.version AS TEXT) || ' ' || p.full_name || ' ' || p.address_line1 FROM billing_profile p \
         JOIN account a ON a.id = p.account_id WHERE a.external_id = 'acc-2' ORDER BY p.version",
    );
    assert_eq!(profiles, ["2 Zebulon Quagga 2 Okapi Road", "4  "]);
    assert_eq!(
        leaver.count("SELECT COUNT(*) FROM sepa_mandate"),
        0,
        "it was never used"
    );
    assert_eq!(leaver.count("SELECT COUNT(*) FROM recovery_code"), 0);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM account_budget"), 0);
    house.run(&["verify"]);
    let shown = house.run(&["invoice", "show", "Q-2026-000001"]).stdout;
    assert!(shown.contains("Quagga Ltd"), "{shown}");
    house.run(&[
        "vault",
        "rotate",
        "--by",
        "ada",
        "--reason",
        "as every year",
    ]);
}

fn what_is_kept_goes_when_its_time_is_over(house: &House) {
    let leaver = zebulon(house);
    // As if something had been collected by it.
    house.edit("UPDATE sepa_mandate SET last_presented_on = '2026-11-09'");
    gone(&leaver);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM sepa_mandate"), 1);
    assert_eq!(
        leaver.count("SELECT COUNT(*) FROM payment_method WHERE state <> 'removed'"),
        0
    );
    house.set_now("2028-01-09T09:00:00Z");
    assert_eq!(leaver.advance(), [""; 0]);
    house.set_now("2028-01-10T09:00:00Z");
    assert_eq!(
        leaver.advance(),
        ["1 mandate or identity: kept long enough, erased"]
    );
    assert_eq!(leaver.count("SELECT COUNT(*) FROM sepa_mandate"), 0);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM payment_method"), 0);
    house.run(&["verify"]);
    house.set_now("2036-12-31T09:00:00Z");
    assert_eq!(leaver.advance(), [""; 0]);
    let shown = house.run(&["invoice", "show", "Q-2026-000001"]).stdout;
    assert!(shown.contains("Quagga Ltd"), "{shown}");
    house.set_now("2037-01-01T09:00:00Z");
    assert_eq!(
        leaver.advance(),
        ["1 mandate or identity: kept long enough, erased"]
    );
    assert_eq!(traces(house), [""; 0]);
    // Numbers and sums stay, and their chain is whole.
    house.run(&["verify"]);
    let shown = house.run(&["invoice", "show", "Q-2026-000001"]).stdout;
    assert!(shown.contains("(erased)"), "{shown}");
}

fn who_is_gone_is_not_taken_in_again(house: &House) {
    let leaver = zebulon(house);
    gone(&leaver);
    let file = house.file(
        "again.csv",
        format!("{ACCOUNT_COLUMNS}\n{}", row("3 Okapi Road")),
    );
    let refused = house.refuse(&["import", "accounts", file.to_str().unwrap()]);
    assert!(
        refused
            .stderr
            .contains("was deleted: nothing of its customer is taken in again"),
        "{refused:?}"
    );
    let asked = house.refuse(&[&["account", "delete", "acc-2"][..], &BY[..]].concat());
    assert!(
        asked.stderr.contains("on its way out already: done"),
        "{asked:?}"
    );
}

/// What is edited behind the binary's back, how it is undone, and what `verify` says.
const EDITS: [(&str, &str, &str); 9] = [
    (
        "UPDATE billing_profile SET email = 'back@quagga.example' WHERE version = 4",
        "UPDATE billing_profile SET email = '' WHERE version = 4",
        "account acc-2: it is deleted, and its profile still names somebody",
    ),
    (
        "INSERT INTO billing_profile (account_id, version, digest, username, email, full_name, company, country, \
         address_line1, postal_code, city, vat_number, language) SELECT account_id, 9, digest, '', '', '', '', \
         country, '', '', '', '', language FROM billing_profile WHERE version = 4",
        "DELETE FROM billing_profile WHERE version = 9",
        "account acc-2: it is deleted, and a profile that no invoice refers to is kept",
    ),
    (
        "INSERT INTO provider_customer (account_id, provider, reference) \
         SELECT id, 'stripe', 'cus_1' FROM account WHERE external_id = 'acc-2'",
        "DELETE FROM provider_customer",
        "account acc-2: it is deleted, and cards or what their provider calls it are kept",
    ),
    (
        "UPDATE outbox SET payload = '{\"name\":1}', created_at = created_at - 1 WHERE topic = 'deleted'",
        "UPDATE outbox SET payload = '{}' WHERE topic = 'deleted'",
        "account acc-2: it is deleted, and what it was told or what was noted of it is kept",
    ),
    (
        "UPDATE account_deletion_step SET confirmed_at = NULL WHERE step = 'billing_subscription'",
        "UPDATE account_deletion_step SET confirmed_at = asked_at WHERE step = 'billing_subscription'",
        "account acc-2: it is deleted, and its steps are not all confirmed",
    ),
    (
        "UPDATE account_deletion_step SET asked_at = asked_at - 1 WHERE step = 'aliases'",
        "UPDATE account_deletion_step SET asked_at = asked_at + 1 WHERE step = 'aliases'",
        "account acc-2 aliases: a step of its deletion was asked for before the one before it was done",
    ),
    (
        "INSERT INTO open_invoice (account_id, period, kind, open_minor) \
         SELECT account_id, period, kind, 1 FROM invoice",
        "DELETE FROM open_invoice",
        "account acc-2: it is being deleted on its customer's request, and owed something from before",
    ),
    (
        "UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE ledger_account = 'customer_credit' \
         AND entry_id = (SELECT MAX(entry_id) FROM ledger_posting)",
        "UPDATE ledger_posting SET amount_minor = amount_minor - 1 WHERE ledger_account = 'customer_credit' \
         AND entry_id = (SELECT MAX(entry_id) FROM ledger_posting)",
        "account acc-2: it is being deleted on its customer's request, and credit is left that nobody gave back \
         or gave up",
    ),
    (
        "UPDATE billing_profile SET erased_at = 1 WHERE full_name = 'Ada Lovelace'",
        "UPDATE billing_profile SET erased_at = NULL WHERE full_name = 'Ada Lovelace'",
        "account acc-1: its identity was emptied, and it is not deleted",
    ),
];

fn every_edit_of_it_shows(house: &House) {
    let leaver = zebulon(house);
    house.import_accounts(THREE_ACCOUNTS.lines().next().unwrap());
    gone(&leaver);
    house.run(&["verify"]);
    for (edit, undo, words) in EDITS {
        house.edit(edit);
        let broken = house.refuse(&["verify"]);
        assert!(
            format!("{}{}", broken.stdout, broken.stderr).contains(words),
            "{words}: {broken:?}"
        );
        house.edit(undo);
        house.run(&["verify"]);
    }
}
