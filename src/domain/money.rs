//! Money in minor units of one currency, and the one rounding rule of the house.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// An amount was not representable, or two currencies met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the amount is out of range")]
    Overflow,
    #[error("{left} and {right} cannot be added: the currencies differ")]
    CurrencyMismatch { left: Currency, right: Currency },
}

/// The text is not a currency this house bills in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a supported ISO 4217 currency (EUR, USD, GBP, CHF, PLN, CZK, SEK, DKK, NOK, HUF, RON, CAD, JPY)"
)]
pub struct UnknownCurrency(pub String);

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Currency {
    Eur,
    Usd,
    Gbp,
    Chf,
    Pln,
    Czk,
    Sek,
    Dkk,
    Nok,
    Huf,
    Ron,
    Cad,
    Jpy,
}

impl Currency {
    pub const ALL: [Self; 13] = [
        Self::Eur,
        Self::Usd,
        Self::Gbp,
        Self::Chf,
        Self::Pln,
        Self::Czk,
        Self::Sek,
        Self::Dkk,
        Self::Nok,
        Self::Huf,
        Self::Ron,
        Self::Cad,
        Self::Jpy,
    ];

    /// The alphabetic code of ISO 4217.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Gbp => "GBP",
            Self::Chf => "CHF",
            Self::Pln => "PLN",
            Self::Czk => "CZK",
            Self::Sek => "SEK",
            Self::Dkk => "DKK",
            Self::Nok => "NOK",
            Self::Huf => "HUF",
            Self::Ron => "RON",
            Self::Cad => "CAD",
            Self::Jpy => "JPY",
        }
    }

    /// Decimals of the minor unit (ISO 4217): 2 for EUR, 0 for JPY.
    #[must_use]
    pub const fn minor_digits(self) -> u32 {
        match self {
            Self::Jpy => 0,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|currency| currency.code() == text)
            .ok_or_else(|| UnknownCurrency(text.to_owned()))
    }
}

/// An amount of money in minor units (cents for EUR). Negative for credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Adds two amounts.
    ///
    /// # Errors
    /// When the currencies differ or the sum leaves the range.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            });
        }
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The amount in major units, exact.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.minor_digits())
    }
}

/// `1,234.50 EUR`, for people and logs; invoices format by language.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_decimal().abs().to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let dot = if fraction.is_empty() { "" } else { "." };
        let sign = if self.minor < 0 { "-" } else { "" };
        let (whole, currency) = (grouped(whole), self.currency);
        write!(f, "{sign}{whole}{dot}{fraction} {currency}")
    }
}

/// Digits in groups of three: `1,234,567`.
#[must_use]
pub fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Rounds an amount in major units to minor units, half away from zero
/// ("half up" of `domain.md` section 1, mirrored for credits so that a full
/// refund of a line is exactly the line).
///
/// # Errors
/// When the result does not fit 64 bits.
pub fn round_to_minor(major: Decimal, currency: Currency) -> Result<i64, MoneyError> {
    let scale = Decimal::from(10_i64.pow(currency.minor_digits()));
    major
        .checked_mul(scale)
        .ok_or(MoneyError::Overflow)?
        .round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
        .ok_or(MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_half_away_from_zero() {
        let table = [
            ("0.004", 0),
            ("0.005", 1),
            ("0.0049999999", 0),
            ("1.115", 112),
            ("-0.005", -1),
            ("-0.004", 0),
            ("7.4400014880", 744),
        ];
        for (major, minor) in table {
            let major: Decimal = major.parse().unwrap();
            assert_eq!(round_to_minor(major, Currency::Eur), Ok(minor), "{major}");
        }
        assert_eq!(round_to_minor("0.5".parse().unwrap(), Currency::Jpy), Ok(1));
        assert_eq!(
            round_to_minor(Decimal::MAX, Currency::Eur),
            Err(MoneyError::Overflow)
        );
    }

    #[test]
    fn amounts_are_grouped() {
        let table = [
            (0, Currency::Eur, "0.00 EUR"),
            (5, Currency::Eur, "0.05 EUR"),
            (-123_456_789, Currency::Eur, "-1,234,567.89 EUR"),
            (123_456, Currency::Jpy, "123,456 JPY"),
            (99_900, Currency::Usd, "999.00 USD"),
        ];
        for (minor, currency, text) in table {
            assert_eq!(Money::new(minor, currency).to_string(), text);
        }
    }

    #[test]
    fn refuses_to_mix_currencies() {
        let euro = Money::new(1, Currency::Eur);
        assert!(euro.checked_add(Money::new(1, Currency::Usd)).is_err());
        assert_eq!(
            euro.checked_add(Money::new(i64::MAX, Currency::Eur)),
            Err(MoneyError::Overflow)
        );
    }

    proptest! {
        #[test]
        fn rounding_is_symmetric_and_near(units in -10_i64.pow(15)..10_i64.pow(15)) {
            let major = Decimal::new(units, 6);
            let minor = round_to_minor(major, Currency::Eur).unwrap();
            prop_assert_eq!(round_to_minor(-major, Currency::Eur).unwrap(), -minor);
            let error = (Decimal::new(minor, 2) - major).abs();
            prop_assert!(error <= Decimal::new(5, 3));
        }
    }
}
