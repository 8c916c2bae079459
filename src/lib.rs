//! Quittance: monthly billing for a hosting platform.
//!
//! The map, in flow order: `domain` decides (pure), everything else carries it out.

pub mod domain;
pub mod store;
