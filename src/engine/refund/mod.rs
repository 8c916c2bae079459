//! Money given back through the provider that took it: card payments through
//! Stripe, unused credit through PayPal.
//!
//! - here: a refund is checked and committed
//! - [`advance`]: it is sent under its id, or looked up
//! - [`record`]: what was read of it, booked in one transaction
//! - [`foreign`]: what was given back at the provider, not by the house
//! - [`reconcile`]: every refund whose outcome is out
//!
//! Whoever asks, a person, an event or the schedule: the refund is taken as far
//! as it goes, and what is read is booked under the account's lock. How much may
//! be given back, and what that moves, is decided in `domain/payment/refund.rs`.

mod advance;
mod foreign;
mod reconcile;
mod record;

pub use reconcile::ReconciledRefunds;

use crate::domain::ids::{AccountId, AttemptId, PurchaseId, RefundId};
use crate::domain::ledger::{LedgerError, ProviderName};
use crate::domain::money::Money;
use crate::domain::payment::allocation::AllocationError;
use crate::domain::payment::refund::{RefundBounds, RefundPurpose, RefundRefusal, check_refund};
use crate::domain::payment::{AttemptState, Contradiction, Instrument, PaymentMethod};
use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::CallError;
use crate::store::rows::{ByPerson, InvoiceKey, NewRefund, Refunded, StoredRefund};
use crate::store::{StoreError, Tx};

/// Nothing is given back, or it is not known to be.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no payment {0}")]
    NoPayment(AttemptId),
    #[error("there is no purchase {0}")]
    NoPurchase(PurchaseId),
    #[error("there is no refund {0}")]
    NoRefund(RefundId),
    #[error("that key was used for another refund")]
    OtherRefund,
    #[error("a payment by {0} is not paid back through a provider: {1}")]
    NotACard(PaymentMethod, &'static str),
    #[error(transparent)]
    Refused(#[from] RefundRefusal),
    /// It was begun, and it is not known what came of it.
    #[error("refund {refund} is recorded, and reconciling goes on with it: {source}")]
    Open {
        refund: RefundId,
        source: Box<RefundError>,
    },
    #[error("the provider never named the payment; reconcile first")]
    NoReference,
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("refund {refund}: {source}")]
    Contradiction {
        refund: RefundId,
        source: Contradiction,
    },
    #[error("refund {refund} was made twice: the provider calls it {known} and {told}")]
    MadeTwice {
        refund: RefundId,
        known: String,
        told: String,
    },
    /// What was given back at the provider cannot be booked.
    #[error("refund {reference} of PayPal's: {problem}")]
    Foreign { reference: String, problem: String },
    #[error(transparent)]
    Allocation(#[from] AllocationError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
}

impl RefundError {
    /// Whether the same may go well later without a person.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::Provider(_) | Self::Chance(_) => true,
            Self::Call(call) => !matches!(call, CallError::Refused { .. }),
            Self::Open { source, .. } => source.is_passing(),
            _ => false,
        }
    }
}

/// What is given back, as it stands.
struct Payment {
    account: AccountId,
    paid: Money,
    state: AttemptState,
    /// What its provider calls it.
    reference: Option<String>,
    /// What it paid; a purchase paid no invoice.
    invoice: Option<InvoiceKey>,
}

impl Engine {
    /// Gives a card payment back, or a part of it in minor units; `None` for all
    /// that is left. What of it became credit is taken out of that first. For the
    /// rest, the invoice stays paid at the house's cost, or is owed and charged
    /// again where the refund reopens it.
    ///
    /// # Errors
    /// When so much is not left of it, or the provider does not answer: then the
    /// refund stands, and reconciling goes on with it.
    pub async fn refund_payment(
        &self,
        payment: AttemptId,
        amount_minor: Option<i64>,
        reopens: bool,
        by: ByPerson<'_>,
    ) -> Result<StoredRefund, RefundError> {
        let (of, purpose) = (Refunded::Attempt(payment), purpose_of(reopens));
        self.refund(None, of, purpose, amount_minor, by).await
    }

    /// The same under an id of the asker's own: asked for again, it is the refund that
    /// was made the first time.
    ///
    /// # Errors
    /// As [`Self::refund_payment`], and when that id was used for another refund.
    pub async fn refund_payment_as(
        &self,
        id: RefundId,
        payment: AttemptId,
        amount_minor: i64,
        reopens: bool,
        by: ByPerson<'_>,
    ) -> Result<StoredRefund, RefundError> {
        let (of, purpose) = (Refunded::Attempt(payment), purpose_of(reopens));
        self.refund(Some(id), of, purpose, Some(amount_minor), by)
            .await
    }

    /// A refund as it stands.
    ///
    /// # Errors
    /// When there is none, or the database refuses.
    pub async fn refund_of_id(&self, id: RefundId) -> Result<StoredRefund, RefundError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_refund(conn, id).await)?;
        tx.rollback().await?;
        found.ok_or(RefundError::NoRefund(id))
    }

    /// Pays unused credit back to whom it was bought by; `None` for all that is
    /// left of the purchase, in minor units. From the moment it is recorded, the
    /// credit pays nothing else.
    ///
    /// # Errors
    /// As [`Self::refund_payment`].
    pub async fn refund_purchase(
        &self,
        purchase: PurchaseId,
        amount_minor: Option<i64>,
        by: ByPerson<'_>,
    ) -> Result<StoredRefund, RefundError> {
        let of = Refunded::Purchase(purchase);
        self.refund(None, of, RefundPurpose::UnusedCredit, amount_minor, by)
            .await
    }

    async fn refund(
        &self,
        named: Option<RefundId>,
        of: Refunded,
        purpose: RefundPurpose,
        amount_minor: Option<i64>,
        by: ByPerson<'_>,
    ) -> Result<StoredRefund, RefundError> {
        let mut tx = self.store.snapshot().await?;
        load(&mut tx, of).await?;
        tx.rollback().await?;
        // A provider that cannot be asked leaves nothing behind.
        match of {
            Refunded::Attempt(_) => self.providers.stripe(&self.config).map(|_| ())?,
            Refunded::Purchase(_) => self.providers.paypal(&self.config).map(|_| ())?,
        }
        let refund = self
            .commit_refund(named, of, purpose, amount_minor, by)
            .await?;
        let advanced = self.advance_refund(refund, None).await;
        advanced.map_err(|error| RefundError::Open {
            refund,
            source: Box::new(error),
        })
    }

    /// Records what is to be given back, before anything is sent. What of it is
    /// credit is held back from here on.
    async fn commit_refund(
        &self,
        named: Option<RefundId>,
        of: Refunded,
        purpose: RefundPurpose,
        amount_minor: Option<i64>,
        by: ByPerson<'_>,
    ) -> Result<RefundId, RefundError> {
        let mut tx = self.store.begin().await?;
        let account = load(&mut tx, of).await?.account;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if let Some(id) = named
            && let Some(known) = on!(&mut tx, conn, q => q::find_refund(conn, id).await)?
        {
            let is_same = known.of == of
                && known.purpose == purpose
                && amount_minor.is_none_or(|minor| minor == known.amount.minor);
            return is_same.then_some(id).ok_or(RefundError::OtherRefund);
        }
        // Read again, under the lock.
        let payment = load(&mut tx, of).await?;
        let bounds = bounds(&mut tx, of, &payment).await?;
        let split = check_refund(&payment.state, purpose, bounds, amount_minor)?;
        if payment.reference.is_none() {
            return Err(RefundError::NoReference);
        }
        let now = self.clock.now();
        let new = NewRefund {
            id: match named {
                Some(id) => id,
                None => RefundId::new(now, self.chance.bytes()?),
            },
            account,
            of,
            purpose,
            amount: Money::new(split.amount_minor, payment.paid.currency),
            credit_minor: split.credit_minor,
            state: &AttemptState::Created,
            provider_reference: None,
            by,
            created_at: now,
        };
        on!(&mut tx, conn, q => q::insert_refund(conn, &new).await)?;
        let subject = new.id.to_string();
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "refund", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(new.id)
    }
}

const fn purpose_of(reopens: bool) -> RefundPurpose {
    if reopens {
        RefundPurpose::Reopen
    } else {
        RefundPurpose::Goodwill
    }
}

/// Who gives it back.
const fn provider_of(of: Refunded) -> ProviderName {
    match of {
        Refunded::Attempt(_) => ProviderName::Stripe,
        Refunded::Purchase(_) => ProviderName::PayPal,
    }
}

async fn load(tx: &mut Tx, of: Refunded) -> Result<Payment, RefundError> {
    match of {
        Refunded::Attempt(id) => {
            let found = on!(&mut *tx, conn, q => q::find_attempt(conn, id).await)?;
            let found = found.ok_or(RefundError::NoPayment(id))?;
            check_card(found.by)?;
            Ok(Payment {
                account: found.invoice.account,
                paid: Money::new(found.amount_minor, found.currency),
                state: found.state,
                reference: found.provider_reference,
                invoice: Some(found.invoice),
            })
        }
        Refunded::Purchase(id) => {
            let found = on!(&mut *tx, conn, q => q::find_purchase(conn, id).await)?;
            let found = found.ok_or(RefundError::NoPurchase(id))?;
            Ok(Payment {
                account: found.account,
                paid: found.amount,
                state: found.state,
                reference: found.provider_reference,
                invoice: None,
            })
        }
    }
}

/// Only a card is paid back through its provider.
const fn check_card(by: Instrument) -> Result<(), RefundError> {
    match by {
        Instrument::Card(_) => Ok(()),
        Instrument::Credit => {
            let instead = "grant the account credit";
            Err(RefundError::NotACard(PaymentMethod::Credit, instead))
        }
        Instrument::Sepa(_) => {
            let instead = "grant the account credit, or make a bank transfer";
            Err(RefundError::NotACard(PaymentMethod::Sepa, instead))
        }
    }
}

/// What bounds a refund of a payment. The caller holds its account.
async fn bounds(tx: &mut Tx, of: Refunded, payment: &Payment) -> Result<RefundBounds, RefundError> {
    let Payment { account, paid, .. } = *payment;
    let refunds = on!(&mut *tx, conn, q => q::refunds_of(conn, account, of).await)?;
    let sum = |of: fn(&StoredRefund) -> i64| {
        refunds
            .iter()
            .fold(0_i64, |sum, refund| sum.saturating_add(of(refund)))
    };
    let given_back_minor = sum(|refund| match refund.state.refusal() {
        None => refund.amount.minor,
        Some(_) => 0,
    });
    // Out of the credit, but not out of the ledger yet.
    let on_its_way_minor = sum(|refund| {
        if refund.state.in_flight() {
            refund.credit_minor
        } else {
            0
        }
    });
    let mut held_minor = 0;
    if let Refunded::Attempt(attempt) = of {
        held_minor = on!(&mut *tx, conn, q => {
            q::credit_of_attempt(conn, account, attempt).await
        })?;
    }
    let mut allocated_minor = 0;
    if let Some(invoice) = payment.invoice {
        let debt = on!(&mut *tx, conn, q => q::debt_of(conn, invoice).await)?;
        allocated_minor = debt.allocated_minor;
    }
    Ok(RefundBounds {
        paid,
        given_back_minor,
        held_minor: held_minor.saturating_sub(on_its_way_minor),
        credit_minor: on!(&mut *tx, conn, q => {
            q::credit_balance(conn, account, paid.currency).await
        })?,
        allocated_minor,
    })
}
