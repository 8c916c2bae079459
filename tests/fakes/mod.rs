//! Providers that cannot be reached from here, played in this process: they
//! speak HTTP on the loopback, keep state, honor idempotency keys, and misbehave
//! when told to.
#![allow(
    dead_code,
    unused_imports,
    reason = "a test or bench uses a part of them"
)]

pub mod paypal;
mod server;
pub mod stripe;

pub use server::{Fault, Faults, Server, broken_off};
