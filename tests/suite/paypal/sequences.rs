//! Whatever happens in whatever order: what was credited is what was taken.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use quittance::domain::ids::{AccountId, PurchaseId};
use quittance::domain::money::{Currency, Money};
use quittance::store::rows::ByPerson;

use super::desk::Desk;
use crate::fakes::Fault;
use crate::fakes::paypal::{CaptureEnd, SentEvent};
use crate::on_both;
use crate::support::House;

on_both!(any_sequence_credits_what_was_taken);

#[derive(Debug, Clone)]
enum Step {
    Buy(i64),
    /// One of the purchases there are.
    Approve(usize),
    Advance(usize),
    Refund(usize, i64),
    Dispute(i64),
    /// One of those that are open.
    Resolve(usize, bool),
    /// One of the events there were.
    Deliver(usize),
    Reconcile,
    ForgetKeys,
    Later(i64),
    Fault(Fault),
    End(CaptureEnd),
    /// How the next refund stands at first.
    RefundEnd(&'static str),
    /// A refund that stands so stands otherwise.
    Overturn(&'static str, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        Just(Fault::ErrorBefore),
        Just(Fault::ErrorAfter),
        Just(Fault::BrokenOffAfter),
        Just(Fault::MalformedAfter),
        Just(Fault::TooMany),
        Just(Fault::Decline("INSTRUMENT_DECLINED")),
    ];
    let end = prop_oneof![
        Just(CaptureEnd::Completed),
        Just(CaptureEnd::Pending),
        Just(CaptureEnd::Declined),
    ];
    prop_oneof![
        4 => (500_i64..9_000).prop_map(Step::Buy),
        6 => any::<usize>().prop_map(Step::Approve),
        6 => any::<usize>().prop_map(Step::Advance),
        8 => (any::<usize>(), 1_i64..1_000).prop_map(|(at, minor)| Step::Refund(at, minor)),
        1 => (1_i64..3_000).prop_map(Step::Dispute),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, is_won)| Step::Resolve(at, is_won)),
        4 => any::<usize>().prop_map(Step::Deliver),
        2 => Just(Step::Reconcile),
        1 => Just(Step::ForgetKeys),
        1 => (0_i64..80).prop_map(Step::Later),
        4 => fault.prop_map(Step::Fault),
        1 => end.prop_map(Step::End),
        2 => prop_oneof![Just("PENDING"), Just("FAILED")].prop_map(Step::RefundEnd),
        2 => prop_oneof![
            Just(("FAILED", "COMPLETED")),
            // For good: what was canceled does not turn up.
            Just(("COMPLETED", "CANCELLED")),
            Just(("PENDING", "COMPLETED")),
            Just(("PENDING", "FAILED")),
        ]
        .prop_map(|(from, to)| Step::Overturn(from, to)),
    ]
}

/// What one sequence meets. All of them share the house, so every sum is of all.
struct Story<'a, 'b> {
    desk: &'a mut Desk<'b>,
    account: AccountId,
    purchases: Vec<PurchaseId>,
    events: Vec<SentEvent>,
    disputes: Vec<String>,
}

impl Story<'_, '_> {
    fn act(&mut self, step: &Step) {
        let desk = &*self.desk;
        let pick = |at: usize| {
            (!self.purchases.is_empty()).then(|| self.purchases[at % self.purchases.len()])
        };
        let by = ByPerson {
            actor: "ada",
            reason: "leaves",
        };
        // What fails on purpose fails; what matters is what it leaves behind.
        match step {
            Step::Buy(minor) => {
                let amount = Money::new(*minor, Currency::Eur);
                let bought = desk.run(desk.engine.buy_credit(&desk.paypal, self.account, amount));
                if let Ok(bought) = bought {
                    self.purchases.push(bought.purchase.id);
                }
            }
            Step::Approve(at) => {
                let mut orders = desk.fake.orders();
                orders.retain(|order| desk.fake.is_approvable(order));
                if !orders.is_empty() {
                    desk.fake.approve(&orders[at % orders.len()]);
                }
            }
            Step::Advance(at) => {
                if let Some(id) = pick(*at) {
                    let _ = desk.run(desk.engine.advance_purchase(&desk.paypal, id));
                }
            }
            Step::Refund(at, minor) => {
                if let Some(id) = pick(*at) {
                    let _ = desk.run(desk.engine.refund_purchase(id, Some(*minor), by));
                }
            }
            Step::Dispute(minor) => {
                if let Some(capture) = desk.fake.disputable(*minor) {
                    self.disputes.push(desk.fake.dispute(&capture, *minor));
                }
            }
            Step::Resolve(at, is_won) => {
                if !self.disputes.is_empty() {
                    let dispute = self.disputes.swap_remove(at % self.disputes.len());
                    let outcome = if *is_won {
                        "RESOLVED_SELLER_FAVOUR"
                    } else {
                        "RESOLVED_BUYER_FAVOUR"
                    };
                    desk.fake.resolve(&dispute, outcome);
                }
            }
            Step::Deliver(at) => {
                if !self.events.is_empty() {
                    let _ = desk.deliver(&self.events[at % self.events.len()]);
                }
            }
            Step::Reconcile => {
                desk.reconcile();
            }
            Step::ForgetKeys => desk.fake.forget_keys(),
            Step::Later(hours) => self.desk.later(*hours),
            Step::Fault(fault) => desk.fake.faults().push(fault.clone()),
            Step::End(end) => desk.fake.next_capture(*end),
            Step::RefundEnd(status) => desk.fake.next_refund(status),
            Step::Overturn(from, to) => {
                desk.fake.overturn_refund(from, to);
            }
        }
        self.events.extend(self.desk.fake.take_events());
    }

    fn approve_all(&self) {
        for order in self.desk.fake.approvable() {
            self.desk.fake.approve(&order);
        }
    }

    /// Nothing goes wrong any more, and everything is told.
    fn come_to_an_end(&mut self) {
        let desk = &*self.desk;
        desk.fake.faults().clear();
        desk.fake.forget_ends();
        for _ in 0..2 {
            desk.reconcile();
            while desk.fake.overturn_refund("PENDING", "COMPLETED") {}
            self.events.extend(desk.fake.take_events());
            for event in &self.events {
                let _ = desk.deliver(event);
            }
            self.events.extend(desk.fake.take_events());
        }
        desk.fake.settle_all();
        let last = desk.reconcile();
        assert!(last.unfinished.is_empty(), "{last:?}");
    }
}

fn any_sequence_credits_what_was_taken(house: &House) {
    let desk = Desk::open(house);
    let mut tx = desk.run(desk.engine.store.snapshot()).unwrap();
    let account = desk
        .run(async { quittance::on!(&mut tx, conn, q => q::find_account(conn, "acc-1").await) });
    let account = account.unwrap().unwrap();
    desk.run(tx.rollback()).unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 64,
        // A broken book stays broken: a shorter story would fail too.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    });
    let desk = std::cell::RefCell::new(desk);
    let told = runner.run(&prop::collection::vec(step(), 8..50), |steps| {
        let mut desk = desk.borrow_mut();
        let mut story = Story {
            desk: &mut desk,
            account,
            purchases: Vec::new(),
            events: Vec::new(),
            disputes: Vec::new(),
        };
        // So that there is something to give back.
        story.act(&Step::Buy(9_000));
        story.approve_all();
        story.act(&Step::Advance(0));
        for step in &steps {
            story.act(step);
        }
        story.come_to_an_end();
        desk.later(0);
        let mut watch = house.watch();
        let mut booked = |query| watch.count(query);
        let credited = booked(
            "SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_posting p JOIN ledger_entry e \
             ON e.account_id = p.account_id AND e.id = p.entry_id WHERE p.ledger_account = 'customer_credit' \
             AND e.movement = 'credit_bought'",
        );
        let paid_back = booked(
            "SELECT CAST(COALESCE(SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_posting p JOIN ledger_entry e \
             ON e.account_id = p.account_id AND e.id = p.entry_id WHERE p.ledger_account = 'customer_credit' \
             AND e.movement IN ('credit_paid_back', 'credit_pay_back_failed')",
        );
        let equal = |what: &str, got: i64, expected: i64| {
            if got == expected {
                Ok(())
            } else {
                Err(TestCaseError::fail(format!("{what}: {got}, and PayPal says {expected}")))
            }
        };
        equal("credited", credited, desk.fake.captured_minor())?;
        equal("paid back", paid_back, desk.fake.refunded_minor())?;
        let zero = booked("SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM ledger_posting");
        equal("ledger", zero, 0)?;
        let findings = desk.run(quittance::engine::verify::verify(&desk.engine.store)).unwrap();
        prop_assert_eq!(findings.broken, Vec::<String>::new());
        Ok(())
    });
    if let Err(error) = told {
        panic!("{error}");
    }
    let desk = desk.into_inner();
    // It was about something.
    assert!(desk.fake.captured_minor() > 0);
    assert!(desk.fake.refunded_minor() > 0);
    desk.assert_sound();
}
