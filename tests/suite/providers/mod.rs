//! Providers against their fakes.

pub mod contract;
mod localstripe;
mod paypal;
mod stripe;
mod stripe_calls;
mod stripe_doubt;
mod stripe_objects;
mod transport;
mod webhook;
