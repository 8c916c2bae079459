//! PayPal: an order is created, its payer approves it in the browser, and the
//! house captures it.
//!
//! - [`order`]: orders and their captures
//! - [`refund`]: money given back of a capture
//! - [`webhook`]: events, verified by PayPal itself, and what they are about
//! - [`dispute`]: what a payer and PayPal argue about
//! - [`call`]: one request with its token, and what its refusal means
//! - [`token`]: the access token, fetched once for everyone
//! - [`wire`]: the objects as PayPal writes them; amounts
//!
//! Sources: PayPal's OpenAPI documents "Orders v2", "Payments v2" and "Webhooks
//! v1" (github.com/paypal/paypal-rest-api-specifications).

mod call;
mod dispute;
mod order;
mod refund;
mod token;
pub mod webhook;
mod wire;

pub use order::{NewOrder, Order, OrderState};
pub use refund::ForeignRefund;
pub use webhook::{EventError, EventSubject, PayPalEvent, UnverifiedEvent, read_event};

use super::http::{Dialect, Http, TransportError, Way};
use super::{Answer, CallError, Charge, GiveBack, Lookup, PaymentProvider};
use crate::config::{PayPalSettings, SecretError};

/// As PayPal is named in errors and logs.
const PROVIDER: &str = "PayPal";

/// PayPal's API, under the house's credentials.
pub struct PayPal {
    http: Http,
    /// Verifications have their own limit of requests, so that whoever floods the
    /// webhook keeps no capture waiting.
    verifying: webhook::Verifying,
    tokens: token::Tokens,
    webhook_id: String,
    return_url: String,
    cancel_url: String,
}

/// PayPal cannot be asked with these settings.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("paypal.{key}: {source}")]
    Secret {
        key: &'static str,
        source: SecretError,
    },
    #[error("paypal.client_id or client_secret has characters that no header holds")]
    NoHeader,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl PayPal {
    /// Reads the secrets; nothing is sent yet.
    ///
    /// # Errors
    /// When a secret is not where the settings say, or the machine's
    /// certificates cannot be used.
    pub fn open(settings: &PayPalSettings, way: &Way) -> Result<Self, OpenError> {
        let read = |key, source: &crate::config::SecretSource| {
            source
                .read()
                .map_err(|source| OpenError::Secret { key, source })
        };
        let id = read("client_id", &settings.client_id)?;
        let secret = read("client_secret", &settings.client_secret)?;
        let dialect = Dialect {
            provider: PROVIDER,
            request_id: "paypal-debug-id",
            should_retry: None,
            replayed: None,
        };
        Ok(Self {
            http: Http::new(settings.calls.clone(), dialect, way)?,
            verifying: webhook::Verifying::open(settings.calls.clone(), dialect, way)?,
            tokens: token::Tokens::new(&id, &secret).map_err(|_| OpenError::NoHeader)?,
            webhook_id: settings.webhook_id.clone(),
            return_url: settings.return_url.clone(),
            cancel_url: settings.cancel_url.clone(),
        })
    }
}

/// The charge's instrument is the id of an order. PayPal keeps the key of a
/// capture for 6 hours and that of a refund for 45 days; the shorter counts.
impl PaymentProvider for PayPal {
    const KEY_HOURS: i64 = 6;

    /// Captures the order. One that its payer has not approved yet is pending.
    async fn take(&self, charge: &Charge<'_>) -> Result<Answer, CallError> {
        self.capture(charge).await
    }

    /// `None` for an order that was never captured, whether or not it can be.
    async fn find(&self, lookup: &Lookup<'_>) -> Result<Option<Answer>, CallError> {
        self.find_capture(lookup).await
    }

    async fn give_back(&self, refund: &GiveBack<'_>) -> Result<Answer, CallError> {
        self.refund(refund).await
    }

    async fn find_refund(
        &self,
        refund: &GiveBack<'_>,
        reference: Option<&str>,
    ) -> Result<Option<Answer>, CallError> {
        self.find_given_back(refund, reference).await
    }
}

/// An answer that is read, and that nobody may book.
fn unbookable(reference: impl Into<String>, reason: impl Into<String>) -> CallError {
    CallError::Unbookable {
        provider: PROVIDER,
        reference: reference.into(),
        reason: reason.into(),
    }
}

/// No answer that can be read: the money may have moved.
fn lost(reason: impl Into<String>) -> CallError {
    CallError::Lost {
        provider: PROVIDER,
        reason: reason.into(),
    }
}
