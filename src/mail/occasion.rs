//! What a mail is about: everything that its words need, and nothing else.

use chrono::NaiveDate;

use crate::domain::calendar::PeriodKey;
use crate::domain::dunning::Step;
use crate::domain::money::Money;
use crate::domain::notice::DeletionCause;
use crate::domain::payment::refund::RefundPurpose;
use crate::domain::payment::{DeclineClass, PaymentMethod};

/// An invoice as it stands when the mail is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceFacts {
    pub number: String,
    pub period: PeriodKey,
    pub due_on: NaiveDate,
    pub total: Money,
    /// What of it is not paid.
    pub open: Money,
}

/// What a direct debit is announced with (SDD Core rulebook, EPC016-06, section
/// 4.3: amount and due date; the creditor identifier and the mandate reference
/// where the debtor has to know which).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreNotification {
    pub creditor_name: String,
    pub creditor_id: String,
    pub mandate_reference: String,
    /// Such as `DE…3000`.
    pub account_masked: String,
    pub amount: Money,
    /// The day the account is debited, at the earliest.
    pub collect_on: NaiveDate,
}

/// How an invoice that was issued will be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HowPaid {
    /// It is paid, or nothing is to be paid.
    Settled,
    /// A payment is on its way.
    OnItsWay(PaymentMethod),
    /// Prepaid credit pays it.
    Credit {
        on: NaiveDate,
    },
    Debit(PreNotification),
    Card {
        amount: Money,
        on: NaiveDate,
    },
    /// Nothing on file pays it: the customer has to.
    ByCustomer,
}

/// Why a payment was refused, as far as a customer is told. What points at fraud
/// or theft is no more than a refusal (Stripe, "Decline codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotEnoughMoney,
    /// The card's data is not right any more, or it has expired.
    CardOutOfDate,
    /// The bank account is closed, blocked or not the right one.
    AccountUnusable,
    /// The bank has no such mandate.
    NoMandate,
    /// The customer had it given back.
    TakenBack,
    /// The customer has to confirm it.
    MustConfirm,
    /// The bank refuses, for good.
    ForGood,
    /// The bank refuses, for now.
    ForNow,
}

impl Refusal {
    /// Of a decline's code and class; the codes are those of
    /// [`Decline`](crate::domain::payment::Decline).
    #[must_use]
    pub fn of(code: Option<&str>, class: Option<DeclineClass>) -> Self {
        match (code, class) {
            (Some("insufficient_funds" | "AM04"), _) => Self::NotEnoughMoney,
            (
                Some(
                    "expired_card"
                    | "incorrect_number"
                    | "invalid_account"
                    | "invalid_expiry_month"
                    | "invalid_expiry_year"
                    | "invalid_number"
                    | "new_account_information_available",
                ),
                _,
            ) => Self::CardOutOfDate,
            (Some("AC01" | "AC04" | "AC06" | "AC13" | "AG01" | "RC01" | "DNOR"), _) => {
                Self::AccountUnusable
            }
            (Some("MD01" | "MD02"), _) => Self::NoMandate,
            (Some("MD06"), _) => Self::TakenBack,
            (_, Some(DeclineClass::ActionRequired)) => Self::MustConfirm,
            (_, Some(DeclineClass::Hard)) => Self::ForGood,
            (_, Some(DeclineClass::Soft) | None) => Self::ForNow,
        }
    }
}

/// What comes next for an unpaid invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upcoming {
    /// When the same is tried again, if it is.
    pub attempt_on: Option<NaiveDate>,
    /// The next step of dunning, and its day.
    pub step: Option<(Step, NaiveDate)>,
}

/// A payment that was taken, refused or came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFacts {
    pub invoice: InvoiceFacts,
    pub amount: Money,
    pub method: PaymentMethod,
    /// The day it happened.
    pub on: NaiveDate,
}

/// What a dispute is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disputed {
    Payment { invoice: InvoiceFacts },
    Credit,
}

/// Everything that a customer is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    InvoiceIssued {
        invoice: InvoiceFacts,
        how: HowPaid,
        /// What of it prepaid credit pays, where that is not all.
        from_credit: Option<Money>,
    },
    PaymentSucceeded(PaymentFacts),
    PaymentFailed {
        payment: PaymentFacts,
        refusal: Refusal,
        upcoming: Upcoming,
    },
    AuthenticationNeeded {
        payment: PaymentFacts,
        upcoming: Upcoming,
    },
    PaymentReturned {
        payment: PaymentFacts,
        refusal: Refusal,
        upcoming: Upcoming,
    },
    ChargebackOpened {
        about: Disputed,
        amount: Money,
        on: NaiveDate,
    },
    ChargebackWon {
        about: Disputed,
        amount: Money,
        on: NaiveDate,
    },
    CreditBought {
        amount: Money,
        on: NaiveDate,
        /// The numbers of what it paid at once.
        invoices_paid: Vec<String>,
    },
    CreditPurchaseFailed {
        amount: Money,
        on: NaiveDate,
    },
    Refunded {
        amount: Money,
        purpose: RefundPurpose,
        on: NaiveDate,
    },
    /// Money that was on its way back did not arrive.
    RefundFailed {
        amount: Money,
        on: NaiveDate,
    },
    SuspensionWarning {
        invoice: InvoiceFacts,
        suspension_on: NaiveDate,
        /// From the day the mail is written.
        days_left: i64,
    },
    Suspended {
        invoice: InvoiceFacts,
        on: NaiveDate,
        deletion_on: NaiveDate,
    },
    Restored {
        on: NaiveDate,
    },
    DeletionWarning {
        invoice: InvoiceFacts,
        deletion_on: NaiveDate,
        days_left: i64,
    },
    DeletionConfirmation(LinkFacts),
    DeletionBegun {
        cause: DeletionCause,
        on: NaiveDate,
    },
    Deleted {
        cause: DeletionCause,
        on: NaiveDate,
    },
    CardExpiring {
        /// Such as `visa 4242`.
        label: String,
        expires: PeriodKey,
    },
    LoginLocked(LinkFacts),
    PasswordReset(LinkFacts),
    PasswordChanged {
        at: Moment,
    },
    EmailConfirmation {
        link: LinkFacts,
        email: String,
    },
    EmailChangeAsked {
        email: String,
        at: Moment,
    },
    EmailChanged {
        email: String,
        at: Moment,
    },
    /// Two-factor authentication.
    TfaEnabled {
        at: Moment,
    },
    TfaDisabled {
        at: Moment,
    },
    EmailInUse {
        at: Moment,
    },
    HdsReview {
        app: String,
        /// When the contact was given.
        on: NaiveDate,
    },
    AccountantInvited {
        /// The legal name of whoever invites.
        customer: String,
        link: Link,
        on: NaiveDate,
    },
    BudgetReached {
        period: PeriodKey,
        percent: i16,
        /// So far, as the invoice would be.
        spent: Money,
        budget: Money,
    },
}

/// A time in the issuer's zone, such as `2 November 2026` and `10:30`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub on: NaiveDate,
    pub time: String,
}

/// A link that is used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFacts {
    pub link: Link,
    pub until: Moment,
}

/// An address that is a key to something, and prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(pub String);

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payment::Decline;

    #[test]
    fn a_refusal_says_what_helps_and_no_more() {
        let table = [
            (
                Decline::stripe("insufficient_funds"),
                Refusal::NotEnoughMoney,
            ),
            (Decline::stripe("expired_card"), Refusal::CardOutOfDate),
            (Decline::stripe("stolen_card"), Refusal::ForGood),
            (Decline::stripe("fraudulent"), Refusal::ForGood),
            (Decline::stripe("do_not_honor"), Refusal::ForNow),
            (
                Decline::stripe("authentication_required"),
                Refusal::MustConfirm,
            ),
            (Decline::stripe("no_such_code_yet"), Refusal::ForNow),
            (Decline::sepa("AM04"), Refusal::NotEnoughMoney),
            (Decline::sepa("AC04"), Refusal::AccountUnusable),
            (Decline::sepa("MD01"), Refusal::NoMandate),
            (Decline::sepa("MD06"), Refusal::TakenBack),
            (Decline::sepa("MS03"), Refusal::ForNow),
            (Decline::chargeback(), Refusal::ForGood),
        ];
        for (decline, expected) in table {
            let refusal = Refusal::of(Some(&decline.code), Some(decline.class));
            assert_eq!(refusal, expected, "{decline}");
        }
        assert_eq!(Refusal::of(None, None), Refusal::ForNow);
    }
}
