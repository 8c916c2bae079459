//! Money given back of a capture.

use reqwest::Method;
use serde_json::json;

use super::call::{Call, decode, issue, refusal, segment};
use super::wire::{CaptureBody, OrderBody, RefundBody, amount_body, money_of};
use super::{PayPal, unbookable};
use crate::domain::money::Money;
use crate::domain::payment::Decline;
use crate::providers::{Answer, CallError, GiveBack, Standing};

/// A refund or reversal that an event told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignRefund {
    pub id: String,
    /// The capture that it gives back.
    pub capture: String,
    pub amount: Money,
    /// Whether the money is gone for good.
    pub is_completed: bool,
    /// The refund of the house that it is, where it was asked by the house.
    pub own: Option<String>,
}

impl PayPal {
    pub(super) async fn refund(&self, refund: &GiveBack<'_>) -> Result<Answer, CallError> {
        let capture = segment(refund.payment)?;
        let body = json!({
            "amount": amount_body(refund.amount)?,
            // Finds it again where its answer is lost.
            "custom_id": refund.key,
            "invoice_id": refund.key,
        });
        let reply = self
            .call(&Call {
                method: Method::POST,
                path: format!("/v2/payments/captures/{capture}/refund"),
                body: Some(body.to_string()),
                key: Some(refund.key),
            })
            .await?;
        if reply.is_success() {
            let body: RefundBody = decode(&reply)?;
            return body.answer(refund.amount);
        }
        if reply.status == 422
            && reply.after_lost_try
            && let Some(answer) = self.find_given_back(refund, None).await?
        {
            return Ok(answer);
        }
        let code = issue(&reply);
        let decline = Decline::paypal(&code);
        if reply.status == 422 && decline.known {
            return Ok(Answer {
                reference: refund.payment.to_owned(),
                standing: Standing::Declined(decline),
            });
        }
        Err(refusal(&reply))
    }

    pub(super) async fn find_given_back(
        &self,
        refund: &GiveBack<'_>,
        reference: Option<&str>,
    ) -> Result<Option<Answer>, CallError> {
        if let Some(id) = reference.filter(|id| *id != refund.payment) {
            let body: Option<RefundBody> = self.read(refund_path(id)?).await?;
            return body.map(|body| body.answer(refund.amount)).transpose();
        }
        // PayPal lists refunds nowhere but in the order of their capture.
        let path = format!("/v2/payments/captures/{}", segment(refund.payment)?);
        let capture: Option<CaptureBody> = self.read(path).await?;
        // Not there is no word about its refunds.
        let capture = capture.ok_or_else(|| unbookable(refund.payment, "the capture is gone"))?;
        let order = capture.supplementary_data.related_ids.order_id;
        let order =
            order.ok_or_else(|| unbookable(refund.payment, "the capture names no order"))?;
        let path = format!("/v2/checkout/orders/{}", segment(&order)?);
        let found: Option<OrderBody> = self.read(path).await?;
        // Not seen is not there only in an order that can be read.
        let order = found.ok_or_else(|| unbookable(order, "the order of a capture is gone"))?;
        let mut refunds = order
            .purchase_units
            .iter()
            .flat_map(|unit| &unit.payments.refunds);
        let own = refunds.find(|body| body.custom_id.as_deref() == Some(refund.key));
        own.map(|body| body.answer(refund.amount)).transpose()
    }

    /// Reads a refund or reversal that an event told of.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn foreign_refund(&self, id: &str) -> Result<Option<ForeignRefund>, CallError> {
        let body: Option<RefundBody> = self.read(refund_path(id)?).await?;
        let Some(body) = body else { return Ok(None) };
        let up = body.links.iter().find(|link| link.rel == "up");
        let capture = up.and_then(|link| link.href.rsplit('/').next());
        Ok(Some(ForeignRefund {
            capture: capture
                .ok_or_else(|| unbookable(&body.id, "it names no capture"))?
                .to_owned(),
            amount: money_of(&body.id, &body.amount)?,
            is_completed: body.status == "COMPLETED",
            own: body.custom_id,
            id: body.id,
        }))
    }
}

fn refund_path(id: &str) -> Result<String, CallError> {
    Ok(format!("/v2/payments/refunds/{}", segment(id)?))
}
