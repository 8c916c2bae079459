//! Credit that is bought, once.

use serde_json::{Value, json};

use super::desk::Desk;
use crate::fakes::Fault;
use crate::fakes::paypal::{CaptureEnd, fee_minor};
use crate::on_both;
use crate::support::{House, THREE_ACCOUNTS};

on_both!(
    bought_once_though_it_is_captured_often,
    two_processes_at_once_credit_once,
    a_lost_answer_of_a_capture_credits_once,
    a_top_up_pays_three_open_invoices_oldest_first,
    a_refused_instrument_takes_and_credits_nothing,
    a_pending_capture_credits_when_it_completes,
    what_cannot_be_bought_is_refused,
);

fn bought_once_though_it_is_captured_often(house: &House) {
    let desk = Desk::open(house);
    let (id, order) = desk.buy("acc-1", "50.00");
    // Nobody approved it yet.
    let waits = desk.capture(&id);
    assert_eq!(waits["state"], "pending", "{waits}");
    assert!(
        waits["approve_url"].as_str().unwrap().contains(&order),
        "{waits}"
    );
    assert_eq!(desk.credit_minor("acc-1"), 0);
    desk.fake.approve(&order);
    let said = house.run(&["credit", "capture", &id]);
    assert!(
        said.stdout
            .contains(&format!("purchase {id} of 50.00 EUR: succeeded")),
        "{said:?}"
    );
    for _ in 0..3 {
        assert_eq!(desk.capture(&id)["state"], "succeeded");
        desk.fake.forget_keys();
    }
    assert_eq!(desk.moved("acc-1"), [("credit_bought".to_owned(), 5_000)]);
    assert_eq!(desk.fake.captured_minor(), 5_000);
    let mut watch = house.watch();
    let fee = watch.count(
        "SELECT CAST(SUM(amount_minor) AS BIGINT) FROM ledger_posting WHERE ledger_account = 'provider_fees'",
    );
    assert_eq!(fee, fee_minor(5_000));
    let held = watch.count(
        "SELECT CAST(SUM(amount_minor) AS BIGINT) FROM ledger_posting WHERE ledger_account = 'clearing_paypal'",
    );
    assert_eq!(held, 5_000 - fee_minor(5_000));
    assert_eq!(
        watch.count("SELECT COUNT(*) FROM outbox WHERE topic = 'credit_bought'"),
        1
    );
    let listed = desk.purchase("acc-1", &id);
    assert_eq!(listed["capture"], desk.fake.capture(), "{listed}");
    let shown = house.run(&["credit", "purchases", "acc-1"]);
    assert!(shown.stdout.contains("50.00 EUR"), "{shown:?}");
    desk.assert_sound();
}

fn two_processes_at_once_credit_once(house: &House) {
    let desk = Desk::open(house);
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    // Each is slow with its answer, so that the other asks meanwhile.
    for _ in 0..3 {
        desk.fake
            .faults()
            .push(Fault::Slow(std::time::Duration::from_millis(150)));
    }
    let all = [(); 3].map(|()| house.spawn(&["credit", "capture", &id, "--json"]));
    for child in all {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["state"], "succeeded", "{told}");
    }
    assert_eq!(desk.moved("acc-1"), [("credit_bought".to_owned(), 5_000)]);
    assert_eq!(desk.fake.captured_minor(), 5_000);
    desk.assert_sound();
}

fn a_lost_answer_of_a_capture_credits_once(house: &House) {
    let desk = Desk::open(house);
    for (no, fault) in (1..).zip([
        Fault::HangAfter,
        Fault::ErrorAfter,
        Fault::BrokenOffAfter,
        Fault::MalformedAfter,
        Fault::ErrorBefore,
        Fault::TooMany,
    ]) {
        let (id, order) = desk.buy("acc-1", "50.00");
        desk.fake.approve(&order);
        desk.fake.faults().push(fault.clone());
        let answer = house.refuse(&["credit", "capture", &id]);
        assert!(
            answer.stderr.starts_with("error: PayPal"),
            "{fault:?}: {answer:?}"
        );
        // Not known is neither credited nor given up.
        assert_eq!(desk.credit_minor("acc-1"), (no - 1) * 5_000, "{fault:?}");
        assert_eq!(desk.purchase("acc-1", &id)["state"], "pending", "{fault:?}");
        let done = desk.reconcile();
        assert_eq!((done.asked, done.finished), (1, 1), "{fault:?} {done:?}");
        assert_eq!(desk.credit_minor("acc-1"), no * 5_000, "{fault:?}");
        assert_eq!(desk.fake.captured_minor(), no * 5_000, "{fault:?}");
    }
    assert_eq!(desk.reconcile().asked, 0);
    desk.assert_sound();
}

const MONTHS: [&str; 3] = ["2026-08", "2026-09", "2026-10"];

/// Three months of acc-2, billed; what each comes to, in cents.
fn three_invoices(house: &House) -> Vec<i64> {
    house.import_catalog();
    house.import_accounts(THREE_ACCOUNTS);
    let row = |(quantity, month): (i32, &str)| {
        format!(
            "u-{month},acc-2,blog,container,web,S,{quantity},{month}-10T00:00:00Z,{month}-20T00:00:00Z\n"
        )
    };
    house.import_usage(&(2..).zip(MONTHS).map(row).collect::<String>());
    let total = |month| {
        house.run(&["run", month]);
        house.invoices(month)[0]["total_minor"].as_i64().unwrap()
    };
    MONTHS.into_iter().map(total).collect()
}

fn a_top_up_pays_three_open_invoices_oldest_first(house: &House) {
    let totals = three_invoices(house);
    let desk = Desk::on(house);
    let sum: i64 = totals.iter().sum();
    // What pays all of them and leaves a cent, in two purchases: the first pays
    // the two oldest.
    let first = totals[0] + totals[1];
    let major = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
    let (id, order) = desk.buy("acc-2", &major(first));
    desk.fake.approve(&order);
    let told = desk.capture(&id);
    let paid = |number: &str, minor: i64| json!({"number": number, "amount_minor": minor});
    assert_eq!(
        told["invoices_paid"],
        json!([
            paid("Q-2026-000001", totals[0]),
            paid("Q-2026-000002", totals[1])
        ]),
        "{told}"
    );
    let rest = (sum - first + 1).max(500);
    desk.bought("acc-2", &major(rest));
    let moved = |what: &str, minor| (what.to_owned(), minor);
    assert_eq!(
        desk.moved("acc-2"),
        [
            moved("credit_bought", first),
            moved("credit_used", -totals[0]),
            moved("credit_used", -totals[1]),
            moved("credit_bought", rest),
            moved("credit_used", -totals[2]),
        ]
    );
    let mut watch = house.watch();
    let told = watch.count(
        "SELECT COUNT(*) FROM outbox WHERE topic = 'credit_bought' AND payload LIKE '%\"invoices_paid\":[\"Q-2026-00000%'",
    );
    assert_eq!(told, 2);
    desk.assert_sound();
}

fn a_refused_instrument_takes_and_credits_nothing(house: &House) {
    let desk = Desk::open(house);
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    desk.fake
        .faults()
        .push(Fault::Decline("INSTRUMENT_DECLINED"));
    let told = desk.capture(&id);
    assert_eq!(told["state"], "declined", "{told}");
    assert_eq!(told["decline"], "INSTRUMENT_DECLINED", "{told}");
    // It is over, though the order could be captured.
    assert_eq!(desk.capture(&id)["state"], "declined");
    assert_eq!(desk.reconcile().asked, 0);
    desk.deliver_all();
    assert_eq!(desk.fake.captured_minor(), 0);
    assert_eq!(desk.credit_minor("acc-1"), 0);
    let mut watch = house.watch();
    assert_eq!(
        watch.count("SELECT COUNT(*) FROM outbox WHERE topic = 'credit_purchase_failed'"),
        1
    );
    desk.assert_sound();
}

fn a_pending_capture_credits_when_it_completes(house: &House) {
    let desk = Desk::open(house);
    for completes in [true, false] {
        let (id, order) = desk.buy("acc-1", "50.00");
        desk.fake.approve(&order);
        desk.fake.next_capture(CaptureEnd::Pending);
        let told = desk.capture(&id);
        assert_eq!(told["state"], "pending", "{told}");
        desk.deliver_all();
        assert_eq!(desk.reconcile().finished, 0);
        assert_eq!(
            desk.credit_minor("acc-1"),
            if completes { 0 } else { 5_000 }
        );
        let pending = desk.fake.pending_capture();
        desk.fake.settle(&pending, completes);
        desk.deliver_all();
        let state = if completes { "succeeded" } else { "declined" };
        assert_eq!(desk.purchase("acc-1", &id)["state"], state);
        assert_eq!(desk.credit_minor("acc-1"), 5_000);
    }
    assert_eq!(desk.fake.captured_minor(), 5_000);
    desk.assert_sound();
}

fn what_cannot_be_bought_is_refused(house: &House) {
    let desk = Desk::open(house);
    house.import_accounts(
        "acc-9,ron,ron@example.com,Ron R,,RO,Str. 1,010101,Bucuresti,,RON,2025-01-05T10:00:00Z\n",
    );
    let unknown = "01a0c4506c00000000000000000000aa";
    for (args, code, said) in [
        ("buy acc-1 4.99", 1, "4.99 EUR is less than the 5.00 EUR"),
        ("buy acc-1 0", 1, "the amount 0: must be above 0"),
        ("buy acc-1 -50", 1, "must be above 0"),
        ("buy acc-1 5.001", 1, "EUR has 2 decimals"),
        ("buy acc-1 five", 2, "is not a number such as 20"),
        ("buy nobody 50", 1, "there is no account \"nobody\""),
        ("buy acc-9 50", 1, "CURRENCY_NOT_SUPPORTED"),
        ("purchases nobody", 1, "there is no account \"nobody\""),
        ("capture 7", 2, "is not the id of a purchase"),
    ] {
        let mut all = vec!["credit"];
        all.extend(args.split(' '));
        let answer = house.try_run(&all);
        assert_eq!(answer.code, Some(code), "{args}: {answer:?}");
        assert!(answer.stderr.contains(said), "{args}: {answer:?}");
    }
    let answer = house.refuse(&["credit", "capture", unknown]);
    assert!(
        answer
            .stderr
            .contains(&format!("there is no purchase {unknown}")),
        "{answer:?}"
    );
    let mut watch = house.watch();
    assert_eq!(watch.count("SELECT COUNT(*) FROM credit_purchase"), 0);
    assert_eq!(desk.fake.asked("post /v2"), 0);
    // Without PayPal, nothing is sold.
    house.file(
        "quittance.toml",
        include_str!("../../../deploy/quittance.toml"),
    );
    let answer = house.refuse(&["credit", "buy", "acc-1", "50"]);
    assert!(answer.stderr.contains("[paypal]"), "{answer:?}");
    house.run(&["verify"]);
}
