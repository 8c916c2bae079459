//! Why a payment was refused, and what may be done about it.
//!
//! Sources:
//! - cards: Stripe, "Decline codes" (docs.stripe.com/declines/codes), with the
//!   codes that "Smart Retries" never retries and the schemes' rule that a
//!   revoked or stopped authorization is not tried again (Visa R0, R1, R3)
//! - SEPA: EPC173-14 "Guidance on reason codes for SDD R-transactions", the
//!   external code sets of ISO 20022, and `domain.md` section 5
//! - PayPal: the issues with which "Orders v2" refuses a capture and "Payments v2"
//!   a refund, and the reasons of a declined capture (`status_details.reason`)

use std::fmt;

use DeclineClass::{ActionRequired, Hard, Soft};

use crate::domain::ledger::ProviderName;

/// What a refusal means for the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclineClass {
    /// Never try this method again.
    Hard,
    /// Try again on the ladder's next step.
    Soft,
    /// Nothing is tried until the customer acted: authenticates, corrects its
    /// data, or says that it wants to pay.
    ActionRequired,
}

impl DeclineClass {
    pub const ALL: [Self; 3] = [Hard, Soft, ActionRequired];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Hard => "hard",
            Soft => "soft",
            ActionRequired => "action_required",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }
}

/// A refusal with its class. The class is stored with the code: a table that
/// changes later does not change what was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// As the provider or bank wrote it, or one of the house's own.
    pub code: String,
    pub class: DeclineClass,
    /// Whether the table has the code. One that it has not is soft, and a
    /// person has to look at it.
    pub known: bool,
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.known { "" } else { ", an unknown code" };
        write!(f, "{} ({}{known})", self.code, self.class.code())
    }
}

/// The provider was asked and never had the payment.
const NOT_FOUND: &str = "not_found";
/// The house took the attempt back before it was sent.
const WITHDRAWN: &str = "withdrawn";
/// The attempt waited for its customer and was canceled at the provider.
const CANCELED: &str = "canceled";
/// The customer disputed a card payment with its bank.
const CHARGEBACK: &str = "chargeback";

impl Decline {
    /// A decline code of Stripe (`last_payment_error.decline_code`, or its
    /// `code` where there is none).
    #[must_use]
    pub fn stripe(code: &str) -> Self {
        Self::from_table(&STRIPE, code)
    }

    /// A reason code of a SEPA reject, return or refund (pain.002 and camt
    /// `StsRsnInf/Rsn/Cd`, `RtrInf/Rsn/Cd`).
    #[must_use]
    pub fn sepa(code: &str) -> Self {
        Self::from_table(&SEPA, code)
    }

    /// An issue or reason of PayPal's for which a capture or refund moves no money.
    #[must_use]
    pub fn paypal(code: &str) -> Self {
        Self::from_table(&PAYPAL, code)
    }

    /// Why a provider gave no money back.
    #[must_use]
    pub fn of(provider: ProviderName, code: &str) -> Self {
        match provider {
            ProviderName::Stripe => Self::stripe(code),
            ProviderName::PayPal => Self::paypal(code),
            ProviderName::Bank => Self::sepa(code),
        }
    }

    /// The provider has no such payment: nobody was asked for money.
    #[must_use]
    pub fn not_found() -> Self {
        Self::own(NOT_FOUND, Soft)
    }

    /// Taken back before it was sent: nobody was asked for money.
    #[must_use]
    pub fn withdrawn() -> Self {
        Self::own(WITHDRAWN, Soft)
    }

    /// What waited for the customer was canceled. The customer still has to
    /// act before the method is tried again, but this attempt is over.
    #[must_use]
    pub fn canceled() -> Self {
        Self::own(CANCELED, ActionRequired)
    }

    /// The customer took a card payment back. Its card is not charged again.
    #[must_use]
    pub fn chargeback() -> Self {
        Self::own(CHARGEBACK, Hard)
    }

    /// Whether the customer's method was asked at all.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.code != NOT_FOUND && self.code != WITHDRAWN
    }

    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code == NOT_FOUND
    }

    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.code == WITHDRAWN
    }

    /// Whether the house canceled what waited for the customer.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.code == CANCELED
    }

    #[must_use]
    pub fn is_chargeback(&self) -> bool {
        self.code == CHARGEBACK
    }

    /// Whether the customer can still make the refused payment succeed. What a
    /// bank refused is final: only another debit can follow.
    #[must_use]
    pub fn waits_for_customer(&self) -> bool {
        let is_final = self.code == CANCELED || Self::sepa(&self.code).known;
        self.class == ActionRequired && !is_final
    }

    fn own(code: &str, class: DeclineClass) -> Self {
        Self {
            code: code.to_owned(),
            class,
            known: true,
        }
    }

    fn from_table(table: &[(DeclineClass, &[&str])], code: &str) -> Self {
        let found = table.iter().find(|(_, codes)| codes.contains(&code));
        Self {
            code: code.to_owned(),
            class: found.map_or(Soft, |(class, _)| *class),
            known: found.is_some(),
        }
    }
}

/// A row is a class and why its codes are in it.
const STRIPE: [(DeclineClass, &[&str]); 11] = [
    // The card is gone, or someone else has it.
    (
        Hard,
        &["lost_card", "stolen_card", "pickup_card", "restricted_card"],
    ),
    // Its data cannot be right any more: only a new card helps.
    (
        Hard,
        &[
            "expired_card",
            "incorrect_number",
            "invalid_account",
            "invalid_expiry_month",
            "invalid_expiry_year",
            "invalid_number",
            "new_account_information_available",
        ],
    ),
    // It never pays such a thing.
    (
        Hard,
        &[
            "card_not_supported",
            "currency_not_supported",
            "testmode_decline",
            "transaction_not_allowed",
        ],
    ),
    // The cardholder or the network forbade to ask again.
    (
        Hard,
        &[
            "do_not_try_again",
            "pin_try_exceeded",
            "previously_declined_do_not_retry",
            "revocation_of_all_authorizations",
            "revocation_of_authorization",
            "stop_payment_order",
        ],
    ),
    // Suspected fraud; the customer is told no more than "declined".
    (
        Hard,
        &["fraudulent", "highest_risk_level", "merchant_blacklist"],
    ),
    // Strong customer authentication (directive 2015/2366 art. 97).
    (
        ActionRequired,
        &[
            "authentication_not_handled",
            "authentication_required",
            "mobile_device_authentication_required",
            "payment_intent_authentication_failure",
        ],
    ),
    // What only the customer can enter.
    (
        ActionRequired,
        &[
            "incorrect_address",
            "incorrect_cvc",
            "incorrect_pin",
            "incorrect_zip",
            "invalid_cvc",
            "invalid_pin",
            "offline_pin_required",
            "online_or_offline_pin_required",
        ],
    ),
    // Money or a limit is short for now.
    (
        Soft,
        &[
            "card_velocity_exceeded",
            "insufficient_funds",
            "invalid_amount",
            "withdrawal_count_limit_exceeded",
        ],
    ),
    // Something in between failed.
    (
        Soft,
        &[
            "approve_with_id",
            "duplicate_transaction",
            "issuer_not_available",
            "processing_error",
            "reenter_transaction",
            "try_again_later",
        ],
    ),
    // The issuer says no without saying why.
    (
        Soft,
        &[
            "call_issuer",
            "card_declined",
            "do_not_honor",
            "generic_decline",
            "no_action_taken",
            "not_permitted",
            "security_violation",
            "service_not_allowed",
        ],
    ),
    // Why a refund does not arrive (`failure_reason` of a refund).
    (
        Soft,
        &[
            "charge_for_pending_refund_disputed",
            "expired_or_canceled_card",
            "lost_or_stolen_card",
            "merchant_request",
        ],
    ),
];

const SEPA: [(DeclineClass, &[&str]); 8] = [
    // The account: wrong, closed, blocked, a consumer's in a B2B scheme, not
    // open to direct debits; its bank: wrong identifier, not reachable.
    (
        Hard,
        &["AC01", "AC04", "AC06", "AC13", "AG01", "RC01", "DNOR"],
    ),
    // The mandate: none or canceled, or its data is incomplete.
    (Hard, &["MD01", "MD02"]),
    // The debtor died; its bank blocks this creditor (SL01) or may not say why
    // (RR04, regulatory).
    (Hard, &["MD07", "SL01", "RR04"]),
    // The customer took an authorized debit back within eight weeks: the mandate
    // stands, but a blind retry would only come back again.
    (ActionRequired, &["MD06"]),
    // The debtor's account, name or address is missing.
    (ActionRequired, &["RR01", "RR02"]),
    (Soft, &["AM04"]),
    // No reason given, by the customer (a refusal) or by its bank.
    (Soft, &["MS02", "MS03"]),
    // The house or a bank did wrong, not the customer: sequence or scheme code
    // (AG02, FF05), duplicate (AM05), creditor identifier (BE05), own bank (CNOR),
    // settlement (ED05), file (FF01), creditor's address (RR03), late (TM01).
    (
        Soft,
        &[
            "AG02", "AM05", "BE05", "CNOR", "ED05", "FF01", "FF05", "RR03", "TM01",
        ],
    ),
];

/// A payer tries again by a new purchase, so a class here says only what helps.
const PAYPAL: [(DeclineClass, &[&str]); 4] = [
    // This payer, or this money, never.
    (
        Hard,
        &[
            "COMPLIANCE_VIOLATION",
            "PAYEE_BLOCKED_TRANSACTION",
            "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
            "PAYER_ACCOUNT_RESTRICTED",
        ],
    ),
    // The payer's card or account, or PayPal, said no for now.
    (
        Soft,
        &[
            "DECLINED",
            "FAILED",
            "INSTRUMENT_DECLINED",
            "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
            "PAYER_CANNOT_PAY",
            "TRANSACTION_REFUSED",
        ],
    ),
    // Why a capture that was pending is denied.
    (
        Soft,
        &[
            "BUYER_COMPLAINT",
            "CHARGEBACK",
            "ECHECK",
            "INTERNATIONAL_WITHDRAWAL",
            "OTHER",
            "PENDING_REVIEW",
            "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
            "REFUNDED",
            "TRANSACTION_APPROVED_AWAITING_FUNDING",
            "UNILATERAL",
            "VERIFICATION_REQUIRED",
        ],
    ),
    // Why nothing is given back.
    (
        Soft,
        &[
            "CANCELLED",
            "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED",
            "CAPTURE_FULLY_REFUNDED",
            "MAX_NUMBER_OF_REFUNDS_EXCEEDED",
            "PARTIAL_REFUND_NOT_ALLOWED",
            "REFUND_AMOUNT_EXCEEDED",
            "REFUND_FAILED_INSUFFICIENT_FUNDS",
            "REFUND_NOT_ALLOWED",
            "REFUND_TIME_LIMIT_EXCEEDED",
        ],
    ),
];

#[cfg(test)]
mod tests;
