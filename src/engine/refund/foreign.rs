//! What was given back at PayPal, not by the house: it is booked as if it had
//! been asked for here.

use super::record::{Cause, book, settle};
use super::{RefundError, load};
use crate::domain::ids::RefundId;
use crate::domain::payment::refund::RefundPurpose;
use crate::domain::payment::{AttemptEvent, AttemptState};
use crate::engine::dispute::is_of_dispute;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::paypal::ForeignRefund;
use crate::store::rows::{ByPerson, NewRefund, Refunded, StoredPurchase, StoredRefund};

/// Who gave back what nobody asked the house to give back.
const BY_PAYPAL: ByPerson<'static> = ByPerson {
    actor: "PayPal",
    reason: "refunded at PayPal, not by the house",
};

impl Engine {
    /// The refund of the house that PayPal tells of: by the id that it carries,
    /// or by its name where it was booked as a foreign one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn known_refund(
        &self,
        told: &ForeignRefund,
    ) -> Result<Option<RefundId>, RefundError> {
        let own = told.own.as_deref();
        let own = own.and_then(|id| id.parse::<RefundId>().ok());
        let mut tx = self.store.snapshot().await?;
        let mut found = None;
        if let Some(own) = own {
            found = on!(&mut tx, conn, q => q::find_refund(conn, own).await)?;
            found = found.filter(|refund| matches!(refund.of, Refunded::Purchase(_)));
        }
        if found.is_none() {
            found = on!(&mut tx, conn, q => q::find_purchase_refund(conn, &told.id).await)?;
        }
        tx.rollback().await?;
        Ok(found.map(|refund| refund.id))
    }

    /// Books a refund of a purchase that was made at PayPal, once. The credit may
    /// be spent: what was used is taken from what comes.
    ///
    /// # Errors
    /// When it gives more back than is left of the purchase.
    pub async fn book_foreign_refund(
        &self,
        purchase: &StoredPurchase,
        told: &ForeignRefund,
    ) -> Result<(), RefundError> {
        let of = Refunded::Purchase(purchase.id);
        let account = purchase.account;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let known = on!(&mut tx, conn, q => q::find_purchase_refund(conn, &told.id).await)?;
        if known.is_some() {
            return Ok(tx.rollback().await?);
        }
        // What a dispute took back is paid to the customer as a refund.
        if is_of_dispute(&mut tx, account, of, told.amount, &told.id).await? {
            return Ok(tx.commit().await?);
        }
        let sums = on!(&mut tx, conn, q => q::purchase_sums(conn, account, purchase.id).await)?;
        let payment = load(&mut tx, of).await?;
        let left = payment
            .paid
            .minor
            .saturating_sub(sums.refunded_minor)
            .saturating_sub(sums.taken_back_minor);
        let is_of_it = told.amount.currency == payment.paid.currency;
        if !is_of_it || told.amount.minor <= 0 || told.amount.minor > left {
            return Err(RefundError::Foreign {
                reference: told.id.clone(),
                problem: format!(
                    "is of {}, and {left} minor units of the purchase are left",
                    told.amount
                ),
            });
        }
        let refund = StoredRefund {
            id: RefundId::new(now, self.chance.bytes()?),
            account,
            of,
            purpose: RefundPurpose::UnusedCredit,
            amount: told.amount,
            credit_minor: told.amount.minor,
            state: AttemptState::Created,
            was_declined: false,
            provider_reference: Some(told.id.clone()),
            actor: BY_PAYPAL.actor.to_owned(),
            reason: BY_PAYPAL.reason.to_owned(),
            created_at: now,
            decided_at: None,
        };
        let settled = settle(&mut tx, &refund, &payment, &AttemptEvent::Succeeded).await?;
        let Some(settled) = settled else {
            return Ok(tx.rollback().await?);
        };
        let new = NewRefund {
            id: refund.id,
            account,
            of,
            purpose: refund.purpose,
            amount: refund.amount,
            credit_minor: refund.credit_minor,
            state: &settled.state,
            provider_reference: Some(&told.id),
            by: BY_PAYPAL,
            created_at: now,
        };
        on!(&mut tx, conn, q => q::insert_refund(conn, &new).await)?;
        let cause = Cause::Provider(BY_PAYPAL);
        book(&mut tx, &refund, &payment, &settled, cause, now).await?;
        Ok(tx.commit().await?)
    }
}
