//! How others want to be spoken to: each provider's formats and calls.
//!
//! - [`PaymentProvider`]: what every provider does that takes money over the
//!   network; the suite's contract holds each of them to it
//! - [`http`]: the transport they share
//! - [`stripe`]: cards, who they belong to, and disputes about them
//! - [`paypal`]: prepaid credit, bought by an order that the customer approves
//! - [`sepa`]: the files that go to a bank and come from it
//! - [`platform`]: the hosting platform, told what to do with an account

pub mod http;
pub mod paypal;
pub mod platform;
pub mod sepa;
pub mod stripe;

use std::future::Future;

use crate::domain::calendar::Instant;
use crate::domain::money::{Currency, Money};
use crate::domain::payment::dispute::DisputeNews;
use crate::domain::payment::{AttemptEvent, Decline};

/// A payment to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'a> {
    /// The idempotency key: the id of the attempt or purchase, 32 hex digits.
    pub key: &'a str,
    pub amount: Money,
    /// What the provider calls who pays; nothing where it has no such thing.
    pub customer: Option<&'a str>,
    /// What the provider calls what is charged: a card, an approved order.
    pub instrument: &'a str,
    /// What the payer reads, such as the invoice's number.
    pub description: &'a str,
    /// When it was committed: a search for it begins there.
    pub made_at: Instant,
}

/// A payment that may have been taken, to be found again.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// The key that it was asked under.
    pub key: &'a str,
    /// What was asked: another amount is no answer.
    pub amount: Money,
    /// When it was committed: a search for it begins there.
    pub made_at: Instant,
    /// What the provider calls it, where that came back.
    pub reference: Option<&'a str>,
    /// Where it is searched by its key otherwise: what the provider calls who
    /// pays (Stripe), or the approved order (PayPal).
    pub within: Option<&'a str>,
}

/// Money to be given back of a payment.
#[derive(Debug, Clone, Copy)]
pub struct GiveBack<'a> {
    /// The idempotency key: the id of the refund, 32 hex digits.
    pub key: &'a str,
    /// What the provider calls the payment.
    pub payment: &'a str,
    pub amount: Money,
}

/// What a provider says of a payment or refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the provider calls it.
    pub reference: String,
    pub standing: Standing,
}

/// How a payment or refund stands with its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The money moved. The fee is what the provider keeps, in minor units.
    Succeeded { fee_minor: i64 },
    /// The provider works on it.
    Pending,
    /// No money moved. With an action-required class the payer can still make
    /// it succeed, until it is canceled.
    Declined(Decline),
}

impl From<Standing> for AttemptEvent {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Succeeded { .. } => Self::Succeeded,
            Standing::Pending => Self::Accepted,
            Standing::Declined(decline) => Self::Declined { decline },
        }
    }
}

/// A dispute of a payment, as its provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// What the provider calls it.
    pub id: String,
    /// What it calls the payment.
    pub payment: String,
    /// The currency is that of the payment.
    pub currency: Currency,
    pub news: DisputeNews,
}

/// A call did not lead to an [`Answer`].
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing was done, for certain: no connection, or turned away at the door
    /// (429) until the tries ran out. It may be sent again.
    #[error("{provider} was not reached: {reason}")]
    NotSent {
        provider: &'static str,
        reason: String,
    },
    /// No readable answer came; the money may have moved.
    #[error("{provider} gave no readable answer: {reason}")]
    Lost {
        provider: &'static str,
        reason: String,
    },
    /// An answer came that nobody may book: it is of another amount, of another
    /// payment, or says what is not understood. The money may have moved; a person
    /// has to look.
    #[error("{provider} answers what cannot be booked: {reference}: {reason}")]
    Unbookable {
        provider: &'static str,
        /// What the provider calls what it is about.
        reference: String,
        reason: String,
    },
    /// The provider knows us not, or forbids it (401, 403): a wrong key or
    /// setting. Nothing was done, and nothing else will be.
    #[error("{provider} refuses our credentials: {reason}")]
    Denied {
        provider: &'static str,
        reason: String,
    },
    /// The request is wrong in the provider's eyes. Nothing was done.
    #[error("{provider} refuses the request: {code}: {reason}")]
    Refused {
        provider: &'static str,
        /// The provider's own code, such as `resource_missing`.
        code: String,
        reason: String,
    },
}

impl CallError {
    /// Whether the provider has no such thing.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "resource_missing")
    }

    /// Whether the same question may fare better later, without a person.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::Lost { .. } | Self::Denied { .. } => true,
            Self::Unbookable { .. } | Self::Refused { .. } => false,
        }
    }
}

/// Who takes money over the network and gives it back.
///
/// A caller commits what it is about to ask before it asks, and holds no
/// transaction while it does. Asking again under the same key moves no money
/// twice while the provider keeps its keys ([`Self::KEY_HOURS`]); after that
/// only [`Self::find`] may be asked.
pub trait PaymentProvider: Sync {
    /// How long the provider keeps an idempotency key, in hours.
    const KEY_HOURS: i64;

    /// Takes a payment.
    ///
    /// # Errors
    /// When there is no answer; see [`CallError`].
    fn take(&self, charge: &Charge<'_>) -> impl Future<Output = Result<Answer, CallError>> + Send;

    /// How a payment stands, by what the provider calls it or, where that never
    /// came back, by its key. `None` when the provider never had it.
    ///
    /// # Errors
    /// When there is no answer.
    fn find(
        &self,
        lookup: &Lookup<'_>,
    ) -> impl Future<Output = Result<Option<Answer>, CallError>> + Send;

    /// Gives money back.
    ///
    /// # Errors
    /// When there is no answer.
    fn give_back(
        &self,
        refund: &GiveBack<'_>,
    ) -> impl Future<Output = Result<Answer, CallError>> + Send;

    /// How a refund stands; as [`Self::find`].
    ///
    /// # Errors
    /// When there is no answer.
    fn find_refund(
        &self,
        refund: &GiveBack<'_>,
        reference: Option<&str>,
    ) -> impl Future<Output = Result<Option<Answer>, CallError>> + Send;
}
