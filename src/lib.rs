//! Quittance: monthly billing for a hosting platform.
//!
//! The map, in flow order: `cli` is asked, `engine` loads the facts, `domain`
//! decides (pure), `store` commits, `documents` puts it on paper, `providers`
//! speak with those who move the money, `mail` with customers, `http` is spoken to.

// Printing goes through say! and complain!, which survive a closed pipe.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod documents;
pub mod domain;
pub mod engine;
mod html;
pub mod http;
pub mod mail;
pub mod pace;
pub mod providers;
pub mod store;
pub mod vault;
pub mod views;
mod xml;
