//! SEPA direct debit (EPC core rulebook, ISO 20022 messages).
//!
//! - [`answers`]: what the bank says: pain.002, camt.054, camt.053

pub mod answers;
