//! The key that we gave an object of Stripe's, as its metadata holds it: how an
//! event about something whose name never came back finds its way.

use stripe_core::payment_intent::RetrievePaymentIntent;
use stripe_core::refund::RetrieveRefund;

use super::Stripe;
use super::payment::ATTEMPT;
use super::refund::REFUND;
use crate::providers::CallError;

impl Stripe {
    /// The attempt that a payment is of, as it says itself; `None` for one that
    /// was made elsewhere.
    ///
    /// # Errors
    /// When there is no answer, or no such payment.
    pub async fn key_of_payment(&self, id: &str) -> Result<Option<String>, CallError> {
        let mut intent = RetrievePaymentIntent::new(id).send(&self.client).await?;
        Ok(intent.metadata.remove(ATTEMPT))
    }

    /// The refund of ours that a refund is, as it says itself.
    ///
    /// # Errors
    /// When there is no answer, or no such refund.
    pub async fn key_of_refund(&self, id: &str) -> Result<Option<String>, CallError> {
        let refund = RetrieveRefund::new(id).send(&self.client).await?;
        Ok(refund
            .metadata
            .and_then(|mut metadata| metadata.remove(REFUND)))
    }
}
