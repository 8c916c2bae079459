//! Prepaid credit bought with PayPal: its provider, and the house that uses it.

mod buying;
pub mod desk;
mod disputes;
mod events;
mod flood;
mod lapses;
mod provider;
mod refunds;
mod sequences;
mod verification;
