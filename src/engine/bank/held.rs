//! The debits of a chunk with their invoices, as they were read under the locks of
//! their accounts, and kept up to date while the chunk is decided: two facts of
//! one debit, or two debits of one invoice, see each other.

use rustc_hash::{FxHashMap, FxHashSet};

use super::BankError;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::ledger::Movement;
use crate::domain::money::Money;
use crate::domain::payment::{AttemptState, InvoiceBalance, Settlement, SettlementFacts};
use crate::domain::sepa::matching::{DebitFacts, Told, Verdict, judge_debit};
use crate::on;
use crate::store::Tx;
use crate::store::rows::{BankAttempt, InvoiceKey};

#[derive(Default)]
pub struct Held {
    attempts: FxHashMap<AttemptId, HeldAttempt>,
    invoices: FxHashMap<InvoiceKey, HeldInvoice>,
    /// Those that were credited one by one.
    credited: FxHashSet<AttemptId>,
}

struct HeldAttempt {
    /// As it was read.
    stored: BankAttempt,
    /// As it is by now.
    state: AttemptState,
}

struct HeldInvoice {
    balance: InvoiceBalance,
    written_off_minor: i64,
}

impl Held {
    /// Reads how these attempts stand, whose accounts the caller has locked.
    pub async fn load(tx: &mut Tx, ids: &[AttemptId]) -> Result<Self, BankError> {
        let mut held = Self::default();
        if ids.is_empty() {
            return Ok(held);
        }
        let attempts = on!(&mut *tx, conn, q => q::bank_attempts(conn, ids).await)?;
        let mut decided = Vec::new();
        for stored in attempts {
            if !stored.state.in_flight() {
                decided.push(stored.id);
            }
            held.invoices.insert(
                stored.invoice,
                HeldInvoice {
                    balance: balance(stored.total_minor, stored.allocated_minor, &stored)?,
                    written_off_minor: stored.written_off_minor,
                },
            );
            let state = stored.state.clone();
            held.attempts
                .insert(stored.id, HeldAttempt { stored, state });
        }
        // Nobody was credited while the outcome was out.
        if !decided.is_empty() {
            let credited = on!(&mut *tx, conn, q => q::credited_attempts(conn, &decided).await)?;
            held.credited.extend(credited);
        }
        Ok(held)
    }

    /// The accounts whose debits these are.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.attempts
            .values()
            .map(|attempt| attempt.stored.invoice.account)
    }

    /// The verdict on what is told of a debit; `None` where there is no such.
    pub fn judge(&self, id: AttemptId, told: &Told) -> Option<(AccountId, Verdict)> {
        let attempt = self.attempts.get(&id)?;
        let stored = &attempt.stored;
        let invoice = self.invoices.get(&stored.invoice)?;
        let facts = DebitFacts {
            attempt: SettlementFacts {
                state: &attempt.state,
                by: stored.by,
                amount_minor: stored.amount_minor,
                balance: invoice.balance,
                written_off_minor: invoice.written_off_minor,
            },
            currency: stored.currency,
            was_credited: self.credited.contains(&id),
        };
        Some((stored.invoice.account, judge_debit(told, &facts)))
    }

    /// An attempt as it was read.
    pub fn stored(&self, id: AttemptId) -> Option<&BankAttempt> {
        self.attempts.get(&id).map(|attempt| &attempt.stored)
    }

    /// What an attempt takes.
    pub fn amount(&self, id: AttemptId) -> Option<Money> {
        self.stored(id)
            .map(|stored| Money::new(stored.amount_minor, stored.currency))
    }

    /// Notes that an attempt was credited by itself.
    pub fn credit(&mut self, id: AttemptId) {
        self.credited.insert(id);
    }

    /// Takes what a settlement does to an attempt and its invoice.
    pub fn take(&mut self, id: AttemptId, settlement: &Settlement) -> Result<(), BankError> {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return Ok(());
        };
        attempt.state.clone_from(&settlement.state);
        let stored = &attempt.stored;
        if let Some(invoice) = self.invoices.get_mut(&stored.invoice) {
            let mut allocated_minor = invoice.balance.allocated_minor();
            for movement in &settlement.movements {
                if let Movement::WriteOffRecovered { amount_minor } = *movement {
                    let left = invoice.written_off_minor.saturating_sub(amount_minor);
                    invoice.written_off_minor = left;
                }
                allocated_minor = allocated_minor.saturating_add(movement.allocated_minor());
            }
            // All of them together: money beyond the debt comes and becomes credit.
            invoice.balance = balance(invoice.balance.total_minor(), allocated_minor, stored)?;
        }
        Ok(())
    }
}

fn balance(
    total_minor: i64,
    allocated_minor: i64,
    attempt: &BankAttempt,
) -> Result<InvoiceBalance, BankError> {
    InvoiceBalance::new(total_minor, allocated_minor).map_err(|source| BankError::Balance {
        number: attempt.number.clone(),
        source,
    })
}
