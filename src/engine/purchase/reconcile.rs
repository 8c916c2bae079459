//! Every purchase whose outcome is out is asked for.

use super::PurchaseError;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::paypal::PayPal;

/// Purchases read at a time.
const PER_PAGE: i64 = 200;

/// What reconciling came to.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Purchases that were asked for.
    pub asked: u64,
    /// Of them, those that have their outcome now.
    pub finished: u64,
    /// What could not be told, each with the reason; the others went on.
    pub unfinished: Vec<Unfinished>,
}

/// A purchase that could not be asked for, or whose answer cannot be.
#[derive(Debug)]
pub struct Unfinished {
    /// Such as `purchase 01a0c4506c00...`.
    pub what: String,
    pub error: PurchaseError,
}

impl Engine {
    /// Finishes every purchase whose outcome is out: created, waiting, or without
    /// an answer.
    ///
    /// # Errors
    /// When the database refuses. What one of them meets does not stop the others.
    pub async fn reconcile_purchases(&self, paypal: &PayPal) -> Result<Reconciled, PurchaseError> {
        let mut done = Reconciled::default();
        let mut after = None;
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => q::open_purchases(conn, after, PER_PAGE).await)?;
            tx.rollback().await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for purchase in page {
                let progress = self.advance_purchase(paypal, purchase.id).await;
                let in_flight = progress.map(|progress| progress.purchase.state.in_flight());
                done.add(in_flight, || format!("purchase {}", purchase.id))?;
            }
        }
        Ok(done)
    }
}

impl Reconciled {
    fn add(
        &mut self,
        in_flight: Result<bool, PurchaseError>,
        what: impl FnOnce() -> String,
    ) -> Result<(), PurchaseError> {
        self.asked += 1;
        match in_flight {
            Ok(in_flight) => self.finished += u64::from(!in_flight),
            Err(PurchaseError::Store(error)) => return Err(error.into()),
            Err(error) => self.unfinished.push(Unfinished {
                what: what(),
                error,
            }),
        }
        Ok(())
    }
}
