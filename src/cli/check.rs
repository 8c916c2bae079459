//! Arguments that more than one command checks.

use rust_decimal::Decimal;

use crate::domain::money::{Currency, round_to_minor};

/// Exact: a number with more decimals than fit is refused, not rounded.
pub fn number(text: &str) -> Result<Decimal, &'static str> {
    Decimal::from_str_exact(text).map_err(|_| "is not a number such as 20 or 12.50")
}

/// An amount above zero, in minor units.
pub fn positive_minor(amount: Decimal, currency: Currency) -> Result<i64, String> {
    let amount = amount.normalize();
    if amount <= Decimal::ZERO {
        return Err("must be above 0".to_owned());
    }
    let digits = currency.minor_digits();
    if amount.scale() > digits {
        return Err(format!("{currency} has {digits} decimals"));
    }
    round_to_minor(amount, currency).map_err(|error| error.to_string())
}
