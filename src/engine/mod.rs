//! The shell: load facts, let `domain` decide, commit, then act.
//!
//! - [`import`]: files of accounts, prices and usage, checked row by row
//! - [`run`]: the month run
//! - [`issued`]: issued invoices read back as documents
//! - [`collect`]: taking money for issued invoices
//! - [`purchase`]: prepaid credit, bought and paid back
//! - [`verify`]: every invariant, recomputed

pub mod collect;
pub mod import;
pub mod issued;
pub mod purchase;
pub mod run;
mod terms;
pub mod usage_source;
pub mod verify;

pub use terms::BillingTerms;
