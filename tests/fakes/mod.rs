//! Providers that cannot be reached from here, played in this process: they
//! speak HTTP on the loopback, keep state, honor idempotency keys, and misbehave
//! when told to.

pub mod paypal;
mod server;

pub use server::{Fault, Faults, Server, broken_off};
