//! The objects as PayPal writes them, and amounts in both directions.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

use super::call::refused_here;
use super::unbookable;
use crate::domain::money::{Currency, Money};
use crate::domain::payment::Decline;
use crate::providers::{Answer, CallError, Standing};

#[derive(Debug, Serialize, Deserialize)]
pub struct AmountBody {
    pub currency_code: String,
    pub value: String,
}

#[derive(Debug, Deserialize)]
pub struct OrderBody {
    pub id: String,
    pub status: String,
    #[serde(default)]
    pub purchase_units: Vec<UnitBody>,
    #[serde(default)]
    pub links: Vec<LinkBody>,
}

#[derive(Debug, Deserialize)]
pub struct UnitBody {
    pub amount: Option<AmountBody>,
    pub custom_id: Option<String>,
    #[serde(default)]
    pub payments: PaymentsBody,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PaymentsBody {
    pub captures: Vec<CaptureBody>,
    pub refunds: Vec<RefundBody>,
}

#[derive(Debug, Deserialize)]
pub struct LinkBody {
    pub href: String,
    pub rel: String,
}

#[derive(Debug, Deserialize)]
pub struct CaptureBody {
    pub id: String,
    pub status: String,
    pub status_details: Option<StatusDetails>,
    pub amount: AmountBody,
    pub custom_id: Option<String>,
    pub seller_receivable_breakdown: Option<ReceivableBody>,
    #[serde(default)]
    pub supplementary_data: SupplementaryBody,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SupplementaryBody {
    pub related_ids: RelatedBody,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RelatedBody {
    pub order_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct StatusDetails {
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct ReceivableBody {
    pub gross_amount: AmountBody,
    pub paypal_fee: Option<AmountBody>,
    pub net_amount: Option<AmountBody>,
}

#[derive(Debug, Deserialize)]
pub struct RefundBody {
    pub id: String,
    pub status: String,
    pub status_details: Option<StatusDetails>,
    pub amount: AmountBody,
    pub custom_id: Option<String>,
    #[serde(default)]
    pub links: Vec<LinkBody>,
}

/// Decimals that PayPal takes: HUF has none there, though ISO 4217 gives it two.
const fn digits(currency: Currency) -> u32 {
    match currency {
        Currency::Huf => 0,
        other => other.minor_digits(),
    }
}

/// An amount for PayPal.
///
/// # Errors
/// In a currency that PayPal has not, or with decimals that it takes not.
pub fn amount_body(money: Money) -> Result<AmountBody, CallError> {
    let currency = money.currency;
    if currency == Currency::Ron {
        return Err(refused_here("CURRENCY_NOT_SUPPORTED", "PayPal has no RON"));
    }
    let mut value = money.to_decimal();
    let digits = digits(currency);
    if value.normalize().scale() > digits {
        let reason = format!("PayPal takes {currency} with {digits} decimals");
        return Err(refused_here("DECIMAL_PRECISION", reason));
    }
    value.rescale(digits);
    Ok(AmountBody {
        currency_code: currency.code().to_owned(),
        value: value.to_string(),
    })
}

/// An amount of PayPal's, exact; `id` is what it is of.
///
/// # Errors
/// [`CallError::Unbookable`] when it is none, or has a fraction of a minor unit.
pub fn money_of(id: &str, body: &AmountBody) -> Result<Money, CallError> {
    let refuse = || {
        let AmountBody {
            currency_code,
            value,
        } = body;
        unbookable(id, format!("an amount of {value:?} {currency_code:?}"))
    };
    let currency: Currency = body.currency_code.parse().map_err(|_| refuse())?;
    let value = Decimal::from_str_exact(&body.value).map_err(|_| refuse())?;
    let unit = Decimal::from(10_i64.pow(currency.minor_digits()));
    let minor = value.checked_mul(unit).ok_or_else(refuse)?.normalize();
    if minor.scale() > 0 {
        return Err(refuse());
    }
    let minor = minor.to_i64().ok_or_else(refuse)?;
    Ok(Money::new(minor, currency))
}

/// # Errors
/// [`CallError::Unbookable`] when another amount came back than was asked.
pub fn same_amount(id: &str, body: &AmountBody, asked: Money) -> Result<(), CallError> {
    let got = money_of(id, body)?;
    if got == asked {
        Ok(())
    } else {
        let reason = format!("{asked} was asked, and it is {got}");
        Err(unbookable(id, reason))
    }
}

impl CaptureBody {
    /// What became of a capture of this amount.
    pub fn answer(&self, asked: Money) -> Result<Answer, CallError> {
        same_amount(&self.id, &self.amount, asked)?;
        let standing = match self.status.as_str() {
            // Refunded is what was taken first.
            "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED" => Standing::Succeeded {
                fee_minor: self.fee_minor(asked)?,
            },
            "PENDING" => Standing::Pending,
            "DECLINED" | "FAILED" => {
                let details = self.status_details.as_ref();
                let reason = details.and_then(|details| details.reason.as_deref());
                Standing::Declined(Decline::paypal(reason.unwrap_or(&self.status)))
            }
            other => return Err(unbookable(&self.id, format!("it is {other:?}"))),
        };
        Ok(Answer {
            reference: self.id.clone(),
            standing,
        })
    }

    /// What PayPal keeps. A fee that is not told is no fee of zero, unless what
    /// the house receives is told to be all of it.
    fn fee_minor(&self, gross: Money) -> Result<i64, CallError> {
        let told = self
            .seller_receivable_breakdown
            .as_ref()
            .ok_or_else(|| unbookable(&self.id, "it does not say what PayPal keeps of it"))?;
        same_amount(&self.id, &told.gross_amount, gross)?;
        let of = |body: &AmountBody| {
            let money = money_of(&self.id, body)?;
            if money.currency == gross.currency {
                Ok(money.minor)
            } else {
                Err(unbookable(&self.id, format!("a fee of {money} on {gross}")))
            }
        };
        let fee_minor = match (&told.paypal_fee, &told.net_amount) {
            (Some(fee), _) => of(fee)?,
            (None, Some(net)) => gross.minor.saturating_sub(of(net)?),
            (None, None) => return Err(unbookable(&self.id, "it does not say its fee")),
        };
        if fee_minor < 0 {
            let reason = format!("a fee of {fee_minor} minor units");
            return Err(unbookable(&self.id, reason));
        }
        Ok(fee_minor)
    }
}

impl RefundBody {
    /// What became of a refund of this amount.
    pub fn answer(&self, asked: Money) -> Result<Answer, CallError> {
        same_amount(&self.id, &self.amount, asked)?;
        let standing = match self.status.as_str() {
            "COMPLETED" => Standing::Succeeded { fee_minor: 0 },
            "PENDING" => Standing::Pending,
            "CANCELLED" | "FAILED" => {
                let details = self.status_details.as_ref();
                let reason = details.and_then(|details| details.reason.as_deref());
                Standing::Declined(Decline::paypal(reason.unwrap_or(&self.status)))
            }
            other => return Err(unbookable(&self.id, format!("it is {other:?}"))),
        };
        Ok(Answer {
            reference: self.id.clone(),
            standing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let table = [
            (500, Currency::Eur, Some("5.00")),
            (1, Currency::Eur, Some("0.01")),
            (123_456_789, Currency::Usd, Some("1234567.89")),
            (500, Currency::Jpy, Some("500")),
            (50_000, Currency::Huf, Some("500")),
            (50_001, Currency::Huf, None),
            (500, Currency::Ron, None),
        ];
        for (minor, currency, value) in table {
            let body = amount_body(Money::new(minor, currency)).ok();
            let got = body.as_ref().map(|body| body.value.as_str());
            assert_eq!(got, value, "{minor} {currency}");
        }
    }

    #[test]
    fn wrong_amounts_are_no_amounts() {
        let table = [
            ("5.001", "EUR"),
            ("5,00", "EUR"),
            ("", "EUR"),
            ("5.00", "XXX"),
            ("5.5", "JPY"),
            ("92233720368547758.08", "EUR"),
        ];
        for (value, currency_code) in table {
            let body = AmountBody {
                currency_code: currency_code.to_owned(),
                value: value.to_owned(),
            };
            assert!(money_of("C1", &body).is_err(), "{value} {currency_code}");
        }
    }

    fn capture(json: serde_json::Value) -> Result<Answer, CallError> {
        let body: CaptureBody = serde_json::from_value(json).unwrap();
        body.answer(Money::new(500, Currency::Eur))
    }

    #[test]
    fn a_capture_is_read_or_refused() {
        let eur = |value: &str| serde_json::json!({"currency_code": "EUR", "value": value});
        let with = |status: &str, amount: &str, breakdown: serde_json::Value| {
            capture(serde_json::json!({
                "id": "C1", "status": status, "amount": eur(amount),
                "seller_receivable_breakdown": breakdown,
            }))
        };
        let told = serde_json::json!({"gross_amount": eur("5.00"), "paypal_fee": eur("0.35")});
        let answer = with("COMPLETED", "5.00", told.clone()).unwrap();
        assert_eq!(answer.standing, Standing::Succeeded { fee_minor: 35 });
        let net = serde_json::json!({"gross_amount": eur("5.00"), "net_amount": eur("4.60")});
        let answer = with("REFUNDED", "5.00", net).unwrap();
        assert_eq!(answer.standing, Standing::Succeeded { fee_minor: 40 });
        let answer = with("PENDING", "5.00", serde_json::Value::Null).unwrap();
        assert_eq!(answer.standing, Standing::Pending);
        let gross = serde_json::json!({"gross_amount": eur("5.00")});
        let dollar = serde_json::json!({"currency_code": "USD", "value": "0.35"});
        let other_fee = serde_json::json!({"gross_amount": eur("5.00"), "paypal_fee": dollar});
        let below = serde_json::json!({"gross_amount": eur("5.00"), "paypal_fee": eur("-0.35")});
        for (status, amount, breakdown) in [
            ("COMPLETED", "5.01", told.clone()),
            ("COMPLETED", "5.00", serde_json::Value::Null),
            ("COMPLETED", "5.00", gross),
            ("COMPLETED", "5.00", other_fee),
            ("COMPLETED", "5.00", below),
            ("IN_ORBIT", "5.00", told),
        ] {
            let error = with(status, amount, breakdown.clone());
            assert!(
                matches!(error, Err(CallError::Unbookable { .. })),
                "{status} {amount} {breakdown}"
            );
        }
    }

    proptest! {
        #[test]
        fn amounts_are_read_back(minor in 1_i64..10_i64.pow(12), pick in 0..13_usize) {
            let money = Money::new(minor, Currency::ALL[pick]);
            if let Ok(body) = amount_body(money) {
                prop_assert_eq!(money_of("C1", &body).unwrap(), money);
            }
        }
    }
}
