//! The finance API: what the house looks at and decides, by keys of its own. Each
//! route makes the same call of the engine as the command line does, and answers in
//! the words that the command prints as JSON.
//!
//! Who changes anything says why: who, when and why stands in the audit trail. Only a
//! refund needs a name to be asked for twice (`Idempotency-Key`); whatever else moves
//! money looks first at what moved it already.
//!
//! - [`myself`]: whose key asks
//! - [`refusal`]: what the engine refuses, as it is answered
//! - [`runs`], [`invoices`], [`payments`], [`collections`], [`unpaid`], [`approvals`],
//!   [`sepa_files`], [`bank_facts`], [`audit`]: a file a resource

mod approvals;
mod audit;
mod bank_facts;
mod collections;
mod invoices;
mod myself;
mod payments;
mod refusal;
mod runs;
mod sepa_files;
mod unpaid;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::Desk;

/// Every route of the finance API.
pub fn router(desk: Arc<Desk>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(myself::show))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::outcomes))
        .routes(routes!(invoices::list))
        .routes(routes!(invoices::show))
        .routes(routes!(invoices::download))
        .routes(routes!(invoices::write_off))
        .routes(routes!(payments::list))
        .routes(routes!(payments::show))
        .routes(routes!(payments::refund))
        .routes(routes!(collections::collect))
        .routes(routes!(collections::reconcile))
        .routes(routes!(unpaid::list))
        .routes(routes!(unpaid::hold))
        .routes(routes!(unpaid::lift))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::approve_deletion))
        .routes(routes!(approvals::release))
        .routes(routes!(sepa_files::list, sepa_files::make))
        .routes(routes!(sepa_files::show))
        .routes(routes!(sepa_files::download))
        .routes(routes!(sepa_files::release))
        .routes(routes!(sepa_files::cancel))
        .routes(routes!(bank_facts::list))
        .routes(routes!(bank_facts::close))
        .routes(routes!(audit::list))
        .with_state(desk)
}
