//! Money that cardholders take back: announced, late, twice, out of order.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};
use quittance::clock::Clock;
use quittance::config::Config;
use quittance::domain::ids::{AccountId, AttemptId};
use quittance::domain::money::Currency;
use quittance::domain::payment::dispute::{DisputeNews, DisputeStanding};
use quittance::engine::dispute::{DisputeClaim, DisputeName};
use quittance::engine::run::Engine;
use quittance::store::rows::EventSource;
use quittance::store::{IfMissing, Store};
use serde_json::{Value, json};

use super::events::{Listening, events};
use super::{Shop, bill_one};
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, fee_minor};
use crate::on_both;
use crate::support::{House, NOW};

on_both!(
    what_is_announced_books_nothing_until_the_money_moves,
    an_inquiry_that_is_answered_moves_nothing,
    each_of_several_disputes_is_booked_once,
    what_was_refunded_is_not_disputed_too,
    a_dispute_that_is_read_first_books_its_payment_before,
    an_amount_that_differs_waits_for_a_person,
    disputes_from_before_they_had_names,
    any_order_of_readings_on_the_books,
);

/// A house whose one invoice a card has paid: the shop, the total, the payment and
/// what Stripe calls it.
struct Paid<'a> {
    shop: Shop<'a>,
    total: i64,
    payment: String,
    intent: String,
}

impl<'a> Paid<'a> {
    fn open(house: &'a House) -> Self {
        let shop = Shop::open(house);
        house.import_catalog();
        house.import_accounts(crate::support::THREE_ACCOUNTS);
        shop.add_card("acc-2", CardScript::succeeds());
        let total = bill_one(house);
        shop.collect(&[]);
        shop.stripe.take_events();
        let payment = shop.payments()[0].clone();
        let text = |name: &str| payment[name].as_str().unwrap().to_owned();
        Self {
            payment: text("id"),
            intent: text("provider_reference"),
            shop,
            total,
        }
    }

    fn shown(&self) -> Value {
        let args = ["payment", "show", &self.payment, "--json"];
        self.shop.house.run(&args).json()
    }

    /// Its disputes, as `state amount fee`.
    fn disputes(&self) -> Vec<String> {
        let shown = self.shown();
        let one = |dispute: &Value| {
            let state = dispute["state"].as_str().unwrap();
            format!(
                "{state} {} {}",
                dispute["amount_minor"], dispute["fee_minor"]
            )
        };
        shown["disputes"]
            .as_array()
            .unwrap()
            .iter()
            .map(one)
            .collect()
    }

    /// What its chargebacks moved of what is owed, in the order they were booked.
    fn chargebacks(&self) -> Vec<i64> {
        let shown = self.shown();
        let postings = shown["postings"].as_array().unwrap().iter();
        postings
            .filter(|posting| {
                let movement = posting["movement"].as_str().unwrap();
                movement.starts_with("chargeback") && posting["ledger_account"] == "receivable"
            })
            .map(|posting| posting["amount_minor"].as_i64().unwrap())
            .collect()
    }

    fn deliver(&self, served: &Listening) {
        let stripe = &self.shop.stripe;
        let told = stripe.take_events();
        served.deliver_all(&told);
        let is_done = events(self.shop.house).is_empty();
        let asked = stripe.seen().len();
        served.deliver_all(&told);
        // What is done with is not even looked at.
        assert!(!is_done || stripe.seen().len() == asked, "{told:?}");
    }
}

fn what_is_announced_books_nothing_until_the_money_moves(house: &House) {
    let paid = Paid::open(house);
    let served = Listening::start(house);
    let stripe = &paid.shop.stripe;
    let first = stripe.announce_dispute(&paid.intent, 100);
    paid.deliver(&served);
    assert_eq!(paid.disputes(), ["announced 100 0"]);
    assert_eq!(paid.chargebacks(), Vec::<i64>::new());
    assert_eq!(paid.shown()["state"], "succeeded");
    paid.shop.check();
    stripe.withdraw(&first, 1_500);
    paid.deliver(&served);
    assert_eq!(paid.disputes(), ["open 100 1500"]);
    let ruled_out = "SELECT COUNT(*) FROM payment_method WHERE state = 'hard_declined'";
    assert_eq!(house.watch().count(ruled_out), 1);
    assert_eq!(paid.shop.open_minor(), 100);
    // The event of another one's money is missed: reconciling reads it again.
    let second = stripe.announce_dispute(&paid.intent, 50);
    paid.deliver(&served);
    stripe.withdraw(&second, 1_500);
    stripe.take_events();
    let answer = house.run(&["reconcile", "--json"]).json();
    assert_eq!(answer["disputes"], 2, "{answer}");
    assert_eq!(paid.disputes(), ["open 100 1500", "open 50 1500"]);
    // Decided for the house, before the money is there.
    stripe.decide_dispute(&second, true);
    paid.deliver(&served);
    assert_eq!(paid.shop.open_minor(), 150);
    stripe.reinstate(&second);
    paid.deliver(&served);
    assert_eq!(paid.disputes(), ["open 100 1500", "won 50 1500"]);
    assert_eq!(paid.chargebacks(), [100, 50, -50]);
    assert_eq!(paid.shown()["state"], "returned");
    paid.shop.check();
}

fn an_inquiry_that_is_answered_moves_nothing(house: &House) {
    let paid = Paid::open(house);
    let served = Listening::start(house);
    let stripe = &paid.shop.stripe;
    let inquiry = stripe.announce_dispute(&paid.intent, paid.total);
    stripe.tamper(&inquiry, &json!({ "status": "warning_needs_response" }));
    paid.deliver(&served);
    assert_eq!(paid.disputes(), [format!("announced {} 0", paid.total)]);
    stripe.tamper(&inquiry, &json!({ "status": "warning_closed" }));
    house.run(&["reconcile"]);
    assert_eq!(paid.disputes(), [format!("won {} 0", paid.total)]);
    assert_eq!(paid.chargebacks(), Vec::<i64>::new());
    assert_eq!(paid.shown()["state"], "succeeded");
    // Nothing is left to be read again.
    let answer = house.run(&["reconcile", "--json"]).json();
    assert_eq!(answer["disputes"], 0, "{answer}");
    paid.shop.check();
}

fn each_of_several_disputes_is_booked_once(house: &House) {
    let paid = Paid::open(house);
    let served = Listening::start(house);
    let (stripe, total) = (&paid.shop.stripe, paid.total);
    let first = stripe.open_dispute(&paid.intent, total, 1_500);
    let opened = stripe.take_events();
    served.deliver_all(&opened);
    stripe.close_dispute(&first, true);
    paid.deliver(&served);
    assert_eq!(paid.shown()["state"], "succeeded");
    assert_eq!(paid.shop.open_minor(), 0);
    // Again, after it was won.
    let second = stripe.open_dispute(&paid.intent, total, 1_500);
    paid.deliver(&served);
    assert_eq!(paid.shop.open_minor(), total);
    stripe.close_dispute(&second, false);
    paid.deliver(&served);
    // The first event, told anew: its dispute is read as it is.
    let mut again = opened[0].clone();
    again["id"] = "evt_again".into();
    served.deliver_all(&[again]);
    assert_eq!(
        paid.disputes(),
        [format!("won {total} 1500"), format!("lost {total} 1500")]
    );
    assert_eq!(paid.chargebacks(), [total, -total, total]);
    // A third cannot be: all of it is gone.
    stripe.open_dispute(&paid.intent, 100, 1_500);
    paid.deliver(&served);
    assert_eq!(paid.disputes().len(), 2);
    let open = events(house);
    assert!(
        open.iter().all(|event| event["problem"]
            .as_str()
            .unwrap()
            .contains("100 is taken back of a payment of which 0 is left")),
        "{open:?}"
    );
    assert_eq!(open.len(), 2);
    let mut watch = house.watch();
    for (query, told) in [
        (
            "SELECT COUNT(*) FROM outbox WHERE topic = 'chargeback_opened'",
            2,
        ),
        (
            "SELECT COUNT(*) FROM outbox WHERE topic = 'chargeback_won'",
            1,
        ),
    ] {
        assert_eq!(watch.count(query), told, "{query}");
    }
    let text = house.run(&["payment", "show", &paid.payment]).stdout;
    assert!(text.contains(&format!("dispute {second}")), "{text}");
    paid.shop.check();
}

fn what_was_refunded_is_not_disputed_too(house: &House) {
    let paid = Paid::open(house);
    let served = Listening::start(house);
    house.run(&[
        "refund",
        &paid.payment,
        "1.00",
        "--by",
        "ada",
        "--reason",
        "a gift",
    ]);
    paid.shop.stripe.take_events();
    paid.shop
        .stripe
        .open_dispute(&paid.intent, paid.total, 1_500);
    paid.deliver(&served);
    assert_eq!(paid.disputes(), Vec::<String>::new());
    assert_eq!(paid.chargebacks(), Vec::<i64>::new());
    assert_eq!(events(house).len(), 2);
    paid.shop.check();
}

fn a_dispute_that_is_read_first_books_its_payment_before(house: &House) {
    let shop = Shop::impatient(house, 60);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    shop.stripe.faults().push(Fault::BrokenOffAfter);
    shop.collect(&[]);
    let payment = shop.payments()[0]["id"].as_str().unwrap().to_owned();
    let intent = shop.stripe.intents(&payment)[0]["id"].clone();
    let intent = intent.as_str().unwrap().to_owned();
    shop.stripe.take_events();
    let paid = Paid {
        shop,
        total,
        payment,
        intent,
    };
    paid.shop.stripe.open_dispute(&paid.intent, total, 1_500);
    let served = Listening::start(house);
    paid.deliver(&served);
    let shown = paid.shown();
    let fees: i64 = shown["postings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|posting| posting["ledger_account"] == "provider_fees")
        .map(|posting| posting["amount_minor"].as_i64().unwrap())
        .sum();
    assert_eq!(fees, fee_minor(total) + 1_500, "{shown}");
    assert_eq!(paid.chargebacks(), [total]);
    assert_eq!(paid.shop.open_minor(), total);
    paid.shop.check();
}

fn an_amount_that_differs_waits_for_a_person(house: &House) {
    let shop = Shop::impatient(house, 60);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    shop.stripe.faults().push(Fault::BrokenOffAfter);
    shop.collect(&[]);
    let payment = shop.payments()[0]["id"].as_str().unwrap().to_owned();
    let intent = shop.stripe.intents(&payment)[0]["id"].clone();
    let intent = intent.as_str().unwrap();
    shop.stripe.tamper(intent, &json!({ "amount": total + 1 }));
    // Its event says so, and after a day so does whoever looks it up.
    let served = Listening::start(house);
    served.deliver_all(&shop.stripe.take_events());
    let open = events(house);
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(
        open[0]["problem"]
            .as_str()
            .unwrap()
            .contains("cannot be booked")
    );
    let show = || house.run(&["payment", "show", &payment, "--json"]).json();
    let noted = show();
    assert_eq!(noted["state"], "unknown", "{noted}");
    assert!(
        noted["problem"].as_str().unwrap().contains(intent),
        "{noted}"
    );
    shop.on(4);
    let refused = house.refuse(&["reconcile", "--json"]);
    let answer: Value = serde_json::from_str(&refused.stdout).unwrap();
    let problem = answer["problems"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("asked was"), "{answer}");
    let text = house.run(&["payment", "show", &payment]).stdout;
    assert!(
        text.contains("problem   Stripe answers what cannot be booked"),
        "{text}"
    );
    // Nothing is guessed, and nothing else is tried.
    assert_eq!(show()["state"], "unknown");
    shop.collect(&["--account", "acc-2"]);
    assert_eq!(shop.stripe.requests("POST /v1/payment_intents"), 1);
    assert_eq!(shop.open_minor(), total);
    // It was Stripe's mistake.
    shop.stripe.tamper(intent, &json!({ "amount": total }));
    house.run(&["reconcile"]);
    let settled = show();
    assert_eq!(settled["state"], "succeeded", "{settled}");
    assert_eq!(settled.get("problem"), None);
    assert_eq!(shop.open_minor(), 0);
    shop.check();
}

/// The schema as it was before disputes had names.
fn forget_names(house: &House) {
    for statement in [
        "DROP TABLE payment_dispute",
        "DROP INDEX ledger_entry_disputes",
        "ALTER TABLE ledger_entry DROP COLUMN dispute_id",
        "ALTER TABLE payment_attempt DROP COLUMN problem",
        "ALTER TABLE credit_purchase DROP COLUMN problem",
        "DELETE FROM _sqlx_migrations WHERE version = 5",
    ] {
        house.execute(statement);
    }
}

fn disputes_from_before_they_had_names(house: &House) {
    let paid = Paid::open(house);
    let stripe = &paid.shop.stripe;
    let total = paid.total;
    let (first, second) = {
        let served = Listening::start(house);
        let first = stripe.open_dispute(&paid.intent, total, 1_500);
        paid.deliver(&served);
        stripe.close_dispute(&first, true);
        paid.deliver(&served);
        let second = stripe.open_dispute(&paid.intent, total, 1_600);
        paid.deliver(&served);
        (first, second)
    };
    forget_names(house);
    // Whatever comes next brings the database up to date.
    paid.shop.check();
    assert_eq!(
        paid.disputes(),
        [format!("won {total} 1500"), format!("open {total} 1600")]
    );
    // Told anew, they take their names, and are booked no second time.
    let served = Listening::start(house);
    stripe.close_dispute(&second, true);
    for (no, dispute) in [&second, &first].into_iter().enumerate() {
        let event = json!({
            "id": format!("evt_late_{no}"), "object": "event", "livemode": false,
            "type": "charge.dispute.closed", "data": {"object": {"id": dispute, "object": "dispute"}}
        });
        served.deliver_all(&[event]);
    }
    assert_eq!(
        paid.disputes(),
        [format!("won {total} 1500"), format!("won {total} 1600")]
    );
    assert_eq!(paid.chargebacks(), [total, -total, total, -total]);
    let names = paid.shown()["disputes"].clone();
    assert_eq!(names[1]["reference"], second.as_str(), "{names}");
    assert_eq!(names[0]["reference"], first.as_str(), "{names}");
    paid.shop.check();
}

async fn engine(house: &House, settings: &Path) -> Engine {
    let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
    let config = Config::load(Some(settings)).unwrap();
    Engine::new(store, config, Clock::Fixed(NOW.parse().unwrap()))
}

/// Two disputes of one payment, read as they were at any time, in any order, often,
/// and two at once.
fn any_order_of_readings_on_the_books(house: &House) {
    let paid = Paid::open(house);
    let total = paid.total;
    let id: AttemptId = paid.payment.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(engine(house, &house.path("quittance.toml")));
    let account = house
        .watch()
        .count("SELECT account_id FROM payment_attempt");
    let record = |case: usize, which: usize, standing, amount_minor| {
        let name = format!("dp_{case}_{which}");
        let engine = &engine;
        async move {
            let claim = DisputeClaim {
                source: EventSource::Stripe,
                name: DisputeName::Dispute(&name),
                currency: Currency::Eur,
                news: DisputeNews {
                    standing,
                    amount_minor,
                    fee_minor: 15,
                    fee_returned_minor: 5,
                },
            };
            engine
                .record_card_dispute(AccountId(account), id, &claim)
                .await
        }
    };
    let reads = prop::collection::vec((0..2_usize, 0..5_usize), 2..14);
    let strategy = (1_i64..total + 50, 1_i64..total + 50, reads);
    let mut runner = TestRunner::new(Runs {
        cases: 24,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Runs::default()
    });
    let case = std::cell::Cell::new(0_usize);
    let told = runner.run(&strategy, |(first, second, reads)| {
        use DisputeStanding::{Announced, Dropped, Lost, Open, Won};
        case.set(case.get() + 1);
        let (case, amounts) = (case.get(), [first, second]);
        let standings = [Announced, Dropped, Open, Won, Lost];
        runtime.block_on(async {
            for pair in reads.chunks(2) {
                // Two that interleave; what is refused is for a person.
                let both = pair.iter().map(|&(which, standing)| {
                    record(case, which, standings[standing], amounts[which])
                });
                let _ = futures_util::future::join_all(both).await;
            }
        });
        let mut watch = house.watch();
        let taken = watch.count(
            "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM payment_dispute \
             WHERE state IN ('open', 'lost')",
        );
        prop_assert!(taken <= total, "{taken} of {total}");
        prop_assert_eq!(paid.shop.open_minor(), taken);
        let returned = watch.count("SELECT COUNT(*) FROM payment_attempt WHERE state = 'returned'");
        prop_assert_eq!(returned == 1, taken > 0);
        let zero = watch
            .count("SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM ledger_posting");
        prop_assert_eq!(zero, 0);
        let findings = runtime.block_on(quittance::engine::verify::verify(&engine.store));
        prop_assert_eq!(findings.unwrap().broken, Vec::<String>::new());
        // Everything comes back, for the next case.
        runtime.block_on(async {
            for which in [0, 1] {
                let _ = record(case, which, Won, amounts[which]).await;
            }
        });
        prop_assert_eq!(paid.shop.open_minor(), 0);
        Ok(())
    });
    if let Err(error) = told {
        panic!("{error}");
    }
    let opened = "SELECT COUNT(*) FROM ledger_entry WHERE movement = 'chargeback_opened'";
    assert!(house.watch().count(opened) > 5, "nothing was disputed");
    paid.shop.check();
}
