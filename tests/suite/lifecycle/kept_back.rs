//! What is on its way keeps an account that leaves: from its erasing, and from being
//! erased.

use super::leaving::{BY, Leaver};
use crate::on_both;
use crate::support::direct_debit::{IBAN, KEY_A, SECTIONS, signed_args};
use crate::support::{House, THREE_ACCOUNTS};

on_both!(
    what_is_out_keeps_it_from_its_erasing,
    what_is_out_keeps_it_from_being_erased,
    a_debit_that_is_in_no_file_goes_with_its_mandate,
    what_is_the_customers_own_is_not_lost,
    what_it_uses_after_it_left_is_held_back,
    who_is_suspended_and_takes_it_back_stays_suspended,
);

/// A purchase that succeeded, for what is given back or disputed of one.
const PURCHASE: &str = "INSERT INTO credit_purchase (account_id, id, provider, amount_minor, currency, state, \
     created_at, decided_at) SELECT id, 'aa000000000000000000000000000001', 'paypal', 1000, 'EUR', 'succeeded', \
     0, 0 FROM account WHERE external_id = 'acc-2'";

/// Something that is out.
struct Out {
    comes: &'static str,
    goes: &'static str,
    /// What a customer who leaves is told.
    reason: &'static str,
    /// Whether it keeps those who are being erased, too.
    keeps_erasing: Option<&'static str>,
}

const MONEY: &str = "a payment, purchase or refund whose outcome is out";

const OUTS: [Out; 6] = [
    Out {
        comes: "UPDATE credit_purchase SET state = 'pending', decided_at = NULL",
        goes: "UPDATE credit_purchase SET state = 'succeeded', decided_at = 0",
        reason: "a purchase of credit for 10.00 EUR is on its way",
        keeps_erasing: Some(MONEY),
    },
    Out {
        comes: "INSERT INTO refund (account_id, id, purchase_id, purpose, amount_minor, currency, state, actor, \
                reason, created_at) SELECT account_id, id, id, 'unused_credit', 400, 'EUR', 'unknown', 'ada', 'x', \
                0 FROM credit_purchase",
        goes: "DELETE FROM refund",
        reason: "a refund of 4.00 EUR is on its way",
        keeps_erasing: Some(MONEY),
    },
    Out {
        comes: "UPDATE payment_attempt SET state = 'unknown', decided_at = NULL WHERE period = 202610",
        goes: "UPDATE payment_attempt SET state = 'succeeded', decided_at = created_at WHERE period = 202610",
        reason: "a payment of 2.95 EUR for Q-2026-000001 by credit is on its way",
        keeps_erasing: Some(MONEY),
    },
    Out {
        comes: "INSERT INTO payment_dispute (account_id, id, provider, purchase_id, amount_minor, currency, \
                fee_minor, state, announced_at) SELECT account_id, 1, 'paypal', id, 300, 'EUR', 0, 'announced', 0 \
                FROM credit_purchase",
        goes: "DELETE FROM payment_dispute",
        reason: "a dispute about 3.00 EUR is not decided",
        keeps_erasing: None,
    },
    Out {
        comes: "INSERT INTO payment_dispute (account_id, id, provider, purchase_id, amount_minor, currency, \
                fee_minor, state, announced_at, opened_at) SELECT account_id, 1, 'paypal', id, 300, 'EUR', 0, \
                'open', 0, 0 FROM credit_purchase",
        goes: "DELETE FROM payment_dispute",
        reason: "a dispute about 3.00 EUR is not decided",
        keeps_erasing: None,
    },
    Out {
        comes: "UPDATE period_outcome SET outcome = 3, reason = 'held back' WHERE period = 202610",
        goes: "UPDATE period_outcome SET outcome = 1, reason = NULL WHERE period = 202610",
        reason: "its invoice of 2026-10 is held back: held back",
        keeps_erasing: Some(
            "a month that it used something in, and that is not billed yet or held back",
        ),
    },
];

fn what_is_out_keeps_it_from_its_erasing(house: &House) {
    let leaver = Leaver::open(house);
    house.edit(PURCHASE);
    leaver.leave(&[]);
    let total = house.invoices("2026-11")[0]["total_minor"].as_i64();
    leaver.grant(total.unwrap());
    for out in OUTS {
        house.edit(out.comes);
        assert_eq!(leaver.advance(), [""; 0], "{}", out.reason);
        assert_eq!(leaver.waits_for(), [out.reason]);
        house.edit(out.goes);
    }
    assert_eq!(leaver.standing()["state"], "settling");
    assert_eq!(leaver.advance(), ["1 account: the erasing has begun"]);
}

fn what_is_out_keeps_it_from_being_erased(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.edit(PURCHASE);
    house.set_now("2026-11-10T09:00:00Z");
    leaver.leave(&[]);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    let unmatched = Out {
        comes: "INSERT INTO bank_fact (key, file, place, kind, account_id, state, problem) \
                SELECT f.digest, f.digest, '1', 'returned', a.id, 'unmatched', 'x' FROM bank_file f, account a \
                WHERE a.external_id = 'acc-2'",
        goes: "DELETE FROM bank_fact",
        reason: "",
        keeps_erasing: Some("a bank's booking that a person has to look at (sepa unmatched)"),
    };
    house.edit(
        "INSERT INTO bank_file (digest, kind, version, message_id, imported_at, entries) \
         SELECT digest, 'camt.054', '08', 'm', 0, 1 FROM billing_profile WHERE full_name = 'Jan Kowalski'",
    );
    for out in OUTS.into_iter().chain([unmatched]) {
        let Some(words) = out.keeps_erasing else {
            continue;
        };
        house.edit(out.comes);
        assert_eq!(leaver.advance(), [""; 0], "{words}");
        assert_eq!(leaver.waits_for(), [words]);
        house.edit(out.goes);
    }
    assert_eq!(leaver.standing()["state"], "erasing");
    assert_eq!(leaver.advance(), ["1 account: erased"]);
}

fn a_debit_that_is_in_no_file_goes_with_its_mandate(house: &House) {
    let leaver = Leaver::unfurnished(house, SECTIONS);
    house.file("a.key", KEY_A);
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    let iban = house.file("iban", IBAN);
    house.run(&signed_args("acc-2", &iban, &[]));
    leaver.leave(&[]);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    house.edit(
        "INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, currency, \
         state, created_at) SELECT i.account_id, 'aa000000000000000000000000000002', i.period, i.kind, 'sepa', \
         m.id, 1, 'EUR', 'created', 0 FROM invoice i JOIN payment_method m ON m.account_id = i.account_id",
    );
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    let debits = "SELECT state || ' ' || decline_code FROM payment_attempt WHERE method = 'sepa'";
    assert_eq!(house.watch().texts(debits), ["declined withdrawn"]);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM sepa_mandate"), 0);
}

/// Movements of credit, each with what it adds and whether it is of a purchase; and
/// what of the credit is the customer's own then, in euros.
const MOVED: [(&[(&str, i64, bool)], Option<&str>); 6] = [
    (&[("credit_bought", 50, true)], Some("0.50")),
    (
        &[("credit_bought", 50, true), ("credit_paid_back", -50, true)],
        None,
    ),
    (
        &[
            ("credit_bought", 50, true),
            ("credit_paid_back", -50, true),
            ("credit_pay_back_failed", 50, true),
        ],
        Some("0.50"),
    ),
    // A goodwill refund to a card takes nothing of what was bought.
    (
        &[
            ("credit_bought", 50, true),
            ("credit_granted", 30, false),
            ("credit_paid_back", -30, false),
        ],
        Some("0.50"),
    ),
    (
        &[
            ("credit_bought", 50, true),
            ("chargeback_opened", -50, true),
        ],
        None,
    ),
    (
        &[
            ("credit_bought", 50, true),
            ("chargeback_opened", -50, true),
            ("chargeback_won", 50, true),
        ],
        Some("0.50"),
    ),
];

fn what_is_the_customers_own_is_not_lost(house: &House) {
    let leaver = Leaver::open(house);
    house.edit(PURCHASE);
    leaver.leave(&[]);
    let total = house.invoices("2026-11")[0]["total_minor"].as_i64();
    // A gift is left, too.
    leaver.grant(total.unwrap() + 700);
    for (movements, own) in MOVED {
        for (id, (movement, minor, is_bought)) in (900..).zip(movements) {
            let purchase = if *is_bought { "p.id" } else { "NULL" };
            house.edit(&format!(
                "INSERT INTO ledger_entry (account_id, id, movement, currency, at, purchase_id) \
                 SELECT p.account_id, {id}, '{movement}', 'EUR', 0, {purchase} FROM credit_purchase p"
            ));
            house.edit(&format!(
                "INSERT INTO ledger_posting (account_id, entry_id, ledger_account, amount_minor) \
                 SELECT account_id, {id}, 'customer_credit', {} FROM credit_purchase",
                -minor
            ));
        }
        let Some(own) = own else {
            assert_eq!(
                leaver.waits_for(),
                ["the next round of the job deletion"],
                "{movements:?}"
            );
            forget(house);
            continue;
        };
        let kept = format!(
            "credit of {own} EUR is left: it is refunded first, or the customer gives it up (--give-up-credit)"
        );
        assert_eq!(leaver.advance(), [""; 0], "{movements:?}");
        assert_eq!(leaver.waits_for(), [kept], "{movements:?}");
        forget(house);
    }
    assert_eq!(leaver.advance(), ["1 account: the erasing has begun"]);
}

fn forget(house: &House) {
    house.edit("DELETE FROM ledger_posting WHERE entry_id >= 900");
    house.edit("DELETE FROM ledger_entry WHERE id >= 900");
}

fn what_it_uses_after_it_left_is_held_back(house: &House) {
    let leaver = Leaver::open(house);
    leaver.leave(&[]);
    let total = house.invoices("2026-11")[0]["total_minor"].as_i64();
    // The platform did not stop everything.
    house.set_now("2026-12-03T09:00:00Z");
    house.run(&["run", "2026-11"]);
    house.import_usage("n1,acc-2,blog,container,web,S,1,2026-12-02T00:00:00Z,\n");
    leaver.grant(total.unwrap());
    assert_eq!(leaver.advance(), [""; 0]);
    assert_eq!(
        leaver.waits_for(),
        ["the app blog still runs: container web"]
    );
    house.import_usage(
        "n1,acc-2,blog,container,web,S,1,2026-12-02T00:00:00Z,2026-12-07T00:00:00Z\n",
    );
    house.set_now("2027-01-01T09:00:00Z");
    assert_eq!(leaver.advance(), [""; 0]);
    assert_eq!(
        leaver.waits_for(),
        ["its usage of 2026-12 is not billed yet"]
    );
    house.run(&["run", "2026-12"]);
    assert_eq!(leaver.advance(), [""; 0]);
    assert_eq!(
        leaver.waits_for(),
        [
            "its invoice of 2026-12 is held back: the account has left, and usage for 1.20 EUR came after it: \
             releasing it gives that up"
        ]
    );
    house.run(&[
        "run",
        "release",
        "2026-12",
        "acc-2",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    assert_eq!(house.invoices("2026-12").len(), 0, "nobody is billed");
    assert_eq!(leaver.advance(), ["1 account: the erasing has begun"]);
    house.run(&["verify"]);
}

fn who_is_suspended_and_takes_it_back_stays_suspended(house: &House) {
    let leaver = Leaver::open(house);
    leaver.leave(&[]);
    let total = house.invoices("2026-11")[0]["total_minor"].as_i64();
    let mut steps = Vec::new();
    for day in 11..=30 {
        house.set_now(&format!("2026-11-{day}T09:00:00Z"));
        steps.extend(super::round(house));
        leaver.deliver();
    }
    assert_eq!(steps.last().unwrap(), "suspension 1", "{steps:?}");
    house.run(&[&["account", "withdraw-deletion", "acc-2"][..], &BY[..]].concat());
    assert_eq!(
        leaver.topics("platform"),
        ["account.suspend", "account.suspend"],
        "it owes the final invoice"
    );
    leaver.grant(total.unwrap());
    assert_eq!(
        leaver.topics("platform"),
        ["account.suspend", "account.suspend", "account.resume"]
    );
    house.run(&["verify"]);
}
