//! Who leaves takes nothing of anybody else along.

use serde_json::json;

use super::leaving::{BY, Leaver, Listening};
use crate::on_both;
use crate::support::direct_debit::{IBAN, KEY_A, SECTIONS, signed_args};
use crate::support::{House, THREE_ACCOUNTS};

on_both!(
    who_stays_keeps_everything,
    two_who_leave_at_once_go_step_by_step_on_their_own,
    one_takes_it_back_and_another_goes,
);

/// What is noted of acc-3, which stays: whatever the erasing of another takes away, and
/// money on its way that would keep another.
const NOTES: [&str; 11] = [
    "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
     SELECT id, 90, 'card', 'usable', 0, 0, 0 FROM account WHERE external_id = 'acc-3'",
    "INSERT INTO payment_card (account_id, method_id, reference, brand, last4, expires) \
     SELECT id, 90, 'pm_1', 'visa', '4242', 203001 FROM account WHERE external_id = 'acc-3'",
    "INSERT INTO provider_customer (account_id, provider, reference) \
     SELECT id, 'stripe', 'cus_1' FROM account WHERE external_id = 'acc-3'",
    "INSERT INTO api_token (account_id, id, name, digest, created_at) \
     SELECT p.account_id, 't', 'laptop', p.digest, 0 FROM billing_profile p JOIN account a \
     ON a.id = p.account_id AND a.profile_version = p.version WHERE a.external_id = 'acc-3'",
    "INSERT INTO ssh_key (account_id, id, name, content, fingerprint, digest, created_at) \
     SELECT p.account_id, 'k', 'laptop', 'c', 'f', p.digest, 0 FROM billing_profile p JOIN account a \
     ON a.id = p.account_id AND a.profile_version = p.version WHERE a.external_id = 'acc-3'",
    "INSERT INTO credit_purchase (account_id, id, provider, amount_minor, currency, state, created_at, \
     problem) SELECT id, 'aa000000000000000000000000000001', 'paypal', 1000, 'EUR', 'pending', 0, 'noted' \
     FROM account WHERE external_id = 'acc-3'",
    "INSERT INTO refund (account_id, id, purchase_id, purpose, amount_minor, currency, state, actor, reason, \
     created_at) SELECT account_id, id, id, 'unused_credit', 400, 'EUR', 'unknown', 'ada', 'noted', 0 \
     FROM credit_purchase",
    "INSERT INTO bank_file (digest, kind, version, message_id, imported_at, entries) \
     SELECT digest, 'camt.054', '08', 'm', 0, 1 FROM billing_profile WHERE city = 'Kiel'",
    "INSERT INTO bank_fact (key, file, place, kind, account_id, state, problem) \
     SELECT f.digest, f.digest, '1', 'returned', a.id, 'closed', 'noted' FROM bank_file f, account a \
     WHERE a.external_id = 'acc-3'",
    "UPDATE payment_attempt SET problem = 'noted' WHERE account_id = \
     (SELECT id FROM account WHERE external_id = 'acc-3')",
    "UPDATE outbox SET problem = 'noted' WHERE account_id = \
     (SELECT id FROM account WHERE external_id = 'acc-3')",
];

/// Every row of an account, by its table.
fn belongings(house: &House, account: &str) -> Vec<(String, String)> {
    let names = if house.is_sqlite() {
        "SELECT t.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND c.name = 'account_id' ORDER BY 1"
    } else {
        "SELECT CAST(table_name AS TEXT) FROM information_schema.columns \
         WHERE table_schema = 'public' AND column_name = 'account_id' ORDER BY 1"
    };
    let mut watch = house.watch();
    let id = format!("(SELECT id FROM account WHERE external_id = '{account}')");
    let mut rows: Vec<(String, String)> = watch
        .texts(names)
        .into_iter()
        .map(|name| {
            let rows = watch.rows_where(&name, &format!("account_id = {id}"));
            (name, rows)
        })
        .collect();
    let own = watch.rows_where("account", &format!("external_id = '{account}'"));
    rows.push(("account".to_owned(), own));
    rows
}

fn who_stays_keeps_everything(house: &House) {
    let leaver = Leaver::unfurnished(house, SECTIONS);
    house.file("a.key", KEY_A);
    house.import_accounts(THREE_ACCOUNTS);
    house.import_usage(
        "o1,acc-3,blog,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n",
    );
    leaver.october();
    // It pays, moves, signs, is given something, and has once asked to leave.
    house.run(&[&["credit", "grant", "acc-3", "9"][..], &BY[..]].concat());
    for city in ["Bremen", "Kiel"] {
        house.import_accounts(&THREE_ACCOUNTS.replace("Hamburg", city));
    }
    let iban = house.file("iban", IBAN);
    house.run(&signed_args("acc-3", &iban, &[]));
    house.run(&[
        "voucher", "grant", "acc-3", "sorry", "--amount", "5", "--from", "2026-12",
    ]);
    house.set_now("2026-11-10T09:00:00Z");
    for command in ["delete", "withdraw-deletion"] {
        let mut args = vec!["account", command, "acc-3"];
        args.extend(BY);
        if command == "delete" {
            args.push("--give-up-credit");
        }
        house.run(&args);
    }
    for note in NOTES {
        house.edit(note);
    }
    leaver.deliver();
    // Something of it waits to be mailed, and was refused.
    house.edit(
        "UPDATE outbox SET state = 'refused', problem = 'noted' WHERE topic = 'invoice_issued' \
         AND account_id = (SELECT id FROM account WHERE external_id = 'acc-3')",
    );
    let before = belongings(house, "acc-3");
    for table in [
        "account_deletion",
        "allowance",
        "api_token",
        "audit_entry",
        "bank_fact",
        "billing_profile",
        "credit_purchase",
        "invoice",
        "ledger_entry",
        "outbox",
        "payment_attempt",
        "payment_card",
        "payment_method",
        "provider_customer",
        "refund",
        "sepa_mandate",
        "ssh_key",
    ] {
        let found = before.iter().find(|(name, _)| name == table);
        assert!(
            found.is_some_and(|(_, rows)| !rows.is_empty()),
            "the test has nothing of {table}: {before:?}"
        );
    }
    // acc-2 has a mandate of the same number, and goes.
    house.run(&signed_args("acc-2", &iban, &[]));
    leaver.leave(&[]);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    assert_eq!(belongings(house, "acc-3"), before);
    // So does what is kept of it for its time, and nothing of who stays.
    house.set_now("2047-01-01T09:00:00Z");
    assert_eq!(
        leaver.advance(),
        ["1 mandate or identity: kept long enough, erased"]
    );
    assert_eq!(belongings(house, "acc-3"), before);
}

fn two_who_leave_at_once_go_step_by_step_on_their_own(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    leaver.leave(&[]);
    leaver.deliver();
    house.run(&[&["account", "delete", "acc-1"][..], &BY[..]].concat());
    let token = leaver.token();
    leaver.confirm(&token);
    leaver.deliver();
    let steps = || {
        house.watch().texts(
            "SELECT a.external_id || ' ' || CAST(COUNT(s.asked_at) AS TEXT) || ' ' \
             || CAST(COUNT(s.confirmed_at) AS TEXT) FROM account_deletion_step s \
             JOIN account a ON a.id = s.account_id GROUP BY a.external_id ORDER BY 1",
        )
    };
    assert_eq!(steps(), ["acc-1 1 0", "acc-2 1 0"]);
    let is_done = |account| {
        let answer = Listening::start(house).step_done(account, 1, "deployments");
        assert_eq!(answer, (200, "recorded\n".to_owned()));
    };
    is_done("acc-2");
    assert_eq!(steps(), ["acc-1 1 0", "acc-2 2 1"]);
    leaver.work_off_from("acc-2", 1, 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    assert_eq!(steps(), ["acc-1 1 0", "acc-2 6 6"]);
    let other = house
        .run(&["account", "deletion", "acc-1", "--json"])
        .json();
    assert_eq!(other["state"], json!("erasing"));
    is_done("acc-1");
    leaver.work_off_from("acc-1", 1, 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    house.run(&["verify"]);
}

fn one_takes_it_back_and_another_goes(house: &House) {
    let leaver = Leaver::open(house);
    leaver.ask(&[]);
    let token = leaver.token();
    for command in ["delete", "withdraw-deletion"] {
        house.run(&[&["account", command, "acc-1"][..], &BY[..]].concat());
    }
    assert_eq!(leaver.standing()["state"], "asked");
    assert_eq!(leaver.token(), token, "its mail is still to be sent");
    leaver.confirm(&token);
    assert_eq!(leaver.standing()["state"], "settling");
    house.run(&["verify"]);
}
