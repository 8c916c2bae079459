//! Whatever happens to refunds in whatever order: what is booked is what Stripe
//! gave back, no more than was paid, and nothing twice.

use std::cell::RefCell;

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestCaseError, TestRunner};
use quittance::clock::Clock;
use quittance::config::Config;
use quittance::domain::ids::AttemptId;
use quittance::engine::run::Engine;
use quittance::store::rows::ByPerson;
use quittance::store::{IfMissing, Store};
use serde_json::Value;

use super::refunds::paid_beyond;
use super::{Shop, WEBHOOK_SECRET};
use crate::fakes::Fault;
use crate::fakes::stripe::{NOW_S, SECRET_KEY, StripeFake};
use crate::on_both;
use crate::support::{House, NOW};

on_both!(any_sequence_books_what_was_given_back);

#[derive(Debug, Clone)]
enum Step {
    /// Of one of the payments, so many cents; whether it reopens.
    Refund(usize, i64, bool),
    /// How the refunds to come stand at first.
    Comes(&'static str),
    /// One of the refunds at Stripe arrives, or does not.
    Finish(usize),
    Fail(usize),
    /// One of the events there were.
    Deliver(usize),
    Reconcile,
    Fault(Fault),
    Later(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        Just(Fault::ErrorBefore),
        Just(Fault::ErrorAfter),
        Just(Fault::BrokenOffAfter),
        Just(Fault::MalformedAfter),
        Just(Fault::TooMany),
    ];
    let comes = prop_oneof![Just("succeeded"), Just("pending"), Just("failed")];
    prop_oneof![
        5 => (any::<usize>(), 1_i64..150, any::<bool>())
            .prop_map(|(at, minor, reopens)| Step::Refund(at, minor, reopens)),
        2 => comes.prop_map(Step::Comes),
        2 => any::<usize>().prop_map(Step::Finish),
        2 => any::<usize>().prop_map(Step::Fail),
        4 => any::<usize>().prop_map(Step::Deliver),
        2 => Just(Step::Reconcile),
        2 => fault.prop_map(Step::Fault),
        1 => (0_i64..50).prop_map(Step::Later),
    ]
}

/// The books of a shop, asked from within the test.
struct Books<'a> {
    shop: Shop<'a>,
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    payments: Vec<AttemptId>,
    events: Vec<Value>,
}

impl<'a> Books<'a> {
    fn open(house: &'a House) -> Self {
        let (shop, _, _) = paid_beyond(house);
        let key = house.file("stripe-key", SECRET_KEY);
        let secret = house.file("stripe-webhook", WEBHOOK_SECRET);
        let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
        let settings = settings
            .replace("env:STRIPE_KEY", &format!("file:{}", key.display()))
            .replace("env:STRIPE_WEBHOOK", &format!("file:{}", secret.display()));
        let path = house.file("engine.toml", settings);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let config = Config::load(Some(&path)).unwrap();
        let store = Store::open(house.url(), IfMissing::Refuse);
        let store = runtime.block_on(store).unwrap();
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let payments = shop.payments();
        let payments = payments
            .iter()
            .map(|payment| payment["id"].as_str().unwrap().parse().unwrap());
        Self {
            payments: payments.collect(),
            engine: Engine::new(store, config, Clock::Fixed(now)),
            runtime,
            shop,
            events: Vec::new(),
        }
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn deliver(&self, event: &Value) {
        let body = serde_json::to_vec(event).unwrap();
        let signature = StripeFake::sign(&body, WEBHOOK_SECRET, NOW_S);
        // What fails now comes again.
        let _ = self.run(self.engine.handle_stripe_event(&signature, &body));
    }

    /// The refunds at Stripe that stand so.
    fn at_stripe(&self, stands: &[&str]) -> Vec<Value> {
        let mut all = self.shop.stripe.objects();
        all.retain(|object| {
            object["object"] == "refund" && stands.iter().any(|status| object["status"] == *status)
        });
        all
    }

    fn act(&mut self, step: &Step) {
        let pick = |at: usize, stands: &[&str]| {
            let all = self.at_stripe(stands);
            let one = (!all.is_empty()).then(|| all[at % all.len()]["id"].clone());
            one.map(|id| id.as_str().unwrap().to_owned())
        };
        let by = ByPerson {
            actor: "ada",
            reason: "outage",
        };
        let stripe = &self.shop.stripe;
        match step {
            Step::Refund(at, minor, reopens) => {
                let payment = self.payments[at % self.payments.len()];
                // What fails on purpose fails; what matters is what it leaves.
                let asked = self
                    .engine
                    .refund_payment(payment, Some(*minor), *reopens, by);
                let _ = self.run(asked);
            }
            Step::Comes(status) => stripe.refund_status(status),
            Step::Finish(at) => {
                if let Some(id) = pick(*at, &["pending"]) {
                    stripe.finish_refund(&id);
                }
            }
            Step::Fail(at) => {
                if let Some(id) = pick(*at, &["pending", "succeeded"]) {
                    stripe.fail_refund(&id);
                }
            }
            Step::Deliver(at) => {
                if !self.events.is_empty() {
                    self.deliver(&self.events[at % self.events.len()]);
                }
            }
            Step::Reconcile => {
                self.run(self.engine.reconcile_refunds()).unwrap();
            }
            Step::Fault(fault) => stripe.faults().push(fault.clone()),
            Step::Later(hours) => {
                let now: DateTime<Utc> = NOW.parse().unwrap();
                self.engine.clock = Clock::Fixed(now + Duration::hours(*hours));
                if *hours >= 24 {
                    stripe.forget_keys();
                }
            }
        }
        self.events.extend(self.shop.stripe.take_events());
    }

    /// Nothing goes wrong any more, and everything is told.
    fn come_to_an_end(&mut self) {
        self.shop.stripe.faults().clear();
        self.act(&Step::Comes("succeeded"));
        self.act(&Step::Later(0));
        for _ in 0..2 {
            while !self.at_stripe(&["pending"]).is_empty() {
                self.act(&Step::Finish(0));
            }
            for event in &self.events {
                self.deliver(event);
            }
            self.act(&Step::Reconcile);
        }
    }

    fn check(&self, house: &House, paid_minor: i64) -> Result<(), TestCaseError> {
        let mut watch = house.watch();
        let booked = watch.count(
            "SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_posting p JOIN ledger_entry e \
             ON e.account_id = p.account_id AND e.id = p.entry_id \
             WHERE p.ledger_account = 'clearing_stripe' AND e.refund_id IS NOT NULL",
        );
        let given_back = self.at_stripe(&["succeeded"]);
        let gone: i64 = given_back
            .iter()
            .map(|refund| refund["amount"].as_i64().unwrap())
            .sum();
        prop_assert_eq!(
            booked,
            gone,
            "booked as given back, and given back by Stripe"
        );
        prop_assert!(gone <= paid_minor);
        // None was sent twice.
        let mut keys = std::collections::BTreeSet::new();
        for refund in self.at_stripe(&["succeeded", "pending", "failed"]) {
            let key = refund["metadata"]["refund"].as_str().unwrap().to_owned();
            prop_assert!(keys.insert(key), "{} was made twice", refund);
        }
        let in_flight = watch.count(
            "SELECT COUNT(*) FROM refund WHERE state IN ('created', 'submitted', 'pending', 'unknown')",
        );
        prop_assert_eq!(in_flight, 0);
        let open = watch.count("SELECT COUNT(*) FROM provider_event WHERE handled_at IS NULL");
        prop_assert_eq!(open, 0);
        let zero = watch.count("SELECT CAST(SUM(amount_minor) AS BIGINT) FROM ledger_posting");
        prop_assert_eq!(zero, 0);
        let findings = self.run(quittance::engine::verify::verify(&self.engine.store));
        prop_assert_eq!(findings.unwrap().broken, Vec::<String>::new());
        Ok(())
    }
}

/// A sequence with each end that a refund can come to, so that whatever is drawn after
/// it, the property was about something.
fn with_every_end(books: &mut Books<'_>, house: &House, paid_minor: i64) {
    let each = 0..books.payments.len();
    for step in each.map(|at| Step::Refund(at, 149, true)) {
        books.act(&step);
    }
    for step in [
        Step::Fail(0),
        Step::Comes("failed"),
        Step::Refund(0, 10, true),
        Step::Refund(1, 10, true),
        Step::Comes("succeeded"),
        Step::Refund(0, 10, true),
        Step::Refund(1, 10, true),
    ] {
        books.act(&step);
    }
    books.come_to_an_end();
    books.check(house, paid_minor).unwrap();
    assert!(!books.at_stripe(&["succeeded"]).is_empty());
    assert!(!books.at_stripe(&["failed"]).is_empty());
    let mut watch = house.watch();
    for query in [
        "SELECT COUNT(*) FROM refund WHERE state = 'returned'",
        "SELECT COUNT(*) FROM refund WHERE state = 'declined'",
        "SELECT COUNT(*) FROM refund WHERE credit_minor > 0 AND credit_minor < amount_minor",
    ] {
        assert!(watch.count(query) > 0, "{query}");
    }
}

fn any_sequence_books_what_was_given_back(house: &House) {
    let mut books = Books::open(house);
    let paid_minor = books.shop.stripe.charged_in_all();
    with_every_end(&mut books, house, paid_minor);
    let books = RefCell::new(books);
    let mut runner = TestRunner::new(Cases {
        cases: 24,
        // A broken book stays broken: a shorter story would fail too.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Cases::default()
    });
    let told = runner.run(&prop::collection::vec(step(), 5..40), |steps| {
        let mut books = books.borrow_mut();
        for step in &steps {
            books.act(step);
        }
        books.come_to_an_end();
        books.check(house, paid_minor)
    });
    if let Err(error) = told {
        panic!("{error}");
    }
    books.into_inner().shop.check();
}
