//! Cards through Stripe: payment intents confirmed off session, refunds of them,
//! customers with their cards, and disputes.
//!
//! - [`Stripe`]: the calls
//! - [`webhook`]: which events are Stripe's; what they tell is re-read
//!
//! Amounts are minor units on both sides: Stripe counts all currencies this
//! house bills in as ISO 4217 does (docs.stripe.com/currencies).

mod client;
mod customer;
mod dispute;
mod key;
mod payment;
mod refund;
pub mod webhook;

use super::http::Way;
use super::{Answer, CallError, Charge, GiveBack, Lookup, PaymentProvider};
use crate::config::StripeSettings;
use crate::domain::money::Money;
pub use client::SetupError;
use client::{Client, unbookable};
pub use customer::{CardOnFile, NewSetup, Setup, SetupStanding};

const PROVIDER: &str = "Stripe";
/// The most of one page of a list.
const PAGE: i64 = 100;

/// The connection to Stripe.
pub struct Stripe {
    client: Client,
}

impl std::fmt::Debug for Stripe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripe").finish_non_exhaustive()
    }
}

impl Stripe {
    /// Reads the secret key and sets up the connections; asks Stripe nothing.
    ///
    /// # Errors
    /// When the key is not there.
    pub fn open(settings: &StripeSettings, way: &Way) -> Result<Self, SetupError> {
        Ok(Self {
            client: Client::open(settings, way)?,
        })
    }
}

impl PaymentProvider for Stripe {
    /// Stripe prunes keys once they are at least 24 hours old
    /// (docs.stripe.com/api/idempotent_requests).
    const KEY_HOURS: i64 = 24;

    async fn take(&self, charge: &Charge<'_>) -> Result<Answer, CallError> {
        self.take_payment(charge).await
    }

    async fn find(&self, lookup: &Lookup<'_>) -> Result<Option<Answer>, CallError> {
        match lookup.reference {
            Some(reference) => self.read_payment(lookup, reference).await.map(Some),
            None => self.search_payment(lookup).await,
        }
    }

    async fn give_back(&self, refund: &GiveBack<'_>) -> Result<Answer, CallError> {
        self.make_refund(refund).await
    }

    async fn find_refund(
        &self,
        refund: &GiveBack<'_>,
        reference: Option<&str>,
    ) -> Result<Option<Answer>, CallError> {
        match reference {
            Some(reference) => self.read_refund(refund, reference).await.map(Some),
            None => self.search_refund(refund).await,
        }
    }
}

/// Stripe writes currencies in small letters.
fn currency(money: Money) -> String {
    money.currency.code().to_ascii_lowercase()
}

/// What came back has to be of what was asked: nothing is booked otherwise.
fn check_amount(
    id: &str,
    asked: Money,
    amount_minor: i64,
    its_currency: &str,
) -> Result<(), CallError> {
    if amount_minor == asked.minor && its_currency == currency(asked) {
        return Ok(());
    }
    let reason = format!(
        "it is over {amount_minor} {its_currency}, asked was {} {}",
        asked.minor,
        currency(asked)
    );
    Err(unbookable(id, reason))
}

/// The fee of a balance transaction, in the currency of what it is for.
fn fee_of(transaction: &stripe_core::BalanceTransaction, asked: Money) -> Result<i64, CallError> {
    let its_currency = transaction.currency.to_string();
    if its_currency == currency(asked) {
        return Ok(transaction.fee);
    }
    // Stripe settles this currency in another one: no fee in ours is known.
    let reason = format!(
        "it is in {its_currency}, not in {}: give that currency its own balance at Stripe",
        currency(asked)
    );
    Err(unbookable(&transaction.id, reason))
}
