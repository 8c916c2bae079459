//! Stripe's objects as its API shows them.

use serde_json::{Value, json};

use super::cards::CardScript;

pub fn customer(id: &str, created: i64, params: &Value) -> Value {
    let object = json!({
        "id": id, "object": "customer", "balance": 0, "created": created,
        "delinquent": false, "description": params["description"], "email": params["email"],
        "invoice_prefix": "FAKE0001",
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null,
            "rendering_options": null,
        },
        "livemode": false, "metadata": map(&params["metadata"]), "name": params["name"],
        "next_invoice_sequence": 1, "preferred_locales": [], "tax_exempt": "none",
    });
    nothing_in(
        object,
        "address currency default_source discount phone shipping test_clock",
    )
}

pub fn card(id: &str, created: i64, customer: Option<&str>, script: &CardScript) -> Value {
    json!({
        "id": id, "object": "payment_method", "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        "card": {
            "brand": script.brand,
            "checks": {
                "address_line1_check": null, "address_postal_code_check": null,
                "cvc_check": "pass",
            },
            "country": "FR", "display_brand": script.brand, "exp_month": script.exp_month,
            "exp_year": script.exp_year, "fingerprint": "FakeFingerprint0", "funding": "credit",
            "generated_from": null, "last4": script.last4,
            "networks": { "available": [script.brand], "preferred": null },
            "three_d_secure_usage": { "supported": true }, "wallet": null,
            "regulated_status": null,
        },
        "created": created, "customer": customer, "customer_account": null, "livemode": false,
        "metadata": {}, "type": "card",
    })
}

fn billing_details() -> Value {
    json!({
        "address": {
            "city": null, "country": null, "line1": null, "line2": null, "postal_code": null,
            "state": null,
        },
        "email": null, "name": null, "phone": null, "tax_id": null,
    })
}

pub fn setup_intent(id: &str, created: i64, params: &Value) -> Value {
    let object = json!({
        "id": id, "object": "setup_intent", "client_secret": format!("{id}_secret_fake"),
        "created": created, "customer": params["customer"],
        "description": params["description"], "livemode": false,
        "metadata": map(&params["metadata"]),
        "payment_method_options": { "card": {
            "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
        } },
        "payment_method_types": list_or(&params["allowed_payment_method_types"], &["card"]),
        "status": "requires_payment_method",
        "usage": text_or(&params["usage"], "off_session"),
    });
    nothing_in(
        object,
        "application automatic_payment_methods cancellation_reason flow_directions
            last_setup_error latest_attempt mandate next_action on_behalf_of
            payment_method payment_method_configuration_details single_use_mandate",
    )
}

pub fn payment_intent(id: &str, created: i64, amount: i64, params: &Value) -> Value {
    let object = json!({
        "id": id, "object": "payment_intent", "amount": amount, "amount_capturable": 0,
        "amount_details": { "tip": {} }, "amount_received": 0,
        "capture_method": text_or(&params["capture_method"], "automatic_async"),
        "client_secret": format!("{id}_secret_fake"), "confirmation_method": "automatic",
        "created": created, "currency": params["currency"], "customer": params["customer"],
        "description": params["description"], "livemode": false,
        "metadata": map(&params["metadata"]), "payment_method": params["payment_method"],
        "payment_method_options": { "card": {
            "installments": null, "mandate_options": null, "network": null,
            "request_three_d_secure": "automatic",
        } },
        "payment_method_types": list_or(&params["allowed_payment_method_types"], &["card"]),
        "status": "requires_confirmation",
    });
    nothing_in(
        object,
        "application application_fee_amount automatic_payment_methods canceled_at
            cancellation_reason customer_account excluded_payment_method_types
            last_payment_error latest_charge next_action on_behalf_of
            payment_method_configuration_details processing receipt_email review
            setup_future_usage shipping source statement_descriptor
            statement_descriptor_suffix transfer_data transfer_group",
    )
}

/// A charge of an intent by a card, before anything came of it.
pub fn charge(id: &str, created: i64, intent: &Value, method: &Value) -> Value {
    let card = &method["card"];
    let object = json!({
        "id": id, "object": "charge", "amount": intent["amount"], "amount_captured": 0,
        "amount_refunded": 0, "billing_details": billing_details(),
        "calculated_statement_descriptor": "FAKE", "captured": false, "created": created,
        "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": false, "fraud_details": {},
        "livemode": false, "metadata": intent["metadata"], "paid": false,
        "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": { "type": "card", "card": {
            "amount_authorized": null, "authorization_code": null, "brand": card["brand"],
            "checks": card["checks"], "country": card["country"],
            "exp_month": card["exp_month"], "exp_year": card["exp_year"],
            "fingerprint": card["fingerprint"], "funding": card["funding"],
            "installments": null, "last4": card["last4"], "mandate": null,
            "network": card["brand"], "network_transaction_id": null,
            "regulated_status": null, "three_d_secure": null, "transaction_link_id": null,
            "wallet": null,
        } },
        "refunded": false, "status": "pending",
    });
    nothing_in(
        object,
        "application application_fee application_fee_amount balance_transaction
            failure_balance_transaction failure_code failure_message on_behalf_of
            outcome receipt_email receipt_number receipt_url review shipping source
            source_transfer statement_descriptor statement_descriptor_suffix
            transfer_data transfer_group",
    )
}

/// A movement on the house's balance with Stripe, and what Stripe keeps of it.
pub struct Movement<'a> {
    pub amount: i64,
    pub fee: i64,
    pub currency: &'a str,
    pub source: &'a str,
    pub kind: &'a str,
}

pub fn balance_transaction(id: &str, created: i64, movement: &Movement<'_>) -> Value {
    let Movement { amount, fee, .. } = movement;
    let details = json!([{
        "amount": fee, "application": null, "currency": movement.currency,
        "description": "Stripe processing fees", "type": "stripe_fee",
    }]);
    json!({
        "id": id, "object": "balance_transaction", "amount": amount, "available_on": created,
        "balance_type": "payments", "created": created, "currency": movement.currency,
        "description": null, "exchange_rate": null, "fee": fee,
        "fee_details": if *fee == 0 { json!([]) } else { details },
        "net": amount - fee, "reporting_category": movement.kind,
        "source": movement.source, "status": "available", "type": movement.kind,
    })
}

pub fn refund(id: &str, created: i64, amount: i64, charge: &Value, params: &Value) -> Value {
    let object = json!({
        "id": id, "object": "refund", "amount": amount, "charge": charge["id"],
        "created": created, "currency": charge["currency"],
        "destination_details": { "card": { "type": "refund" }, "type": "card" },
        "metadata": map(&params["metadata"]), "payment_intent": charge["payment_intent"],
        "reason": params["reason"], "status": "pending",
    });
    nothing_in(
        object,
        "balance_transaction customer customer_account payment_method receipt_number
            source_transfer_reversal transfer_reversal",
    )
}

pub fn dispute(id: &str, created: i64, amount: i64, charge: &Value) -> Value {
    let evidence: serde_json::Map<String, Value> = EVIDENCE
        .split_whitespace()
        .map(|name| (name.to_owned(), Value::Null))
        .chain([("enhanced_evidence".to_owned(), json!({}))])
        .collect();
    json!({
        "id": id, "object": "dispute", "amount": amount, "balance_transactions": [],
        "charge": charge["id"], "created": created, "currency": charge["currency"],
        "enhanced_eligibility_types": [], "evidence": evidence,
        "evidence_details": {
            "due_by": created + 7 * 86_400, "enhanced_eligibility": {}, "has_evidence": false,
            "past_due": false, "submission_count": 0,
        },
        "is_charge_refundable": false, "livemode": false, "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": { "type": "card", "card": {
            "brand": "visa", "case_type": "chargeback", "network": "visa",
            "network_reason_code": "10.4",
        } },
        "reason": "fraudulent", "status": "needs_response",
    })
}

const EVIDENCE: &str = "access_activity_log billing_address cancellation_policy
    cancellation_policy_disclosure cancellation_rebuttal customer_communication
    customer_email_address customer_name customer_purchase_ip customer_signature
    duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id
    product_description receipt refund_policy refund_policy_disclosure
    refund_refusal_explanation service_date service_documentation shipping_address
    shipping_carrier shipping_date shipping_documentation shipping_tracking_number
    uncategorized_file uncategorized_text";

/// An object with fields that hold nothing.
fn nothing_in(mut object: Value, names: &str) -> Value {
    for name in names.split_whitespace() {
        object[name] = Value::Null;
    }
    object
}

/// An object of texts; nothing given is an empty one.
fn map(value: &Value) -> Value {
    if value.is_object() {
        value.clone()
    } else {
        json!({})
    }
}

fn text_or(value: &Value, other: &str) -> String {
    value.as_str().unwrap_or(other).to_owned()
}

fn list_or(value: &Value, other: &[&str]) -> Value {
    if value.is_array() {
        value.clone()
    } else {
        json!(other)
    }
}
