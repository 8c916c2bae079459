//! Orders: created, approved by their payer, captured once.

use reqwest::Method;
use serde_json::json;

use super::call::{Call, decode, issue, refusal, refused_here, segment};
use super::wire::{CaptureBody, OrderBody, UnitBody, amount_body, same_amount};
use super::{PayPal, lost, unbookable};
use crate::domain::money::Money;
use crate::domain::payment::Decline;
use crate::providers::http::Reply;
use crate::providers::{Answer, CallError, Charge, Lookup, Standing};

/// What is to be bought.
#[derive(Debug, Clone, Copy)]
pub struct NewOrder<'a> {
    /// The id of the purchase, 32 hex digits.
    pub purchase: &'a str,
    pub amount: Money,
    /// What the payer reads, at most 127 characters.
    pub description: &'a str,
}

/// An order as PayPal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: String,
    pub state: OrderState,
    /// Where its payer approves it, while that can be done.
    pub approve_url: Option<String>,
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderState {
    /// Its payer has not approved it yet, or has to do more.
    WaitsForPayer,
    /// It can be captured.
    Approved,
    /// It was captured, with this outcome.
    Captured(Answer),
    Voided,
}

impl<'a> Charge<'a> {
    /// The same payment, in its order.
    const fn capture_of_order(&self) -> Lookup<'a> {
        Lookup {
            key: self.key,
            amount: self.amount,
            made_at: self.made_at,
            reference: None,
            within: Some(self.instrument),
        }
    }
}

impl PayPal {
    /// Creates an order under a key of its own: PayPal's keys are of one kind of
    /// request each, and the purchase's id is that of the capture.
    ///
    /// The purchase's id goes with it twice: `custom_id` finds the purchase of an
    /// event, and as `invoice_id` PayPal refuses to take money for it again, even
    /// where every key is forgotten (`DUPLICATE_INVOICE_ID`).
    ///
    /// # Errors
    /// When there is no answer, or one about another amount.
    pub async fn create_order(&self, new: &NewOrder<'_>) -> Result<Order, CallError> {
        let body = json!({
            "intent": "CAPTURE",
            "purchase_units": [{
                "amount": amount_body(new.amount)?,
                "custom_id": new.purchase,
                "invoice_id": new.purchase,
                "description": new.description,
            }],
            "payment_source": {"paypal": {"experience_context": {
                "return_url": self.return_url,
                "cancel_url": self.cancel_url,
                "shipping_preference": "NO_SHIPPING",
                "user_action": "PAY_NOW",
            }}},
        });
        let key = format!("{}-order", new.purchase);
        let reply = self
            .call(&Call {
                method: Method::POST,
                path: "/v2/checkout/orders".to_owned(),
                body: Some(body.to_string()),
                key: Some(&key),
            })
            .await?;
        if !reply.is_success() {
            return Err(refusal(&reply));
        }
        let body: OrderBody = decode(&reply)?;
        let order = order_of(&body, new.purchase, new.amount)?;
        if order.approve_url.is_none() && order.state == OrderState::WaitsForPayer {
            return Err(unbookable(order.id, "it cannot be approved anywhere"));
        }
        Ok(order)
    }

    /// Whether an amount can be asked for at all, before anything is recorded.
    ///
    /// # Errors
    /// In a currency that PayPal has not, or with decimals that it takes not.
    pub fn check_amount(amount: Money) -> Result<(), CallError> {
        amount_body(amount).map(|_| ())
    }

    /// The purchase that a capture belongs to by its own word (`custom_id`).
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn capture_owner(&self, capture: &str) -> Result<Option<String>, CallError> {
        let path = format!("/v2/payments/captures/{}", segment(capture)?);
        let body: Option<CaptureBody> = self.read(path).await?;
        Ok(body.and_then(|body| body.custom_id))
    }

    /// Reads an order of a purchase; `None` when PayPal has it no more.
    ///
    /// # Errors
    /// When there is no answer, or it is about another purchase or amount.
    pub async fn order(
        &self,
        id: &str,
        purchase: &str,
        amount: Money,
    ) -> Result<Option<Order>, CallError> {
        let body: Option<OrderBody> = self.read(order_path(id)?).await?;
        body.map(|body| order_of(&body, purchase, amount))
            .transpose()
    }

    /// Captures an order.
    pub(super) async fn capture(&self, charge: &Charge<'_>) -> Result<Answer, CallError> {
        let order = charge.instrument;
        let reply = self
            .call(&Call {
                method: Method::POST,
                path: format!("{}/capture", order_path(order)?),
                body: Some("{}".to_owned()),
                key: Some(charge.key),
            })
            .await?;
        if reply.is_success() {
            let body: OrderBody = decode(&reply)?;
            return match order_of(&body, charge.key, charge.amount)?.state {
                OrderState::Captured(answer) => Ok(answer),
                OrderState::WaitsForPayer => Ok(pending(order)),
                OrderState::Approved | OrderState::Voided => {
                    Err(lost("the answer of a capture holds no capture"))
                }
            };
        }
        self.captured_otherwise(charge, &reply).await
    }

    /// What a refused capture means.
    async fn captured_otherwise(
        &self,
        charge: &Charge<'_>,
        reply: &Reply,
    ) -> Result<Answer, CallError> {
        if reply.status != 422 {
            return Err(refusal(reply));
        }
        let code = issue(reply);
        // Somebody captured it before: an earlier try, or another process.
        let is_taken = matches!(
            code.as_str(),
            "ORDER_ALREADY_CAPTURED" | "DUPLICATE_INVOICE_ID"
        );
        if is_taken || reply.after_lost_try {
            if let Some(answer) = self.find_capture(&charge.capture_of_order()).await? {
                return Ok(answer);
            }
            if is_taken {
                let reason = format!("{code}, and the order holds no capture");
                return Err(unbookable(charge.instrument, reason));
            }
        }
        // The payer has to approve it, or to do more.
        if matches!(
            code.as_str(),
            "ORDER_NOT_APPROVED" | "PAYER_ACTION_REQUIRED"
        ) {
            return Ok(pending(charge.instrument));
        }
        let decline = Decline::paypal(&code);
        if decline.known {
            return Ok(Answer {
                reference: charge.instrument.to_owned(),
                standing: Standing::Declined(decline),
            });
        }
        Err(refusal(reply))
    }

    /// How a capture stands; `None` for an order without one.
    pub(super) async fn find_capture(
        &self,
        lookup: &Lookup<'_>,
    ) -> Result<Option<Answer>, CallError> {
        let order = lookup.within;
        // Before its payer approved it, a payment is called by its order.
        if let Some(id) = lookup.reference.filter(|id| Some(*id) != order) {
            let path = format!("/v2/payments/captures/{}", segment(id)?);
            let body: Option<CaptureBody> = self.read(path).await?;
            let Some(body) = body else { return Ok(None) };
            same_purchase(&body.id, body.custom_id.as_deref(), lookup.key)?;
            return body.answer(lookup.amount).map(Some);
        }
        let Some(order) = order else {
            let reason = "a payment is found by its capture or its order";
            return Err(refused_here("INVALID_RESOURCE_ID", reason));
        };
        let order = self.order(order, lookup.key, lookup.amount);
        Ok(match order.await? {
            Some(Order {
                state: OrderState::Captured(answer),
                ..
            }) => Some(answer),
            _ => None,
        })
    }
}

fn order_path(id: &str) -> Result<String, CallError> {
    Ok(format!("/v2/checkout/orders/{}", segment(id)?))
}

fn pending(order: &str) -> Answer {
    Answer {
        reference: order.to_owned(),
        standing: Standing::Pending,
    }
}

fn same_purchase(id: &str, custom_id: Option<&str>, purchase: &str) -> Result<(), CallError> {
    match custom_id {
        Some(custom_id) if custom_id == purchase => Ok(()),
        Some(_) => Err(unbookable(id, "it is of another purchase")),
        None => Err(unbookable(id, "it names no purchase")),
    }
}

fn order_of(body: &OrderBody, purchase: &str, amount: Money) -> Result<Order, CallError> {
    let [unit] = body.purchase_units.as_slice() else {
        let units = body.purchase_units.len();
        let reason = format!("it has {units} purchase units");
        return Err(unbookable(&body.id, reason));
    };
    // What is not told of the unit is told of its capture.
    if let Some(told) = &unit.amount {
        same_amount(&body.id, told, amount)?;
    }
    if unit.custom_id.is_some() || unit.payments.captures.is_empty() {
        same_purchase(&body.id, unit.custom_id.as_deref(), purchase)?;
    }
    let captured = capture_of(unit, purchase, amount)?;
    let state = match (captured, body.status.as_str()) {
        (Some(answer), _) => OrderState::Captured(answer),
        (None, "CREATED" | "SAVED" | "PAYER_ACTION_REQUIRED") => OrderState::WaitsForPayer,
        (None, "APPROVED") => OrderState::Approved,
        (None, "VOIDED") => OrderState::Voided,
        (None, other) => return Err(unbookable(&body.id, format!("it is {other:?}"))),
    };
    let approve = body
        .links
        .iter()
        .find(|link| matches!(link.rel.as_str(), "payer-action" | "approve"));
    Ok(Order {
        id: body.id.clone(),
        approve_url: approve.map(|link| link.href.clone()),
        state,
    })
}

/// The capture that counts: an order whose first one was declined may be
/// captured again, but never twice.
fn capture_of(unit: &UnitBody, purchase: &str, amount: Money) -> Result<Option<Answer>, CallError> {
    let mut found: Option<Answer> = None;
    for capture in &unit.payments.captures {
        same_purchase(&capture.id, capture.custom_id.as_deref(), purchase)?;
        let answer = capture.answer(amount)?;
        let weight = |answer: &Answer| match answer.standing {
            Standing::Succeeded { .. } => 2,
            Standing::Pending => 1,
            Standing::Declined(_) => 0,
        };
        match &found {
            Some(before) if weight(before) > 0 && weight(&answer) > 0 => {
                let reason = format!("the order is captured twice, by {} too", answer.reference);
                return Err(unbookable(&before.reference, reason));
            }
            Some(before) if weight(before) > weight(&answer) => {}
            _ => found = Some(answer),
        }
    }
    Ok(found)
}
