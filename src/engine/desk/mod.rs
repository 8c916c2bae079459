//! What the house looks at, and says.
//!
//! - [`asked`]: which invoices somebody asks for, and what is to be charged of them
//! - [`payment`]: an attempt to take money, with all that came of it
//! - [`list`]: outcomes, invoices, payments and the audit trail, a page at a time
//! - [`waiting`]: what waits for the approval of a person
//! - [`deed`]: what somebody did that is about no single account

pub mod asked;
mod deed;
mod list;
pub mod payment;
pub mod waiting;
