//! A purchase is recorded, and its order created.

use super::{Progress, PurchaseError};
use crate::domain::ids::{AccountId, PurchaseId};
use crate::domain::money::Money;
use crate::domain::payment::purchase::{PurchaseNews, check_amount};
use crate::domain::payment::{AttemptEvent, AttemptState, Decline};
use crate::engine::run::Engine;
use crate::on;
use crate::providers::CallError;
use crate::providers::paypal::{NewOrder, OrderState, PayPal};
use crate::store::StoreError;
use crate::store::rows::{NewPurchase, StoredPurchase};

impl Engine {
    /// Begins a purchase of credit: its customer approves it at the address that
    /// comes back. Nobody is charged until [`Self::advance_purchase`] finds it
    /// approved.
    ///
    /// # Errors
    /// When the amount is not sold or in another currency than the account's, or
    /// PayPal creates no order. Where its answer is lost, the purchase stands,
    /// and reconciling goes on with it.
    pub async fn buy_credit(
        &self,
        paypal: &PayPal,
        account: AccountId,
        amount: Money,
    ) -> Result<Progress, PurchaseError> {
        check_amount(amount)?;
        PayPal::check_amount(amount)?;
        let now = self.clock.now();
        let new = NewPurchase {
            account,
            id: PurchaseId::new(now, self.chance.bytes()?),
            amount,
            created_at: now,
        };
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(PurchaseError::Leaving);
        }
        let currency = on!(&mut tx, conn, q => q::account_currency(conn, account).await)?;
        if currency != amount.currency {
            return Err(PurchaseError::OtherCurrency {
                account: currency,
                asked: amount.currency,
            });
        }
        on!(&mut tx, conn, q => q::insert_purchase(conn, &new).await)?;
        tx.commit().await?;
        let purchase = self.purchase(new.id).await?;
        match self.create_order(paypal, &purchase).await {
            // The customer is told to try again, by a new purchase.
            Err(PurchaseError::Call(
                error @ (CallError::NotSent { .. } | CallError::Denied { .. }),
            )) => {
                self.withdraw(new.id).await?;
                Err(error.into())
            }
            Err(PurchaseError::Call(
                source @ (CallError::Lost { .. } | CallError::Unbookable { .. }),
            )) => Err(PurchaseError::Open {
                what: format!("purchase {}", new.id),
                source,
            }),
            done => done,
        }
    }

    /// Creates the order of a purchase that has none, or finds the one that an
    /// earlier try created under the same key.
    pub(super) async fn create_order(
        &self,
        paypal: &PayPal,
        purchase: &StoredPurchase,
    ) -> Result<Progress, PurchaseError> {
        let id = purchase.id.to_string();
        let new = NewOrder {
            purchase: &id,
            amount: purchase.amount,
            description: "Prepaid credit",
        };
        let order = match paypal.create_order(&new).await {
            Ok(order) => order,
            Err(error) => {
                let event = match &error {
                    CallError::Lost { .. } | CallError::Unbookable { .. } => {
                        Some(AttemptEvent::Lost)
                    }
                    CallError::Refused { code, .. } => Some(AttemptEvent::Declined {
                        decline: Decline::paypal(code),
                    }),
                    CallError::NotSent { .. } | CallError::Denied { .. } => None,
                };
                if let Some(event) = event {
                    self.record_purchase(purchase.id, &PurchaseNews::plain(event), None)
                        .await?;
                }
                self.note_unbookable_purchase(purchase, &error).await?;
                return Err(error.into());
            }
        };
        let mut tx = self.store.begin().await?;
        let account = purchase.account;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        on!(&mut tx, conn, q => q::record_order(conn, account, purchase.id, &order.id).await)?;
        tx.commit().await?;
        let accepted = PurchaseNews::plain(AttemptEvent::Accepted);
        let recorded = self.record_purchase(purchase.id, &accepted, None).await?;
        Ok(Progress {
            approve_url: order
                .approve_url
                .filter(|_| order.state == OrderState::WaitsForPayer),
            purchase: recorded.purchase,
            invoices: Vec::new(),
        })
    }

    /// Takes back what was not sent, unless another process went on with it.
    async fn withdraw(&self, id: PurchaseId) -> Result<(), PurchaseError> {
        let purchase = self.purchase(id).await?;
        if purchase.state == AttemptState::Created && purchase.order_reference.is_none() {
            let news = PurchaseNews::plain(AttemptEvent::Withdrawn);
            match self.record_purchase(id, &news, None).await {
                // It went on between the two.
                Ok(_) | Err(PurchaseError::Unbookable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// As [`Engine::note_unbookable`], of a purchase.
    pub(super) async fn note_unbookable_purchase(
        &self,
        purchase: &StoredPurchase,
        error: &CallError,
    ) -> Result<(), PurchaseError> {
        if !matches!(error, CallError::Unbookable { .. }) {
            return Ok(());
        }
        let (account, id, problem) = (purchase.account, purchase.id, error.to_string());
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::note_purchase_problem(conn, account, id, &problem).await)?;
        Ok(tx.commit().await?)
    }

    /// A purchase, where it is an account's own.
    ///
    /// # Errors
    /// When there is none, or it is another account's, which nobody is told.
    pub async fn own_purchase(
        &self,
        account: AccountId,
        id: PurchaseId,
    ) -> Result<StoredPurchase, PurchaseError> {
        let purchase = self.purchase(id).await?;
        if purchase.account != account {
            return Err(PurchaseError::NoPurchase(id.to_string()));
        }
        Ok(purchase)
    }

    /// The purchases of an account, the newest `limit`, the oldest of them first.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn purchases(
        &self,
        account: AccountId,
        limit: i64,
    ) -> Result<Vec<StoredPurchase>, StoreError> {
        let mut tx = self.store.snapshot().await?;
        on!(&mut tx, conn, q => q::purchases(conn, account, limit).await)
    }

    pub(super) async fn purchase(&self, id: PurchaseId) -> Result<StoredPurchase, PurchaseError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_purchase(conn, id).await)?;
        tx.rollback().await?;
        found.ok_or_else(|| PurchaseError::NoPurchase(id.to_string()))
    }
}
