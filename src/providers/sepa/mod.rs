//! The files of SEPA direct debit (EPC core rulebook, ISO 20022 messages).
//!
//! - [`pain008`]: what is to be collected, told to the bank
//! - [`answers`]: what the bank says: pain.002, camt.054, camt.053

pub mod answers;
pub mod pain008;
