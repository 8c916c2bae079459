//! Providers against their fakes.

pub mod contract;
mod stripe;
mod stripe_calls;
mod stripe_objects;
mod transport;
mod webhook;
