//! What a customer sees of its own billing.
//!
//! - [`invoices`]: what was issued to it, and how that stands
//! - [`operations`]: what moved its debt and its credit

mod invoices;
mod operations;

pub use invoices::{Documents, ShownInvoice};
pub use operations::{Operation, OperationSource};
