//! The month, run by itself: what there is to do, and when.
//!
//! - [`job`]: the jobs, each doing whatever is due now
//! - [`month`]: months that ended are billed, and their invoices announced
//! - [`clockwork`]: each job at its time, until the service stops
//! - [`rounds`]: what each did last, for whoever watches
//!
//! A job asks the database what is due and never remembers when it last ran: so
//! it may run twice, late, or on several hosts at once, and a machine that was off
//! catches up by running each job once.

mod clockwork;
mod job;
mod month;
mod rounds;

pub use clockwork::Clockwork;
pub use job::{Job, JobReport};
pub(in crate::engine) use month::months_to_bill;
pub use rounds::{Round, Rounds};
