//! What each code means for the next try.

use super::*;

fn classes(of: fn(&str) -> Decline, class: DeclineClass, codes: &str) {
    for code in codes.split_whitespace() {
        let decline = of(code);
        assert_eq!(decline.class, class, "{code}");
        assert!(decline.known, "{code}");
        assert_eq!(decline.code, code);
    }
}

#[test]
fn every_documented_stripe_code_has_its_class() {
    classes(
        Decline::stripe,
        Hard,
        "card_not_supported currency_not_supported do_not_try_again expired_card fraudulent
         highest_risk_level incorrect_number invalid_account invalid_expiry_month
         invalid_expiry_year invalid_number lost_card merchant_blacklist
         new_account_information_available pickup_card pin_try_exceeded
         previously_declined_do_not_retry restricted_card revocation_of_all_authorizations
         revocation_of_authorization stolen_card stop_payment_order testmode_decline
         transaction_not_allowed",
    );
    classes(
        Decline::stripe,
        ActionRequired,
        "authentication_not_handled authentication_required incorrect_address incorrect_cvc
         incorrect_pin incorrect_zip invalid_cvc invalid_pin
         mobile_device_authentication_required offline_pin_required
         online_or_offline_pin_required payment_intent_authentication_failure",
    );
    classes(
        Decline::stripe,
        Soft,
        "approve_with_id call_issuer card_declined card_velocity_exceeded
         charge_for_pending_refund_disputed do_not_honor duplicate_transaction
         expired_or_canceled_card generic_decline lost_or_stolen_card merchant_request insufficient_funds invalid_amount
         issuer_not_available no_action_taken not_permitted processing_error
         reenter_transaction security_violation service_not_allowed try_again_later
         withdrawal_count_limit_exceeded",
    );
}

#[test]
fn every_sepa_reason_has_its_class() {
    classes(
        Decline::sepa,
        Hard,
        "AC01 AC04 AC06 AC13 AG01 DNOR MD01 MD02 MD07 RC01 RR04 SL01",
    );
    classes(Decline::sepa, ActionRequired, "MD06 RR01 RR02");
    classes(
        Decline::sepa,
        Soft,
        "AG02 AM04 AM05 BE05 CNOR ED05 FF01 FF05 MS02 MS03 RR03 TM01",
    );
}

#[test]
fn every_paypal_code_has_its_class() {
    classes(
        Decline::paypal,
        Hard,
        "COMPLIANCE_VIOLATION PAYEE_BLOCKED_TRANSACTION PAYER_ACCOUNT_LOCKED_OR_CLOSED
         PAYER_ACCOUNT_RESTRICTED",
    );
    classes(
        Decline::paypal,
        Soft,
        "BUYER_COMPLAINT CANCELLED CAPTURE_FULLY_REFUNDED CHARGEBACK DECLINED ECHECK FAILED
         INSTRUMENT_DECLINED INTERNATIONAL_WITHDRAWAL PAYER_CANNOT_PAY PENDING_REVIEW
         REFUND_AMOUNT_EXCEEDED REFUND_FAILED_INSUFFICIENT_FUNDS REFUND_NOT_ALLOWED
         REFUND_TIME_LIMIT_EXCEEDED TRANSACTION_REFUSED VERIFICATION_REQUIRED",
    );
    // What is the house's own is no code of PayPal's, nor may the payer of a
    // refused capture make it succeed.
    assert!(!Decline::paypal("chargeback").known);
    assert!(!Decline::paypal("ORDER_NOT_APPROVED").known);
    assert!(!Decline::paypal("INSTRUMENT_DECLINED").waits_for_customer());
}

#[test]
fn no_code_stands_twice() {
    for table in [&STRIPE[..], &SEPA[..], &PAYPAL[..]] {
        let codes: Vec<&str> = table
            .iter()
            .flat_map(|(_, codes)| *codes)
            .copied()
            .collect();
        let unique: std::collections::BTreeSet<&str> = codes.iter().copied().collect();
        assert_eq!(codes.len(), unique.len());
    }
}

#[test]
fn an_unknown_code_is_soft_and_said_to_be_unknown() {
    let table = [
        (
            Decline::stripe("moon_phase"),
            "moon_phase (soft, an unknown code)",
        ),
        (Decline::stripe(""), " (soft, an unknown code)"),
        // a code of the other table, or in other letters, is not known here
        (Decline::stripe("AM04"), "AM04 (soft, an unknown code)"),
        (Decline::sepa("ac04"), "ac04 (soft, an unknown code)"),
        (Decline::sepa("AC04"), "AC04 (hard)"),
    ];
    for (decline, text) in table {
        assert_eq!(decline.to_string(), text);
    }
}

#[test]
fn the_houses_own_codes() {
    // (decline, class, asked, awaits the customer)
    let table = [
        (Decline::not_found(), Soft, false, false),
        (Decline::withdrawn(), Soft, false, false),
        (Decline::canceled(), ActionRequired, true, false),
        (Decline::chargeback(), Hard, true, false),
        (Decline::sepa("RR01"), ActionRequired, true, false),
        (
            Decline::stripe("authentication_required"),
            ActionRequired,
            true,
            true,
        ),
    ];
    for (decline, class, asked, awaits) in table {
        assert_eq!(decline.class, class, "{decline}");
        assert_eq!(decline.was_asked(), asked, "{decline}");
        assert_eq!(decline.waits_for_customer(), awaits, "{decline}");
    }
    for class in DeclineClass::ALL {
        assert_eq!(DeclineClass::from_code(class.code()), Some(class));
    }
}
