//! The connections to payment providers, made when they are first needed.

use std::sync::{Arc, OnceLock};

use crate::config::Config;
use crate::providers::stripe::{SetupError, Stripe};

/// A provider is needed that the settings do not have, or cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("there is no [{0}] in the settings")]
    NotSet(&'static str),
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// One connection pool a provider and process.
#[derive(Clone, Default)]
pub struct Providers {
    stripe: Arc<OnceLock<Stripe>>,
}

impl Providers {
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
        let stripe = Stripe::open(settings)?;
        Ok(self.stripe.get_or_init(|| stripe))
    }
}
