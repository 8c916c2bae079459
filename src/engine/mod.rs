//! The shell: load facts, let `domain` decide, commit, then act.
//!
//! - [`import`]: files of accounts, prices and usage, checked row by row
//! - [`run`]: the month run
//! - [`issued`]: issued invoices read back as documents
//! - [`collect`]: taking money for issued invoices
//! - [`settle`]: what became of a payment, recorded
//! - [`refund`], [`write_off`]: money given back, by card or of unused credit; a
//!   debt given up
//! - [`reconcile`]: payments without a known outcome, finished
//! - [`webhook`]: what providers tell by themselves
//! - [`dispute`]: payments taken back by whoever paid, recorded
//! - [`methods`]: cards and mandates on file
//! - [`sepa`]: direct debits on their way to the bank
//! - [`bank`]: what the bank answers, booked
//! - [`purchase`]: prepaid credit, bought
//! - [`dunning`]: accounts that do not pay, from the first warning to the last step
//! - [`deletion`]: accounts on their way out
//! - [`access`]: who is let in by the account API
//! - [`contract`]: what customers accept, and whom they name about health data
//! - [`overview`]: what a customer sees of its own billing
//! - [`desk`]: what the house looks at, and says
//! - [`budget`]: what customers mean to spend, and how far it is
//! - [`schedule`]: all of it, by itself
//! - [`outbox`]: customers and the platform, told
//! - [`figures`]: how the house stands
//! - [`verify`]: every invariant, recomputed

pub mod access;
pub mod bank;
pub mod budget;
pub mod collect;
pub mod contract;
pub mod deletion;
pub mod desk;
pub mod dispute;
pub mod dunning;
pub mod figures;
pub mod import;
pub mod issued;
mod link;
pub mod methods;
pub mod outbox;
pub mod overview;
pub mod providers;
pub mod purchase;
pub mod reconcile;
pub mod refund;
pub mod run;
pub mod schedule;
pub mod sepa;
pub mod settle;
mod terms;
pub mod usage_source;
pub mod verify;
pub mod webhook;
pub mod write_off;

pub use terms::BillingTerms;
