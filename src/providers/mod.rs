//! How others want to be spoken to: each provider's formats and calls.
//!
//! - [`sepa`]: the files that go to a bank and come from it

pub mod sepa;
