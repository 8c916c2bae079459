//! The real binary on real databases, from the outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fakes/mod.rs"]
mod fakes;
mod support;

mod api;
mod bank;
mod bank_import;
mod cards;
mod clients;
mod collect;
mod debits;
mod demo;
mod deploy;
mod documents;
mod finance;
mod imports;
mod lifecycle;
mod mail;
mod methods;
mod month_run;
mod open_invoices;
mod outbox;
mod paypal;
mod processes;
mod providers;
mod purity;
mod safeguards;
mod sepa;
mod sepa_batch;
mod service;
mod settings;
mod settling;
mod trace;
mod verification;
mod vouchers;
