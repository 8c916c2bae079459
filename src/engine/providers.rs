//! The connections to payment providers, the platform and the mail server, made
//! when they are first needed.

use std::sync::{Arc, OnceLock};

use crate::config::Config;
use crate::mail::smtp::{self, Smtp};
use crate::providers::http::Way;
use crate::providers::paypal::{OpenError, PayPal};
use crate::providers::platform::{self, Platform};
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
    #[error(transparent)]
    Platform(#[from] platform::OpenError),
    #[error(transparent)]
    Mail(#[from] smtp::SetupError),
}

/// One connection pool a provider and process.
#[derive(Clone, Default)]
pub struct Providers {
    way: Way,
    stripe: Arc<OnceLock<Stripe>>,
    paypal: Arc<OnceLock<PayPal>>,
    platform: Arc<OnceLock<Platform>>,
    smtp: Arc<OnceLock<Arc<Smtp>>>,
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

    /// The platform.
    ///
    /// # Errors
    /// When the settings have no `[platform]`, or its secret is not there.
    pub fn platform(&self, config: &Config) -> Result<&Platform, ProviderError> {
        if let Some(platform) = self.platform.get() {
            return Ok(platform);
        }
        let settings = config
            .platform
            .as_ref()
            .ok_or(ProviderError::NotSet("platform"))?;
        let platform = Platform::open(settings)?;
        Ok(self.platform.get_or_init(|| platform))
    }

    /// The mail server.
    ///
    /// # Errors
    /// When the settings have no `[mail]`, or its password or certificate is not
    /// there.
    pub fn smtp(&self, config: &Config) -> Result<Arc<Smtp>, ProviderError> {
        if let Some(smtp) = self.smtp.get() {
            return Ok(Arc::clone(smtp));
        }
        let settings = config.mail.as_ref().ok_or(ProviderError::NotSet("mail"))?;
        let smtp = Arc::new(Smtp::open(settings)?);
        Ok(Arc::clone(self.smtp.get_or_init(|| smtp)))
    }
}
