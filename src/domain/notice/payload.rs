//! What each topic keeps. Amounts are in minor units of their currency.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::wire::{code, optional_code, text};
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::PaymentMethodId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::{Currency, Money};
use crate::domain::payment::{DeclineClass, PaymentMethod};

/// A payment of an invoice, and why it was refused if it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentTold {
    pub payment: String,
    #[serde(with = "text")]
    pub invoice: InvoiceNumber,
    #[serde(with = "code")]
    pub method: PaymentMethod,
    pub amount_minor: i64,
    #[serde(with = "text")]
    pub currency: Currency,
    pub decline_code: Option<String>,
    #[serde(default, with = "optional_code")]
    pub decline_class: Option<DeclineClass>,
}

impl PaymentTold {
    #[must_use]
    pub const fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }
}

/// A purchase of credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseTold {
    pub purchase: String,
    pub amount_minor: i64,
    #[serde(with = "text")]
    pub currency: Currency,
    /// The numbers of what the credit paid at once.
    #[serde(default)]
    pub invoices_paid: Vec<String>,
}

impl PurchaseTold {
    #[must_use]
    pub const fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }
}

/// How much of a budget a month has used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetTold {
    #[serde(with = "text")]
    pub period: PeriodKey,
    /// The part that is reached.
    pub percent: i16,
    pub spent_minor: i64,
    pub budget_minor: i64,
    #[serde(with = "text")]
    pub currency: Currency,
}

/// What a dispute is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DisputeTold {
    Payment(PaymentTold),
    Purchase(PurchaseTold),
}

/// Money that was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundTold {
    pub refund: String,
    /// The code of what it was given back for.
    pub purpose: String,
    pub amount_minor: i64,
    #[serde(with = "text")]
    pub currency: Currency,
}

impl RefundTold {
    #[must_use]
    pub const fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }
}

/// An invoice that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceTold {
    #[serde(with = "text")]
    pub invoice: InvoiceNumber,
}

/// A suspension to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspensionWarningTold {
    #[serde(with = "text")]
    pub invoice: InvoiceNumber,
    pub days_before: u32,
    #[serde(with = "text")]
    pub suspension_on: NaiveDate,
}

/// A suspension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspendedTold {
    #[serde(with = "text")]
    pub invoice: InvoiceNumber,
    #[serde(with = "text")]
    pub deletion_on: NaiveDate,
}

/// A deletion to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionWarningTold {
    #[serde(with = "text")]
    pub invoice: InvoiceNumber,
    pub days_before: u32,
    #[serde(with = "text")]
    pub deletion_on: NaiveDate,
}

/// A link that is used once. It prints as nothing: who has it can delete the
/// account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OnceToken(pub String);

impl fmt::Debug for OnceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceToken(…)")
    }
}

/// A link that is used once: to confirm a deletion, to be let in again, to set a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTold {
    pub token: OnceToken,
    /// Until when the link works, in microseconds since 1970 UTC.
    pub until: i64,
}

impl LinkTold {
    #[must_use]
    pub const fn until(&self) -> Instant {
        Instant(self.until)
    }
}

/// A link that confirms an address, and that goes there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressLinkTold {
    #[serde(flatten)]
    pub link: LinkTold,
    pub to: String,
}

/// Somebody who may look at a customer's invoices by a link that works until the
/// customer takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationTold {
    /// Which invitation it is.
    pub id: String,
    pub token: OnceToken,
    pub to: String,
}

/// An account's address is to be another, or is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressTold {
    /// The address before, which is told.
    pub to: String,
    /// The one after.
    pub email: String,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
}

/// Something that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeTold {
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
}

/// Something about an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTold {
    pub app: String,
}

/// Why an account is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionCause {
    /// Its customer asked for it.
    Request,
    /// It did not pay.
    Unpaid,
}

impl DeletionCause {
    pub const ALL: [Self; 2] = [Self::Request, Self::Unpaid];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Unpaid => "unpaid",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }
}

/// A deletion that has begun, or is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionTold {
    #[serde(with = "code")]
    pub cause: DeletionCause,
}

/// A card that will soon not be good any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardExpiringTold {
    /// The number of the card among the account's methods.
    pub method: i64,
    /// The last month in which it is good.
    #[serde(with = "text")]
    pub expires: PeriodKey,
    /// Such as `visa 4242`.
    pub label: String,
}

impl CardExpiringTold {
    #[must_use]
    pub const fn method(&self) -> PaymentMethodId {
        PaymentMethodId(self.method)
    }
}
