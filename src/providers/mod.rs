//! The outside parties money moves through.

pub mod sepa;
