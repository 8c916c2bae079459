//! Disputes: a payer takes the money back through PayPal or its bank.
//!
//! PayPal holds the money from the day a dispute is opened, so it counts as
//! taken back from then on, and as won where PayPal decides for the house
//! ("Customer Disputes v1", `dispute_outcome.outcome_code`).

use serde::Deserialize;

use super::call::segment;
use super::wire::{AmountBody, money_of};
use super::{PayPal, unbookable};
use crate::domain::money::Money;
use crate::domain::payment::dispute::{DisputeNews, DisputeStanding};
use crate::providers::{CallError, Dispute};

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
        return Err(unbookable(
            body.dispute_id,
            format!("it is of {count} payments"),
        ));
    };
    let payment = transaction
        .seller_transaction_id
        .clone()
        .ok_or_else(|| unbookable(&body.dispute_id, "it names no payment"))?;
    let amount = money_of(&body.dispute_id, &body.dispute_amount)?;
    Ok(Dispute {
        payment,
        currency: amount.currency,
        news: DisputeNews {
            standing: standing(&body, amount)?,
            amount_minor: amount.minor,
            // PayPal says nowhere in a dispute what it charges for it.
            fee_minor: 0,
            fee_returned_minor: 0,
        },
        id: body.dispute_id,
    })
}

fn standing(body: &DisputeBody, amount: Money) -> Result<DisputeStanding, CallError> {
    if body.status != "RESOLVED" {
        return Ok(DisputeStanding::Open);
    }
    let id = body.dispute_id.as_str();
    let outcome = body.dispute_outcome.as_ref();
    let code = outcome.and_then(|outcome| outcome.outcome_code.as_deref());
    let unclear = |outcome: &str| {
        let reason = format!("it was resolved as {outcome}: who has the money?");
        Err(unbookable(id, reason))
    };
    match code {
        Some("RESOLVED_SELLER_FAVOUR" | "CANCELED_BY_BUYER" | "DENIED") => Ok(DisputeStanding::Won),
        Some(code @ ("RESOLVED_BUYER_FAVOUR" | "ACCEPTED")) => {
            let refunded = outcome.and_then(|outcome| outcome.amount_refunded.as_ref());
            match refunded.map(|body| money_of(id, body)).transpose()? {
                // A part of it only: what of the rest?
                Some(refunded) if refunded != amount => unclear(code),
                _ => Ok(DisputeStanding::Lost),
            }
        }
        Some(other) => unclear(other),
        None => unclear("none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(status: &str, outcome: &serde_json::Value) -> Result<DisputeStanding, CallError> {
        let body = json!({
            "dispute_id": "PP-D-1", "status": status, "dispute_outcome": outcome,
            "dispute_amount": {"currency_code": "EUR", "value": "20.00"},
            "disputed_transactions": [{"seller_transaction_id": "C1"}],
        });
        let dispute = dispute_of(serde_json::from_value(body).unwrap())?;
        assert_eq!(dispute.news.amount_minor, 2_000);
        Ok(dispute.news.standing)
    }

    #[test]
    fn each_outcome_says_who_has_the_money() {
        use DisputeStanding::{Lost, Open, Won};
        let code = |code: &str| json!({"outcome_code": code});
        let refunded = |value: &str| {
            json!({"outcome_code": "RESOLVED_BUYER_FAVOUR",
                "amount_refunded": {"currency_code": "EUR", "value": value}})
        };
        let table = [
            ("OPEN", json!(null), Some(Open)),
            ("WAITING_FOR_SELLER_RESPONSE", json!(null), Some(Open)),
            ("RESOLVED", code("RESOLVED_BUYER_FAVOUR"), Some(Lost)),
            ("RESOLVED", refunded("20.00"), Some(Lost)),
            ("RESOLVED", code("ACCEPTED"), Some(Lost)),
            ("RESOLVED", code("RESOLVED_SELLER_FAVOUR"), Some(Won)),
            ("RESOLVED", code("CANCELED_BY_BUYER"), Some(Won)),
            ("RESOLVED", code("DENIED"), Some(Won)),
            // For a person.
            ("RESOLVED", code("RESOLVED_WITH_PAYOUT"), None),
            ("RESOLVED", json!(null), None),
            ("RESOLVED", refunded("5.00"), None),
        ];
        for (status, outcome, expected) in table {
            let got = read(status, &outcome);
            let is_unclear = matches!(got, Err(CallError::Unbookable { .. }));
            assert_eq!(got.ok(), expected, "{status} {outcome}");
            assert_eq!(is_unclear, expected.is_none(), "{status} {outcome}");
        }
    }
}
