//! The files of SEPA direct debit.
//!
//! - [`pain008`]: what is to be collected, told to the bank

pub mod pain008;
