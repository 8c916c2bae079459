//! Quittance: monthly billing for a hosting platform.
//!
//! The map, in flow order: `domain` decides (pure), everything else carries it out.

pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod store;
