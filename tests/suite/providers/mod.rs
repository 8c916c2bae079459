//! Providers against their fakes.

pub mod contract;
mod stripe;
