//! PayPal: orders, captures, refunds, disputes and events.
//!
//! - [`routes`]: what is asked, and what is answered
//! - [`state`]: what PayPal remembers
//! - [`events`]: events, signed
//! - [`contract`]: PayPal's own documents, against which both sides are held

mod contract;
mod events;
mod routes;
mod state;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State as Extract};
use axum::response::Response;
use serde_json::json;

use super::{Faults, Server};
use contract::Contract;
use routes::Shared;
use state::{Capture, Order, Refund, State, is_taken, minor, money};

pub use events::{SentEvent, WEBHOOK_ID};
pub use state::{CaptureEnd, fee_minor};

pub const CLIENT_ID: &str = "client-1";
pub const CLIENT_SECRET: &str = "secret-1";

/// PayPal on a port of the loopback, until it is dropped.
pub struct PayPalFake {
    shared: Shared,
    /// None where it is asked in this process.
    server: Option<Server>,
}

impl PayPalFake {
    pub fn start() -> Self {
        let shared = Self::shared(Contract::load());
        let router = Router::new()
            .fallback(routes::handle)
            .with_state(shared.clone());
        let server = Server::start(router);
        shared.state.lock().unwrap().base_url = server.url();
        let server = Some(server);
        Self { shared, server }
    }

    /// Without a port: asked by [`Self::answer`], and not held against PayPal's
    /// documents.
    pub fn in_process() -> Self {
        let shared = Self::shared(Contract::none());
        shared.state.lock().unwrap().base_url = "https://paypal.example".to_owned();
        Self {
            shared,
            server: None,
        }
    }

    fn shared(contract: Contract) -> Shared {
        Shared {
            state: Arc::new(Mutex::new(State::new(contract))),
            faults: Faults::default(),
            read_faults: Faults::default(),
            holds: Arc::new(tokio::sync::watch::channel(false).0),
        }
    }

    /// Answers a request that came another way than over the port.
    pub async fn answer(&self, request: Request) -> Response {
        routes::handle(Extract(self.shared.clone()), request).await
    }

    pub fn url(&self) -> String {
        self.server.as_ref().expect("it has no port").url()
    }

    /// What goes wrong with the next creations, captures and refunds.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What goes wrong with the next questions.
    pub fn read_faults(&self) -> &Faults {
        &self.shared.read_faults
    }

    /// Whether requests to verify wait.
    pub fn hold_verifications(&self, holds: bool) {
        self.shared.holds.send_replace(holds);
    }

    /// What a 429 says of when to come back.
    pub fn retry_after(&self, seconds: u64) {
        self.with(|state| state.retry_after_s = Some(seconds));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.shared.state.lock().unwrap())
    }

    /// The payer approves an order.
    pub fn approve(&self, order: &str) {
        self.with(|state| {
            let known = state.orders.get_mut(order).unwrap();
            assert_eq!(known.status, "PAYER_ACTION_REQUIRED");
            known.status = "APPROVED";
            let body = state.order_body(order);
            state.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", body);
        });
    }

    /// An order that its payer approves no more, or never did.
    pub fn is_approvable(&self, order: &str) -> bool {
        self.with(|state| {
            let known = state.orders.get(order);
            known.is_some_and(|order| order.status == "PAYER_ACTION_REQUIRED")
        })
    }

    /// Every order that waits for its payer.
    pub fn approvable(&self) -> Vec<String> {
        self.with(|state| {
            let all = state.orders.iter();
            let waiting = all.filter(|(_, order)| order.status == "PAYER_ACTION_REQUIRED");
            waiting.map(|(id, _)| id.clone()).collect()
        })
    }

    /// The order is kept no more.
    pub fn lapse(&self, order: &str) {
        self.with(|state| state.orders.remove(order)).unwrap();
    }

    pub fn next_capture(&self, end: CaptureEnd) {
        self.with(|state| state.ends.push_back(end));
    }

    /// How the next refund stands: COMPLETED, PENDING, FAILED or CANCELLED.
    pub fn next_refund(&self, status: &'static str) {
        self.with(|state| state.refund_ends.push_back(status));
    }

    /// The only capture there is.
    pub fn capture(&self) -> String {
        self.with(|state| {
            assert_eq!(state.captures.len(), 1);
            state.captures.keys().next().unwrap().clone()
        })
    }

    /// The only capture that is pending.
    pub fn pending_capture(&self) -> String {
        self.with(|state| {
            let mut pending = state
                .captures
                .iter()
                .filter(|(_, capture)| capture.status == "PENDING");
            let (id, _) = pending.next().unwrap();
            assert!(pending.next().is_none());
            id.clone()
        })
    }

    /// Every capture that is pending.
    pub fn pending_captures(&self) -> Vec<String> {
        self.with(|state| {
            let all = state.captures.iter();
            let pending = all.filter(|(_, capture)| capture.status == "PENDING");
            pending.map(|(id, _)| id.clone()).collect()
        })
    }

    /// A pending capture comes to its end.
    pub fn settle(&self, capture: &str, completed: bool) {
        self.with(|state| {
            let known = state.captures.get_mut(capture).unwrap();
            assert_eq!(known.status, "PENDING");
            known.status = if completed { "COMPLETED" } else { "DECLINED" };
            let kind = if completed {
                "PAYMENT.CAPTURE.COMPLETED"
            } else {
                "PAYMENT.CAPTURE.DENIED"
            };
            let body = state.capture_body(capture);
            state.tell(kind, "capture", body);
        });
    }

    /// A pending refund comes to its end.
    pub fn settle_refund(&self, status: &'static str) {
        self.with(|state| {
            let mut pending = state
                .refunds
                .values_mut()
                .filter(|refund| refund.status == "PENDING");
            let refund = pending.next().unwrap();
            refund.status = status;
            let capture = refund.capture.clone();
            state.settle_refunds(&capture);
        });
    }

    /// A refund that came to one end comes to another, and is told of so: the
    /// last that stands `from`, where its capture is neither disputed nor given
    /// back otherwise by now. Whether there was one.
    pub fn overturn_refund(&self, from: &str, to: &'static str) -> bool {
        self.with(|state| {
            let has_room = |refund: &Refund| {
                let capture = &state.captures[&refund.capture];
                let left = minor(&capture.amount) - state.refunded_minor(&refund.capture);
                let is_disputed = state.disputes.values().any(|dispute| {
                    dispute["disputed_transactions"][0]["seller_transaction_id"] == *refund.capture
                });
                // What is pending has its room already.
                from == "PENDING"
                    || to == "FAILED"
                    || to == "CANCELLED"
                    || (!is_disputed && minor(&refund.amount) <= left)
            };
            let mut there = state.refunds.iter().rev();
            let found = there.find(|(_, refund)| refund.status == from && has_room(refund));
            let Some(id) = found.map(|(id, _)| id.clone()) else {
                return false;
            };
            let refund = state.refunds.get_mut(&id).unwrap();
            refund.status = to;
            let capture = refund.capture.clone();
            state.settle_refunds(&capture);
            let body = state.refund_body(&id);
            state.tell("PAYMENT.CAPTURE.REFUNDED", "refund", body);
            true
        })
    }

    /// Somebody refunds by hand at PayPal, or PayPal takes the money back.
    pub fn give_back_by_hand(&self, capture: &str, amount_minor: i64, kind: &str) {
        self.with(|state| {
            let id = state.id("REF");
            let made = Refund {
                capture: capture.to_owned(),
                status: "COMPLETED",
                amount: money(amount_minor),
                custom_id: serde_json::Value::Null,
                invoice_id: serde_json::Value::Null,
            };
            state.refunds.insert(id.clone(), made);
            state.settle_refunds(capture);
            let body = state.refund_body(&id);
            state.tell(kind, "refund", body);
        });
    }

    /// A capture of which so much is left that nobody disputes.
    pub fn disputable(&self, amount_minor: i64) -> Option<String> {
        let all = self.left_of_captures().into_iter();
        let mut open = all.filter(|(_, left)| *left >= amount_minor);
        open.next().map(|(capture, _)| capture)
    }

    /// What is left of each capture that was neither given back nor is disputed.
    pub fn left_of_captures(&self) -> Vec<(String, i64)> {
        self.with(|state| {
            let all = state.captures.iter();
            let taken = all.filter(|(_, capture)| is_taken(capture));
            taken
                .map(|(id, capture)| {
                    let gone = state.refunded_minor(id) + state.disputed_minor(id);
                    (id.clone(), minor(&capture.amount) - gone)
                })
                .filter(|(_, left)| *left > 0)
                .collect()
        })
    }

    /// The purchase that a capture is of, by its key.
    pub fn purchase_of(&self, capture: &str) -> String {
        self.with(|state| {
            let purchase = state.captures[capture].custom_id.as_str();
            purchase.unwrap().to_owned()
        })
    }

    /// The disputes that are not decided.
    pub fn disputes_open(&self) -> Vec<String> {
        self.with(|state| {
            let all = state.disputes.iter();
            let open = all.filter(|(_, dispute)| dispute["status"] == "OPEN");
            open.map(|(id, _)| id.clone()).collect()
        })
    }

    /// Captures and refunds complete from now on.
    pub fn forget_ends(&self) {
        self.with(|state| {
            state.ends.clear();
            state.refund_ends.clear();
        });
    }

    /// Every pending capture completes, and is told of nowhere.
    pub fn settle_all(&self) {
        self.with(|state| {
            for capture in state.captures.values_mut() {
                if capture.status == "PENDING" {
                    capture.status = "COMPLETED";
                }
            }
        });
    }

    /// An order that its payer has approved, as if made by the house under a key.
    pub fn approved_order(&self, key: &str, amount_minor: i64) -> String {
        self.with(|state| {
            let id = state.id("ORDER");
            let order = Order {
                status: "APPROVED",
                amount: money(amount_minor),
                custom_id: json!(key),
                invoice_id: json!(key),
                captures: Vec::new(),
            };
            state.orders.insert(id.clone(), order);
            id
        })
    }

    /// What was taken by captures of this purchase.
    pub fn captured_by(&self, key: &str) -> i64 {
        self.with(|state| {
            let taken = state.captures.values();
            taken
                .filter(|capture| capture.custom_id == key)
                .filter(|capture| is_taken(capture))
                .map(|capture| minor(&capture.amount))
                .sum()
        })
    }

    /// What is on the house's balance of all captures, without what PayPal kept, what
    /// was given back, and what disputes hold or took.
    pub fn balance_minor(&self) -> i64 {
        let received: i64 = self.with(|state| {
            let taken = state.captures.iter();
            taken
                .filter(|(_, capture)| is_taken(capture))
                .map(|(id, capture)| {
                    let gross = minor(&capture.amount);
                    gross - fee_minor(gross) - state.disputed_minor(id)
                })
                .sum()
        });
        received - self.refunded_minor()
    }

    /// What was given back under this key.
    pub fn refunded_by(&self, key: &str) -> i64 {
        self.with(|state| {
            let given = state.refunds.values();
            given
                .filter(|refund| refund.custom_id == key && refund.status == "COMPLETED")
                .map(|refund| minor(&refund.amount))
                .sum()
        })
    }

    /// A capture or refund is of another amount from now on.
    pub fn falsify(&self, id: &str) {
        self.with(|state| {
            let amount = match state.captures.get_mut(id) {
                Some(capture) => &mut capture.amount,
                None => &mut state.refunds.get_mut(id).unwrap().amount,
            };
            *amount = money(minor(amount) + 1);
        });
    }

    /// The payer opens a dispute; its id.
    pub fn dispute(&self, capture: &str, amount_minor: i64) -> String {
        self.with(|state| {
            let id = state.id("PP-D-");
            let body = json!({
                "dispute_id": id, "status": "OPEN", "reason": "UNAUTHORISED",
                "dispute_amount": money(amount_minor), "dispute_life_cycle_stage": "INQUIRY",
                "disputed_transactions": [{"seller_transaction_id": capture}],
            });
            state.disputes.insert(id.clone(), body.clone());
            state.tell("CUSTOMER.DISPUTE.CREATED", "dispute", body);
            id
        })
    }

    /// A dispute is decided.
    pub fn resolve(&self, dispute: &str, outcome: &str) {
        self.with(|state| {
            let body = state.disputes.get_mut(dispute).unwrap();
            body["status"] = json!("RESOLVED");
            body["dispute_outcome"] = json!({"outcome_code": outcome});
            let body = body.clone();
            state.tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", body);
        });
    }

    /// An event about a capture that is none of the house's.
    pub fn tell_of_another(&self) {
        self.with(|state| {
            let id = state.id("CAPT");
            let made = Capture {
                order: "ORDER000000000099".to_owned(),
                status: "COMPLETED",
                amount: money(500),
                custom_id: json!("somebody else's"),
                invoice_id: json!("elsewhere-1"),
            };
            state.captures.insert(id.clone(), made);
            let body = state.capture_body(&id);
            state.tell("PAYMENT.CAPTURE.COMPLETED", "capture", body);
        });
    }

    /// The last refund or dispute is told once more, by another event.
    pub fn tell_again(&self, kind: &str) {
        self.with(|state| {
            let (resource_type, body) = if kind.starts_with("CUSTOMER.DISPUTE") {
                ("dispute", state.disputes.values().last().unwrap().clone())
            } else {
                let id = state.refunds.keys().last().unwrap();
                ("refund", state.refund_body(id))
            };
            state.tell(kind, resource_type, body);
        });
    }

    /// The events there were since the last time, in order.
    pub fn take_events(&self) -> Vec<SentEvent> {
        self.with(|state| std::mem::take(&mut state.events))
    }

    /// PayPal forgets every idempotency key.
    pub fn forget_keys(&self) {
        self.with(|state| state.keys.clear());
    }

    /// Every token is refused from now on.
    pub fn expire_tokens(&self) {
        self.with(|state| state.tokens.clear());
    }

    pub fn tokens_issued(&self) -> usize {
        self.with(|state| state.tokens_issued)
    }

    pub fn set_token_lifetime(&self, seconds: u64) {
        self.with(|state| state.token_lifetime_seconds = seconds);
    }

    /// How often this was asked, such as `post /v2/checkout/orders`.
    pub fn asked(&self, request: &str) -> usize {
        self.with(|state| {
            state
                .requests
                .iter()
                .filter(|seen| seen.starts_with(request))
                .count()
        })
    }

    /// How often an order was asked to be captured.
    pub fn asked_to_capture(&self) -> usize {
        self.with(|state| {
            let is_capture =
                |seen: &&String| seen.starts_with("post ") && seen.ends_with("/capture");
            state.requests.iter().filter(is_capture).count()
        })
    }

    /// The orders there are.
    pub fn orders(&self) -> Vec<String> {
        self.with(|state| state.orders.keys().cloned().collect())
    }

    /// An answer of PayPal's is of another amount from now on.
    pub fn change_amount(&self, order: &str, amount_minor: i64) {
        self.with(|state| state.orders.get_mut(order).unwrap().amount = money(amount_minor));
    }

    /// What was taken in all, in cents.
    pub fn captured_minor(&self) -> i64 {
        self.with(|state| {
            let taken = state.captures.values();
            taken
                .filter(|capture| is_taken(capture))
                .map(|capture| minor(&capture.amount))
                .sum()
        })
    }

    /// What was given back in all, in cents.
    pub fn refunded_minor(&self) -> i64 {
        self.with(|state| {
            let given = state
                .refunds
                .values()
                .filter(|refund| refund.status == "COMPLETED");
            given.map(|refund| minor(&refund.amount)).sum()
        })
    }

    /// What was asked or answered otherwise than PayPal documents it.
    pub fn violations(&self) -> Vec<String> {
        self.with(|state| state.contract.violations.clone())
    }

    /// That everything asked and answered was as PayPal documents it, and something
    /// was.
    #[track_caller]
    pub fn assert_contract_kept(&self) {
        self.with(|state| {
            assert_eq!(state.contract.violations, Vec::<String>::new());
            assert!(!state.contract.is_loaded() || state.contract.checked > 0);
        });
    }
}
