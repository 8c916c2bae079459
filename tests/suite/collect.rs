//! Taking money: prepaid credit against invoices, as dated stories.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, House, furnish};

on_both!(
    credit_pays_three_old_invoices_oldest_first,
    short_credit_pays_all_or_nothing_unless_told,
    collecting_again_charges_nobody_twice,
    two_processes_at_once_charge_nobody_twice,
    a_dry_run_writes_nothing,
    nothing_is_charged_unasked,
    an_invoice_that_is_not_due_waits,
    what_is_in_flight_is_left_alone,
    what_is_wrong_is_refused,
    verify_sees_every_edit,
);

pub const MONTHS: [&str; 3] = ["2026-08", "2026-09", "2026-10"];

/// Three months of acc-2, billed: each invoice is more than the one before.
fn three_invoices(house: &House) {
    bill(house, &["acc-2"]);
}

pub fn bill(house: &House, accounts: &[&str]) {
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    let mut rows = String::new();
    for account in accounts {
        for (quantity, month) in (1..).zip(MONTHS) {
            rows.push_str(&format!(
                "{account}-{month},{account},blog,container,web,S,{quantity},{month}-10T00:00:00Z,{month}-20T00:00:00Z\n"
            ));
        }
    }
    house.import_usage(&rows);
    for month in MONTHS {
        house.run(&["run", month]);
    }
}

/// What each invoice of acc-2 is, in minor units, the oldest first.
pub fn totals(house: &House) -> Vec<i64> {
    let of_month = |month| house.invoices(month)[0]["total_minor"].as_i64().unwrap();
    MONTHS.into_iter().map(of_month).collect()
}

pub fn major(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

#[track_caller]
fn grant(house: &House, account: &str, minor: i64) -> Answer {
    let amount = major(minor);
    house.run(&[
        "credit", "grant", account, &amount, "--reason", "outage", "--by", "ada",
    ])
}

fn credit(house: &House, account: &str) -> Value {
    house.run(&["credit", "show", account, "--json"]).json()
}

pub fn payments(house: &House) -> Vec<Value> {
    let payments = house.run(&["payment", "list", "--json"]).json();
    payments.as_array().unwrap().clone()
}

fn collect(house: &House, more: &[&str]) -> Value {
    let mut args = vec!["collect", "--json"];
    args.extend(more);
    house.run(&args).json()
}

fn partial_credit(house: &House) {
    let settings = include_str!("../../deploy/quittance.toml");
    assert!(settings.contains("partial_credit = false"));
    let settings = settings.replace("partial_credit = false", "partial_credit = true");
    house.file("quittance.toml", settings);
}

/// The ledger as the tables hold it.
fn rows(house: &House) -> [i64; 4] {
    let mut watch = house.watch();
    [
        "SELECT COUNT(*) FROM payment_attempt",
        "SELECT COUNT(*) FROM ledger_entry",
        "SELECT COUNT(*) FROM ledger_posting",
        "SELECT COUNT(*) FROM audit_entry",
    ]
    .map(|query| watch.count(query))
}

fn credit_pays_three_old_invoices_oldest_first(house: &House) {
    three_invoices(house);
    let totals = totals(house);
    // Two invoices' worth, and a cent that pays nothing.
    let answer = grant(house, "acc-2", totals[0] + totals[1] + 1);
    for line in [
        format!("Q-2026-000001: paid {} EUR", major(totals[0])),
        format!("Q-2026-000002: paid {} EUR", major(totals[1])),
        "Q-2026-000003: not paid: credit short and no other method".to_owned(),
        "credit left: 0.01 EUR".to_owned(),
    ] {
        assert!(answer.stdout.contains(&line), "{line}: {answer:?}");
    }
    grant(house, "acc-2", totals[2] - 1);
    let shown = credit(house, "acc-2");
    assert_eq!(shown["balance_minor"], 0, "{shown}");
    let moved: Vec<(&str, i64)> = shown["movements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|movement| {
            let amount = movement["amount_minor"].as_i64().unwrap();
            (movement["movement"].as_str().unwrap(), amount)
        })
        .collect();
    assert_eq!(
        moved,
        [
            ("credit_granted", totals[0] + totals[1] + 1),
            ("credit_used", -totals[0]),
            ("credit_used", -totals[1]),
            ("credit_granted", totals[2] - 1),
            ("credit_used", -totals[2]),
        ]
    );
    assert_eq!(shown["movements"][0]["by"], "ada");
    assert_eq!(shown["movements"][0]["reason"], "outage");
    assert_eq!(shown["movements"][2]["invoice"], "Q-2026-000002");
    let tried: Vec<Value> = payments(house)
        .into_iter()
        .map(|payment| json!([payment["invoice"], payment["method"], payment["state"]]))
        .collect();
    assert_eq!(tried.len(), 3, "{tried:?}");
    assert!(tried.contains(&json!(["Q-2026-000003", "credit", "succeeded"])));
    assert_eq!(rows(house), [3, 5, 10, 2]);
    house.run(&["verify"]);
}

fn short_credit_pays_all_or_nothing_unless_told(house: &House) {
    three_invoices(house);
    let totals = totals(house);
    let answer = grant(house, "acc-2", totals[0] - 1);
    let said = "Q-2026-000001: not paid: credit short and no other method";
    assert!(answer.stdout.contains(said), "{answer:?}");
    let nothing = collect(house, &["--yes"]);
    assert_eq!(nothing["outcome"], Value::Null, "{nothing}");
    assert_eq!(nothing["plan"]["charged"], json!([]));
    let left = &nothing["plan"]["left_out"];
    assert_eq!(left[0]["code"], "credit_short", "{left}");
    assert_eq!(left[0]["invoices"], 3, "{left}");
    assert!(payments(house).is_empty());

    partial_credit(house);
    let done = collect(house, &["--yes"]);
    let mut charged = json!([{"method": "credit", "currency": "EUR", "invoices": 1, "amount_minor": totals[0] - 1}]);
    assert_eq!(done["plan"]["charged"], charged, "{done}");
    charged[0]["outcome"] = json!("paid");
    assert_eq!(done["outcome"]["charged"], charged, "{done}");
    assert_eq!(
        done["outcome"]["left_out"], done["plan"]["left_out"],
        "{done}"
    );
    assert_eq!(done["outcome"]["rest_open"][0]["invoices"], 1, "{done}");
    assert_eq!(credit(house, "acc-2")["balance_minor"], 0);
    // The cent that is open is paid before anything younger.
    let answer = grant(house, "acc-2", 1);
    let said = "Q-2026-000001: paid 0.01 EUR\n";
    assert!(answer.stdout.contains(said), "{answer:?}");
    house.run(&["verify"]);
}

/// Everyone has credit for some of three invoices before any is issued.
fn credit_ahead(house: &House) -> i64 {
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    let everyone = ["acc-1", "acc-2", "acc-3"];
    for account in everyone {
        grant(house, account, 800);
    }
    bill(house, &everyone);
    800 * 3
}

/// What all accounts were granted less what is left: never more than granted.
fn used(house: &House, granted: i64) -> i64 {
    let left = ["acc-1", "acc-2", "acc-3"].map(|account| {
        let left = credit(house, account)["balance_minor"].as_i64().unwrap();
        assert!(left >= 0, "{account}: {left}");
        left
    });
    let used = granted - left.iter().sum::<i64>();
    let paid: i64 = payments(house)
        .iter()
        .map(|payment| payment["amount_minor"].as_i64().unwrap())
        .sum();
    assert_eq!(paid, used);
    used
}

fn collecting_again_charges_nobody_twice(house: &House) {
    let granted = credit_ahead(house);
    let first = collect(house, &["--yes"]);
    let mut planned = first["plan"].clone();
    planned["charged"][0]["outcome"] = json!("paid");
    assert_eq!(first["outcome"], planned);
    let (before, spent) = (rows(house), used(house, granted));
    assert_eq!(first["outcome"]["charged"][0]["amount_minor"], spent);
    let again = collect(house, &["--yes"]);
    assert_eq!(again["outcome"], Value::Null, "{again}");
    let august = collect(house, &["--yes", "--period", "2026-08"]);
    let left = json!([{"code": "already_paid", "reason": "already paid", "invoices": 3}]);
    assert_eq!(august["plan"]["left_out"], left, "{august}");
    assert_eq!(rows(house), before);
    house.run(&["verify"]);
}

fn two_processes_at_once_charge_nobody_twice(house: &House) {
    partial_credit(house);
    let granted = credit_ahead(house);
    let both = [(); 2].map(|()| house.spawn(&["collect", "--yes", "--json"]));
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(used(house, granted), granted);
    house.run(&["verify"]);
}

fn a_dry_run_writes_nothing(house: &House) {
    credit_ahead(house);
    let before = rows(house);
    let plan = collect(house, &["--dry-run"]);
    assert_eq!(plan["outcome"], Value::Null, "{plan}");
    assert_ne!(plan["plan"]["charged"], json!([]), "{plan}");
    let answer = house.run(&["collect", "--dry-run", "--account", "acc-2"]);
    assert!(answer.stdout.contains("would be charged"), "{answer:?}");
    assert_eq!(rows(house), before);
}

fn nothing_is_charged_unasked(house: &House) {
    credit_ahead(house);
    let before = rows(house);
    let answer = house.refuse(&["collect"]);
    assert!(answer.stderr.contains("pass --yes"), "{answer:?}");
    assert_eq!(rows(house), before);
    // One invoice, and no other.
    let answer = house.run(&["collect", "--yes", "--invoice", "Q-2026-000002"]);
    assert!(answer.stdout.contains("credit"), "{answer:?}");
    let paid = payments(house);
    assert_eq!(paid.len(), 1, "{paid:?}");
    assert_eq!(paid[0]["invoice"], "Q-2026-000002");
    let list = |filter: [&str; 2]| {
        let answer = house.run(&["payment", "list", "--json", filter[0], filter[1]]);
        answer.json().as_array().unwrap().len()
    };
    assert_eq!(list(["--invoice", "Q-2026-000002"]), 1);
    assert_eq!(list(["--invoice", "Q-2026-000001"]), 0);
}

fn an_invoice_that_is_not_due_waits(house: &House) {
    let settings = include_str!("../../deploy/quittance.toml");
    let settings = settings.replace("due_after_days = 0", "due_after_days = 14");
    house.file("quittance.toml", settings);
    credit_ahead(house);
    let waits = collect(house, &["--yes"]);
    assert_eq!(waits["outcome"], Value::Null, "{waits}");
    let reason = &waits["plan"]["left_out"][0];
    assert_eq!(reason["code"], "waits_until", "{waits}");
    assert_eq!(reason["reason"], "waits until 2026-11-16", "{waits}");
    // A person who names the account does not wait.
    let now = collect(house, &["--yes", "--account", "acc-2"]);
    assert_eq!(now["outcome"]["charged"][0]["invoices"], 1, "{now}");
    house.run(&["verify"]);
}

fn what_is_in_flight_is_left_alone(house: &House) {
    three_invoices(house);
    let totals = totals(house);
    // A card was asked for the oldest, and its answer is out.
    house.edit(
        "INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, \
         currency, state, created_at) SELECT account_id, '01a0c4506c00ffffffffffffffffffff', period, kind, \
         'card', 1, total_minor, currency, 'unknown', 1790000000000000 FROM invoice WHERE period = 202608",
    );
    let answer = grant(house, "acc-2", totals.iter().sum());
    let said = "Q-2026-000001: not paid: in flight by card";
    assert!(answer.stdout.contains(said), "{answer:?}");
    assert_eq!(credit(house, "acc-2")["balance_minor"], totals[0]);
    let tried = payments(house);
    assert_eq!(tried[0]["state"], "unknown", "{tried:?}");
    assert_eq!(tried[0]["decided_at"], Value::Null, "{tried:?}");
    // It is declined after all.
    house.edit(
        "UPDATE payment_attempt SET state = 'declined', decline_code = 'lost_card', decline_class = 'hard', \
         decline_known = 1, decided_at = created_at WHERE state = 'unknown'",
    );
    let done = collect(house, &["--yes"]);
    assert_eq!(done["outcome"]["charged"][0]["amount_minor"], totals[0]);
    assert_eq!(payments(house)[0]["decline"]["code"], "lost_card");
    house.run(&["verify"]);
}

fn what_is_wrong_is_refused(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let before = rows(house);
    // (arguments, exit code, what is said)
    let wrong = [
        ("credit grant acc-1 0", 1, "the amount 0: must be above 0"),
        ("credit grant acc-1 -5", 1, "the amount -5: must be above 0"),
        ("credit grant acc-1 5.001", 1, "EUR has 2 decimals"),
        ("credit grant acc-1 five", 2, "is not a number such as 20"),
        ("credit grant acc-1 99999999999999999999", 1, "out of range"),
        ("credit grant nobody 5", 1, "there is no account \"nobody\""),
        (
            "credit grant acc-1 5 --currency USD",
            1,
            "the account is billed in EUR, not in USD",
        ),
        (
            "credit grant acc-1 5 --currency XXX",
            2,
            "\"XXX\" is not a supported ISO 4217 currency",
        ),
        ("credit show nobody", 1, "there is no account \"nobody\""),
        ("collect --yes --account nobody", 1, "there is no account"),
        (
            "collect --yes --invoice Q-2026-000099",
            1,
            "there is no invoice Q-2026-000099",
        ),
        ("collect --yes --invoice 7", 2, "is not an invoice number"),
        ("collect --yes --dry-run", 2, "cannot be used with"),
        ("collect --yes --period 2026-13", 2, "is not a month"),
        ("payment list --account nobody", 1, "there is no account"),
        (
            "payment list --invoice Q-2026-000099",
            1,
            "there is no invoice",
        ),
    ];
    for (args, code, said) in wrong {
        let mut all: Vec<&str> = args.split(' ').collect();
        if args.starts_with("credit grant") {
            all.extend(["--reason", "outage", "--by", "ada"]);
        }
        let answer = house.try_run(&all);
        assert_eq!(answer.code, Some(code), "{args}: {answer:?}");
        assert!(answer.stderr.contains(said), "{args}: {answer:?}");
    }
    for (reason, by, said) in [("", "ada", "--reason must be"), ("x", " ", "--by must be")] {
        let answer = house.refuse(&[
            "credit", "grant", "acc-1", "5", "--reason", reason, "--by", by,
        ]);
        assert!(answer.stderr.contains(said), "{answer:?}");
    }
    assert_eq!(rows(house), before);
    // What would not fit beside the credit that is there.
    let most = "92233720368547758.07";
    house.run(&[
        "credit", "grant", "acc-3", most, "--reason", "a", "--by", "b",
    ]);
    house.run(&[
        "credit", "grant", "acc-3", "1", "--reason", "a", "--by", "b",
    ]);
    let answer = house.refuse(&[
        "credit", "grant", "acc-3", most, "--reason", "a", "--by", "b",
    ]);
    assert!(answer.stderr.contains("out of range"), "{answer:?}");
    house.run(&["verify"]);
}

fn verify_sees_every_edit(house: &House) {
    three_invoices(house);
    let totals = totals(house);
    grant(house, "acc-2", totals[0] + 5);
    house.run(&["verify"]);
    // An edit, the edit that takes it back, and what is said.
    let edits = [
        (
            "UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE ledger_account = 'goodwill'",
            "UPDATE ledger_posting SET amount_minor = amount_minor - 1 WHERE ledger_account = 'goodwill'",
            "ledger entry 1 of account acc-2: its postings are missing or do not sum to zero",
        ),
        (
            "UPDATE ledger_posting SET ledger_account = 'petty_cash' WHERE ledger_account = 'goodwill'",
            "UPDATE ledger_posting SET ledger_account = 'goodwill' WHERE ledger_account = 'petty_cash'",
            "posting to \"petty_cash\": no such account is in the ledger",
        ),
        (
            "UPDATE ledger_posting SET amount_minor = 2 * amount_minor WHERE entry_id = 2",
            "UPDATE ledger_posting SET amount_minor = amount_minor / 2 WHERE entry_id = 2",
            "Q-2026-1: less than nothing or more than its total is allocated to it",
        ),
        (
            "UPDATE ledger_posting SET amount_minor = -amount_minor WHERE entry_id = 1",
            "UPDATE ledger_posting SET amount_minor = -amount_minor WHERE entry_id = 1",
            "account acc-2: the credit is below zero without a chargeback",
        ),
        (
            "UPDATE ledger_entry SET period = NULL, kind = NULL WHERE id = 2",
            "UPDATE ledger_entry SET period = 202608, kind = 1 WHERE id = 2",
            "ledger entry 2 of account acc-2: it moves what is owed, but names no invoice",
        ),
        (
            "UPDATE ledger_entry SET currency = 'USD' WHERE id = 1",
            "UPDATE ledger_entry SET currency = 'EUR' WHERE id = 1",
            "ledger entry 1 of account acc-2: it is not in the currency of its account",
        ),
        (
            "UPDATE payment_attempt SET amount_minor = amount_minor + 1",
            "UPDATE payment_attempt SET amount_minor = amount_minor - 1",
            ": it took money, but the ledger has no entry that settles its invoice by as much",
        ),
        (
            "UPDATE payment_attempt SET state = 'created', decided_at = NULL",
            "UPDATE payment_attempt SET state = 'succeeded', decided_at = created_at",
            "ledger entry 2 of account acc-2: it settles an invoice without an attempt that took the money",
        ),
        (
            "UPDATE payment_attempt SET period = 202609",
            "UPDATE payment_attempt SET period = 202608",
            ": it took money, but the ledger has no entry",
        ),
        (
            "UPDATE ledger_entry SET movement = 'credit_granted' WHERE id = 2",
            "UPDATE ledger_entry SET movement = 'credit_used' WHERE id = 2",
            "ledger entry 2 of account acc-2: it gives credit away",
        ),
        (
            "UPDATE ledger_entry SET reason = 'a friend' WHERE id = 1",
            "UPDATE ledger_entry SET reason = 'outage' WHERE id = 1",
            "ledger entry 1 of account acc-2: it gives credit away",
        ),
        (
            "UPDATE audit_entry SET actor = 'eve'",
            "UPDATE audit_entry SET actor = 'ada'",
            "ledger entry 1 of account acc-2: it gives credit away",
        ),
        (
            "UPDATE audit_entry SET action = 'credit_used'",
            "UPDATE audit_entry SET action = 'credit_granted'",
            "audit entry 1 of account acc-2: it records a movement of money that is not in the ledger",
        ),
    ];
    for (edit, back, said) in edits {
        house.edit(edit);
        let answer = house.refuse(&["verify"]);
        assert!(answer.stdout.contains(said), "{edit}: {answer:?}");
        house.edit(back);
        house.run(&["verify"]);
    }
}
