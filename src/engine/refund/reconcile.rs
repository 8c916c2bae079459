//! Every refund whose outcome is out is asked for.

use super::{RefundError, provider_of};
use crate::domain::ids::RefundId;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::CallError;
use crate::store::rows::StoredRefund;

/// Refunds read at a time.
const PAGE: i64 = 500;

/// What became of the refunds that were out.
#[derive(Debug, Default)]
pub struct ReconciledRefunds {
    /// Each as it is now.
    pub refunds: Vec<StoredRefund>,
    /// Why the others are as they were, each with the reason.
    pub problems: Vec<(RefundId, RefundError)>,
}

impl Engine {
    /// Finishes every refund whose outcome is out, of cards and of purchases. A
    /// provider that refuses our credentials, or has no settings, is asked for no
    /// other refund; the other provider is.
    ///
    /// # Errors
    /// When the database refuses. What one refund meets does not stop the others.
    pub async fn reconcile_refunds(&self) -> Result<ReconciledRefunds, RefundError> {
        let mut done = ReconciledRefunds::default();
        let mut closed = Vec::new();
        let mut after = None;
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => q::refunds_in_flight(conn, after, PAGE).await)?;
            tx.rollback().await?;
            let Some(last) = page.last() else {
                return Ok(done);
            };
            after = Some(last.id);
            for refund in &page {
                let provider = provider_of(refund.of);
                if closed.contains(&provider) {
                    continue;
                }
                match self.advance_refund(refund.id, None).await {
                    Ok(refund) => done.refunds.push(refund),
                    Err(error @ RefundError::Store(_)) => return Err(error),
                    Err(error) => {
                        if error.closes_provider() {
                            closed.push(provider);
                        }
                        done.problems.push((refund.id, error));
                    }
                }
            }
        }
    }
}

impl RefundError {
    /// Whether every other refund through the same provider would fare the same.
    const fn closes_provider(&self) -> bool {
        matches!(
            self,
            Self::Provider(_) | Self::Call(CallError::Denied { .. })
        )
    }
}
