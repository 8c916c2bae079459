//! A customer asks for its account to be deleted: it is refused with every reason,
//! confirmed by a link, billed, and gone.

use serde_json::json;

use super::leaving::{BY, Leaver, Listening};
use crate::collect::major;
use crate::on_both;
use crate::support::{House, THREE_ACCOUNTS};

on_both!(
    leaves_with_a_final_invoice,
    every_reason_is_told_at_once,
    a_month_that_is_not_billed_is_a_reason,
    a_link_works_once_and_not_for_long,
    another_link_replaces_the_first,
    looking_at_the_page_deletes_nothing,
    what_changed_since_is_found_when_the_link_is_used,
    a_final_invoice_that_is_held_back_keeps_the_account,
    a_request_is_withdrawn,
    nothing_is_due_and_a_gift_lapses,
    two_use_a_link_at_once,
    two_use_a_link_that_bills_nothing,
    usage_that_is_told_after_the_final_invoice_waits_for_a_person,
    a_debt_overtakes_a_request,
);

fn leaves_with_a_final_invoice(house: &House) {
    let leaver = Leaver::open(house);
    let asked = leaver.ask(&[]).stdout;
    assert!(asked.contains("until 2026-11-11T09:00:00Z"), "{asked}");
    assert!(asked.contains("billed and charged"), "{asked}");
    let token = leaver.token();
    leaver.deliver();
    let mails = leaver.smtp.received();
    assert_eq!(mails.last().unwrap().to, "jan@example.com");
    assert!(
        !house.watch().rows_as_text("outbox").contains(&token),
        "a link that was mailed is kept"
    );
    let deletions = house.watch().rows_as_text("account_deletion");
    assert!(!deletions.contains(&token), "{deletions}");

    let confirmed = leaver.confirm(&token).stdout;
    assert!(
        confirmed.contains("the final invoice is Q-2026-000002"),
        "{confirmed}"
    );
    let invoices = house.invoices("2026-11");
    assert_eq!(invoices.len(), 1);
    let total = invoices[0]["total_minor"].as_i64().unwrap();
    assert!(total > 0);
    // Five days of an S container, in minutes, without the VAT.
    assert_eq!(invoices[0]["net_minor"], 120);
    let standing = leaver.standing();
    assert_eq!(standing["state"], "settling");
    assert_eq!(standing["final_period"], "2026-11");
    let owes = format!("invoice Q-2026-000002 owes {} EUR", major(total));
    assert_eq!(leaver.waits_for(), [owes]);
    assert_eq!(leaver.topics("platform"), ["account.suspend"]);
    leaver.deliver();
    let stopped = leaver.platform.came();
    assert_eq!(stopped[0].json()["data"]["reason"], "deletion");
    assert_eq!(leaver.advance(), [""; 0], "it is not paid");
    house.run(&["verify"]);

    // The month ends: nothing of it is billed twice, and it is announced once.
    house.set_now("2026-12-01T09:00:00Z");
    house.run(&["tick", "--job", "month_run"]);
    assert_eq!(house.invoices("2026-11").len(), 1);
    assert_eq!(
        leaver.count(
            "SELECT COUNT(*) FROM outbox WHERE topic = 'invoice_issued' AND payload LIKE '%000002%'"
        ),
        1
    );
    house.run(&["verify"]);

    leaver.grant(total);
    assert_eq!(leaver.advance(), ["1 account: the erasing has begun"]);
    assert_eq!(leaver.standing()["state"], "erasing");
    assert_eq!(
        leaver.waits_for(),
        ["the platform, which has to confirm deployments"]
    );
    leaver.work_off("acc-2", 1);
    assert_eq!(leaver.advance(), [""; 0], "the last mail is not sent");
    assert_eq!(
        leaver.waits_for(),
        ["the mail that tells its customer, which is not sent yet"]
    );
    leaver.deliver();
    let last = leaver.smtp.received().pop().unwrap();
    assert_eq!(last.to, "jan@example.com");
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    assert_eq!(leaver.standing()["state"], "done");
    assert_eq!(leaver.advance(), [""; 0]);
    house.run(&["verify"]);
    // The invoice stands as it was issued.
    let document = house.run(&["invoice", "show", "Q-2026-000002"]).stdout;
    assert!(document.contains("Jan Kowalski"), "{document}");
    // December has nothing of it, and the run closes.
    house.set_now("2027-01-01T09:00:00Z");
    house.run(&["run", "2026-12"]);
    assert_eq!(house.invoices("2026-12").len(), 0);
    house.run(&["verify"]);
}

fn every_reason_is_told_at_once(house: &House) {
    let leaver = Leaver::open(house);
    house.import_usage(
        "r1,acc-2,shop-api,container,web,M,2,2026-11-09T00:00:00Z,\n\
         r2,acc-2,shop-api,addon,postgresql,starter,1,2026-11-09T00:00:00Z,\n\
         r3,acc-2,late,container,web,S,1,2026-11-09T00:00:00Z,2026-11-30T00:00:00Z\n",
    );
    // October is owed again, by a chargeback that nobody decided, and credit that was
    // bought is left; another purchase and a refund are on their way.
    house.edit(
        "INSERT INTO open_invoice (account_id, period, kind, open_minor) \
         SELECT account_id, period, kind, 288 FROM invoice",
    );
    house.edit(
        "INSERT INTO credit_purchase (account_id, id, provider, amount_minor, currency, state, created_at) \
         SELECT id, 'aa000000000000000000000000000001', 'paypal', 1000, 'EUR', 'pending', 0 \
         FROM account WHERE external_id = 'acc-2'",
    );
    assert_eq!(
        leaver.reasons(&[]),
        [
            "the app late still runs: container web",
            "the app shop-api still runs: addon postgresql, container web",
            "invoice Q-2026-000001 owes 2.88 EUR",
            "a purchase of credit for 10.00 EUR is on its way",
        ]
    );
    assert_eq!(leaver.count("SELECT COUNT(*) FROM account_deletion"), 0);
    assert_eq!(
        leaver.count("SELECT COUNT(*) FROM outbox WHERE topic = 'deletion_confirmation'"),
        0
    );
}

fn a_month_that_is_not_billed_is_a_reason(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    house.import_usage(
        "u1,acc-2,blog,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n",
    );
    house.set_now("2026-11-01T00:30:00Z");
    assert_eq!(
        leaver.reasons(&[]),
        ["its usage of 2026-10 is not billed yet"]
    );
    house.set_now("2026-11-02T08:00:00Z");
    house.run(&["run", "2026-10"]);
    let reasons = leaver.reasons(&[]);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(
        reasons[0].starts_with("invoice Q-2026-000001 owes"),
        "{reasons:?}"
    );
}

fn a_link_works_once_and_not_for_long(house: &House) {
    let leaver = Leaver::open(house);
    let words = "the link does not work: it was used, replaced, or has run out";
    assert!(leaver.confirm_in_vain(&"0".repeat(64)).contains(words));
    leaver.ask(&[]);
    let token = leaver.token();
    house.set_now("2026-11-11T09:00:00Z");
    let late = leaver.confirm_in_vain(&token);
    assert!(late.contains(words), "{late}");
    assert_eq!(leaver.advance(), ["1 request: its link ran out"]);
    assert_eq!(leaver.standing()["state"], "withdrawn");
    assert!(
        !house.watch().rows_as_text("outbox").contains(&token),
        "a link that ran out is kept"
    );
    leaver.ask(&[]);
    let token = leaver.token();
    house.set_now("2026-11-12T08:59:59Z");
    assert_eq!(leaver.advance(), [""; 0], "the link still works");
    leaver.confirm(&token);
    let twice = leaver.confirm_in_vain(&token);
    assert!(twice.contains(words), "{twice}");
    assert_eq!(house.invoices("2026-11").len(), 1);
    let again = house.refuse(&[&["account", "delete", "acc-2"][..], &BY[..]].concat());
    assert!(
        again.stderr.contains("on its way out already: settling"),
        "{again:?}"
    );
    house.run(&["verify"]);
}

fn another_link_replaces_the_first(house: &House) {
    let leaver = Leaver::open(house);
    leaver.ask(&[]);
    let first = leaver.token();
    leaver.ask(&[]);
    let second = leaver.token();
    assert_ne!(first, second);
    leaver.confirm_in_vain(&first);
    leaver.confirm(&second);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM account_deletion"), 1);
    house.run(&["verify"]);
}

fn looking_at_the_page_deletes_nothing(house: &House) {
    let leaver = Leaver::open(house);
    leaver.ask(&[]);
    let token = leaver.token();
    let served = Listening::start(house);
    for _ in 0..3 {
        let (status, page) = served.look(&token);
        assert_eq!(status, 200);
        assert!(page.contains("method=\"post\""), "{page}");
    }
    let headers = served.headers(&token);
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(leaver.standing()["state"], "asked");
    assert_eq!(served.look("0").0, 404);
    assert_eq!(served.look("%3Cscript%3E").0, 404);
    let (status, page) = served.press(&token);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("Q-2026-000002"), "{page}");
    assert_eq!(leaver.standing()["state"], "settling");
    assert_eq!(served.press(&token).0, 404);
    assert_eq!(served.look(&token).0, 404);
    assert_eq!(served.press("").0, 400);
    house.run(&["verify"]);
}

fn what_changed_since_is_found_when_the_link_is_used(house: &House) {
    let leaver = Leaver::open(house);
    leaver.ask(&[]);
    let token = leaver.token();
    house.import_usage("r1,acc-2,shop,container,web,M,2,2026-11-10T09:30:00Z,\n");
    let refused = leaver.confirm_in_vain(&token);
    assert!(
        refused.contains("- the app shop still runs: container web"),
        "{refused}"
    );
    assert_eq!(house.invoices("2026-11").len(), 0);
    let served = Listening::start(house);
    let (status, page) = served.press(&token);
    assert_eq!(status, 409);
    assert!(page.contains("The app shop still runs"), "{page}");
    // Then it is stopped, and the link works.
    house.import_usage(
        "r1,acc-2,shop,container,web,M,2,2026-11-10T09:30:00Z,2026-11-10T10:00:00Z\n",
    );
    house.set_now("2026-11-10T10:00:00Z");
    leaver.confirm(&token);
    assert_eq!(house.invoices("2026-11")[0]["net_minor"], 122);
    house.run(&["verify"]);
}

fn a_final_invoice_that_is_held_back_keeps_the_account(house: &House) {
    let leaver = Leaver::open(house);
    // Ten times October, and over the bound.
    house.import_usage(
        "r1,acc-2,shop,container,web,3XL,400,2026-11-08T00:00:00Z,2026-11-09T00:00:00Z\n",
    );
    leaver.ask(&[]);
    let token = leaver.token();
    let refused = leaver.confirm_in_vain(&token);
    assert!(
        refused.contains("its final invoice cannot be made: total"),
        "{refused}"
    );
    assert_eq!(leaver.standing()["state"], "asked");
    assert_eq!(house.invoices("2026-11").len(), 0);
    house.run(&["verify"]);
}

fn a_request_is_withdrawn(house: &House) {
    let leaver = Leaver::open(house);
    leaver.ask(&[]);
    let token = leaver.token();
    let withdraw = [&["account", "withdraw-deletion", "acc-2"][..], &BY[..]].concat();
    house.run(&withdraw);
    leaver.confirm_in_vain(&token);
    let nothing = house.refuse(&withdraw);
    assert!(nothing.stderr.contains("nobody asked"), "{nothing:?}");
    // While it settles, too: what runs is started again, what was billed stays.
    leaver.leave(&[]);
    house.run(&withdraw);
    assert_eq!(
        leaver.topics("platform"),
        ["account.suspend", "account.resume"]
    );
    assert_eq!(leaver.standing()["state"], "withdrawn");
    // It goes on, and what it uses in the rest of the month is on the next invoice.
    house.import_usage(
        "n1,acc-2,blog,container,web,S,1,2026-11-20T00:00:00Z,2026-11-25T00:00:00Z\n",
    );
    house.set_now("2026-12-01T09:00:00Z");
    house.run(&["run", "2026-11"]);
    assert_eq!(house.invoices("2026-11").len(), 1);
    house.set_now("2027-01-01T09:00:00Z");
    house.run(&["run", "2026-12"]);
    let december = house.invoices("2026-12");
    assert_eq!(december.len(), 1);
    assert_eq!(december[0]["net_minor"], 120);
    house.run(&["verify"]);
}

fn nothing_is_due_and_a_gift_lapses(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    leaver.grant(700);
    // Another credit is the customer's own money.
    house.edit(
        "INSERT INTO ledger_entry (account_id, id, movement, currency, at, period, kind) \
         SELECT account_id, 90, 'refunded_to_credit', 'EUR', 0, period, kind FROM invoice",
    );
    house.edit(
        "INSERT INTO ledger_posting (account_id, entry_id, ledger_account, amount_minor) \
         SELECT account_id, 90, 'customer_credit', -50 FROM invoice",
    );
    house.edit(
        "INSERT INTO ledger_posting (account_id, entry_id, ledger_account, amount_minor) \
         SELECT account_id, 90, 'clearing_stripe', 50 FROM invoice",
    );
    assert_eq!(
        leaver.reasons(&[]),
        [
            "credit of 0.50 EUR is left: it is refunded first, or the customer gives it up (--give-up-credit)"
        ]
    );
    let confirmed = leaver.leave(&["--give-up-credit"]).stdout;
    assert!(confirmed.contains("nothing is owed"), "{confirmed}");
    assert_eq!(leaver.standing()["state"], "erasing");
    assert_eq!(house.invoices("2026-11").len(), 0);
    let moved = house.watch().texts(
        "SELECT e.movement || ' ' || p.ledger_account || ' ' || CAST(p.amount_minor AS TEXT) \
         FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         WHERE e.id > 90 ORDER BY e.id, p.ledger_account",
    );
    assert_eq!(
        moved,
        [
            "credit_given_up credit_breakage -50",
            "credit_given_up customer_credit 50",
            "credit_lapsed customer_credit 700",
            "credit_lapsed goodwill -700",
        ]
    );
    let shown = house.run(&["credit", "show", "acc-2", "--json"]).json();
    assert_eq!(shown["balance_minor"], 0);
    house.run(&["verify"]);
}

fn two_use_a_link_at_once(house: &House) {
    let leaver = Leaver::open(house);
    leaver.ask(&[]);
    let token = leaver.token();
    let both: Vec<_> = (0..2)
        .map(|_| house.spawn(&["account", "confirm-deletion", &token]))
        .collect();
    let answers: Vec<bool> = both
        .into_iter()
        .map(|child| child.wait_with_output().unwrap().status.success())
        .collect();
    assert_eq!(
        answers.iter().filter(|done| **done).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(house.invoices("2026-11").len(), 1);
    assert_eq!(leaver.topics("platform"), ["account.suspend"]);
    house.run(&["verify"]);
}

/// Where nothing is owed afterwards, nothing but the link itself tells the second that
/// it is used.
fn two_use_a_link_that_bills_nothing(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    leaver.ask(&[]);
    let token = leaver.token();
    // Both have looked at the link before either holds the account.
    let mut holding = house.watch();
    holding.hold_account("acc-2");
    let both = [(); 2].map(|()| house.spawn(&["account", "confirm-deletion", &token]));
    let mut watch = house.watch();
    while !watch.so_many_wait(2) {
        std::thread::yield_now();
    }
    holding.execute("ROLLBACK");
    let answers = both.map(|child| child.wait_with_output().unwrap());
    let done = answers.iter().filter(|answer| answer.status.success());
    assert_eq!(done.count(), 1, "{answers:?}");
    let refused = answers.iter().find(|answer| !answer.status.success());
    let said = String::from_utf8_lossy(&refused.unwrap().stderr);
    assert!(said.contains("the link does not work"), "{said}");
    assert_eq!(leaver.standing()["state"], "erasing");
    assert_eq!(
        leaver.topics("platform"),
        ["account.suspend", "account.deletion.step"]
    );
    house.run(&["verify"]);
}

fn usage_that_is_told_after_the_final_invoice_waits_for_a_person(house: &House) {
    let leaver = Leaver::open(house);
    leaver.leave(&[]);
    let total = house.invoices("2026-11")[0]["total_minor"]
        .as_i64()
        .unwrap();
    // Ten hours that nobody knew of.
    house.import_usage(
        "n1,acc-2,blog,container,web,S,1,2026-11-09T00:00:00Z,2026-11-09T10:00:00Z\n",
    );
    leaver.grant(total);
    assert_eq!(leaver.advance(), [""; 0]);
    assert_eq!(
        leaver.waits_for(),
        [
            "usage that was told after its final invoice waits (1): the next month's run holds it back for a person"
        ]
    );
    // Another month has begun, and it waits all the same.
    house.set_now("2026-12-01T09:00:00Z");
    assert_eq!(leaver.advance(), [""; 0]);
    house.run(&["run", "2026-11"]);
    assert_eq!(leaver.advance(), [""; 0]);
    house.set_now("2027-01-01T09:00:00Z");
    house.run(&["run", "2026-12"]);
    let status = house.run(&["run", "status", "2026-12"]).stdout;
    assert!(
        status.contains("the account has left, and usage for 0.10 EUR came after it"),
        "{status}"
    );
    house.run(&["verify"]);
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
    house.run(&["verify"]);
    assert_eq!(leaver.advance(), ["1 account: the erasing has begun"]);
}

fn a_debt_overtakes_a_request(house: &House) {
    let leaver = Leaver::open(house);
    leaver.leave(&[]);
    // Nobody pays the final invoice: the ordinary ladder takes its road.
    let mut steps = Vec::new();
    for day in 11..=30 {
        house.set_now(&format!("2026-11-{day}T09:00:00Z"));
        steps.extend(super::round(house));
        leaver.deliver();
    }
    assert_eq!(steps.last().unwrap(), "suspension 1", "{steps:?}");
    for day in 1..=31 {
        house.set_now(&format!("2026-12-{day:02}T09:00:00Z"));
        steps.extend(super::round(house));
        leaver.deliver();
    }
    assert_eq!(steps.last().unwrap(), "deletion 1", "{steps:?}");
    let standing = leaver.standing();
    assert_eq!(
        (
            &standing["cause"],
            &standing["state"],
            &standing["deletion"]
        ),
        (&json!("unpaid"), &json!("erasing"), &json!(2))
    );
    leaver.work_off("acc-2", 2);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    // The debt stays open in the books.
    assert_eq!(leaver.count("SELECT COUNT(*) FROM open_invoice"), 1);
    house.run(&["verify"]);
}
