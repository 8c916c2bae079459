//! The business, pure: no I/O, no async, no clock, no randomness, no SQL.
//! A newcomer who reads this folder in this order knows the rules:
//!
//! - [`money`], [`calendar`], [`ids`]: the words everything else is said in
//! - [`account`]: who is billed, in which language, from where
//! - [`catalog`]: what is sold and at which unit price
//! - [`usage`]: who used what, from when to when
//! - [`rating`]: usage and prices to invoice lines
//! - [`tax`]: which VAT applies, and how much
//! - [`invoice`]: lines, VAT and bounds to an invoice or the reason for none
//! - [`payment`]: an open invoice to what is charged by which method, or why not
//! - [`ledger`]: every movement of money, in double entry
//! - [`sepa`]: what is due to direct debits that a bank will take
//! - [`dunning`]: from unpaid to suspended to deleted, one step at a time
//! - [`deletion`]: whether an account may leave, and what is kept of it
//! - [`notice`]: what customers and the platform are told of all that
//! - [`access`]: who may do what by the account API

pub mod access;
pub mod account;
pub mod budget;
pub mod calendar;
pub mod catalog;
pub mod contract;
pub mod deletion;
pub mod dunning;
pub mod hds;
pub mod ids;
pub mod invoice;
pub mod ledger;
pub mod money;
pub mod notice;
pub mod payment;
pub mod rating;
pub mod sepa;
pub mod tax;
pub mod text;
pub mod usage;
