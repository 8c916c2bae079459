//! The business, pure: no I/O, no async, no clock, no randomness, no SQL.

pub mod calendar;
pub mod money;
