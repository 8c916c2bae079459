//! The shell: load facts, let `domain` decide, commit, then act.
//!
//! - [`import`]: files of accounts, prices and usage, checked row by row
//! - [`run`]: the month run
//! - [`issued`]: issued invoices read back as documents
//! - [`collect`]: taking money for issued invoices
//! - [`settle`]: what became of a payment, recorded
//! - [`refund`], [`write_off`]: money given back, a debt given up
//! - [`reconcile`]: payments without a known outcome, finished
//! - [`webhook`]: what providers tell by themselves
//! - [`methods`]: cards and mandates on file
//! - [`sepa`]: direct debits on their way to the bank
//! - [`bank`]: what the bank answers, booked
//! - [`purchase`]: prepaid credit, bought and paid back
//! - [`outbox`]: customers and the platform, told
//! - [`verify`]: every invariant, recomputed

pub mod bank;
pub mod collect;
pub mod import;
pub mod issued;
pub mod methods;
pub mod outbox;
pub mod providers;
pub mod purchase;
pub mod reconcile;
pub mod refund;
pub mod run;
pub mod sepa;
pub mod settle;
mod terms;
pub mod usage_source;
pub mod verify;
pub mod webhook;
pub mod write_off;

pub use terms::BillingTerms;
