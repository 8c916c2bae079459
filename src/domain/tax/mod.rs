//! Which VAT applies to a customer, and how much it is.
//!
//! Sources: directive 2006/112/EC art. 44 and 196 (services to businesses),
//! art. 58 and 369a (electronic services to consumers, OSS), CGI art. 294
//! (French overseas departments), EN 16931 for categories and rounding.

mod country;
mod rates;
mod treatment;

pub use country::{Country, UnknownCountry};
pub use rates::{RateTable, VatRate};
pub use treatment::{NoVatRate, Residence, VatPolicy, VatTreatment, has_valid_vat_number, treat};

use std::fmt;

use rust_decimal::Decimal;

use super::money::{Currency, MoneyError, round_to_minor};

/// The VAT category of EN 16931 (code list UNTDID 5305).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VatCategory {
    /// S: a standard or reduced rate is charged.
    Standard,
    /// AE: the customer accounts for the tax.
    ReverseCharge,
    /// E: exempt, or the tax does not apply in the territory.
    Exempt,
    /// G: export outside the EU.
    Export,
    /// O: outside the scope of the tax.
    OutOfScope,
}

impl VatCategory {
    pub const ALL: [Self; 5] = [
        Self::Standard,
        Self::ReverseCharge,
        Self::Exempt,
        Self::Export,
        Self::OutOfScope,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Standard => "S",
            Self::ReverseCharge => "AE",
            Self::Exempt => "E",
            Self::Export => "G",
            Self::OutOfScope => "O",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.code() == code)
    }
}

impl fmt::Display for VatCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The sum of an invoice's lines in one category and rate, and its tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VatGroup {
    pub category: VatCategory,
    /// Percent: 20 for 20 %.
    pub rate: Decimal,
    pub base_minor: i64,
    pub amount_minor: i64,
}

impl VatGroup {
    /// Taxes the sum of rounded lines and rounds that (EN 16931 BR-CO-17).
    ///
    /// # Errors
    /// When the tax does not fit 64 bits.
    pub fn new(
        treatment: &VatTreatment,
        base_minor: i64,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        Ok(Self {
            category: treatment.category,
            rate: treatment.rate,
            base_minor,
            amount_minor: vat_on(base_minor, treatment.rate, currency)?,
        })
    }
}

/// The tax on a base, rounded half up to the minor unit.
///
/// # Errors
/// When the tax does not fit 64 bits.
pub fn vat_on(base_minor: i64, rate: Decimal, currency: Currency) -> Result<i64, MoneyError> {
    let base = Decimal::new(base_minor, currency.minor_digits());
    let tax = base
        .checked_mul(rate)
        .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED))
        .ok_or(MoneyError::Overflow)?;
    round_to_minor(tax, currency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tax_is_rounded_half_up_once_per_group() {
        let table = [
            (744, "20", 149),
            (10_003, "20", 2001),
            (250, "8.5", 21),
            (1_000, "8.5", 85),
            (30, "8.5", 3),
            (10, "25.5", 3),
            (12_345, "0", 0),
            (-744, "20", -149),
        ];
        for (base, rate, tax) in table {
            let rate: Decimal = rate.parse().unwrap();
            assert_eq!(
                vat_on(base, rate, Currency::Eur),
                Ok(tax),
                "{base} at {rate} %"
            );
        }
    }

    proptest! {
        #[test]
        fn tax_is_within_half_a_minor_unit(base in 0_i64..10_i64.pow(12), per_mille in 0_i64..300) {
            let rate = Decimal::new(per_mille, 1);
            let tax = vat_on(base, rate, Currency::Eur).unwrap();
            let exact = i128::from(base) * i128::from(per_mille);
            let error = (i128::from(tax) * 1000 - exact).abs();
            prop_assert!(error <= 500);
        }
    }
}
