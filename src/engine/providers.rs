//! The connections to payment providers, made when they are first needed.

use std::sync::{Arc, OnceLock};

use crate::config::Config;
use crate::providers::http::Way;
use crate::providers::paypal::{OpenError, PayPal};
use crate::providers::stripe::{SetupError, Stripe};

/// A provider is needed that the settings do not have, or cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("there is no [{0}] in the settings")]
    NotSet(&'static str),
    #[error(transparent)]
    Stripe(#[from] SetupError),
    #[error(transparent)]
    PayPal(#[from] OpenError),
}

/// One connection pool a provider and process.
#[derive(Clone, Default)]
pub struct Providers {
    way: Way,
    stripe: Arc<OnceLock<Stripe>>,
    paypal: Arc<OnceLock<PayPal>>,
}

impl Providers {
    /// Providers that are reached another way than over the network.
    #[must_use]
    pub fn reached_by(way: Way) -> Self {
        Self {
            way,
            ..Self::default()
        }
    }

    /// Cards.
    ///
    /// # Errors
    /// When the settings have no `[stripe]`, or its secrets are not there.
    pub fn stripe(&self, config: &Config) -> Result<&Stripe, ProviderError> {
        if let Some(stripe) = self.stripe.get() {
            return Ok(stripe);
        }
        let settings = config
            .stripe
            .as_ref()
            .ok_or(ProviderError::NotSet("stripe"))?;
        let stripe = Stripe::open(settings, &self.way)?;
        Ok(self.stripe.get_or_init(|| stripe))
    }

    /// The sale of prepaid credit.
    ///
    /// # Errors
    /// When the settings have no `[paypal]`, or its secrets are not there.
    pub fn paypal(&self, config: &Config) -> Result<&PayPal, ProviderError> {
        if let Some(paypal) = self.paypal.get() {
            return Ok(paypal);
        }
        let settings = config
            .paypal
            .as_ref()
            .ok_or(ProviderError::NotSet("paypal"))?;
        let paypal = PayPal::open(settings, &self.way)?;
        Ok(self.paypal.get_or_init(|| paypal))
    }
}
