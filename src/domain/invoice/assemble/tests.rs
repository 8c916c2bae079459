//! Invoices put together, to the cent.

use super::*;
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AllowanceId, ProfileId, SkuId};
use crate::domain::invoice::Bounds;
use crate::domain::money::Currency;
use crate::domain::rating::tests::{book, total};
use crate::domain::tax::{Country, RateTable, VatCategory};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn policy() -> BillingPolicy {
    BillingPolicy {
        zone: chrono_tz::UTC,
        vat: VatPolicy {
            issuer: Country::FRANCE,
            rates: RateTable::with_overrides([]),
            one_stop_shop: true,
            outside_eu: VatCategory::OutOfScope,
        },
        free_trial_days: 30,
        bounds: SanityBounds {
            default: Bounds {
                factor: 10,
                over: Decimal::from(1_000),
                limit: Decimal::from(100_000),
            },
            by_currency: Vec::new(),
        },
    }
}

fn account() -> Account {
    Account {
        id: AccountId(1),
        currency: Currency::Eur,
        created_at: Instant(0),
        trial_ended_at: None,
        profile: ProfileId(1),
        country: Country::FRANCE,
        postal_code: "67000".to_owned(),
        vat_number: String::new(),
    }
}

fn october() -> BillingPeriod {
    BillingPeriod::new("2026-10".parse().unwrap(), chrono_tz::UTC).unwrap()
}

/// Plan S costs one cent a minute, so that tests can count.
fn cent_book() -> PriceBook {
    book(&[("S", "432"), ("db", "20")])
}

fn late(quantity: i64, minutes: i64) -> LateUsage {
    let september = BillingPeriod::new("2026-09".parse().unwrap(), chrono_tz::UTC).unwrap();
    LateUsage {
        period: september.key,
        app: "api".to_owned(),
        sku: SkuId(0),
        quantity,
        from: september.start,
        until: Instant(september.start.0 + minutes * 60_000_000),
    }
}

struct Case {
    usage: Vec<UsageTotal>,
    late: Vec<LateUsage>,
    allowances: Vec<Allowance>,
    last_total_minor: Option<i64>,
    released_minor: Option<i64>,
    has_left: bool,
    /// Where the free trial starts.
    created_at: Instant,
}

impl Case {
    fn of(minutes: i64) -> Self {
        Self {
            usage: vec![total("api", 0, minutes * 60)],
            late: Vec::new(),
            allowances: Vec::new(),
            last_total_minor: None,
            released_minor: None,
            has_left: false,
            created_at: Instant(0),
        }
    }

    fn decide(self) -> Decision {
        let month = AccountMonth {
            account: &Account {
                created_at: self.created_at,
                ..account()
            },
            period: &october(),
            usage: self.usage,
            late: &self.late,
            allowances: &self.allowances,
            last_total_minor: self.last_total_minor,
            released_minor: self.released_minor,
            has_left: self.has_left,
        };
        decide(month, &policy(), &cent_book())
    }

    fn invoice(self) -> InvoiceDraft {
        match self.decide() {
            Decision::Invoice(invoice) => invoice,
            other => panic!("expected an invoice, got {other:?}"),
        }
    }
}

fn amounts(invoice: &InvoiceDraft) -> Vec<(&'static str, i64)> {
    invoice
        .lines
        .iter()
        .map(|line| (line.kind.code(), line.amount_minor))
        .collect()
}

#[test]
fn a_plain_month() {
    let invoice = Case::of(1_000).invoice();
    assert_eq!(amounts(&invoice), [("usage", 1_000)]);
    assert_eq!(
        (invoice.net_minor, invoice.vat_minor, invoice.total_minor),
        (1_000, 200, 1_200)
    );
}

#[test]
fn who_has_left_is_not_billed_and_nothing_of_it_is_lost() {
    let left = |minutes: i64, late: Vec<LateUsage>, released_minor| {
        let usage = Case::of(minutes).usage;
        Case {
            usage: if minutes == 0 { Vec::new() } else { usage },
            late,
            released_minor,
            has_left: true,
            ..Case::of(0)
        }
        .decide()
    };
    let held = |minor: i64| {
        Decision::Parked(ParkReason::Left {
            net: Money::new(minor, Currency::Eur),
        })
    };
    // (minutes, late, given up, decision)
    let table = [
        (0, vec![], None, Decision::NothingDue),
        (500, vec![], None, held(500)),
        (0, vec![late(1, 30)], None, held(30)),
        // It was billed too much: that is held back as well.
        (0, vec![late(-1, 30)], None, held(-30)),
        (500, vec![late(-1, 30)], None, held(470)),
        (500, vec![], Some(500), Decision::GivenUp),
        (0, vec![late(-1, 30)], Some(-30), Decision::GivenUp),
        // More came, or less, after somebody gave it up.
        (501, vec![], Some(500), held(501)),
        (499, vec![], Some(500), held(499)),
        (30, vec![late(-1, 30)], None, Decision::GivenUp),
    ];
    for (minutes, late, given_up, expected) in table {
        let got = left(minutes, late.clone(), given_up);
        assert_eq!(got, expected, "{minutes} {late:?} {given_up:?}");
    }
}

#[test]
fn nothing_due() {
    assert_eq!(
        Case {
            usage: vec![],
            ..Case::of(0)
        }
        .decide(),
        Decision::NothingDue
    );
    // 5 minutes of the 20 EUR plan are 0.23 cents
    let little = Case {
        usage: vec![total("api", 1, 300)],
        ..Case::of(0)
    };
    assert_eq!(little.decide(), Decision::NothingDue);
}

#[test]
fn a_trial_over_everything_still_makes_an_invoice() {
    let mut case = Case::of(1_000);
    case.usage[0].trial_seconds = 60_000;
    let invoice = case.invoice();
    assert_eq!(
        amounts(&invoice),
        [("usage", 1_000), ("free_trial", -1_000)]
    );
    assert_eq!(invoice.total_minor, 0);
}

#[test]
fn discounts_come_before_vouchers_and_neither_goes_below_zero() {
    let allowance = |id, value| Allowance {
        id: AllowanceId(id),
        value,
        valid_from: "2026-10".parse().unwrap(),
        valid_until: None,
    };
    let mut case = Case::of(1_000);
    case.usage[0].trial_seconds = 6_000;
    case.allowances = vec![
        allowance(
            1,
            AllowanceValue::Amount {
                remaining_minor: 5_000,
            },
        ),
        allowance(2, AllowanceValue::Percent(Decimal::from(20))),
    ];
    let invoice = case.invoice();
    assert_eq!(
        amounts(&invoice),
        [
            ("usage", 1_000),
            ("free_trial", -100),
            ("discount", -180),
            ("voucher", -720)
        ]
    );
    assert_eq!(invoice.total_minor, 0);
}

#[test]
fn late_usage_is_its_own_line_with_its_own_period() {
    let invoice = Case {
        late: vec![late(2, 30)],
        ..Case::of(100)
    }
    .invoice();
    assert_eq!(amounts(&invoice), [("usage", 100), ("late_usage", 60)]);
    assert_eq!(invoice.lines[1].period.to_string(), "2026-09");
    assert_eq!(invoice.late_taken, [0]);
}

#[test]
fn a_correction_that_does_not_fit_waits() {
    let case = Case {
        late: vec![late(-1, 90), late(-1, 20), late(1, 5)],
        ..Case::of(100)
    };
    let invoice = case.invoice();
    // -90 and then -20 - 5: the first fits (100 + 5 - 90), the second no more
    assert_eq!(amounts(&invoice), [("usage", 100), ("late_usage", -85)]);
    assert_eq!((invoice.late_taken, invoice.late_waiting), (vec![0, 2], 1));
    assert_eq!(
        Case {
            usage: vec![],
            late: vec![late(-1, 5)],
            ..Case::of(0)
        }
        .decide(),
        Decision::NothingDue
    );
}

#[test]
fn an_odd_total_is_parked_until_released() {
    let odd = || Case {
        last_total_minor: Some(100),
        ..Case::of(100_000)
    };
    assert!(matches!(
        odd().decide(),
        Decision::Parked(ParkReason::OverLastMonth { .. })
    ));
    assert_eq!(
        Case {
            released_minor: Some(120_000),
            ..odd()
        }
        .invoice()
        .total_minor,
        120_000
    );
    // It grew after a person looked.
    let grown = Case {
        released_minor: Some(119_999),
        ..odd()
    };
    assert!(matches!(grown.decide(), Decision::Parked(_)));
}

#[test]
fn a_correction_within_the_trial_takes_nothing_back() {
    // Signed up on the first of September: that month was free.
    let in_trial = |late: Vec<LateUsage>| Case {
        created_at: late[0].from,
        late,
        ..Case::of(1_000)
    };
    let invoice = in_trial(vec![late(-1, 480)]).invoice();
    assert_eq!(amounts(&invoice), [("usage", 1_000)]);
    assert_eq!(invoice.late_taken, [0]);
    let invoice = in_trial(vec![late(1, 480)]).invoice();
    let free = [("usage", 1_000), ("late_usage", 480), ("free_trial", -480)];
    assert_eq!(amounts(&invoice), free);
    // Before the sign-up there was no trial.
    let mut early = in_trial(vec![late(1, 480)]);
    early.created_at = Instant(early.created_at.0 + 80 * 60_000_000);
    let invoice = early.invoice();
    let paid = [("usage", 1_000), ("late_usage", 480), ("free_trial", -400)];
    assert_eq!(amounts(&invoice), paid);
}

#[test]
fn a_missing_price_parks() {
    let case = Case {
        usage: vec![total("api", 7, 60)],
        ..Case::of(0)
    };
    assert!(matches!(
        case.decide(),
        Decision::Parked(ParkReason::Rating(_))
    ));
}

proptest! {
    #[test]
    fn lines_sum_to_the_total(
        minutes in proptest::collection::vec((0_i64..3, 0_i64..2, 1_i64..50_000, 0_i64..100), 1..10),
        late_minutes in proptest::collection::vec((-3_i64..3, 1_i64..20_000), 0..5),
        voucher in 0_i64..100_000, percent in 1_i64..100, signed_up in 0_i64..60,
    ) {
        let usage = minutes.iter().map(|(app, sku, minutes, trial)| UsageTotal {
            trial_seconds: minutes * 60 * trial / 100,
            ..total(&format!("app-{app}"), *sku, minutes * 60)
        });
        let allowance = |id, value| Allowance {
            id: AllowanceId(id), value, valid_from: "2026-01".parse().unwrap(), valid_until: None,
        };
        let case = Case {
            usage: usage.collect(),
            late: late_minutes.iter().filter(|(q, _)| *q != 0).map(|(q, m)| late(*q, *m)).collect(),
            allowances: vec![
                allowance(1, AllowanceValue::Amount { remaining_minor: voucher }),
                allowance(2, AllowanceValue::Percent(Decimal::from(percent))),
            ],
            last_total_minor: None,
            released_minor: Some(i64::MAX),
            has_left: false,
            // Some of the late usage lies in the free trial, some before it.
            created_at: Instant(october().start.0 - signed_up * 86_400_000_000),
        };
        let decision = case.decide();
        prop_assert!(!matches!(decision, Decision::Parked(_)), "{decision:?}");
        if let Decision::Invoice(invoice) = decision {
            let lines: i64 = invoice.lines.iter().map(|line| line.amount_minor).sum();
            prop_assert_eq!(lines, invoice.net_minor);
            prop_assert_eq!(invoice.net_minor, invoice.vat.base_minor);
            prop_assert_eq!(invoice.net_minor + invoice.vat_minor, invoice.total_minor);
            prop_assert!(invoice.net_minor >= 0, "net {}", invoice.net_minor);
        }
    }
}
