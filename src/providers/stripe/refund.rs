//! Refunds of payment intents.

use std::collections::HashMap;

use stripe_client_core::StripeRequest as _;
use stripe_core::Refund;
use stripe_core::refund::{CreateRefund, ListRefund, RetrieveRefund};
use stripe_types::Expandable;

use super::client::{unbookable, under};
use super::{PAGE, Stripe, check_amount, fee_of};
use crate::domain::payment::Decline;
use crate::providers::{Answer, CallError, GiveBack, Standing};

/// The metadata that holds the refund's id.
pub(super) const REFUND: &str = "refund";

impl Stripe {
    pub(super) async fn make_refund(&self, refund: &GiveBack<'_>) -> Result<Answer, CallError> {
        let request = CreateRefund::new()
            .payment_intent(refund.payment)
            .amount(refund.amount.minor)
            .metadata(HashMap::from([(REFUND.to_owned(), refund.key.to_owned())]))
            .expand(vec!["balance_transaction".to_owned()]);
        let made = request
            .customize()
            .request_strategy(under(refund.key)?)
            .send(&self.client)
            .await?;
        self.refund_answer(refund, made).await
    }

    pub(super) async fn read_refund(
        &self,
        refund: &GiveBack<'_>,
        reference: &str,
    ) -> Result<Answer, CallError> {
        let made = self.retrieve_refund(reference).await?;
        self.refund_answer(refund, made).await
    }

    /// A refund by its key, among all of its payment's.
    pub(super) async fn search_refund(
        &self,
        refund: &GiveBack<'_>,
    ) -> Result<Option<Answer>, CallError> {
        let all = ListRefund::new()
            .payment_intent(refund.payment)
            .limit(PAGE)
            .expand(vec!["data.balance_transaction".to_owned()]);
        let mut found: Option<Refund> = None;
        let mut request = all.clone();
        loop {
            let page = request.send(&self.client).await?;
            let last = page.data.last().map(|made| made.id.to_string());
            for made in page.data.into_iter().filter(|made| is_of(made, refund.key)) {
                if let Some(other) = &found {
                    let reason = format!("it and {} are both refunds under one key", made.id);
                    return Err(unbookable(&other.id, reason));
                }
                found = Some(made);
            }
            match last {
                Some(last) if page.has_more => request = all.clone().starting_after(last),
                _ => break,
            }
        }
        match found {
            Some(made) => self.refund_answer(refund, made).await.map(Some),
            None => Ok(None),
        }
    }

    async fn retrieve_refund(&self, reference: &str) -> Result<Refund, CallError> {
        let request = RetrieveRefund::new(reference).expand(vec!["balance_transaction".to_owned()]);
        Ok(request.send(&self.client).await?)
    }

    async fn refund_answer(
        &self,
        refund: &GiveBack<'_>,
        made: Refund,
    ) -> Result<Answer, CallError> {
        let id = made.id.to_string();
        let payment = made.payment_intent.as_ref().map(Expandable::id);
        let is_its = payment.is_some_and(|payment| payment.as_str() == refund.payment);
        if !is_of(&made, refund.key) || !is_its {
            return Err(unbookable(id, "it is another refund"));
        }
        check_amount(&id, refund.amount, made.amount, &made.currency.to_string())?;
        let standing = match made.status.as_deref() {
            Some("succeeded") => self.refunded(refund, made).await?,
            // A card's refund asks nobody; another method's may.
            Some("pending" | "requires_action") => Standing::Pending,
            Some("failed") => {
                let reason = made.failure_reason.as_deref().unwrap_or("refund_failed");
                Standing::Declined(Decline::stripe(reason))
            }
            Some("canceled") => Standing::Declined(Decline::canceled()),
            status => {
                let status = status.unwrap_or("without a status");
                return Err(unbookable(id, format!("it is {status}")));
            }
        };
        Ok(Answer {
            reference: id,
            standing,
        })
    }

    /// As with a payment: what it cost has to be known.
    async fn refunded(&self, refund: &GiveBack<'_>, made: Refund) -> Result<Standing, CallError> {
        let known = |made: &Refund| {
            let transaction = made.balance_transaction.as_ref()?.as_object()?;
            Some(fee_of(transaction, refund.amount))
        };
        let fee_minor = match known(&made) {
            Some(fee) => Some(fee),
            None => known(&self.retrieve_refund(made.id.as_str()).await?),
        };
        match fee_minor.transpose()? {
            Some(fee_minor) => Ok(Standing::Succeeded { fee_minor }),
            None => Ok(Standing::Pending),
        }
    }
}

fn is_of(made: &Refund, key: &str) -> bool {
    let metadata = made.metadata.as_ref();
    metadata
        .and_then(|metadata| metadata.get(REFUND))
        .is_some_and(|its| its == key)
}
