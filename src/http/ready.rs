//! `/readyz`: whether requests are to be sent here.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

use super::shutdown::Shutdown;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;

/// Whoever asks whether we are ready asks again soon.
const WITHIN: Duration = Duration::from_secs(2);

/// Who is asked.
#[derive(Clone)]
pub struct Ready {
    pub engine: Arc<Engine>,
    pub shutdown: Shutdown,
}

#[derive(Serialize)]
struct Standing {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Answers whoever distributes requests. The reason is for everybody: the log has more.
pub async fn show(State(ready): State<Ready>) -> impl IntoResponse {
    let reason = ready.obstacle().await;
    let (code, status) = match reason {
        None => (StatusCode::OK, "ready"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (code, headers, Json(Standing { status, reason }))
}

impl Ready {
    /// Why no request is to be sent here.
    async fn obstacle(&self) -> Option<&'static str> {
        if self.shutdown.has_begun() {
            return Some("the service is stopping");
        }
        match tokio::time::timeout(WITHIN, self.has_known_schema()).await {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => Some("the schema of the database is not the one that is known here"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready");
                Some("the database refuses to answer")
            }
            Err(_) => Some("the database does not answer in time"),
        }
    }

    async fn has_known_schema(&self) -> Result<bool, StoreError> {
        let mut tx = self.engine.store.snapshot_within(WITHIN).await?;
        let is_known = on!(&mut tx, conn, q => q::has_known_schema(conn).await)?;
        tx.rollback().await?;
        Ok(is_known)
    }
}
