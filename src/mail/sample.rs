//! An example of every mail, with facts that are made up: to be looked at before
//! anybody gets one.

use chrono::NaiveDate;

use super::occasion::{
    Disputed, HowPaid, InvoiceFacts, Link, LinkFacts, Moment, Occasion, PaymentFacts,
    PreNotification, Refusal, Upcoming,
};
use super::wording::Addressee;
use crate::domain::account::Language;
use crate::domain::calendar::{PeriodKey, PeriodKeyError};
use crate::domain::dunning::Step;
use crate::domain::money::{Currency, Money};
use crate::domain::notice::{DeletionCause, Topic};
use crate::domain::payment::PaymentMethod;
use crate::domain::payment::refund::RefundPurpose;

/// A mail by its name: the topic's code, and what is particular about it.
pub struct Sample {
    pub name: &'static str,
    pub topic: Topic,
    pub occasion: Occasion,
}

/// Whom samples are written to.
#[must_use]
pub fn addressee(language: Language) -> Addressee {
    Addressee {
        language,
        name: "Ada Lovelace".to_owned(),
        account: "acc-1".to_owned(),
    }
}

const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

/// Every sample, in the order of the topics.
///
/// # Errors
/// Never in a build whose tests passed.
pub fn samples() -> Result<Vec<Sample>, PeriodKeyError> {
    let due_on = day(11, 2);
    let period = PeriodKey::new(2026, 10)?;
    let invoice = |open_minor| InvoiceFacts {
        number: "Q-2026-000042".to_owned(),
        period,
        due_on,
        total: eur(124_850),
        open: eur(open_minor),
    };
    let payment = |method, open_minor| PaymentFacts {
        invoice: invoice(open_minor),
        amount: eur(124_850),
        method,
        on: due_on,
    };
    let soon = Upcoming {
        attempt_on: Some(day(11, 3)),
        step: Some((Step::SuspensionWarning { days_before: 7 }, day(11, 10))),
    };
    let late = Upcoming {
        attempt_on: None,
        step: Some((Step::Suspension, day(11, 17))),
    };
    let debit = PreNotification {
        creditor_name: "Nuage Exemple SAS".to_owned(),
        creditor_id: "FR72ZZZ123456".to_owned(),
        mandate_reference: "Q-ACC1-000001".to_owned(),
        account_masked: "FR…2606".to_owned(),
        amount: eur(124_850),
        collect_on: day(11, 9),
    };
    let issued = |how, from_credit| Occasion::InvoiceIssued {
        invoice: invoice(124_850),
        how,
        from_credit,
    };
    use PaymentMethod::{Card, Credit, Sepa};
    let all = [
        (
            "invoice_issued_debit",
            Topic::InvoiceIssued,
            issued(HowPaid::Debit(debit), None),
        ),
        (
            "invoice_issued_card",
            Topic::InvoiceIssued,
            issued(
                HowPaid::Card {
                    amount: eur(120_000),
                    on: due_on,
                },
                Some(eur(4_850)),
            ),
        ),
        (
            "invoice_issued_credit",
            Topic::InvoiceIssued,
            issued(HowPaid::Credit { on: due_on }, None),
        ),
        (
            "invoice_issued_on_its_way",
            Topic::InvoiceIssued,
            issued(HowPaid::OnItsWay(Card), None),
        ),
        (
            "invoice_issued_to_pay",
            Topic::InvoiceIssued,
            issued(HowPaid::ByCustomer, None),
        ),
        (
            "invoice_issued_settled",
            Topic::InvoiceIssued,
            Occasion::InvoiceIssued {
                invoice: invoice(0),
                how: HowPaid::Settled,
                from_credit: None,
            },
        ),
        (
            "payment_succeeded",
            Topic::PaymentSucceeded,
            Occasion::PaymentSucceeded(payment(Card, 0)),
        ),
        (
            "payment_succeeded_in_part",
            Topic::PaymentSucceeded,
            Occasion::PaymentSucceeded(PaymentFacts {
                amount: eur(50_000),
                ..payment(Credit, 74_850)
            }),
        ),
        (
            "payment_failed",
            Topic::PaymentFailed,
            Occasion::PaymentFailed {
                payment: payment(Card, 124_850),
                refusal: Refusal::NotEnoughMoney,
                upcoming: soon,
            },
        ),
        (
            "payment_failed_for_good",
            Topic::PaymentFailed,
            Occasion::PaymentFailed {
                payment: payment(Card, 124_850),
                refusal: Refusal::CardOutOfDate,
                upcoming: late,
            },
        ),
        (
            "authentication_needed",
            Topic::AuthenticationNeeded,
            Occasion::AuthenticationNeeded {
                payment: payment(Card, 124_850),
                upcoming: late,
            },
        ),
        (
            "payment_returned",
            Topic::PaymentReturned,
            Occasion::PaymentReturned {
                payment: payment(Sepa, 124_850),
                refusal: Refusal::AccountUnusable,
                upcoming: late,
            },
        ),
        (
            "payment_returned_paid_since",
            Topic::PaymentReturned,
            Occasion::PaymentReturned {
                payment: payment(Sepa, 0),
                refusal: Refusal::TakenBack,
                upcoming: Upcoming::default(),
            },
        ),
        (
            "chargeback_opened",
            Topic::ChargebackOpened,
            Occasion::ChargebackOpened {
                about: Disputed::Payment {
                    invoice: invoice(124_850),
                },
                amount: eur(124_850),
                on: day(11, 20),
            },
        ),
        (
            "chargeback_opened_credit",
            Topic::ChargebackOpened,
            Occasion::ChargebackOpened {
                about: Disputed::Credit,
                amount: eur(5_000),
                on: day(11, 20),
            },
        ),
        (
            "chargeback_won",
            Topic::ChargebackWon,
            Occasion::ChargebackWon {
                about: Disputed::Payment {
                    invoice: invoice(0),
                },
                amount: eur(124_850),
                on: day(12, 15),
            },
        ),
        (
            "chargeback_won_credit",
            Topic::ChargebackWon,
            Occasion::ChargebackWon {
                about: Disputed::Credit,
                amount: eur(5_000),
                on: day(12, 15),
            },
        ),
        (
            "credit_bought",
            Topic::CreditBought,
            Occasion::CreditBought {
                amount: eur(5_000),
                on: due_on,
                invoices_paid: Vec::new(),
            },
        ),
        (
            "credit_bought_and_used",
            Topic::CreditBought,
            Occasion::CreditBought {
                amount: eur(150_000),
                on: due_on,
                invoices_paid: vec!["Q-2026-000021".to_owned(), "Q-2026-000042".to_owned()],
            },
        ),
        (
            "credit_purchase_failed",
            Topic::CreditPurchaseFailed,
            Occasion::CreditPurchaseFailed {
                amount: eur(5_000),
                on: due_on,
            },
        ),
        (
            "refunded_goodwill",
            Topic::Refunded,
            Occasion::Refunded {
                amount: eur(2_000),
                purpose: RefundPurpose::Goodwill,
                on: due_on,
            },
        ),
        (
            "refunded_reopen",
            Topic::Refunded,
            Occasion::Refunded {
                amount: eur(124_850),
                purpose: RefundPurpose::Reopen,
                on: due_on,
            },
        ),
        (
            "refunded_unused_credit",
            Topic::Refunded,
            Occasion::Refunded {
                amount: eur(1_250),
                purpose: RefundPurpose::UnusedCredit,
                on: due_on,
            },
        ),
        (
            "refund_failed",
            Topic::RefundFailed,
            Occasion::RefundFailed {
                amount: eur(2_000),
                on: due_on,
            },
        ),
        (
            "suspension_warning_7",
            Topic::SuspensionWarning,
            Occasion::SuspensionWarning {
                invoice: invoice(124_850),
                suspension_on: day(11, 17),
                days_left: 7,
            },
        ),
        (
            "suspension_warning_1",
            Topic::SuspensionWarning,
            Occasion::SuspensionWarning {
                invoice: invoice(124_850),
                suspension_on: day(11, 17),
                days_left: 1,
            },
        ),
        (
            "suspended",
            Topic::Suspended,
            Occasion::Suspended {
                invoice: invoice(124_850),
                on: day(11, 17),
                deletion_on: day(12, 17),
            },
        ),
        (
            "restored",
            Topic::Restored,
            Occasion::Restored { on: day(11, 18) },
        ),
        (
            "deletion_warning_14",
            Topic::DeletionWarning,
            Occasion::DeletionWarning {
                invoice: invoice(124_850),
                deletion_on: day(12, 17),
                days_left: 14,
            },
        ),
        (
            "deletion_warning_1",
            Topic::DeletionWarning,
            Occasion::DeletionWarning {
                invoice: invoice(124_850),
                deletion_on: day(12, 17),
                days_left: 1,
            },
        ),
        (
            "deletion_confirmation",
            Topic::DeletionConfirmation,
            Occasion::DeletionConfirmation(link("account/deletion/sample")),
        ),
        (
            "deletion_begun",
            Topic::DeletionBegun,
            Occasion::DeletionBegun {
                cause: DeletionCause::Request,
                on: due_on,
            },
        ),
        (
            "deletion_begun_unpaid",
            Topic::DeletionBegun,
            Occasion::DeletionBegun {
                cause: DeletionCause::Unpaid,
                on: day(12, 17),
            },
        ),
        (
            "deleted",
            Topic::Deleted,
            Occasion::Deleted {
                cause: DeletionCause::Request,
                on: day(11, 4),
            },
        ),
        (
            "deleted_unpaid",
            Topic::Deleted,
            Occasion::Deleted {
                cause: DeletionCause::Unpaid,
                on: day(12, 18),
            },
        ),
        (
            "card_expiring",
            Topic::CardExpiring,
            Occasion::CardExpiring {
                label: "Visa 4242".to_owned(),
                expires: PeriodKey::new(2026, 12)?,
            },
        ),
        (
            "login_locked",
            Topic::LoginLocked,
            Occasion::LoginLocked(link("unlock/sample")),
        ),
        (
            "password_reset",
            Topic::PasswordReset,
            Occasion::PasswordReset(link("password/sample")),
        ),
        (
            "password_changed",
            Topic::PasswordChanged,
            Occasion::PasswordChanged { at: morning() },
        ),
        (
            "email_confirmation",
            Topic::EmailConfirmation,
            Occasion::EmailConfirmation {
                link: link("email/sample"),
                email: "ada@king.example".to_owned(),
            },
        ),
        (
            "email_change_asked",
            Topic::EmailChangeAsked,
            Occasion::EmailChangeAsked {
                email: "ada@king.example".to_owned(),
                at: morning(),
            },
        ),
        (
            "email_changed",
            Topic::EmailChanged,
            Occasion::EmailChanged {
                email: "ada@king.example".to_owned(),
                at: morning(),
            },
        ),
        (
            "tfa_enabled",
            Topic::TfaEnabled,
            Occasion::TfaEnabled { at: morning() },
        ),
        (
            "tfa_disabled",
            Topic::TfaDisabled,
            Occasion::TfaDisabled { at: morning() },
        ),
        (
            "email_in_use",
            Topic::EmailInUse,
            Occasion::EmailInUse { at: morning() },
        ),
        (
            "hds_review",
            Topic::HdsReview,
            Occasion::HdsReview {
                app: "clinic-api".to_owned(),
                on: day(11, 3),
            },
        ),
        (
            "accountant_invited",
            Topic::AccountantInvited,
            Occasion::AccountantInvited {
                customer: "Analytical SAS".to_owned(),
                link: link("accountant?token=sample").link,
                on: day(11, 2),
            },
        ),
        (
            "budget_reached",
            Topic::BudgetReached,
            Occasion::BudgetReached {
                period: PeriodKey::new(2026, 11)?,
                percent: 80,
                spent: eur(124_850),
                budget: eur(150_000),
            },
        ),
    ];
    Ok(all
        .into_iter()
        .map(|(name, topic, occasion)| Sample {
            name,
            topic,
            occasion,
        })
        .collect())
}

/// A link of the console's.
fn link(path: &str) -> LinkFacts {
    LinkFacts {
        link: Link(format!("https://console.nuage.example/{path}")),
        until: morning(),
    }
}

fn morning() -> Moment {
    Moment {
        on: day(11, 3),
        time: "10:30".to_owned(),
    }
}

/// A day of 2026.
fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap_or(NaiveDate::MIN)
}
