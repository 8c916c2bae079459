//! Providers, the platform and a mail server that cannot be reached from here, played
//! in this process: they speak HTTP or SMTP on the loopback, keep state, honor
//! idempotency keys, and misbehave when told to. And the files of a bank.
#![allow(
    dead_code,
    unused_imports,
    reason = "a test or bench uses a part of them"
)]

pub mod bank;
pub mod paypal;
pub mod platform;
mod server;
pub mod smtp;
pub mod stripe;

pub use server::{Fault, Faults, Server, broken_off};
