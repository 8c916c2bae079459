//! What commands print as JSON and the finance API answers: the same words for the
//! same thing, so that a script can go from one to the other. A time is RFC 3339 in
//! UTC, an amount is in minor units of its currency.

pub mod audit;
pub mod bank;
pub mod collection;
pub mod debtor;
pub mod dispute;
pub mod invoice;
pub mod outcome;
pub mod payment;
pub mod reconciliation;
pub mod refund;
pub mod run;
pub mod sepa;
