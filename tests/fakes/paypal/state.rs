//! What PayPal remembers.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde_json::{Value, json};

use super::contract::Contract;
use super::events::SentEvent;

/// How the next capture ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureEnd {
    Completed,
    /// Until the test completes or denies it.
    Pending,
    Declined,
}

pub struct Order {
    pub status: &'static str,
    pub amount: Value,
    pub custom_id: Value,
    pub invoice_id: Value,
    pub captures: Vec<String>,
}

pub struct Capture {
    pub order: String,
    pub status: &'static str,
    pub amount: Value,
    pub custom_id: Value,
    pub invoice_id: Value,
}

pub struct Refund {
    pub capture: String,
    pub status: &'static str,
    pub amount: Value,
    pub custom_id: Value,
    pub invoice_id: Value,
}

pub struct State {
    counted: u64,
    pub base_url: String,
    pub tokens: BTreeSet<String>,
    pub tokens_issued: usize,
    pub token_lifetime_seconds: u64,
    pub orders: BTreeMap<String, Order>,
    pub captures: BTreeMap<String, Capture>,
    pub refunds: BTreeMap<String, Refund>,
    pub disputes: BTreeMap<String, Value>,
    /// What was answered under a key, by the kind of request.
    pub keys: HashMap<(&'static str, String), (u16, Value)>,
    pub ends: VecDeque<CaptureEnd>,
    pub refund_ends: VecDeque<&'static str>,
    pub events: Vec<SentEvent>,
    pub contract: Contract,
    /// The requests that came, by method and path.
    pub requests: Vec<String>,
    pub retry_after_s: Option<u64>,
}

/// What PayPal keeps of a capture: 35 cents and a hundredth.
pub fn fee_minor(amount_minor: i64) -> i64 {
    35 + amount_minor / 100
}

/// Whether its payer's money came.
pub fn is_taken(capture: &Capture) -> bool {
    !matches!(capture.status, "PENDING" | "DECLINED")
}

pub fn minor(amount: &Value) -> i64 {
    let value = amount["value"].as_str().unwrap();
    let (whole, cents) = value.split_once('.').unwrap_or((value, "00"));
    assert_eq!(cents.len(), 2, "{amount}");
    whole.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap()
}

pub fn money(minor: i64) -> Value {
    json!({"currency_code": "EUR", "value": format!("{}.{:02}", minor / 100, minor % 100)})
}

impl State {
    pub fn new(contract: Contract) -> Self {
        Self {
            counted: 0,
            base_url: String::new(),
            tokens: BTreeSet::new(),
            tokens_issued: 0,
            token_lifetime_seconds: 32_400,
            orders: BTreeMap::new(),
            captures: BTreeMap::new(),
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            keys: HashMap::new(),
            ends: VecDeque::new(),
            refund_ends: VecDeque::new(),
            events: Vec::new(),
            contract,
            requests: Vec::new(),
            retry_after_s: None,
        }
    }

    /// An id such as PayPal gives: 17 letters and digits.
    pub fn id(&mut self, prefix: &str) -> String {
        self.counted += 1;
        format!(
            "{prefix}{:0width$}",
            self.counted,
            width = 17 - prefix.len()
        )
    }

    pub fn link(&self, rel: &str, path: &str) -> Value {
        let method = if rel == "capture" || rel == "refund" {
            "POST"
        } else {
            "GET"
        };
        json!({"href": format!("{}{path}", self.base_url), "rel": rel, "method": method})
    }

    pub fn order_body(&self, id: &str) -> Value {
        let order = &self.orders[id];
        let mut unit = json!({
            "reference_id": "default",
            "amount": order.amount,
            "custom_id": order.custom_id,
            "invoice_id": order.invoice_id,
        });
        if !order.captures.is_empty() {
            let refunds = self.refunds.iter();
            let own = refunds.filter(|(_, refund)| order.captures.contains(&refund.capture));
            unit["payments"] = json!({
                "captures": order.captures.iter().map(|id| self.capture_body(id)).collect::<Vec<_>>(),
                "refunds": own.map(|(id, _)| self.refund_body(id)).collect::<Vec<_>>(),
            });
        }
        let mut links = vec![self.link("self", &format!("/v2/checkout/orders/{id}"))];
        if matches!(order.status, "CREATED" | "PAYER_ACTION_REQUIRED") {
            links.push(self.link("payer-action", &format!("/checkoutnow?token={id}")));
        }
        json!({
            "id": id, "intent": "CAPTURE", "status": order.status,
            "purchase_units": [unit], "links": links, "create_time": "2026-11-02T08:00:00Z",
        })
    }

    pub fn capture_body(&self, id: &str) -> Value {
        let capture = &self.captures[id];
        let path = format!("/v2/payments/captures/{id}");
        let mut body = json!({
            "id": id, "status": capture.status, "amount": capture.amount,
            "custom_id": capture.custom_id, "invoice_id": capture.invoice_id, "final_capture": true,
            "supplementary_data": {"related_ids": {"order_id": capture.order}},
            "links": [
                self.link("self", &path),
                self.link("refund", &format!("{path}/refund")),
                self.link("up", &format!("/v2/checkout/orders/{}", capture.order)),
            ],
        });
        match capture.status {
            "PENDING" => body["status_details"] = json!({"reason": "PENDING_REVIEW"}),
            "DECLINED" => {}
            _ => {
                let gross = minor(&capture.amount);
                let fee = fee_minor(gross);
                body["seller_receivable_breakdown"] = json!({
                    "gross_amount": capture.amount, "paypal_fee": money(fee),
                    "net_amount": money(gross - fee),
                });
            }
        }
        body
    }

    pub fn refund_body(&self, id: &str) -> Value {
        let refund = &self.refunds[id];
        let capture = format!("/v2/payments/captures/{}", refund.capture);
        let mut body = json!({
            "id": id, "status": refund.status, "amount": refund.amount,
            "seller_payable_breakdown": {
                "gross_amount": refund.amount, "paypal_fee": money(0), "net_amount": refund.amount,
            },
            "links": [
                self.link("self", &format!("/v2/payments/refunds/{id}")),
                self.link("up", &capture),
            ],
        });
        for (name, value) in [
            ("custom_id", &refund.custom_id),
            ("invoice_id", &refund.invoice_id),
        ] {
            if !value.is_null() {
                body[name] = value.clone();
            }
        }
        body
    }

    /// What was given back of a capture, or is about to be.
    pub fn refunded_minor(&self, capture: &str) -> i64 {
        let own = self
            .refunds
            .values()
            .filter(|refund| refund.capture == capture);
        own.filter(|refund| matches!(refund.status, "COMPLETED" | "PENDING"))
            .map(|refund| minor(&refund.amount))
            .sum()
    }

    /// What disputes hold of a capture, or gave its payer.
    pub fn disputed_minor(&self, capture: &str) -> i64 {
        let own = self.disputes.values().filter(|dispute| {
            let transaction = &dispute["disputed_transactions"][0];
            let is_won = dispute["dispute_outcome"]["outcome_code"] == "RESOLVED_SELLER_FAVOUR";
            transaction["seller_transaction_id"] == capture && !is_won
        });
        own.map(|dispute| minor(&dispute["dispute_amount"])).sum()
    }

    pub fn settle_refunds(&mut self, capture: &str) {
        let refunded = self.refunded_minor(capture);
        let taken = minor(&self.captures[capture].amount);
        let status = if refunded >= taken {
            "REFUNDED"
        } else if refunded > 0 {
            "PARTIALLY_REFUNDED"
        } else {
            "COMPLETED"
        };
        self.captures.get_mut(capture).unwrap().status = status;
    }
}
