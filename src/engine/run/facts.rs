//! What every batch of a run shares.

use std::sync::Arc;

use super::{Engine, RunError};
use crate::domain::catalog::PriceBook;
use crate::domain::ids::IssuerId;
use crate::domain::invoice::fingerprint::Digest;
use crate::engine::BillingTerms;
use crate::on;
use crate::store::rows::Run;
use crate::store::{StoreError, Tx};

/// The prices as of an import generation.
#[derive(Clone)]
pub struct Prices {
    pub generation: i64,
    pub book: Arc<PriceBook>,
}

impl Prices {
    /// The prices as they are now: kept when no import came between.
    pub async fn current(&self, tx: &mut Tx) -> Result<Self, StoreError> {
        let generation = on!(&mut *tx, conn, q => q::generation(conn).await)?;
        if generation == self.generation {
            return Ok(self.clone());
        }
        let book = on!(&mut *tx, conn, q => q::price_book(conn).await)?;
        Ok(Self {
            generation,
            book: Arc::new(book),
        })
    }
}

/// The run, the issuer's version and the prices.
#[derive(Clone)]
pub struct RunFacts {
    pub run: Run,
    pub issuer: IssuerId,
    pub issuer_digest: Digest,
    pub prices: Prices,
}

impl RunFacts {
    /// Loads the facts, storing the issuer's version when it is new.
    ///
    /// # Errors
    /// When the built-in sample issuer would write into a real issuer's books.
    pub async fn load(engine: &Engine, run: Run) -> Result<Self, RunError> {
        let (issuer_digest, content) = BillingTerms::of(&engine.config).to_stored()?;
        let mut tx = engine.store.begin().await?;
        if engine.config.is_sample {
            let versions = on!(&mut tx, conn, q => q::list_issuers(conn).await)?;
            let others = versions.values().any(|(_, stored)| !is_sample(stored));
            if others {
                return Err(RunError::SampleIssuer);
            }
        }
        let issuer =
            on!(&mut tx, conn, q => q::ensure_issuer(conn, issuer_digest, &content).await)?;
        let generation = on!(&mut tx, conn, q => q::generation(conn).await)?;
        let book = on!(&mut tx, conn, q => q::price_book(conn).await)?;
        tx.commit().await?;
        Ok(Self {
            run,
            issuer,
            issuer_digest,
            prices: Prices {
                generation,
                book: Arc::new(book),
            },
        })
    }
}

fn is_sample(stored: &str) -> bool {
    serde_json::from_str::<BillingTerms>(stored)
        .is_ok_and(|terms| terms.issuer == crate::config::sample_issuer())
}
