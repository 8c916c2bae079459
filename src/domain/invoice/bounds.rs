//! The sanity bounds: an odd invoice is parked for a person to release
//! (`domain.md` section 2), so that a bug upstream charges nobody.

use rust_decimal::Decimal;

use super::ParkReason;
use crate::domain::money::{Currency, Money, MoneyError, round_to_minor};

/// The bounds of one currency, in major units, VAT included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Parked when the total is over `factor` times last month's ...
    pub factor: u32,
    /// ... and over this.
    pub over: Decimal,
    /// Parked in any case over this.
    pub limit: Decimal,
}

/// The bounds of every currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SanityBounds {
    pub default: Bounds,
    pub by_currency: Vec<(Currency, Bounds)>,
}

impl SanityBounds {
    /// Whether an invoice has to be held back. `last_minor` is what the account
    /// owed for the last month that was settled (one that is still parked tells
    /// nothing): zero when nothing was due, `None` when it was never billed
    /// before, which leaves only the absolute limit.
    ///
    /// # Errors
    /// When a bound does not fit the currency's minor units.
    pub fn check(
        &self,
        total: Money,
        last_minor: Option<i64>,
    ) -> Result<Option<ParkReason>, MoneyError> {
        let own = self
            .by_currency
            .iter()
            .find(|(currency, _)| *currency == total.currency);
        let bounds = own.map_or(&self.default, |(_, bounds)| bounds);
        let money = |major| {
            round_to_minor(major, total.currency).map(|minor| Money::new(minor, total.currency))
        };
        let (over, limit) = (money(bounds.over)?, money(bounds.limit)?);
        if total.minor > limit.minor {
            return Ok(Some(ParkReason::OverLimit { total, limit }));
        }
        let jumped = last_minor.filter(|last| {
            total.minor > over.minor && total.minor > last.saturating_mul(i64::from(bounds.factor))
        });
        Ok(jumped.map(|last| ParkReason::OverLastMonth {
            total,
            last: Money::new(last, total.currency),
            factor: bounds.factor,
            over,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parks_what_is_odd() {
        let bounds = SanityBounds {
            default: Bounds {
                factor: 10,
                over: Decimal::from(1_000),
                limit: Decimal::from(100_000),
            },
            by_currency: vec![(
                Currency::Huf,
                Bounds {
                    factor: 10,
                    over: Decimal::from(400_000),
                    limit: Decimal::from(40_000_000),
                },
            )],
        };
        // (total in cents, last month's, parked)
        let table = [
            (100_000, Some(0), false), // exactly 1,000.00 is not over it
            (100_001, Some(0), true),
            (100_001, Some(10_000), true),
            (100_001, Some(10_001), false),
            (5_000_000, None, false), // never billed before: only the limit holds
            (10_000_000, Some(9_000_000), false),
            (10_000_001, Some(9_000_000), true),
            (10_000_001, None, true),
            (0, Some(0), false),
        ];
        for (total, last, parked) in table {
            let euros = Money::new(total, Currency::Eur);
            let got = bounds.check(euros, last).unwrap();
            assert_eq!(got.is_some(), parked, "{total} {last:?}");
        }
        let forint = Money::new(10_000_001, Currency::Huf);
        assert_eq!(bounds.check(forint, Some(0)), Ok(None));
        let reason = bounds
            .check(Money::new(250_000, Currency::Eur), Some(1_200))
            .unwrap();
        assert_eq!(
            reason.unwrap().to_string(),
            "total 2,500.00 EUR is over 10 times last month's 12.00 EUR and over 1,000.00 EUR"
        );
    }
}
