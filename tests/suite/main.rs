//! The real binary on real databases, from the outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fakes/mod.rs"]
mod fakes;
mod support;

mod bank;
mod collect;
mod demo;
mod documents;
mod imports;
mod month_run;
mod paypal;
mod processes;
mod purity;
mod safeguards;
mod sepa;
mod settings;
mod trace;
mod verification;
mod vouchers;
