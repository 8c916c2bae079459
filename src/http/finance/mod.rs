//! The finance API: what the house looks at and decides, by keys of its own. Each
//! route makes the same call of the engine as the command line does.
//!
//! - [`myself`]: whose key asks

mod myself;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::Desk;

/// Every route of the finance API.
pub fn router(desk: Arc<Desk>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(myself::show))
        .with_state(desk)
}
