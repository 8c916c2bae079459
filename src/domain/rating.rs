//! Usage and prices to rated lines. A line is one app, SKU and price; it is
//! rounded once (`domain.md` section 1).

use rust_decimal::Decimal;

use super::calendar::{Instant, PeriodKey};
use super::catalog::{PriceBook, ResourceKind, Sku};
use super::ids::{PriceId, SkuId};
use super::money::{Currency, MoneyError, round_to_minor};
use super::usage::UsageTotal;

/// One line of usage with its price, before allowances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatedLine {
    /// The period of the usage: an earlier one than the invoice's when late.
    pub period: PeriodKey,
    pub app: String,
    pub sku: SkuId,
    pub price: PriceId,
    /// Negative in a correction of a settled period.
    pub minutes: i64,
    pub amount_minor: i64,
    /// What the free trial takes back of `amount_minor`.
    pub trial_minor: i64,
}

/// Why usage could not be rated. The account is parked with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    #[error("{kind} plan {plan:?} has no {currency} price at {at}")]
    NoPrice {
        kind: ResourceKind,
        plan: String,
        currency: Currency,
        at: Instant,
    },
    #[error("SKU {0} is unknown")]
    UnknownSku(SkuId),
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Whole minutes, rounded up once per line; a correction rounds away from zero
/// as well.
#[must_use]
pub fn minutes_of(seconds: i64) -> i64 {
    let up = |seconds: i64| seconds / 60 + i64::from(seconds % 60 != 0);
    if seconds < 0 {
        seconds
            .checked_neg()
            .map_or(i64::MIN / 60, |positive| -up(positive))
    } else {
        up(seconds)
    }
}

/// The amount of a line: minutes times the unit price, rounded once.
///
/// # Errors
/// When the amount does not fit 64 bits of minor units.
pub fn line_amount(
    minutes: i64,
    per_minute: Decimal,
    currency: Currency,
) -> Result<i64, MoneyError> {
    let major = Decimal::from(minutes)
        .checked_mul(per_minute)
        .ok_or(MoneyError::Overflow)?;
    round_to_minor(major, currency)
}

/// Rates the totals of one account and period, in any order, to lines sorted
/// as invoices show them: containers before addons, then by app, type and plan.
/// Totals without a second of usage make no line.
///
/// # Errors
/// When a price is missing or an amount is out of range.
pub fn rate(
    totals: impl IntoIterator<Item = UsageTotal>,
    period: PeriodKey,
    book: &PriceBook,
    currency: Currency,
) -> Result<Vec<RatedLine>, RatingError> {
    struct Keyed<'a> {
        sku: &'a Sku,
        per_minute: Decimal,
        price: PriceId,
        total: UsageTotal,
    }
    let mut keyed = Vec::new();
    for total in totals {
        if total.seconds == 0 {
            continue;
        }
        let sku = book
            .skus
            .get(&total.sku)
            .ok_or(RatingError::UnknownSku(total.sku))?;
        let price = book
            .catalog
            .price_at(sku.kind, &sku.plan, currency, total.window)
            .ok_or_else(|| RatingError::NoPrice {
                kind: sku.kind,
                plan: sku.plan.clone(),
                currency,
                at: total.window,
            })?;
        keyed.push(Keyed {
            sku,
            per_minute: price.per_minute,
            price: price.id,
            total,
        });
    }
    keyed.sort_by(|a, b| {
        (
            a.sku.kind,
            &a.total.app,
            &a.sku.resource_type,
            &a.sku.plan,
            a.price,
        )
            .cmp(&(
                b.sku.kind,
                &b.total.app,
                &b.sku.resource_type,
                &b.sku.plan,
                b.price,
            ))
    });

    let mut lines: Vec<RatedLine> = Vec::with_capacity(keyed.len());
    let mut rest = keyed.into_iter().peekable();
    while let Some(mut line) = rest.next() {
        while let Some(next) = rest.next_if(|next| {
            next.price == line.price
                && next.total.sku == line.total.sku
                && next.total.app == line.total.app
        }) {
            let overflow = || RatingError::Money(MoneyError::Overflow);
            let (sum, more) = (&mut line.total, next.total);
            sum.seconds = sum.seconds.checked_add(more.seconds).ok_or_else(overflow)?;
            sum.trial_seconds = sum
                .trial_seconds
                .checked_add(more.trial_seconds)
                .ok_or_else(overflow)?;
        }
        let minutes = minutes_of(line.total.seconds);
        let trial_minutes = minutes_of(line.total.trial_seconds);
        let trial_minor = match trial_minutes {
            0 => 0,
            minutes => line_amount(minutes, line.per_minute, currency)?,
        };
        lines.push(RatedLine {
            period,
            amount_minor: line_amount(minutes, line.per_minute, currency)?,
            trial_minor,
            app: line.total.app,
            sku: line.total.sku,
            price: line.price,
            minutes,
        });
    }
    Ok(lines)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::catalog::{Catalog, Price, unit_price};
    use proptest::prelude::*;

    /// A price book for tests: SKU `n` is plan `list[n]`, valid from the epoch;
    /// odd ones are addons.
    pub(crate) fn book(list: &[(&str, &str)]) -> PriceBook {
        let mut book = PriceBook::default();
        let mut prices = Vec::new();
        for (id, (plan, per_30_days)) in (0_i64..).zip(list) {
            let kind = if id % 2 == 0 {
                ResourceKind::Container
            } else {
                ResourceKind::Addon
            };
            let per_30_days: Decimal = per_30_days.parse().unwrap();
            prices.push(Price {
                id: PriceId(id),
                kind,
                plan: (*plan).to_owned(),
                name: (*plan).to_owned(),
                per_30_days,
                per_minute: unit_price(per_30_days),
                currency: Currency::Eur,
                valid_from: Instant(0),
            });
            let sku = Sku {
                kind,
                resource_type: "web".to_owned(),
                plan: (*plan).to_owned(),
            };
            book.skus.insert(SkuId(id), sku);
        }
        book.catalog = Catalog::new(prices);
        book
    }

    pub(crate) fn total(app: &str, sku: i64, seconds: i64) -> UsageTotal {
        UsageTotal {
            app: app.to_owned(),
            sku: SkuId(sku),
            window: Instant(1),
            seconds,
            trial_seconds: 0,
        }
    }

    fn october() -> PeriodKey {
        PeriodKey::new(2026, 10).unwrap()
    }

    #[test]
    fn minutes_are_rounded_up_once() {
        for (seconds, minutes) in [
            (0, 0),
            (1, 1),
            (59, 1),
            (60, 1),
            (61, 2),
            (-1, -1),
            (-60, -1),
            (-61, -2),
        ] {
            assert_eq!(minutes_of(seconds), minutes, "{seconds}");
        }
    }

    #[test]
    fn lines_of_the_price_list() {
        // (list price, seconds, minutes, cents)
        let table = [
            ("7.20", 44_640 * 60, 44_640, 744), // S, 31 days
            ("7.20", 43_200 * 60, 43_200, 720), // S, 30 days
            ("7.20", 44_700 * 60, 44_700, 745), // S, October with its 25-hour day
            ("14.40", 300, 5, 0),               // a 5-minute job on M: 0.0016665
            ("14.40", 900, 15, 0),              // 0.0049995: still under half a cent
            ("14.40", 901, 16, 1),              // 0.0053328
            ("230.40", 60, 1, 1),               // 0.0053333
            ("20", 44_640 * 60, 44_640, 2067),  // 20.66666832
            ("0", 44_640 * 60, 44_640, 0),
        ];
        for (list, seconds, minutes, cents) in table {
            let lines = rate(
                [total("app", 0, seconds)],
                october(),
                &book(&[("P", list)]),
                Currency::Eur,
            );
            let lines = lines.unwrap();
            assert_eq!(
                (lines[0].minutes, lines[0].amount_minor),
                (minutes, cents),
                "{list} {seconds}"
            );
        }
    }

    #[test]
    fn a_missing_price_is_named() {
        let error = rate(
            [total("app", 0, 60)],
            october(),
            &book(&[("S", "7.20")]),
            Currency::Usd,
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "container plan \"S\" has no USD price at 1970-01-01T00:00:00.000001Z"
        );
    }

    #[test]
    fn the_trial_takes_back_its_share_of_a_line() {
        let mut usage = total("app", 0, 44_640 * 60);
        usage.trial_seconds = 43_200 * 60;
        let lines = rate([usage], october(), &book(&[("S", "7.20")]), Currency::Eur).unwrap();
        assert_eq!((lines[0].amount_minor, lines[0].trial_minor), (744, 720));
    }

    proptest! {
        #[test]
        fn the_order_of_totals_and_their_splitting_change_nothing(
            seconds in proptest::collection::vec((0_i64..3, 0_i64..4, 0_i64..5_000_000), 1..12),
            shift in 0_usize..12,
        ) {
            let book = book(&[("S", "7.20"), ("db", "20"), ("M", "14.40"), ("big", "320")]);
            let totals: Vec<UsageTotal> = seconds
                .iter()
                .map(|(app, sku, seconds)| total(&format!("app-{app}"), *sku, *seconds))
                .collect();
            let straight = rate(totals.clone(), october(), &book, Currency::Eur).unwrap();
            let mut turned = totals.clone();
            turned.rotate_left(shift % totals.len());
            prop_assert_eq!(&rate(turned, october(), &book, Currency::Eur).unwrap(), &straight);
            let halves = totals.iter().flat_map(|whole| {
                let half = whole.seconds / 3;
                [
                    UsageTotal { seconds: half, ..whole.clone() },
                    UsageTotal { seconds: whole.seconds - half, ..whole.clone() },
                ]
            });
            prop_assert_eq!(&rate(halves, october(), &book, Currency::Eur).unwrap(), &straight);
        }

        #[test]
        fn a_line_is_within_half_a_cent_of_the_exact_amount(seconds in 1_i64..100_000_000) {
            let lines = rate([total("a", 0, seconds)], october(), &book(&[("S", "7.20")]), Currency::Eur).unwrap();
            let exact = Decimal::from(lines[0].minutes) * unit_price("7.20".parse().unwrap());
            let error = (Decimal::new(lines[0].amount_minor, 2) - exact).abs();
            prop_assert!(error <= Decimal::new(5, 3));
        }
    }
}
