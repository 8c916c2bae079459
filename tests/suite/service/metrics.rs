//! `/metrics`: every family, and that its figures are right.

use std::time::{Duration, Instant};

use serde_json::json;

use super::scrape::Scrape;
use crate::api::furnish_api_with;
use crate::collect::bill;
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, StripeFake};
use crate::support::{House, Served};
use crate::{cards, on_both};

on_both!(
    an_empty_house_has_every_family,
    what_happened_is_counted,
    what_is_stuck_is_counted,
    requests_are_counted_by_their_route,
    figures_are_kept_for_a_while,
    a_database_that_is_gone_is_told,
);

const FAMILIES: [(&str, &str); 12] = [
    ("quittance_build_info", "gauge"),
    ("quittance_database_up", "gauge"),
    ("quittance_http_request_duration_seconds", "histogram"),
    ("quittance_http_requests_total", "counter"),
    ("quittance_outbox_messages", "gauge"),
    ("quittance_outbox_oldest_seconds", "gauge"),
    ("quittance_payment_attempts_decided_last_day", "gauge"),
    ("quittance_payment_attempts_in_flight", "gauge"),
    ("quittance_runs", "gauge"),
    ("quittance_stuck", "gauge"),
    ("quittance_unpaid_accounts", "gauge"),
    ("quittance_unpaid_minor", "gauge"),
];
const STUCK: &str = "quittance_stuck";
const MESSAGES: &str = "quittance_outbox_messages";
/// One message of the outbox.
const FIRST: &str =
    "(account_id, key) = (SELECT account_id, key FROM outbox ORDER BY account_id, key LIMIT 1)";

/// A house that takes cards, with three months billed.
fn furnish(house: &House, accounts: &[&str]) -> StripeFake {
    let stripe = StripeFake::start();
    let section = cards::section(house, &stripe, "tries = 1");
    furnish_api_with(house, 10_000, &section);
    bill(house, accounts);
    stripe
}

#[track_caller]
fn add_card(house: &House, stripe: &StripeFake, account: &str, script: CardScript) {
    let setup = house.run(&["method", "add-card", account, "--json"]).json();
    let intent = setup["setup_intent"].as_str().unwrap();
    stripe.confirm_setup(intent, script);
    house.run(&["method", "finish-card", intent]);
}

fn an_empty_house_has_every_family(house: &House) {
    let served = Served::start(house);
    // What was answered before is counted.
    Scrape::of(&served);
    let scrape = Scrape::of(&served);
    for (family, kind) in FAMILIES {
        // Without an invoice there is no currency.
        let expected = (!family.contains("unpaid")).then_some(kind);
        assert_eq!(scrape.kind(family), expected, "{family}");
    }
    assert_eq!(scrape.number("quittance_database_up", &[]), 1);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(scrape.number("quittance_build_info", &version), 1);
    for state in ["planned", "running", "issued", "closed"] {
        assert_eq!(scrape.number("quittance_runs", &[("state", state)]), 0);
    }
    for what in [
        "run",
        "parked_account",
        "payment",
        "purchase",
        "refund",
        "message",
        "provider_event",
        "bank_fact",
        "deletion_step",
    ] {
        assert_eq!(scrape.number(STUCK, &[("what", what)]), 0);
    }
}

/// Runs, a card that is declined, one that pays, one without an answer, mails that wait.
fn what_happened_is_counted(house: &House) {
    let stripe = furnish(house, &["acc-1", "acc-2"]);
    add_card(house, &stripe, "acc-1", CardScript::succeeds());
    add_card(
        house,
        &stripe,
        "acc-2",
        CardScript::declines("insufficient_funds"),
    );
    house.run(&["collect", "--yes"]);
    let scrape = Scrape::of_house(house);
    let mut families = scrape.families();
    families.retain(|family| !family.contains("_http_"));
    let expected = FAMILIES.iter().map(|(family, _)| *family);
    let expected: Vec<&str> = expected
        .filter(|family| !family.contains("_http_"))
        .collect();
    assert_eq!(families, expected);
    assert_eq!(scrape.number("quittance_runs", &[("state", "closed")]), 3);
    let mut watch = house.watch();
    let mut count = |query| watch.count(query);
    let paid = count("SELECT COUNT(*) FROM payment_attempt WHERE state = 'succeeded'");
    let declined = count("SELECT COUNT(*) FROM payment_attempt WHERE state = 'declined'");
    assert!(paid > 0 && declined > 0, "{paid} {declined}");
    let decided = scrape.not_zero("quittance_payment_attempts_decided_last_day");
    let (paid, declined) = (paid.to_string(), declined.to_string());
    let expected = [
        (vec!["card", "declined"], declined.as_str()),
        (vec!["card", "succeeded"], paid.as_str()),
    ];
    assert_eq!(decided, expected);
    let in_flight = "quittance_payment_attempts_in_flight";
    assert!(scrape.not_zero(in_flight).is_empty(), "{scrape:#?}");
    assert_eq!(
        scrape.number(in_flight, &[("method", "sepa"), ("state", "created")]),
        0
    );
    // acc-2 pays nothing, and neither does acc-3, which has no card.
    let owed = count(
        "SELECT CAST(SUM(i.total_minor) AS BIGINT) FROM invoice i JOIN account a ON a.id = i.account_id \
         WHERE a.external_id <> 'acc-1'",
    );
    assert!(owed > 0);
    let euros = [("currency", "EUR")];
    assert_eq!(scrape.number("quittance_unpaid_minor", &euros), owed);
    assert_eq!(scrape.number("quittance_unpaid_accounts", &euros), 2);
    let waiting = count("SELECT COUNT(*) FROM outbox WHERE channel = 'mail' AND state = 'waiting'");
    assert!(waiting > 0);
    let waiting = waiting.to_string();
    let mails = (vec!["mail", "waiting"], waiting.as_str());
    assert_eq!(scrape.not_zero(MESSAGES), [mails]);
    assert!(scrape.not_zero(STUCK).is_empty(), "{scrape:#?}");
    // A day and a second later: what was decided is long ago, and the oldest mail old.
    house.set_now("2026-11-03T08:00:01Z");
    house.edit(&format!(
        "UPDATE outbox SET problem = '450 later' WHERE {FIRST}"
    ));
    let scrape = Scrape::of_house(house);
    let decided = scrape.not_zero("quittance_payment_attempts_decided_last_day");
    assert!(decided.is_empty(), "{decided:?}");
    let age = scrape.number("quittance_outbox_oldest_seconds", &[("channel", "mail")]);
    assert_eq!(age, 86_401);
    assert_eq!(
        scrape.number(
            "quittance_outbox_oldest_seconds",
            &[("channel", "platform")]
        ),
        0
    );
    assert_eq!(
        scrape.number(MESSAGES, &[("channel", "mail"), ("state", "failing")]),
        1
    );
    let others = waiting.parse::<i64>().unwrap() - 1;
    let still = [("channel", "mail"), ("state", "waiting")];
    assert_eq!(scrape.number(MESSAGES, &still), others);
    house.run(&["verify"]);
}

fn what_is_stuck_is_counted(house: &House) {
    let stripe = furnish(house, &["acc-1"]);
    // What is unpaid is charged as soon as there is a card.
    stripe.faults().push(Fault::ErrorBefore);
    add_card(house, &stripe, "acc-1", CardScript::succeeds());
    let account = "(SELECT id FROM account WHERE external_id = 'acc-1')";
    for edit in [
        format!(
            "UPDATE outbox SET state = 'refused', problem = '550 no', ended_at = created_at WHERE {FIRST}"
        ),
        "INSERT INTO provider_event (provider, id, kind, received_at, problem) \
         VALUES ('stripe', 'evt_1', 'odd', 1, NULL)"
            .to_owned(),
        "INSERT INTO billing_run (id, period, start_at, end_at, state, planned_at) \
         SELECT 202510, 202510, start_at, end_at, 'running', planned_at FROM billing_run WHERE id = 202610"
            .to_owned(),
        format!(
            "INSERT INTO period_outcome (account_id, period, outcome, reason) \
             VALUES ({account}, 202510, 3, 'odd')"
        ),
        format!(
            "INSERT INTO credit_purchase (account_id, id, provider, amount_minor, currency, state, created_at) \
             VALUES ({account}, '0123456789abcdef0123456789abcdef', 'paypal', 5, 'EUR', 'unknown', 1)"
        ),
        format!(
            "INSERT INTO refund (account_id, id, purchase_id, purpose, amount_minor, currency, state, actor, reason, \
             created_at) VALUES ({account}, '0123456789abcdef0123456789abcdef', \
             '0123456789abcdef0123456789abcdef', 'unused_credit', 5, 'EUR', 'unknown', 'ada', 'odd', 1)"
        ),
        format!(
            "INSERT INTO account_deletion (account_id, no, cause, state, asked_at) \
             VALUES ({account}, 1, 'request', 'erasing', 1)"
        ),
        format!(
            "INSERT INTO account_deletion_step (account_id, no, position, step, asked_at) \
             VALUES ({account}, 1, 1, 'activity', 1)"
        ),
    ] {
        house.edit(&edit);
    }
    house.edit(if house.is_sqlite() {
        "INSERT INTO bank_file (digest, kind, version, message_id, imported_at, entries) \
         VALUES (X'01', 'camt.053', '08', 'm', 1, 1)"
    } else {
        "INSERT INTO bank_file (digest, kind, version, message_id, imported_at, entries) \
         VALUES ('\\x01', 'camt.053', '08', 'm', 1, 1)"
    });
    house.edit(
        "INSERT INTO bank_fact (key, file, place, kind, state, problem) \
         SELECT digest, digest, 'p', 'other', 'unmatched', 'odd' FROM bank_file",
    );
    // What was asked today may still be answered; what came long ago may not.
    let today = Scrape::of_house(house);
    assert_eq!(today.number(STUCK, &[("what", "payment")]), 0);
    assert_eq!(today.number(STUCK, &[("what", "run")]), 0);
    let unknown = [("method", "card"), ("state", "unknown")];
    assert_eq!(
        today.number("quittance_payment_attempts_in_flight", &unknown),
        1
    );
    house.set_now("2026-11-03T08:00:01Z");
    let all = [
        "bank_fact",
        "deletion_step",
        "message",
        "parked_account",
        "payment",
        "provider_event",
        "purchase",
        "refund",
        "run",
    ];
    let scrape = Scrape::of_house(house);
    let stuck = scrape.not_zero(STUCK);
    assert_eq!(stuck, all.map(|what| (vec![what], "1")));
    let refused = [("channel", "mail"), ("state", "refused")];
    assert_eq!(scrape.number(MESSAGES, &refused), 1);
    // What is asked about now and then is not.
    house.edit("UPDATE payment_attempt SET state = 'pending' WHERE state = 'unknown'");
    house.edit("UPDATE billing_run SET paused = 1 WHERE id = 202510");
    let scrape = Scrape::of_house(house);
    assert_eq!(scrape.number(STUCK, &[("what", "payment")]), 0);
    assert_eq!(scrape.number(STUCK, &[("what", "run")]), 0);
}

fn requests_are_counted_by_their_route(house: &House) {
    furnish_api_with(house, 10_000, "");
    let served = Served::start(house);
    for (method, path) in [
        ("GET", "/v1/keys/secret-1"),
        ("GET", "/v1/keys/secret-2"),
        ("DELETE", "/v1/keys/secret-1"),
        ("GET", "/secret-3"),
        ("BREW", "/secret-3"),
        ("PUT", "/v1/users/self"),
        ("GET", "/finance/v1/self"),
        ("GET", "/healthz"),
    ] {
        served.send(served.request(method, path));
    }
    let posted = served.request("POST", "/webhooks/stripe").json(&json!({}));
    let posted = served.send(posted).status.to_string();
    let reply = served.send(served.request("GET", "/metrics"));
    assert!(!reply.text.contains("secret"), "{}", reply.text);
    let scrape = Scrape::of(&served);
    let counted = scrape.not_zero("quittance_http_requests_total");
    let expected = [
        (vec!["DELETE", "/v1/keys/{id}", "401"], "1"),
        (vec!["GET", "/finance/v1/self", "401"], "1"),
        (vec!["GET", "/healthz", "200"], "1"),
        (vec!["GET", "/metrics", "200"], "1"),
        (vec!["GET", "/v1/keys/{id}", "401"], "2"),
        (vec!["GET", "none", "404"], "1"),
        (vec!["POST", "/webhooks/stripe", posted.as_str()], "1"),
        (vec!["PUT", "/v1/users/self", "405"], "1"),
        (vec!["other", "none", "404"], "1"),
    ];
    assert_eq!(counted, expected);
    let took = scrape.not_zero("quittance_http_request_duration_seconds_count");
    let routes: Vec<_> = took
        .iter()
        .map(|(labels, count)| (&labels[..2], *count))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(labels, count)| (&labels[..2], *count))
        .collect();
    assert_eq!(routes, expected);
}

fn figures_are_kept_for_a_while(house: &House) {
    furnish_api_with(house, 10_000, "");
    let runs = |scrape: &Scrape| scrape.number("quittance_runs", &[("state", "closed")]);
    let another = |year: i32| {
        house.edit(&format!(
            "INSERT INTO billing_run (id, period, start_at, end_at, state, planned_at) \
             VALUES ({year}01, {year}01, 0, 1, 'closed', 0)"
        ));
    };
    let mut year = 2000;
    // A machine that stands still for seconds proves nothing: once more.
    let served = loop {
        let served = Served::start(house);
        let begun = Instant::now();
        let before = runs(&Scrape::of(&served));
        another(year);
        let after = runs(&Scrape::of(&served));
        if begun.elapsed() < Duration::from_secs(5) {
            assert_eq!(after, before);
            break served;
        }
        year += 1;
    };
    let all = runs(&Scrape::of_house(house));
    while runs(&Scrape::of(&served)) != all {
        std::thread::yield_now();
    }
}

fn a_database_that_is_gone_is_told(house: &House) {
    let served = Served::start(house);
    house
        .watch()
        .execute("ALTER TABLE billing_run RENAME TO hidden");
    let scrape = Scrape::of(&served);
    assert_eq!(scrape.number("quittance_database_up", &[]), 0);
    assert_eq!(
        scrape.families(),
        ["quittance_build_info", "quittance_database_up"]
    );
    let scrape = Scrape::of(&served);
    let counted = scrape.not_zero("quittance_http_requests_total");
    assert_eq!(counted, [(vec!["GET", "/metrics", "200"], "1")]);
    house
        .watch()
        .execute("ALTER TABLE hidden RENAME TO billing_run");
    while Scrape::of(&served).number("quittance_database_up", &[]) == 0 {
        std::thread::yield_now();
    }
}
