use super::*;
use crate::domain::ledger::{Balances, Entry, LedgerAccount};
use crate::domain::money::Currency;
use crate::domain::payment::Decline;
use proptest::prelude::*;

use RefundPurpose::{Goodwill, Reopen, UnusedCredit};

const EUR: Currency = Currency::Eur;
const STRIPE: ProviderName = ProviderName::Stripe;

fn declined() -> AttemptEvent {
    AttemptEvent::Declined {
        decline: Decline::stripe("lost_or_stolen_card"),
    }
}

fn states() -> Vec<AttemptState> {
    let decline = Decline::not_found();
    let reason = Decline::stripe("lost_or_stolen_card");
    vec![
        AttemptState::Created,
        AttemptState::Submitted,
        AttemptState::Pending,
        AttemptState::Unknown,
        AttemptState::Succeeded,
        AttemptState::Declined { decline },
        AttemptState::Returned { reason },
    ]
}

fn balance(total: i64, allocated: i64) -> InvoiceBalance {
    InvoiceBalance::new(total, allocated).unwrap()
}

#[test]
fn no_more_is_given_back_than_is_left_and_out_of_the_credit_first() {
    let bounds = |given_back_minor, held_minor, credit_minor, allocated_minor| RefundBounds {
        paid: Money::new(100, EUR),
        given_back_minor,
        held_minor,
        credit_minor,
        allocated_minor,
    };
    // (purpose, bounds, asked, (amount, out of the credit) or what is said)
    #[rustfmt::skip]
    let table = [
        (Goodwill, bounds(0, 0, 0, 100), Some(100), Ok((100, 0))),
        (Goodwill, bounds(0, 0, 0, 100), None, Ok((100, 0))),
        (Goodwill, bounds(99, 0, 0, 100), Some(1), Ok((1, 0))),
        (Goodwill, bounds(60, 0, 0, 100), None, Ok((40, 0))),
        (Goodwill, bounds(0, 0, 0, 100), Some(101), Err("1.01 EUR cannot be given back: of the payment, 1.00 EUR is left to be paid back")),
        (Goodwill, bounds(60, 0, 0, 100), Some(41), Err("0.41 EUR cannot be given back: of the payment, 0.40 EUR is left to be paid back")),
        (Goodwill, bounds(100, 0, 0, 100), Some(1), Err("0.01 EUR cannot be given back: of the payment, 0.00 EUR is left to be paid back")),
        (Goodwill, bounds(100, 0, 0, 100), None, Err("nothing of the payment is left to be paid back")),
        (Goodwill, bounds(0, 0, 0, 100), Some(0), Err("0.00 EUR cannot be given back, it has to be positive")),
        (Goodwill, bounds(0, 0, 0, 100), Some(-5), Err("-0.05 EUR cannot be given back, it has to be positive")),
        // Credit of the account that is not the payment's is not touched.
        (Goodwill, bounds(0, 0, 500, 100), Some(100), Ok((100, 0))),
        // 30 of it became credit, which is there, all or in part, or is not.
        (Goodwill, bounds(0, 30, 500, 70), Some(20), Ok((20, 20))),
        (Goodwill, bounds(0, 30, 500, 70), Some(50), Ok((50, 30))),
        (Goodwill, bounds(0, 30, 500, 70), None, Ok((100, 30))),
        (Goodwill, bounds(0, 30, 10, 70), Some(50), Ok((50, 10))),
        (Goodwill, bounds(0, 30, 10, 70), Some(80), Ok((80, 10))),
        (Goodwill, bounds(0, 30, 10, 70), Some(81), Err("0.81 EUR cannot be given back, but 0.80 EUR: 0.30 EUR of the payment is credit, and of the account's credit, 0.10 EUR is unused")),
        (Goodwill, bounds(0, 30, 0, 70), None, Err("1.00 EUR cannot be given back, but 0.70 EUR: 0.30 EUR of the payment is credit, and of the account's credit, 0.00 EUR is unused")),
        (Goodwill, bounds(0, 30, -9, 70), Some(70), Ok((70, 0))),
        (Goodwill, bounds(0, 100, 0, 0), Some(1), Err("0.01 EUR cannot be given back, but 0.00 EUR: 1.00 EUR of the payment is credit, and of the account's credit, 0.00 EUR is unused")),
        (Goodwill, bounds(80, 30, 30, 70), Some(20), Ok((20, 20))),
        // Only what paid the invoice is owed again.
        (Reopen, bounds(0, 30, 30, 70), None, Ok((100, 30))),
        (Reopen, bounds(0, 30, 30, 69), None, Err("0.70 EUR would be owed again, but only 0.69 EUR is allocated to the invoice")),
        (Reopen, bounds(0, 30, 30, 0), Some(30), Ok((30, 30))),
        // All of a purchase is credit.
        (UnusedCredit, bounds(0, 0, 100, 0), Some(100), Ok((100, 100))),
        (UnusedCredit, bounds(0, 0, 99, 0), Some(100), Err("1.00 EUR cannot be given back, but 0.99 EUR: 1.00 EUR of the payment is credit, and of the account's credit, 0.99 EUR is unused")),
        (UnusedCredit, bounds(40, 0, 900, 0), Some(60), Ok((60, 60))),
        (UnusedCredit, bounds(40, 0, 900, 0), Some(61), Err("0.61 EUR cannot be given back: of the payment, 0.60 EUR is left to be paid back")),
        (UnusedCredit, bounds(0, 0, -1, 0), Some(1), Err("0.01 EUR cannot be given back, but 0.00 EUR: 1.00 EUR of the payment is credit, and of the account's credit, 0.00 EUR is unused")),
    ];
    for (purpose, bounds, asked, expected) in table {
        let got = check_refund(&AttemptState::Succeeded, purpose, bounds, asked);
        let got = got
            .map(|split| (split.amount_minor, split.credit_minor))
            .map_err(|refusal| refusal.to_string());
        assert_eq!(
            got,
            expected.map_err(str::to_owned),
            "{purpose:?} {bounds:?} {asked:?}"
        );
    }
    for state in states() {
        let allowed = check_refund(&state, Goodwill, bounds(0, 0, 0, 100), Some(1)).is_ok();
        assert_eq!(allowed, state == AttemptState::Succeeded, "{state}");
    }
}

fn facts<'a>(
    state: &'a AttemptState,
    purpose: RefundPurpose,
    split: (i64, i64),
) -> RefundFacts<'a> {
    RefundFacts {
        state,
        purpose,
        provider: STRIPE,
        split: Split {
            amount_minor: split.0,
            credit_minor: split.1,
        },
        debt: None,
        booked: BookedRefund::default(),
    }
}

fn of_invoice(
    facts: RefundFacts<'_>,
    (total, allocated, written_off_minor): (i64, i64, i64),
) -> RefundFacts<'_> {
    RefundFacts {
        debt: Some(RefundedDebt {
            balance: balance(total, allocated),
            written_off_minor,
        }),
        ..facts
    }
}

/// One line a state: what each of the events makes of a refund. `=` changes
/// nothing, `!` is a contradiction.
const TABLE: &str = "
    created: submitted | pending | unknown | succeeded | declined lost_or_stolen_card | declined not_found | declined withdrawn | !
    submitted: = | pending | unknown | succeeded | declined lost_or_stolen_card | declined not_found | ! | !
    pending: = | = | = | succeeded | declined lost_or_stolen_card | ! | ! | !
    unknown: = | pending | = | succeeded | declined lost_or_stolen_card | declined not_found | ! | !
    succeeded: = | = | = | = | returned lost_or_stolen_card | ! | ! | !
    declined not_found: = | pending | = | succeeded | = | = | = | !
    returned lost_or_stolen_card: = | ! | = | ! | = | = | = | !";

#[test]
fn every_state_of_a_refund_meets_every_event() {
    use AttemptEvent::{Accepted, Lost, NotFound, Returned, Sent, Succeeded, Withdrawn};
    let reason = Decline::chargeback();
    #[rustfmt::skip]
    let events = [Sent, Accepted, Lost, Succeeded, declined(), NotFound, Withdrawn, Returned { reason }];
    let short = |state: &AttemptState| match state.refusal() {
        Some(refusal) => format!("{} {}", state.code(), refusal.code),
        None => state.code().to_owned(),
    };
    let rows: Vec<&str> = TABLE.trim().lines().map(str::trim).collect();
    assert_eq!(rows.len(), states().len());
    for (state, row) in states().iter().zip(rows) {
        let (name, cells) = row.split_once(": ").unwrap();
        assert_eq!(short(state), name);
        let cells: Vec<&str> = cells.split(" | ").collect();
        assert_eq!(cells.len(), events.len(), "{name}");
        for (event, expected) in events.iter().zip(cells) {
            let settled = settle_refund(&facts(state, Goodwill, (100, 0)), event);
            let got = match &settled {
                Ok(None) => "=".to_owned(),
                Ok(Some(settled)) => short(&settled.state),
                Err(_) => "!".to_owned(),
            };
            assert_eq!(got, expected, "{name} and {event}");
            // An outcome becomes another only by what was read after it.
            if let Ok(Some(settled)) = settled {
                assert_eq!(settled.overturns, !state.in_flight(), "{name} and {event}");
            }
        }
    }
}

#[test]
fn each_outcome_books_what_it_moves() {
    use Movement::{
        CreditGrantUndone, CreditGranted, CreditPaidBack, CreditPayBackFailed, RefundToCardFailed,
        RefundedToCard, RefundedToCredit, WriteOffRecovered,
    };
    let open = AttemptState::Submitted;
    let lost = AttemptState::Declined {
        decline: Decline::not_found(),
    };
    let done = AttemptState::Succeeded;
    let granted = |amount_minor| CreditGranted { amount_minor };
    let reopened = |amount_minor| RefundedToCard { amount_minor };
    let paid_back = |amount_minor| CreditPaidBack {
        provider: STRIPE,
        amount_minor,
    };
    let failed = |amount_minor| CreditPayBackFailed {
        provider: STRIPE,
        amount_minor,
    };
    let booked = |facts, (reopened_minor, granted_minor, paid_back_minor)| RefundFacts {
        booked: BookedRefund {
            reopened_minor,
            granted_minor,
            paid_back_minor,
        },
        ..facts
    };
    let refund = |purpose, split| of_invoice(facts(&open, purpose, split), (100, 100, 0));
    let back = |(total, allocated, written_off), moved| {
        let facts = facts(&done, Reopen, (100, 0));
        booked(of_invoice(facts, (total, allocated, written_off)), moved)
    };
    use AttemptEvent::Succeeded;
    // (facts, event, movements)
    #[rustfmt::skip]
    let table = [
        (refund(Goodwill, (100, 0)), Succeeded, vec![granted(100), paid_back(100)]),
        (refund(Goodwill, (100, 30)), Succeeded, vec![granted(70), paid_back(100)]),
        (refund(Goodwill, (30, 30)), Succeeded, vec![paid_back(30)]),
        (refund(Reopen, (100, 0)), Succeeded, vec![reopened(100)]),
        (refund(Reopen, (100, 30)), Succeeded, vec![reopened(70), paid_back(30)]),
        // A dispute took the invoice's money back meanwhile, all or some of it.
        (of_invoice(facts(&open, Reopen, (100, 0)), (100, 0, 0)), Succeeded, vec![granted(100), paid_back(100)]),
        (of_invoice(facts(&open, Reopen, (100, 30)), (100, 50, 0)), Succeeded, vec![reopened(50), granted(20), paid_back(50)]),
        (facts(&open, UnusedCredit, (100, 100)), Succeeded, vec![paid_back(100)]),
        (facts(&open, UnusedCredit, (100, 100)), declined(), vec![]),
        // It was recorded as declined, and the money is gone.
        (facts(&lost, UnusedCredit, (100, 100)), Succeeded, vec![paid_back(100)]),
        (facts(&lost, Goodwill, (100, 0)), Succeeded, vec![granted(100), paid_back(100)]),
        // It did not arrive: all is as before.
        (booked(facts(&done, UnusedCredit, (100, 100)), (0, 0, 100)), declined(), vec![failed(100)]),
        (back((100, 100, 0), (0, 70, 100)), declined(), vec![failed(100), CreditGrantUndone { amount_minor: 70 }]),
        // The debt is open still; was paid otherwise, in part; was given up.
        (back((100, 0, 0), (100, 0, 0)), declined(), vec![RefundToCardFailed { amount_minor: 100 }]),
        (back((100, 100, 0), (100, 0, 0)), declined(), vec![RefundToCardFailed { amount_minor: 100 }, RefundedToCredit { amount_minor: 100 }]),
        (back((100, 60, 0), (100, 0, 0)), declined(), vec![RefundToCardFailed { amount_minor: 100 }, RefundedToCredit { amount_minor: 60 }]),
        (back((100, 100, 100), (100, 0, 0)), declined(), vec![WriteOffRecovered { amount_minor: 100 }, RefundToCardFailed { amount_minor: 100 }]),
        (back((100, 40, 0), (60, 10, 40)), declined(), vec![RefundToCardFailed { amount_minor: 60 }, failed(40), CreditGrantUndone { amount_minor: 10 }]),
    ];
    for (facts, event, movements) in table {
        let settled = settle_refund(&facts, &event).unwrap().unwrap();
        assert_eq!(settled.movements, movements, "{facts:?} {event}");
        let notice = match settled.state {
            AttemptState::Succeeded => Some(RefundNotice::Refunded),
            AttemptState::Returned { .. } => Some(RefundNotice::RefundFailed),
            _ => None,
        };
        assert_eq!(settled.notice, notice, "{facts:?} {event}");
    }
}

/// An account with one invoice that is paid more than once, and another that
/// its credit pays.
struct World {
    ledger: Balances,
    /// What of each invoice is allocated; both are of 1,000.
    allocated: [i64; 2],
    payments: Vec<Payment>,
    /// What came in and what went out at the provider.
    cash: i64,
}

struct Payment {
    refunds: Vec<Refund>,
    /// What of it is credit, as the ledger has it.
    held: i64,
    /// What of it ever became credit, and no longer pays the invoice.
    became_credit: i64,
}

struct Refund {
    state: AttemptState,
    purpose: RefundPurpose,
    split: Split,
    booked: BookedRefund,
}

const PAID: i64 = 600;
const TOTAL: i64 = 1_000;

impl World {
    fn book(&mut self, movement: Movement, invoice: usize) {
        self.ledger
            .add(&Entry::new(movement, EUR).unwrap())
            .unwrap();
        self.allocated[invoice] += movement.allocated_minor();
    }

    fn of(&self, account: LedgerAccount) -> i64 {
        self.ledger.of(EUR, account)
    }

    fn credit(&self) -> i64 {
        let reserved: i64 = self
            .payments
            .iter()
            .flat_map(|payment| &payment.refunds)
            .filter(|refund| refund.state.in_flight())
            .map(|refund| refund.split.credit_minor)
            .sum();
        -self.of(LedgerAccount::CustomerCredit) - reserved
    }

    fn pay(&mut self) {
        let mut book = Bookings::new(balance(TOTAL, self.allocated[0]), 0);
        let receipt = Movement::CardCaptured {
            amount_minor: PAID,
            fee_minor: 0,
        };
        book.receive(PAID, receipt);
        self.cash += PAID;
        let mut held = 0;
        for movement in book.movements {
            if let Movement::RefundedToCredit { amount_minor } = movement {
                held += amount_minor;
            }
            self.book(movement, 0);
        }
        self.payments.push(Payment {
            refunds: Vec::new(),
            held,
            became_credit: held,
        });
    }

    fn use_credit(&mut self, minor: i64) {
        let minor = minor.min(self.credit()).min(TOTAL - self.allocated[1]);
        if minor > 0 {
            let amount_minor = minor;
            self.book(Movement::CreditUsed { amount_minor }, 1);
        }
    }

    fn refund(&mut self, at: usize, purpose: RefundPurpose, asked: i64) {
        let credit_minor = self.credit();
        let Some(payment) = self.payments.get_mut(at) else {
            return;
        };
        let own = payment.refunds.iter();
        let given_back_minor = own
            .clone()
            .filter(|refund| refund.state.refusal().is_none())
            .map(|refund| refund.split.amount_minor)
            .sum();
        let reserved: i64 = own
            .filter(|refund| refund.state.in_flight())
            .map(|refund| refund.split.credit_minor)
            .sum();
        let bounds = RefundBounds {
            paid: Money::new(PAID, EUR),
            given_back_minor,
            held_minor: payment.held - reserved,
            credit_minor,
            allocated_minor: self.allocated[0],
        };
        if let Ok(split) = check_refund(&AttemptState::Succeeded, purpose, bounds, Some(asked)) {
            payment.refunds.push(Refund {
                state: AttemptState::Created,
                purpose,
                split,
                booked: BookedRefund::default(),
            });
        }
    }

    /// Tells of the last refund of a payment; whether money went out or came in.
    fn tell(&mut self, at: usize, event: &AttemptEvent) {
        let debt = Some(RefundedDebt {
            balance: balance(TOTAL, self.allocated[0]),
            written_off_minor: 0,
        });
        let Some(payment) = self.payments.get_mut(at) else {
            return;
        };
        let Some(refund) = payment.refunds.last_mut() else {
            return;
        };
        let facts = RefundFacts {
            state: &refund.state,
            purpose: refund.purpose,
            provider: STRIPE,
            split: refund.split,
            debt,
            booked: refund.booked,
        };
        let Ok(Some(settled)) = settle_refund(&facts, event) else {
            return;
        };
        match settled.state {
            AttemptState::Succeeded => self.cash -= refund.split.amount_minor,
            AttemptState::Returned { .. } => self.cash += refund.split.amount_minor,
            _ => {}
        }
        for movement in &settled.movements {
            match *movement {
                Movement::RefundedToCard { amount_minor } => {
                    refund.booked.reopened_minor = amount_minor;
                }
                Movement::CreditGranted { amount_minor } => {
                    refund.booked.granted_minor = amount_minor;
                    payment.held += amount_minor;
                }
                Movement::CreditPaidBack { amount_minor, .. } => {
                    refund.booked.paid_back_minor = amount_minor;
                    payment.held -= amount_minor;
                }
                Movement::CreditPayBackFailed { amount_minor, .. } => payment.held += amount_minor,
                Movement::RefundedToCredit { amount_minor } => {
                    payment.held += amount_minor;
                    payment.became_credit += amount_minor;
                }
                Movement::CreditGrantUndone { amount_minor } => payment.held -= amount_minor,
                _ => {}
            }
        }
        refund.state = settled.state;
        for movement in settled.movements {
            self.book(movement, 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]
    /// What the customer paid in pays invoices, is credit, or went back to it; and
    /// only for goodwill, at the house's cost, does an invoice stay paid by what
    /// went back.
    #[test]
    fn nobody_has_the_money_and_the_credit(
        picks in prop::collection::vec((0..11_u8, 0..3_usize, 1_i64..700), 0..60),
    ) {
        let mut world = World {
            ledger: Balances::default(),
            allocated: [0, 0],
            payments: Vec::new(),
            cash: 0,
        };
        // Known beforehand, so that receivable is what is open.
        for invoice in [0, 1] {
            let (net_minor, vat_minor) = (TOTAL, 0);
            world.book(Movement::InvoiceIssued { net_minor, vat_minor }, invoice);
        }
        let mut overturned = false;
        for (pick, at, minor) in picks {
            match pick {
                0 | 1 if world.payments.len() < 3 => world.pay(),
                2 => world.use_credit(minor),
                3 | 4 => world.refund(at, Goodwill, minor),
                5 => world.refund(at, Reopen, minor),
                6 => world.tell(at, &AttemptEvent::Sent),
                7 | 8 => {
                    let last = world.payments.get(at).and_then(|payment| payment.refunds.last());
                    let is_late = last.is_some_and(|refund| {
                        matches!(refund.state, AttemptState::Declined { .. })
                    });
                    overturned |= is_late;
                    world.tell(at, &AttemptEvent::Succeeded);
                }
                9 => world.tell(at, &declined()),
                _ => world.tell(at, &AttemptEvent::NotFound),
            }
            let goodwill = world.of(LedgerAccount::Goodwill);
            let credit = -world.of(LedgerAccount::CustomerCredit);
            let allocated: i64 = world.allocated.iter().sum();
            prop_assert!(world.allocated.iter().all(|minor| (0..=TOTAL).contains(minor)));
            prop_assert_eq!(world.ledger.sum(EUR), 0);
            prop_assert_eq!(world.of(LedgerAccount::Clearing(STRIPE)), world.cash);
            prop_assert_eq!(world.of(LedgerAccount::Receivable), 2 * TOTAL - allocated);
            prop_assert_eq!(world.cash + goodwill, allocated + credit);
            // Only what pays an invoice was given back for goodwill.
            prop_assert!(overturned || (0..=allocated).contains(&goodwill), "{goodwill} of {allocated}");
            // Only a refund that was taken for declined finds its credit spent.
            prop_assert!(overturned || world.credit() >= 0, "{}", world.credit());
            for payment in &world.payments {
                let gone = payment.refunds.iter();
                let gone = gone.filter(|refund| refund.state == AttemptState::Succeeded);
                let beyond: i64 = gone
                    .clone()
                    .map(|refund| refund.booked.reopened_minor + refund.booked.granted_minor)
                    .sum();
                let gone: i64 = gone.map(|refund| refund.split.amount_minor).sum();
                prop_assert!(overturned || gone <= PAID);
                // What became credit was given back out of it alone.
                prop_assert!(overturned || beyond + payment.became_credit <= PAID);
                prop_assert!(overturned || payment.held >= 0);
            }
        }
    }

    /// A refund that failed leaves everything as if it had never been.
    #[test]
    fn what_failed_is_undone(
        amount in 1_i64..=100,
        credit in 0_i64..=100,
        reopens in any::<bool>(),
        allocated in 0_i64..=100,
    ) {
        let purpose = if reopens { Reopen } else { Goodwill };
        let state = AttemptState::Submitted;
        let asked = of_invoice(facts(&state, purpose, (amount, credit.min(amount))), (100, allocated, 0));
        let gone = settle_refund(&asked, &AttemptEvent::Succeeded).unwrap().unwrap();
        let mut ledger = Balances::default();
        let (mut booked, mut left) = (BookedRefund::default(), allocated);
        for movement in &gone.movements {
            match *movement {
                Movement::RefundedToCard { amount_minor } => booked.reopened_minor = amount_minor,
                Movement::CreditGranted { amount_minor } => booked.granted_minor = amount_minor,
                Movement::CreditPaidBack { amount_minor, .. } => booked.paid_back_minor = amount_minor,
                other => prop_assert!(false, "{other:?}"),
            }
            left += movement.allocated_minor();
            ledger.add(&Entry::new(*movement, EUR).unwrap()).unwrap();
        }
        prop_assert_eq!(ledger.of(EUR, LedgerAccount::Clearing(STRIPE)), -amount);
        prop_assert_eq!(ledger.of(EUR, LedgerAccount::CustomerCredit), credit.min(amount));
        prop_assert!(reopens || left == allocated);
        let facts = RefundFacts { booked, ..of_invoice(facts(&gone.state, purpose, (amount, 0)), (100, left, 0)) };
        let back = settle_refund(&facts, &declined()).unwrap().unwrap();
        for movement in back.movements {
            left += movement.allocated_minor();
            ledger.add(&Entry::new(movement, EUR).unwrap()).unwrap();
        }
        prop_assert_eq!(left, allocated);
        for account in LedgerAccount::ALL {
            prop_assert_eq!(ledger.of(EUR, account), 0, "{}", account);
        }
    }
}
