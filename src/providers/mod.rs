//! How others want to be spoken to: each provider's formats and calls.
//!
//! - [`sepa`]: the files that a bank takes

pub mod sepa;
