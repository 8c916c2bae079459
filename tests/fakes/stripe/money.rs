//! Where money moves: charges, refunds, disputes.

use serde_json::{Value, json};

use super::answers::{Answer, bad, card_error, missing, unexpected_state};
use super::cards::Outcome;
use super::objects::{self, Movement};
use super::state::State;

/// Codes that Stripe names by themselves; all others are a `card_declined`.
const OWN_CODES: [&str; 5] = [
    "authentication_required",
    "expired_card",
    "incorrect_cvc",
    "incorrect_number",
    "processing_error",
];

/// 1.5 % and 25 minor units.
pub fn fee_minor(amount: i64) -> i64 {
    (amount * 15 + 500) / 1000 + 25
}

fn number(value: &Value) -> Option<i64> {
    value.as_str()?.parse().ok()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl State {
    /// POST /v1/payment_intents.
    pub fn create_intent(&mut self, params: &Value) -> Answer {
        let Some(amount) = number(&params["amount"]) else {
            return bad("parameter_invalid_integer", "Invalid integer", "amount");
        };
        if amount < 50 {
            return bad("amount_too_small", "Amount is too small", "amount");
        }
        if amount > 99_999_999 {
            return bad("amount_too_large", "Amount is too large", "amount");
        }
        if let Some(customer) = params["customer"].as_str()
            && self.get(customer).is_none()
        {
            return missing("customer", customer);
        }
        let confirm = params["confirm"] == "true";
        if params["off_session"] == "true" && !confirm {
            return bad(
                "parameter_missing",
                "off_session takes confirm",
                "off_session",
            );
        }
        if let Some(method) = params["payment_method"].as_str() {
            let Some(card) = self.get(method) else {
                return missing("PaymentMethod", method);
            };
            if card["customer"] != params["customer"] {
                return bad(
                    "payment_method_customer_mismatch",
                    "The payment method is not attached to the customer",
                    "payment_method",
                );
            }
        }
        let id = self.id("pi");
        let mut intent = objects::payment_intent(&id, self.now_s, amount, params);
        if intent["payment_method"].is_null() {
            intent["status"] = "requires_payment_method".into();
        }
        self.insert(intent.clone());
        if confirm {
            self.confirm_intent(&id)
        } else {
            (200, intent)
        }
    }

    /// Charges the intent's card as its script says.
    pub fn confirm_intent(&mut self, id: &str) -> Answer {
        let Some(intent) = self.get(id).cloned() else {
            return missing("payment_intent", id);
        };
        let Some(method) = intent["payment_method"].as_str().map(str::to_owned) else {
            return unexpected_state("payment_intent", &intent);
        };
        if intent["status"] != "requires_confirmation" {
            return unexpected_state("payment_intent", &intent);
        }
        let outcome = match self.decline_next.take() {
            Some(code) => Outcome::Declines(code),
            None => self
                .cards
                .get_mut(&method)
                .map_or(Outcome::Succeeds, super::CardScript::next),
        };
        self.come_to(id, &outcome)
    }

    /// Gives an open intent its outcome.
    pub fn come_to(&mut self, id: &str, outcome: &Outcome) -> Answer {
        match outcome {
            Outcome::Succeeds => {
                let charge = self.open_charge(id);
                (200, self.succeed(id, &charge))
            }
            Outcome::Processing => {
                let charge = self.open_charge(id);
                let processing = json!({ "type": "card", "card": {} });
                let fields = json!({ "status": "processing", "latest_charge": charge,
                    "processing": processing });
                (200, self.set(id, fields))
            }
            Outcome::RequiresAction => {
                let action = json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} });
                let fields = json!({ "status": "requires_action", "next_action": action });
                (200, self.set(id, fields))
            }
            Outcome::NeedsAuthentication => self.decline(id, "authentication_required"),
            Outcome::Declines(code) => self.decline(id, code),
        }
    }

    /// The charge that an intent waits for, or a new one.
    fn open_charge(&mut self, id: &str) -> String {
        let intent = self.get(id).cloned().unwrap();
        if intent["status"] == "processing" {
            return text(&intent["latest_charge"]);
        }
        let charge = self.id("ch");
        let method = self.get(intent["payment_method"].as_str().unwrap_or_default());
        let method = method.cloned().unwrap_or(Value::Null);
        let object = objects::charge(&charge, self.now_s, &intent, &method);
        self.insert(object);
        charge
    }

    fn succeed(&mut self, id: &str, charge: &str) -> Value {
        let intent = self.get(id).cloned().unwrap();
        let amount = intent["amount"].as_i64().unwrap();
        let currency = self
            .balance_currency
            .map_or_else(|| text(&intent["currency"]), str::to_owned);
        let movement = Movement {
            amount,
            fee: fee_minor(amount),
            currency: &currency,
            source: charge,
            kind: "charge",
        };
        let transaction = self.move_balance(&movement);
        let mut late = self.reads_without_balance;
        // Captured a moment after the answer, its fee is not known in it.
        if intent["capture_method"] == "automatic_async" {
            late = late.max(1);
        }
        self.late.insert(charge.to_owned(), late);
        let outcome = json!({ "advice_code": null, "network_advice_code": null,
            "network_decline_code": null, "network_status": "approved_by_network",
            "reason": null, "risk_level": "normal", "seller_message": "Payment complete.",
            "type": "authorized" });
        let fields = json!({ "status": "succeeded", "paid": true, "captured": true,
            "amount_captured": amount, "balance_transaction": transaction["id"],
            "outcome": outcome });
        self.set(charge, fields);
        let fields = json!({ "status": "succeeded", "amount_received": amount,
            "latest_charge": charge, "last_payment_error": null, "next_action": null,
            "processing": null });
        let intent = self.set(id, fields);
        self.tell("payment_intent.succeeded", intent.clone());
        intent
    }

    fn decline(&mut self, id: &str, decline_code: &str) -> Answer {
        let charge = self.open_charge(id);
        let code = if OWN_CODES.contains(&decline_code) {
            decline_code
        } else {
            "card_declined"
        };
        let outcome = json!({ "advice_code": null, "network_advice_code": null,
            "network_decline_code": null, "network_status": "declined_by_network",
            "reason": decline_code, "risk_level": "normal",
            "seller_message": "The bank did not return any further details.",
            "type": "issuer_declined" });
        let fields = json!({ "status": "failed", "failure_code": code,
            "failure_message": "Your card was declined.", "outcome": outcome });
        self.set(&charge, fields);
        let method = self.get(id).unwrap()["payment_method"].clone();
        let method = self.get(&text(&method)).cloned();
        let error = json!({ "charge": charge, "code": code, "decline_code": decline_code,
            "doc_url": format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")),
            "message": "Your card was declined.", "payment_method": method,
            "type": "card_error" });
        let fields = json!({ "status": "requires_payment_method", "latest_charge": charge,
            "last_payment_error": error, "payment_method": null, "processing": null,
            "next_action": null });
        let intent = self.set(id, fields);
        self.tell("payment_intent.payment_failed", intent.clone());
        card_error(&error, &intent)
    }

    /// POST /v1/payment_intents/{id}/cancel.
    pub fn cancel_intent(&mut self, id: &str, params: &Value) -> Answer {
        let Some(intent) = self.get(id).cloned() else {
            return missing("payment_intent", id);
        };
        if !text(&intent["status"]).starts_with("requires_") {
            return unexpected_state("payment_intent", &intent);
        }
        let fields = json!({ "status": "canceled", "canceled_at": self.now_s,
            "cancellation_reason": params["cancellation_reason"], "next_action": null });
        let intent = self.set(id, fields);
        self.tell("payment_intent.canceled", intent.clone());
        (200, intent)
    }

    /// POST /v1/refunds.
    pub fn create_refund(&mut self, params: &Value) -> Answer {
        let charge = match (params["payment_intent"].as_str(), params["charge"].as_str()) {
            (Some(intent), _) => match self.get(intent) {
                Some(intent) => text(&intent["latest_charge"]),
                None => return missing("payment_intent", intent),
            },
            (None, Some(charge)) => charge.to_owned(),
            (None, None) => {
                return bad("parameter_missing", "Missing required param", "charge");
            }
        };
        let Some(charge) = self.get(&charge).cloned() else {
            return missing("charge", &charge);
        };
        if charge["status"] != "succeeded" {
            return bad("", "This charge was not paid", "charge");
        }
        if charge["disputed"] == true {
            return bad("charge_disputed", "The charge was charged back", "charge");
        }
        let left = charge["amount"].as_i64().unwrap() - charge["amount_refunded"].as_i64().unwrap();
        if left == 0 {
            return bad(
                "charge_already_refunded",
                "The charge has already been refunded",
                "charge",
            );
        }
        let amount = match &params["amount"] {
            Value::Null => left,
            given => match number(given) {
                Some(amount) => amount,
                None => return bad("parameter_invalid_integer", "Invalid integer", "amount"),
            },
        };
        if amount < 1 {
            return bad("parameter_invalid_integer", "Invalid integer", "amount");
        }
        if amount > left {
            return bad(
                "",
                "Refund amount is greater than unrefunded amount",
                "amount",
            );
        }
        let id = self.id("re");
        let object = objects::refund(&id, self.now_s, amount, &charge, params);
        self.insert(object);
        let refunded = charge["amount_refunded"].as_i64().unwrap() + amount;
        let fields = json!({ "amount_refunded": refunded, "refunded": amount == left });
        let charge = self.set(&text(&charge["id"]), fields);
        let movement = Movement {
            amount: -amount,
            fee: 0,
            currency: charge["currency"].as_str().unwrap(),
            source: &id,
            kind: "refund",
        };
        let transaction = self.move_balance(&movement);
        let status = self.refund_status;
        let fields = json!({ "status": status, "balance_transaction": transaction["id"] });
        let refund = self.set(&id, fields);
        self.tell("charge.refunded", charge);
        if status == "failed" {
            return (200, self.fail_refund(&id));
        }
        (200, refund)
    }

    /// A refund that was on its way arrived.
    pub fn finish_refund(&mut self, id: &str) -> Value {
        let refund = self.set(id, json!({ "status": "succeeded" }));
        self.tell("refund.updated", refund.clone());
        refund
    }

    /// A refund does not arrive: the money is on the house's balance again.
    pub fn fail_refund(&mut self, id: &str) -> Value {
        let refund = self.get(id).cloned().unwrap();
        let amount = refund["amount"].as_i64().unwrap();
        let charge = text(&refund["charge"]);
        let refunded = self.get(&charge).unwrap()["amount_refunded"]
            .as_i64()
            .unwrap();
        let fields = json!({ "amount_refunded": refunded - amount, "refunded": false });
        self.set(&charge, fields);
        let movement = Movement {
            amount,
            fee: 0,
            currency: refund["currency"].as_str().unwrap(),
            source: id,
            kind: "refund_failure",
        };
        let transaction = self.move_balance(&movement);
        let fields = json!({ "status": "failed", "failure_reason": "lost_or_stolen_card",
            "failure_balance_transaction": transaction["id"] });
        let refund = self.set(id, fields);
        self.tell("refund.updated", refund.clone());
        self.tell("refund.failed", refund.clone());
        refund
    }

    /// The cardholder's bank takes money back, and has not got it yet.
    pub fn announce_dispute(&mut self, intent: &str, amount: i64) -> String {
        let charge = text(&self.get(intent).unwrap()["latest_charge"]);
        let charge = self.set(&charge, json!({ "disputed": true }));
        let id = self.id("dp");
        let object = objects::dispute(&id, self.now_s, amount, &charge);
        let dispute = self.insert(object);
        self.tell("charge.dispute.created", dispute);
        id
    }

    pub fn withdraw(&mut self, id: &str, fee: i64) {
        let amount = self.get(id).unwrap()["amount"].as_i64().unwrap();
        self.move_disputed(id, -amount, fee, "charge.dispute.funds_withdrawn");
    }

    pub fn reinstate(&mut self, id: &str) {
        let dispute = self.get(id).cloned().unwrap();
        let fee = if self.returns_dispute_fees {
            -dispute["balance_transactions"][0]["fee"].as_i64().unwrap()
        } else {
            0
        };
        let amount = dispute["amount"].as_i64().unwrap();
        self.move_disputed(id, amount, fee, "charge.dispute.funds_reinstated");
    }

    fn move_disputed(&mut self, id: &str, amount: i64, fee: i64, told: &str) {
        let dispute = self.get(id).cloned().unwrap();
        let movement = Movement {
            amount,
            fee,
            currency: dispute["currency"].as_str().unwrap(),
            source: id,
            kind: "adjustment",
        };
        let transaction = self.move_balance(&movement);
        let mut moved = dispute["balance_transactions"].clone();
        moved.as_array_mut().unwrap().push(transaction);
        let dispute = self.set(id, json!({ "balance_transactions": moved }));
        self.tell(told, dispute);
    }

    pub fn decide_dispute(&mut self, id: &str, won: bool) {
        let status = if won { "won" } else { "lost" };
        let dispute = self.set(id, json!({ "status": status }));
        self.set(&text(&dispute["charge"]), json!({ "disputed": !won }));
        self.tell("charge.dispute.closed", dispute);
    }

    fn move_balance(&mut self, movement: &Movement<'_>) -> Value {
        let id = self.id("txn");
        let object = objects::balance_transaction(&id, self.now_s, movement);
        self.insert(object)
    }
}
