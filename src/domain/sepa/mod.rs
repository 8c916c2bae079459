//! SEPA direct debit, by the EPC's rulebooks (EPC016-06 Core, EPC222-07 B2B)
//! and the guidelines for what customers send their bank (EPC130-08, EPC131-08):
//!
//! - [`target`]: the days on which money moves
//! - [`iban`], [`bic`], [`creditor`]: who is who, with check digits
//! - [`text`], [`address`]: what the Latin character set and the fields hold
//! - [`mandate`]: what a debtor has agreed to, and which collection comes next
//! - [`wording`]: the text that a debtor signs
//! - [`message`]: payment blocks and their debits
//! - [`collection`]: debits due to a message
//! - [`standing`]: whether a debit is still what it was made for
//! - [`check`]: what the schemas let through and banks refuse
//! - [`matching`]: what the bank answered, and what it does to each debit
//! - [`masking`]: account numbers in the bank's free text

pub mod address;
pub mod bic;
pub mod check;
pub mod collection;
pub mod creditor;
pub mod iban;
pub mod mandate;
pub mod masking;
pub mod matching;
pub mod message;
pub mod standing;
pub mod target;
pub mod text;
pub mod wording;
