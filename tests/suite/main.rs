//! The real binary on real databases, from the outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod collect;
mod demo;
mod documents;
mod imports;
mod month_run;
mod processes;
mod purity;
mod safeguards;
mod settings;
mod trace;
mod verification;
mod vouchers;
