//! Quittance: monthly billing for a hosting platform.
//!
//! The map, in flow order: `cli` is asked, `engine` loads the facts, `domain`
//! decides (pure), `store` commits.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod store;
