//! What a customer sees of its own billing.
//!
//! - [`catalog`]: what the house sells
//! - [`invoices`]: what was issued to it, and how that stands
//! - [`month`]: what a month was charged, or is so far
//! - [`operations`]: what moved its debt and its credit

mod catalog;
mod invoices;
mod month;
mod operations;

pub use invoices::{Documents, ShownInvoice};
pub use month::{MonthCharges, MonthError};
pub use operations::{Operation, OperationSource};
