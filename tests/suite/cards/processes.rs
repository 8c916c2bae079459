//! Real processes, two at once and killed at any moment.

use super::{Shop, bill_one};
use crate::fakes::stripe::CardScript;
use crate::on_both;
use crate::support::House;

on_both!(
    two_processes_at_once_charge_nobody_twice,
    killed_twenty_times_nobody_is_charged_twice,
    reconciling_what_is_being_charged_charges_nobody_twice,
);

/// Every account with a card and an invoice; the sum of the invoices.
fn many(shop: &Shop<'_>, accounts: usize) -> i64 {
    let house = shop.house;
    house.import_catalog();
    let mut people = String::new();
    let mut usage = String::new();
    for no in 0..accounts {
        people.push_str(&format!(
            "a-{no},u{no},u{no}@example.com,User {no},,FR,1 rue A,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z\n"
        ));
        usage.push_str(&format!(
            "u-{no},a-{no},app,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n"
        ));
    }
    house.import_accounts(&people);
    house.import_usage(&usage);
    house.run(&["run", "2026-10"]);
    // Cards put on file behind the binary's back: entering so many takes long.
    let mut cards = String::new();
    let mut methods = String::new();
    let mut customers = String::new();
    for no in 0..accounts {
        let customer = shop.stripe.customer();
        let card = shop.stripe.card(&customer, CardScript::succeeds());
        let id = format!("(SELECT id FROM account WHERE external_id = 'a-{no}')");
        let comma = if no == 0 { "" } else { "," };
        customers.push_str(&format!("{comma}({id}, 'stripe', '{customer}')"));
        methods.push_str(&format!("{comma}({id}, 1, 'card', 'usable', 1, 1, 1)"));
        cards.push_str(&format!(
            "{comma}({id}, 1, '{card}', 'visa', '4242', 203008)"
        ));
    }
    house.edit(&format!(
        "INSERT INTO provider_customer (account_id, provider, reference) VALUES {customers}"
    ));
    house.edit(&format!(
        "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
         VALUES {methods}"
    ));
    house.edit(&format!(
        "INSERT INTO payment_card (account_id, method_id, reference, brand, last4, expires) VALUES {cards}"
    ));
    house
        .watch()
        .count("SELECT CAST(SUM(total_minor) AS BIGINT) FROM invoice")
}

/// What was taken for each attempt, and in all, is what is due.
fn nobody_was_charged_twice(shop: &Shop<'_>, due: i64) {
    assert_eq!(shop.stripe.charged_in_all(), due);
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

fn two_processes_at_once_charge_nobody_twice(house: &House) {
    let shop = Shop::open(house);
    let due = many(&shop, 60);
    let both = [(); 2].map(|()| house.spawn(&["collect", "--yes", "--json"]));
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    nobody_was_charged_twice(&shop, due);
    // And while one finishes what is out, another collects.
    let one = house.sibling();
    let shop = Shop::open(&one);
    let total = {
        one.import_catalog();
        one.import_accounts(crate::support::THREE_ACCOUNTS);
        shop.add_card("acc-2", CardScript::succeeds());
        bill_one(&one)
    };
    let commands: [&[&str]; 4] = [
        &["collect", "--yes"],
        &["reconcile"],
        &["collect", "--yes"],
        &["reconcile"],
    ];
    let all = commands.map(|args| one.spawn(args));
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    one.run(&["reconcile"]);
    nobody_was_charged_twice(&shop, total);
}

fn killed_twenty_times_nobody_is_charged_twice(house: &House) {
    const KILLS: usize = 20;
    let shop = Shop::open(house);
    let accounts = 500;
    let due = many(&shop, accounts);
    let charges = || shop.stripe.requests("POST /v1/payment_intents");
    for kill in 0..KILLS {
        // After so many charges have arrived, wherever the process is then.
        let until = charges() + 1 + (kill * 7) % 23;
        let mut child = house.spawn(&["collect", "--yes", "--json"]);
        while charges() < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
        assert!(shop.stripe.charged_in_all() <= due);
    }
    // Many were cut off between the charge and its record.
    let cut_off = house
        .watch()
        .count("SELECT COUNT(*) FROM payment_attempt WHERE state IN ('created', 'unknown')");
    assert!(cut_off > 0, "no kill hit anything");
    house.run(&["reconcile"]);
    house.run(&["collect", "--yes"]);
    nobody_was_charged_twice(&shop, due);
    let paid = house
        .watch()
        .count("SELECT COUNT(*) FROM payment_attempt WHERE state = 'succeeded'");
    assert_eq!(usize::try_from(paid).unwrap(), accounts);
}

fn reconciling_what_is_being_charged_charges_nobody_twice(house: &House) {
    const ACCOUNTS: usize = 8;
    let shop = Shop::open(house);
    let due = many(&shop, ACCOUNTS);
    let charges = || shop.stripe.requests("POST /v1/payment_intents");
    // Stripe takes its time for the charges; others come for the same ones.
    shop.stripe.hold_charges(true);
    let mut collecting = house.spawn(&["collect", "--yes", "--json"]);
    let wait_for = |many: usize, child: &mut std::process::Child| {
        while charges() < many {
            assert!(child.try_wait().unwrap().is_none(), "it did not wait");
            std::thread::yield_now();
        }
    };
    wait_for(ACCOUNTS, &mut collecting);
    let mut others = [(); 2].map(|()| house.spawn(&["reconcile", "--json"]));
    wait_for(ACCOUNTS + 1, &mut collecting);
    let again = house.spawn(&["collect", "--yes", "--json"]);
    wait_for(ACCOUNTS + 2, &mut collecting);
    shop.stripe.hold_charges(false);
    for child in &mut others {
        child.wait().unwrap();
    }
    for child in [collecting, again] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    // They met: what one had sent, another asked for under the same key.
    assert!(charges() > ACCOUNTS, "{}", charges());
    house.run(&["reconcile"]);
    house.run(&["collect", "--yes"]);
    nobody_was_charged_twice(&shop, due);
    let attempts = house
        .watch()
        .count("SELECT COUNT(*) FROM payment_attempt WHERE state = 'succeeded'");
    assert_eq!(usize::try_from(attempts).unwrap(), ACCOUNTS);
}
