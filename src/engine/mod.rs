//! The shell: load facts, let `domain` decide, commit, then act.
//!
//! - [`import`]: files of accounts, prices and usage, checked row by row
//! - [`run`]: the month run
//! - [`issued`]: issued invoices read back as documents
//! - [`collect`]: taking money for issued invoices
//! - [`methods`]: cards and mandates on file
//! - [`sepa`]: direct debits on their way to the bank
//! - [`verify`]: every invariant, recomputed

pub mod collect;
pub mod import;
pub mod issued;
pub mod methods;
pub mod run;
pub mod sepa;
mod terms;
pub mod usage_source;
pub mod verify;

pub use terms::BillingTerms;
