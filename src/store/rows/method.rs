//! Cards and mandates on file.

use std::net::IpAddr;

use chrono::NaiveDate;

use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::payment::PaymentMethod;
use crate::domain::payment::plan::MethodState;
use crate::domain::sepa::mandate::MandateUse;
use crate::domain::sepa::message::{Scheme, SequenceType};
use crate::vault::Sealed;

pub use crate::domain::payment::FileState;

/// A card to be kept, as its provider tells it.
#[derive(Debug, Clone, Copy)]
pub struct NewCard<'a> {
    pub account: AccountId,
    /// The provider's id of the card.
    pub reference: &'a str,
    pub brand: &'a str,
    pub last4: &'a str,
    /// The last month in which it is good, such as 202810.
    pub expires: i32,
    pub added_at: Instant,
}

/// A card that would be charged, and is good for a short time only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiringCard {
    pub account: AccountId,
    pub method: PaymentMethodId,
    /// The provider's id of the card.
    pub reference: String,
    pub brand: String,
    pub last4: String,
    /// The last month in which it is good.
    pub expires: PeriodKey,
}

/// A mandate to be kept, with the evidence of its signature.
#[derive(Debug, Clone, Copy)]
pub struct NewMandate<'a> {
    pub account: AccountId,
    /// From [`next_method`](crate::store::sqlite::queries::next_method): the
    /// IBAN is sealed for it.
    pub id: PaymentMethodId,
    /// The unique mandate reference.
    pub reference: &'a str,
    pub scheme: Scheme,
    pub usage: MandateUse,
    pub debtor_name: &'a str,
    pub bic: Option<&'a str>,
    pub iban: &'a Sealed,
    /// Such as `DE…3000`.
    pub iban_masked: &'a str,
    pub signed_on: NaiveDate,
    pub signed_at: Instant,
    pub signed_from: IpAddr,
    /// The text as it was shown.
    pub signed_text: &'a str,
    pub added_at: Instant,
}

/// A card or mandate as it stands on file, removed ones among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMethod {
    pub account: AccountId,
    pub id: PaymentMethodId,
    pub state: FileState,
    pub added_at: Instant,
    /// Of several, the one preferred last is used.
    pub preferred_at: Instant,
    /// When its state came.
    pub changed_at: Instant,
    pub details: MethodDetails,
}

impl StoredMethod {
    #[must_use]
    pub const fn method(&self) -> PaymentMethod {
        match &self.details {
            MethodDetails::Card(_) => PaymentMethod::Card,
            MethodDetails::Mandate(_) => PaymentMethod::Sepa,
        }
    }
}

/// What is known of it beside its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodDetails {
    Card(StoredCard),
    Mandate(Box<StoredMandate>),
}

/// A card, as its provider told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCard {
    pub reference: String,
    pub brand: String,
    pub last4: String,
    /// The last month in which it is good, such as 202810.
    pub expires: i32,
}

impl StoredCard {
    /// The last month in which it is good, such as `2028-10`.
    #[must_use]
    pub fn good_until(&self) -> String {
        format!("{:04}-{:02}", self.expires / 100, self.expires % 100)
    }
}

/// A mandate without its sealed IBAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMandate {
    pub reference: String,
    pub scheme: Scheme,
    pub usage: MandateUse,
    pub debtor_name: String,
    pub bic: Option<String>,
    pub iban_masked: String,
    pub signed_on: NaiveDate,
    pub signed_at: Instant,
    pub signed_from: IpAddr,
    pub signed_text: String,
    pub history: MandateHistory,
}

/// What the bank knows a mandate by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MandateHistory {
    /// The creditor's name and identifier in the latest collection that was
    /// presented.
    pub presented_by: Option<(String, String)>,
    /// Whether the debtor's account is another since then.
    pub account_changed: bool,
    pub last_sequence: Option<SequenceType>,
    pub last_presented_on: Option<NaiveDate>,
}

/// The card or mandate that an account uses: of those not removed, the one
/// preferred last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodOnFile {
    pub account: AccountId,
    pub id: PaymentMethodId,
    pub method: PaymentMethod,
    pub state: MethodState,
    /// The provider's id of the card, or the mandate's reference.
    pub reference: String,
}

/// The sealed IBAN of a mandate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedIban {
    pub account: AccountId,
    pub id: PaymentMethodId,
    pub sealed: Sealed,
}
