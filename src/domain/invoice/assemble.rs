//! One account's month to a decision: lines, allowances, VAT, bounds.

use chrono_tz::Tz;

use super::allowance::FreeTrial;
use super::late::{LateLines, after_trial, sum};
use super::{
    Allowance, AllowanceValue, Decision, InvoiceDraft, InvoiceLine, LineKind, LineUsage,
    ParkReason, SanityBounds,
};
use crate::domain::account::Account;
use crate::domain::calendar::{BillingPeriod, PeriodKey};
use crate::domain::catalog::PriceBook;
use crate::domain::money::{Money, MoneyError};
use crate::domain::rating::{RatedLine, rate};
use crate::domain::tax::{Residence, VatGroup, VatPolicy, treat};
use crate::domain::usage::{LateUsage, UsageTotal};

/// The settings that decide an invoice.
#[derive(Debug, Clone)]
pub struct BillingPolicy {
    /// The issuer's zone: where months and trial dates are counted.
    pub zone: Tz,
    pub vat: VatPolicy,
    /// Days of free trial from sign-up; 0 for none.
    pub free_trial_days: u32,
    pub bounds: SanityBounds,
}

/// The facts of one account and period.
#[derive(Debug, Clone)]
pub struct AccountMonth<'a> {
    pub account: &'a Account,
    pub period: &'a BillingPeriod,
    pub usage: Vec<UsageTotal>,
    /// Waiting pieces of settled periods, oldest first.
    pub late: &'a [LateUsage],
    /// What the account was granted, in the order of granting.
    pub allowances: &'a [Allowance],
    /// What the account owed last; see [`SanityBounds::check`].
    pub last_total_minor: Option<i64>,
    /// The total that a person accepted in spite of the sanity bounds.
    pub released_minor: Option<i64>,
}

/// Decides what becomes of the month.
#[must_use]
pub fn decide(month: AccountMonth<'_>, policy: &BillingPolicy, book: &PriceBook) -> Decision {
    match assemble(month, policy, book) {
        Ok(decision) => decision,
        Err(reason) => Decision::Parked(reason),
    }
}

fn assemble(
    month: AccountMonth<'_>,
    policy: &BillingPolicy,
    book: &PriceBook,
) -> Result<Decision, ParkReason> {
    let currency = month.account.currency;
    let period = month.period.key;
    let usage = rate(month.usage, period, book, currency)?;
    let trial = FreeTrial::of(month.account.created_at, policy.free_trial_days);
    let late = LateLines {
        pieces: month.late,
        trial,
        book,
        account: month.account,
    };
    let (late_taken, late_lines) = late.fitting(after_trial(&usage)?)?;

    let gross = usage.iter().chain(&late_lines);
    if gross.clone().all(|line| line.amount_minor == 0) {
        return Ok(Decision::NothingDue);
    }
    let trial_minor = sum(gross.clone().map(|line| line.trial_minor))?;
    let mut lines: Vec<InvoiceLine> = usage
        .into_iter()
        .map(|line| usage_line(LineKind::Usage, line))
        .chain(
            late_lines
                .into_iter()
                .map(|line| usage_line(LineKind::LateUsage, line)),
        )
        .collect();
    if trial_minor > 0 {
        lines.push(InvoiceLine {
            kind: LineKind::FreeTrial,
            period,
            usage: None,
            allowance: None,
            amount_minor: -trial_minor,
        });
    }
    let net_minor = take_allowances(&mut lines, month.allowances, period, currency)?;
    if net_minor < 0 {
        return Err(ParkReason::BelowZero {
            net: Money::new(net_minor, currency),
        });
    }

    let residence = Residence {
        country: month.account.country,
        postal_code: &month.account.postal_code,
        vat_number: &month.account.vat_number,
    };
    let treatment = treat(residence, &policy.vat, month.period.last_day())?;
    let vat = VatGroup::new(&treatment, net_minor, currency)?;
    let total_minor = sum([net_minor, vat.amount_minor])?;
    // What a person accepted was this total, not whatever it grows to.
    if month
        .released_minor
        .is_none_or(|accepted| total_minor > accepted)
    {
        let total = Money::new(total_minor, currency);
        if let Some(reason) = policy.bounds.check(total, month.last_total_minor)? {
            return Err(reason);
        }
    }
    Ok(Decision::Invoice(InvoiceDraft {
        lines,
        vat,
        net_minor,
        vat_minor: vat.amount_minor,
        total_minor,
        late_waiting: month.late.len() - late_taken.len(),
        late_taken,
    }))
}

/// Discounts come before vouchers, so that a voucher lasts as long as it can.
fn take_allowances(
    lines: &mut Vec<InvoiceLine>,
    granted: &[Allowance],
    period: PeriodKey,
    currency: crate::domain::money::Currency,
) -> Result<i64, MoneyError> {
    let mut net_minor = sum(lines.iter().map(|line| line.amount_minor))?;
    let applying = || {
        granted
            .iter()
            .filter(|allowance| allowance.applies_to(period))
    };
    let is_percent = |allowance: &&Allowance| matches!(allowance.value, AllowanceValue::Percent(_));
    let ordered = applying()
        .filter(is_percent)
        .chain(applying().filter(|allowance| !is_percent(allowance)));
    for allowance in ordered {
        let off = allowance.taken_from(net_minor, currency)?;
        if off == 0 {
            continue;
        }
        net_minor -= off;
        lines.push(InvoiceLine {
            kind: if is_percent(&allowance) {
                LineKind::Discount
            } else {
                LineKind::Voucher
            },
            period,
            usage: None,
            allowance: Some(allowance.id),
            amount_minor: -off,
        });
    }
    Ok(net_minor)
}

fn usage_line(kind: LineKind, line: RatedLine) -> InvoiceLine {
    InvoiceLine {
        kind,
        period: line.period,
        usage: Some(LineUsage {
            app: line.app,
            sku: line.sku,
            price: line.price,
            minutes: line.minutes,
        }),
        allowance: None,
        amount_minor: line.amount_minor,
    }
}

#[cfg(test)]
mod tests {
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
}
