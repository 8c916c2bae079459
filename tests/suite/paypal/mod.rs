//! Prepaid credit bought with PayPal: its provider, and the house that uses it.

mod buying;
mod desk;
mod disputes;
mod events;
mod lapses;
mod provider;
mod refunds;
mod sequences;
mod verification;
