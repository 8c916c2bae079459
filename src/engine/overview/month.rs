//! What a month was charged: by its invoice, or so far where there is none yet.

use std::sync::Arc;

use super::Documents;
use crate::domain::calendar::{BillingPeriod, PeriodKey, PeriodKeyError};
use crate::domain::ids::AccountId;
use crate::domain::invoice::document::Document;
use crate::engine::run::{Engine, Estimate, EstimateError, Span};
use crate::on;
use crate::store::StoreError;

/// The charges of a month.
#[derive(Debug)]
pub enum MonthCharges {
    /// As its invoice says.
    Issued(BillingPeriod, Arc<Document>),
    /// What its invoice would be if the month ended now.
    SoFar(BillingPeriod, Box<Estimate>),
}

/// Why nothing is said of a month.
#[derive(Debug, thiserror::Error)]
pub enum MonthError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Period(#[from] PeriodKeyError),
    #[error(transparent)]
    Estimate(#[from] EstimateError),
    /// It had no usage, it is not billed yet, or it is still to come.
    #[error("there is no invoice of {0}")]
    NoInvoice(PeriodKey),
}

impl Engine {
    /// What an account is charged for a month, the current one by default.
    ///
    /// # Errors
    /// When the month is over and has no invoice, the current one would be held back, or
    /// the database refuses.
    pub async fn month_charges(
        &self,
        documents: &Documents,
        account: AccountId,
        period: Option<PeriodKey>,
    ) -> Result<MonthCharges, MonthError> {
        let zone = self.config.zone();
        let today = self.clock.today(zone);
        let current = PeriodKey::of(today)?;
        let asked = period.unwrap_or(current);
        let period = BillingPeriod::new(asked, zone)?;
        let mut tx = self.store.snapshot().await?;
        let issued = on!(&mut tx, conn, q => q::invoice_of_month(conn, account, asked).await)?;
        let issued = documents.of(&mut tx, issued.as_slice()).await?;
        tx.rollback().await?;
        // Who left has the invoice of its last month before the month is over.
        if let Some(document) = issued.into_iter().next() {
            return Ok(MonthCharges::Issued(period, document));
        }
        if asked != current {
            return Err(MonthError::NoInvoice(asked));
        }
        let estimate = self.estimate(account, Span::MonthSoFar).await?;
        Ok(MonthCharges::SoFar(period, Box::new(estimate)))
    }
}
