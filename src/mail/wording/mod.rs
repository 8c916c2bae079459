//! The words of every mail: a pure function of the occasion, the house and the
//! language. Amounts and dates read as the invoice's PDF writes them.
//!
//! A mail says, in this order: what happened, how much, until when, what to do,
//! and what happens otherwise. Both languages of a sentence stand side by side, so
//! that nobody changes one alone.
//!
//! - [`pen`]: a language and a house, and how they write amounts, dates and buttons
//! - [`invoice`], [`payment`], [`credit`]: what is billed, paid and given back
//! - [`debt`], [`account`]: what becomes of an account that does not pay or leaves

#[macro_use]
mod pen;
mod account;
mod credit;
mod debt;
mod identity;
mod invoice;
mod payment;

use super::letter::{Attachment, Content, Letter};
use super::occasion::Occasion;
use crate::domain::account::Language;

use pen::Pen;

/// What the mails of a house share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct House {
    /// What customers know it as.
    pub product: String,
    /// Where they write to with questions.
    pub contact: String,
    /// Where an invoice is paid; `{invoice}` stands for its number.
    pub pay_url: String,
    /// Where payment methods are looked after.
    pub account_url: String,
    /// Who sends it, as its law asks: name, address, register.
    pub imprint: String,
}

/// Who is written to.
#[derive(Clone, PartialEq, Eq)]
pub struct Addressee {
    pub language: Language,
    /// As they call themselves; may be empty.
    pub name: String,
    /// The platform's id of the account.
    pub account: String,
}

/// Writes a mail.
#[must_use]
pub fn letter(
    occasion: &Occasion,
    house: &House,
    to: &Addressee,
    attachments: Vec<Attachment>,
) -> Letter {
    let language = to.language;
    let pen = Pen { language, house };
    let name = one_line(&to.name);
    let greeting = match (language, name.is_empty()) {
        (Language::English, true) => "Hello,".to_owned(),
        (Language::English, false) => format!("Hello {name},"),
        (Language::French, true) => "Bonjour,".to_owned(),
        (Language::French, false) => format!("Bonjour {name},"),
    };
    let House {
        product, contact, ..
    } = house;
    let account = &to.account;
    let signature = vec![
        words!(pen, "The team of {product}", "L’équipe {product}"),
        words!(
            pen,
            "Questions? Reply to this message or write to {contact}.",
            "Une question ? Répondez à ce message ou écrivez à {contact}."
        ),
    ];
    let why = if let Occasion::AccountantInvited { customer, .. } = occasion {
        let customer = one_line(customer);
        words!(
            pen,
            "You receive this message because {customer} gave us your address. Account: {account}.",
            "Vous recevez ce message parce que {customer} nous a indiqué votre adresse. Compte : {account}."
        )
    } else {
        words!(
            pen,
            "You receive this message because you have an account with {product}. Account: {account}.",
            "Vous recevez ce message parce que vous avez un compte chez {product}. Compte : {account}."
        )
    };
    let footer = vec![house.imprint.clone(), why];
    Letter {
        language,
        product: product.clone(),
        greeting,
        content: content(occasion, pen),
        signature,
        footer,
        attachments,
    }
}

fn content(occasion: &Occasion, pen: Pen<'_>) -> Content {
    match occasion {
        Occasion::InvoiceIssued {
            invoice,
            how,
            from_credit,
        } => invoice::issued(pen, invoice, how, *from_credit),
        Occasion::PaymentSucceeded(payment) => payment::succeeded(pen, payment),
        Occasion::PaymentFailed {
            payment,
            refusal,
            upcoming,
        } => payment::failed(pen, payment, *refusal, upcoming),
        Occasion::AuthenticationNeeded { payment, upcoming } => {
            payment::authentication_needed(pen, payment, upcoming)
        }
        Occasion::PaymentReturned {
            payment,
            refusal,
            upcoming,
        } => payment::returned(pen, payment, *refusal, upcoming),
        Occasion::ChargebackOpened { about, amount, on } => {
            credit::chargeback_opened(pen, about, *amount, *on)
        }
        Occasion::ChargebackWon { about, amount, on } => {
            credit::chargeback_won(pen, about, *amount, *on)
        }
        Occasion::CreditBought {
            amount,
            on,
            invoices_paid,
        } => credit::bought(pen, *amount, *on, invoices_paid),
        Occasion::CreditPurchaseFailed { amount, on } => credit::purchase_failed(pen, *amount, *on),
        Occasion::Refunded {
            amount,
            purpose,
            on,
        } => credit::refunded(pen, *amount, *purpose, *on),
        Occasion::RefundFailed { amount, on } => credit::refund_failed(pen, *amount, *on),
        Occasion::SuspensionWarning {
            invoice,
            suspension_on,
            days_left,
        } => debt::suspension_warning(pen, invoice, *suspension_on, *days_left),
        Occasion::Suspended {
            invoice,
            on,
            deletion_on,
        } => debt::suspended(pen, invoice, *on, *deletion_on),
        Occasion::Restored { on } => debt::restored(pen, *on),
        Occasion::DeletionWarning {
            invoice,
            deletion_on,
            days_left,
        } => debt::deletion_warning(pen, invoice, *deletion_on, *days_left),
        Occasion::DeletionConfirmation(link) => account::deletion_confirmation(pen, link),
        Occasion::DeletionBegun { cause, on } => account::deletion_begun(pen, *cause, *on),
        Occasion::Deleted { cause, on } => account::deleted(pen, *cause, *on),
        Occasion::CardExpiring { label, expires } => account::card_expiring(pen, label, *expires),
        Occasion::LoginLocked(link) => identity::login_locked(pen, link),
        Occasion::PasswordReset(link) => identity::password_reset(pen, link),
        Occasion::PasswordChanged { at } => identity::password_changed(pen, at),
        Occasion::EmailConfirmation { link, email } => {
            identity::email_confirmation(pen, link, email)
        }
        Occasion::EmailChangeAsked { email, at } => identity::email_change_asked(pen, email, at),
        Occasion::EmailChanged { email, at } => identity::email_changed(pen, email, at),
        Occasion::TfaEnabled { at } => identity::tfa_enabled(pen, at),
        Occasion::TfaDisabled { at } => identity::tfa_disabled(pen, at),
        Occasion::EmailInUse { at } => identity::email_in_use(pen, at),
        Occasion::HdsReview { app, on } => account::hds_review(pen, app, *on),
        Occasion::AccountantInvited { customer, link, on } => {
            account::accountant_invited(pen, customer, link, *on)
        }
        Occasion::BudgetReached {
            period,
            percent,
            spent,
            budget,
        } => account::budget_reached(pen, *period, *percent, *spent, *budget),
    }
}

/// A name on one line: nobody writes a second header with it, or a second
/// paragraph.
#[must_use]
pub fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
