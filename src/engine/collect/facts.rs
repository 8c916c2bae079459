//! What collection knows of the invoices of an account.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;

use super::CollectError;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::money::Currency;
use crate::domain::payment::{CollectionFacts, InvoiceBalance, PastAttempt};
use crate::on;
use crate::store::Tx;
use crate::store::rows::{DueInvoice, InvoiceKey, InvoiceScope, StoredAttempt};

/// An invoice with what was allocated to it and tried for it.
pub struct Open {
    pub invoice: DueInvoice,
    pub balance: InvoiceBalance,
    pub attempts: Vec<PastAttempt>,
}

/// The invoices of an account in one currency, the oldest first, and the credit
/// there is for them.
pub struct Round {
    pub account: AccountId,
    pub credit_minor: i64,
    pub invoices: Vec<Open>,
}

impl Round {
    /// The facts of each invoice. No card or mandate can be put on file yet.
    pub fn facts(&self) -> Vec<CollectionFacts<'_>> {
        let mut facts = Vec::with_capacity(self.invoices.len());
        for open in &self.invoices {
            facts.push(CollectionFacts {
                due_on: open.invoice.due_on,
                total_minor: open.balance.total_minor(),
                open_minor: open.balance.open_minor(),
                credit_minor: self.credit_minor,
                sepa: None,
                card: None,
                attempts: &open.attempts,
            });
        }
        facts
    }
}

/// Reads the invoices of a scope.
pub async fn load(tx: &mut Tx, scope: &InvoiceScope, zone: Tz) -> Result<Vec<Round>, CollectError> {
    let invoices = on!(&mut *tx, conn, q => q::due_invoices(conn, scope).await)?;
    let credit = on!(&mut *tx, conn, q => q::credit_balances(conn, scope.accounts).await)?;
    let credit: HashMap<(AccountId, Currency), i64> = credit
        .into_iter()
        .map(|credit| ((credit.account, credit.currency), credit.balance_minor))
        .collect();
    let attempts = on!(&mut *tx, conn, q => q::attempts(conn, scope, i64::MAX).await)?;
    let mut tried: HashMap<InvoiceKey, Vec<PastAttempt>> = HashMap::new();
    for attempt in &attempts {
        let past = past(attempt, zone).ok_or(CollectError::Date)?;
        tried.entry(attempt.invoice).or_default().push(past);
    }
    let mut rounds: BTreeMap<(AccountId, Currency), Round> = BTreeMap::new();
    for invoice in invoices {
        let (account, currency) = (invoice.key.account, invoice.currency);
        let balance = InvoiceBalance::new(invoice.total_minor, invoice.allocated_minor).map_err(
            |source| CollectError::Allocation {
                number: invoice.number.clone(),
                source,
            },
        )?;
        let open = Open {
            balance,
            attempts: tried.remove(&invoice.key).unwrap_or_default(),
            invoice,
        };
        let key = (account, currency);
        let round = rounds.entry(key).or_insert_with(|| Round {
            account,
            credit_minor: credit.get(&key).copied().unwrap_or(0),
            invoices: Vec::new(),
        });
        round.invoices.push(open);
    }
    Ok(rounds.into_values().collect())
}

/// An attempt as the ladder sees it: in days of the issuer's zone.
fn past(attempt: &StoredAttempt, zone: Tz) -> Option<PastAttempt> {
    let day = |at: Instant| at.date_in(zone);
    Some(PastAttempt {
        by: attempt.by,
        made_on: day(attempt.created_at)?,
        ended_on: match attempt.decided_at {
            Some(at) => Some(day(at)?),
            None => None,
        },
        state: attempt.state.clone(),
    })
}
