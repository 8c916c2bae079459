//! What customers and the platform are told, as the outbox keeps it: a topic, and
//! a payload with what cannot be read again when it is delivered.
//!
//! A topic's code and the names in its payload never change: rows that wait were
//! written by an earlier version. [`Told::read`] is the one way back.
//!
//! - this file: topics, and how a row is read back
//! - [`payload`]: what each topic keeps
//! - [`wire`]: how a payload's values are written
//! - [`retry`]: when what was not delivered is tried again

mod payload;
mod retry;
mod wire;

use std::fmt;

use serde::de::DeserializeOwned;

use super::invoice::InvoiceNumber;

pub use payload::{
    AddressLinkTold, AddressTold, AppTold, BudgetTold, CardExpiringTold, ChangeTold, DeletionCause,
    DeletionTold, DeletionWarningTold, DisputeTold, InvitationTold, InvoiceTold, LinkTold,
    OnceToken, PaymentTold, PurchaseTold, RefundTold, SuspendedTold, SuspensionWarningTold,
};
pub use retry::pause_after;

/// What a customer is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    InvoiceIssued,
    PaymentSucceeded,
    PaymentFailed,
    AuthenticationNeeded,
    PaymentReturned,
    ChargebackOpened,
    ChargebackWon,
    CreditBought,
    CreditPurchaseFailed,
    Refunded,
    /// Money that was given back did not arrive.
    RefundFailed,
    SuspensionWarning,
    Suspended,
    Restored,
    DeletionWarning,
    DeletionConfirmation,
    DeletionBegun,
    Deleted,
    CardExpiring,
    /// Too many wrong passwords: nobody is let in until a link is used.
    LoginLocked,
    PasswordReset,
    PasswordChanged,
    /// To the address that is to be the account's.
    EmailConfirmation,
    /// To the address that is the account's, while another is to be.
    EmailChangeAsked,
    /// To the address that was the account's.
    EmailChanged,
    /// Two-factor authentication.
    TfaEnabled,
    TfaDisabled,
    /// Somebody signed up with the address of another's account.
    EmailInUse,
    /// A contact about health data was given 12 months ago.
    HdsReview,
    /// A part of what a customer means to spend in a month is used up.
    BudgetReached,
    /// Somebody is invited to look at the invoices of a customer.
    AccountantInvited,
}

impl Topic {
    pub const ALL: [Self; 31] = [
        Self::InvoiceIssued,
        Self::PaymentSucceeded,
        Self::PaymentFailed,
        Self::AuthenticationNeeded,
        Self::PaymentReturned,
        Self::ChargebackOpened,
        Self::ChargebackWon,
        Self::CreditBought,
        Self::CreditPurchaseFailed,
        Self::Refunded,
        Self::RefundFailed,
        Self::SuspensionWarning,
        Self::Suspended,
        Self::Restored,
        Self::DeletionWarning,
        Self::DeletionConfirmation,
        Self::DeletionBegun,
        Self::Deleted,
        Self::CardExpiring,
        Self::LoginLocked,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::EmailConfirmation,
        Self::EmailChangeAsked,
        Self::EmailChanged,
        Self::TfaEnabled,
        Self::TfaDisabled,
        Self::EmailInUse,
        Self::HdsReview,
        Self::BudgetReached,
        Self::AccountantInvited,
    ];

    /// The code that the outbox holds; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvoiceIssued => "invoice_issued",
            Self::PaymentSucceeded => "payment_succeeded",
            Self::PaymentFailed => "payment_failed",
            Self::AuthenticationNeeded => "authentication_needed",
            Self::PaymentReturned => "payment_returned",
            Self::ChargebackOpened => "chargeback_opened",
            Self::ChargebackWon => "chargeback_won",
            Self::CreditBought => "credit_bought",
            Self::CreditPurchaseFailed => "credit_purchase_failed",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
            Self::SuspensionWarning => "suspension_warning",
            Self::Suspended => "suspended",
            Self::Restored => "restored",
            Self::DeletionWarning => "deletion_warning",
            Self::DeletionConfirmation => "deletion_confirmation",
            Self::DeletionBegun => "deletion_begun",
            Self::Deleted => "deleted",
            Self::CardExpiring => "card_expiring",
            Self::LoginLocked => "login_locked",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::EmailConfirmation => "email_confirmation",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::TfaEnabled => "tfa_enabled",
            Self::TfaDisabled => "tfa_disabled",
            Self::EmailInUse => "email_in_use",
            Self::HdsReview => "hds_review",
            Self::BudgetReached => "budget_reached",
            Self::AccountantInvited => "accountant_invited",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.code() == code)
    }

    /// Whether its payload is a secret of the customer's, and is not kept once it
    /// was told.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::DeletionConfirmation
                | Self::LoginLocked
                | Self::PasswordReset
                | Self::EmailConfirmation
                | Self::AccountantInvited
        )
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What the platform is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderTopic {
    /// Stop the apps and addons of an account; its data is kept.
    Suspend,
    /// Start them again.
    Resume,
    /// Remove a part of what the account has.
    DeletionStep,
}

impl OrderTopic {
    pub const ALL: [Self; 3] = [Self::Suspend, Self::Resume, Self::DeletionStep];

    /// The type of the webhook, and the code that the outbox holds; it never
    /// changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Suspend => "account.suspend",
            Self::Resume => "account.resume",
            Self::DeletionStep => "account.deletion.step",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.code() == code)
    }
}

impl fmt::Display for OrderTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A topic with its payload, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    InvoiceIssued(InvoiceTold),
    PaymentSucceeded(PaymentTold),
    PaymentFailed(PaymentTold),
    AuthenticationNeeded(PaymentTold),
    PaymentReturned(PaymentTold),
    ChargebackOpened(DisputeTold),
    ChargebackWon(DisputeTold),
    CreditBought(PurchaseTold),
    CreditPurchaseFailed(PurchaseTold),
    Refunded(RefundTold),
    RefundFailed(RefundTold),
    SuspensionWarning(SuspensionWarningTold),
    Suspended(SuspendedTold),
    Restored,
    DeletionWarning(DeletionWarningTold),
    DeletionConfirmation(LinkTold),
    DeletionBegun(DeletionTold),
    Deleted(DeletionTold),
    CardExpiring(CardExpiringTold),
    LoginLocked(LinkTold),
    PasswordReset(LinkTold),
    PasswordChanged(ChangeTold),
    EmailConfirmation(AddressLinkTold),
    EmailChangeAsked(AddressTold),
    EmailChanged(AddressTold),
    TfaEnabled(ChangeTold),
    TfaDisabled(ChangeTold),
    EmailInUse(ChangeTold),
    HdsReview(AppTold),
    BudgetReached(BudgetTold),
    AccountantInvited(InvitationTold),
}

/// A payload is not what its topic says. Its words are not repeated: they may be
/// a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payload of {topic} cannot be read: {reason}")]
pub struct PayloadError {
    pub topic: Topic,
    pub reason: String,
}

impl Told {
    /// Reads a payload.
    ///
    /// # Errors
    /// When it is no JSON, or lacks what its topic needs.
    pub fn read(topic: Topic, payload: &str) -> Result<Self, PayloadError> {
        fn of<T: DeserializeOwned>(topic: Topic, payload: &str) -> Result<T, PayloadError> {
            serde_json::from_str(payload).map_err(|error| PayloadError {
                topic,
                reason: if topic.is_secret() {
                    format!("at column {}", error.column())
                } else {
                    error.to_string()
                },
            })
        }
        Ok(match topic {
            Topic::InvoiceIssued => Self::InvoiceIssued(of(topic, payload)?),
            Topic::PaymentSucceeded => Self::PaymentSucceeded(of(topic, payload)?),
            Topic::PaymentFailed => Self::PaymentFailed(of(topic, payload)?),
            Topic::AuthenticationNeeded => Self::AuthenticationNeeded(of(topic, payload)?),
            Topic::PaymentReturned => Self::PaymentReturned(of(topic, payload)?),
            Topic::ChargebackOpened => Self::ChargebackOpened(of(topic, payload)?),
            Topic::ChargebackWon => Self::ChargebackWon(of(topic, payload)?),
            Topic::CreditBought => Self::CreditBought(of(topic, payload)?),
            Topic::CreditPurchaseFailed => Self::CreditPurchaseFailed(of(topic, payload)?),
            Topic::Refunded => Self::Refunded(of(topic, payload)?),
            Topic::RefundFailed => Self::RefundFailed(of(topic, payload)?),
            Topic::SuspensionWarning => Self::SuspensionWarning(of(topic, payload)?),
            Topic::Suspended => Self::Suspended(of(topic, payload)?),
            Topic::Restored => Self::Restored,
            Topic::DeletionWarning => Self::DeletionWarning(of(topic, payload)?),
            Topic::DeletionConfirmation => Self::DeletionConfirmation(of(topic, payload)?),
            Topic::DeletionBegun => Self::DeletionBegun(of(topic, payload)?),
            Topic::Deleted => Self::Deleted(of(topic, payload)?),
            Topic::CardExpiring => Self::CardExpiring(of(topic, payload)?),
            Topic::LoginLocked => Self::LoginLocked(of(topic, payload)?),
            Topic::PasswordReset => Self::PasswordReset(of(topic, payload)?),
            Topic::PasswordChanged => Self::PasswordChanged(of(topic, payload)?),
            Topic::EmailConfirmation => Self::EmailConfirmation(of(topic, payload)?),
            Topic::EmailChangeAsked => Self::EmailChangeAsked(of(topic, payload)?),
            Topic::EmailChanged => Self::EmailChanged(of(topic, payload)?),
            Topic::TfaEnabled => Self::TfaEnabled(of(topic, payload)?),
            Topic::TfaDisabled => Self::TfaDisabled(of(topic, payload)?),
            Topic::EmailInUse => Self::EmailInUse(of(topic, payload)?),
            Topic::HdsReview => Self::HdsReview(of(topic, payload)?),
            Topic::BudgetReached => Self::BudgetReached(of(topic, payload)?),
            Topic::AccountantInvited => Self::AccountantInvited(of(topic, payload)?),
        })
    }

    /// Whom it is told to, where that is not the account's address now.
    #[must_use]
    pub fn recipient(&self) -> Option<&str> {
        match self {
            Self::EmailConfirmation(told) => Some(&told.to),
            Self::AccountantInvited(told) => Some(&told.to),
            Self::EmailChangeAsked(told) | Self::EmailChanged(told) => Some(&told.to),
            _ => None,
        }
    }

    /// Whether it is told to somebody who is no customer.
    #[must_use]
    pub const fn is_to_guest(&self) -> bool {
        matches!(self, Self::AccountantInvited(_))
    }

    /// The invoice that it is about, if it is about one.
    #[must_use]
    pub const fn invoice(&self) -> Option<&InvoiceNumber> {
        match self {
            Self::InvoiceIssued(told) => Some(&told.invoice),
            Self::PaymentSucceeded(told)
            | Self::PaymentFailed(told)
            | Self::AuthenticationNeeded(told)
            | Self::PaymentReturned(told)
            | Self::ChargebackOpened(DisputeTold::Payment(told))
            | Self::ChargebackWon(DisputeTold::Payment(told)) => Some(&told.invoice),
            Self::SuspensionWarning(told) => Some(&told.invoice),
            Self::Suspended(told) => Some(&told.invoice),
            Self::DeletionWarning(told) => Some(&told.invoice),
            Self::ChargebackOpened(DisputeTold::Purchase(_))
            | Self::ChargebackWon(DisputeTold::Purchase(_))
            | Self::CreditBought(_)
            | Self::CreditPurchaseFailed(_)
            | Self::Refunded(_)
            | Self::RefundFailed(_)
            | Self::Restored
            | Self::DeletionConfirmation(_)
            | Self::DeletionBegun(_)
            | Self::Deleted(_)
            | Self::CardExpiring(_)
            | Self::LoginLocked(_)
            | Self::PasswordReset(_)
            | Self::PasswordChanged(_)
            | Self::EmailConfirmation(_)
            | Self::EmailChangeAsked(_)
            | Self::EmailChanged(_)
            | Self::TfaEnabled(_)
            | Self::TfaDisabled(_)
            | Self::EmailInUse(_)
            | Self::HdsReview(_)
            | Self::BudgetReached(_)
            | Self::AccountantInvited(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;
    use crate::domain::payment::{DeclineClass, PaymentMethod};

    #[test]
    fn every_topic_has_a_code_of_its_own() {
        for topic in Topic::ALL {
            assert_eq!(Topic::from_code(topic.code()), Some(topic));
        }
        for topic in OrderTopic::ALL {
            assert_eq!(OrderTopic::from_code(topic.code()), Some(topic));
        }
        for wrong in ["", "Suspended", "account.suspend"] {
            assert_eq!(Topic::from_code(wrong), None);
        }
    }

    #[test]
    fn payloads_are_read_as_they_were_written() {
        let told = PaymentTold {
            payment: "01".to_owned(),
            invoice: "Q-2026-000001".parse().unwrap(),
            method: PaymentMethod::Card,
            amount_minor: 1_200,
            currency: Currency::Eur,
            decline_code: Some("insufficient_funds".to_owned()),
            decline_class: Some(DeclineClass::Soft),
        };
        let written = serde_json::to_string(&told).unwrap();
        assert_eq!(
            written,
            r#"{"payment":"01","invoice":"Q-2026-000001","method":"card","amount_minor":1200,"currency":"EUR","decline_code":"insufficient_funds","decline_class":"soft"}"#
        );
        let read = Told::read(Topic::PaymentFailed, &written).unwrap();
        assert_eq!(read, Told::PaymentFailed(told.clone()));
        let dispute = Told::read(Topic::ChargebackOpened, &written).unwrap();
        assert_eq!(
            dispute,
            Told::ChargebackOpened(DisputeTold::Payment(told.clone()))
        );
        assert_eq!(dispute.invoice(), Some(&told.invoice));
    }

    #[test]
    fn a_payload_that_lacks_something_is_refused() {
        let table = [
            (Topic::InvoiceIssued, "", "EOF"),
            (Topic::InvoiceIssued, "{}", "missing field `invoice`"),
            (Topic::InvoiceIssued, r#"{"invoice":"?"}"#, "invoice number"),
            (
                Topic::PaymentFailed,
                r#"{"payment":"1","invoice":"Q-2026-000001","method":"cash","amount_minor":1,"currency":"EUR"}"#,
                "\"cash\" is no such code",
            ),
            (
                Topic::Refunded,
                r#"{"refund":"1","purpose":"goodwill","amount_minor":1.5,"currency":"EUR"}"#,
                "invalid type",
            ),
            (Topic::Deleted, r#"{"cause":"whim"}"#, "no such code"),
            (
                Topic::Suspended,
                r#"{"invoice":"Q-2026-000001","deletion_on":"soon"}"#,
                "invalid",
            ),
        ];
        for (topic, payload, reason) in table {
            let error = Told::read(topic, payload).unwrap_err().to_string();
            assert!(error.contains(reason), "{topic}: {error}");
            assert!(error.contains(topic.code()), "{error}");
        }
    }

    #[test]
    fn a_secret_is_never_repeated() {
        let wrong = r#"{"token":"s3cret","until":"s3cret"}"#;
        let error = Told::read(Topic::DeletionConfirmation, wrong).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        let right = r#"{"token":"s3cret","until":1}"#;
        let told = Told::read(Topic::DeletionConfirmation, right).unwrap();
        assert!(!format!("{told:?}").contains("s3cret"), "{told:?}");
    }
}
