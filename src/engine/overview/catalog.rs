//! What the house sells, and for how much.

use crate::domain::catalog::{Price, ResourceKind};
use crate::domain::ids::AccountId;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;

impl Engine {
    /// What a container of each size costs an account from now on, the cheapest first.
    ///
    /// # Errors
    /// When the database refuses, or there is no such account.
    pub async fn container_prices(&self, account: AccountId) -> Result<Vec<Price>, StoreError> {
        let mut tx = self.store.snapshot().await?;
        let currency = on!(&mut tx, conn, q => q::account_currency(conn, account).await)?;
        let book = on!(&mut tx, conn, q => q::price_book(conn).await)?;
        tx.rollback().await?;
        let (kind, now) = (ResourceKind::Container, self.clock.now());
        let on_sale = book.catalog.on_sale(kind, currency, now);
        Ok(on_sale.into_iter().cloned().collect())
    }
}
