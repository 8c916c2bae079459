//! Disputes: a payer takes the money back through PayPal or its bank.
//!
//! PayPal holds the money from the day a dispute is opened, so it counts as
//! taken back from then on, and as won where PayPal decides for the house
//! ("Customer Disputes v1", `dispute_outcome.outcome_code`).

use serde::Deserialize;

use super::call::segment;
use super::wire::{AmountBody, money_of};
use super::{PayPal, lost};
use crate::domain::money::Money;
use crate::providers::CallError;

/// A dispute as PayPal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    pub id: String,
    /// The capture that it is about.
    pub capture: String,
    pub amount: Money,
    pub standing: DisputeStanding,
}

/// Who has the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisputeStanding {
    /// PayPal holds it, or the payer has it back.
    TakenBack,
    /// The house keeps it.
    Won,
    /// Decided in a way that a person has to look at.
    Unclear { outcome: String },
}

#[derive(Debug, Deserialize)]
struct DisputeBody {
    dispute_id: String,
    status: String,
    dispute_amount: AmountBody,
    #[serde(default)]
    disputed_transactions: Vec<TransactionBody>,
    dispute_outcome: Option<OutcomeBody>,
}

#[derive(Debug, Deserialize)]
struct TransactionBody {
    seller_transaction_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OutcomeBody {
    outcome_code: Option<String>,
    amount_refunded: Option<AmountBody>,
}

impl PayPal {
    /// Reads a dispute.
    ///
    /// # Errors
    /// When there is no answer, or it is about several payments at once.
    pub async fn dispute(&self, id: &str) -> Result<Option<Dispute>, CallError> {
        let path = format!("/v1/customer/disputes/{}", segment(id)?);
        let body: Option<DisputeBody> = self.read(path).await?;
        body.map(dispute_of).transpose()
    }
}

fn dispute_of(body: DisputeBody) -> Result<Dispute, CallError> {
    let [transaction] = body.disputed_transactions.as_slice() else {
        let count = body.disputed_transactions.len();
        return Err(lost(format!(
            "dispute {} of {count} payments",
            body.dispute_id
        )));
    };
    let capture = transaction.seller_transaction_id.clone();
    let amount = money_of(&body.dispute_amount)?;
    Ok(Dispute {
        standing: standing(&body, amount)?,
        capture: capture
            .ok_or_else(|| lost(format!("dispute {} names no payment", body.dispute_id)))?,
        amount,
        id: body.dispute_id,
    })
}

fn standing(body: &DisputeBody, amount: Money) -> Result<DisputeStanding, CallError> {
    if body.status != "RESOLVED" {
        return Ok(DisputeStanding::TakenBack);
    }
    let outcome = body.dispute_outcome.as_ref();
    let code = outcome.and_then(|outcome| outcome.outcome_code.as_deref());
    let unclear = |outcome: &str| DisputeStanding::Unclear {
        outcome: outcome.to_owned(),
    };
    Ok(match code {
        Some("RESOLVED_SELLER_FAVOUR" | "CANCELED_BY_BUYER" | "DENIED") => DisputeStanding::Won,
        Some(code @ ("RESOLVED_BUYER_FAVOUR" | "ACCEPTED")) => {
            let refunded = outcome.and_then(|outcome| outcome.amount_refunded.as_ref());
            match refunded.map(money_of).transpose()? {
                // A part of it only: what of the rest?
                Some(refunded) if refunded != amount => unclear(code),
                _ => DisputeStanding::TakenBack,
            }
        }
        Some(other) => unclear(other),
        None => unclear("none"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(status: &str, outcome: serde_json::Value) -> DisputeStanding {
        let body = json!({
            "dispute_id": "PP-D-1", "status": status, "dispute_outcome": outcome,
            "dispute_amount": {"currency_code": "EUR", "value": "20.00"},
            "disputed_transactions": [{"seller_transaction_id": "C1"}],
        });
        dispute_of(serde_json::from_value(body).unwrap())
            .unwrap()
            .standing
    }

    #[test]
    fn each_outcome_says_who_has_the_money() {
        use DisputeStanding::{TakenBack, Won};
        let unclear = |outcome: &str| DisputeStanding::Unclear {
            outcome: outcome.to_owned(),
        };
        let code = |code: &str| json!({"outcome_code": code});
        let part = json!({"outcome_code": "RESOLVED_BUYER_FAVOUR",
            "amount_refunded": {"currency_code": "EUR", "value": "5.00"}});
        let table = [
            ("OPEN", json!(null), TakenBack),
            ("WAITING_FOR_SELLER_RESPONSE", json!(null), TakenBack),
            ("RESOLVED", code("RESOLVED_BUYER_FAVOUR"), TakenBack),
            ("RESOLVED", code("ACCEPTED"), TakenBack),
            ("RESOLVED", code("RESOLVED_SELLER_FAVOUR"), Won),
            ("RESOLVED", code("CANCELED_BY_BUYER"), Won),
            ("RESOLVED", code("DENIED"), Won),
            (
                "RESOLVED",
                code("RESOLVED_WITH_PAYOUT"),
                unclear("RESOLVED_WITH_PAYOUT"),
            ),
            ("RESOLVED", json!(null), unclear("none")),
            ("RESOLVED", part, unclear("RESOLVED_BUYER_FAVOUR")),
        ];
        for (status, outcome, expected) in table {
            assert_eq!(
                read(status, outcome.clone()),
                expected,
                "{status} {outcome}"
            );
        }
    }
}
