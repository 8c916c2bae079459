//! What collection knows of the invoices of an account.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::CollectError;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::money::Currency;
use crate::domain::payment::plan::OnFile;
use crate::domain::payment::{CollectionFacts, InvoiceBalance, PastAttempt, PaymentMethod};
use crate::on;
use crate::store::Tx;
use crate::store::rows::{DueInvoice, InvoiceKey, InvoiceScope, StoredAttempt};

/// An invoice with what was allocated to it and tried for it.
pub struct Open {
    pub invoice: DueInvoice,
    pub balance: InvoiceBalance,
    pub attempts: Vec<PastAttempt>,
    /// The same attempts as they are stored.
    pub stored: Vec<StoredAttempt>,
}

/// The invoices of an account in one currency, the oldest first, with the credit
/// there is for them and the card and mandate that are on file.
pub struct Round {
    pub account: AccountId,
    pub credit_minor: i64,
    pub sepa: Option<OnFile>,
    pub card: Option<OnFile>,
    pub invoices: Vec<Open>,
}

impl Round {
    /// The facts of each invoice.
    pub fn facts(&self) -> Vec<CollectionFacts<'_>> {
        let mut facts = Vec::with_capacity(self.invoices.len());
        for open in &self.invoices {
            // Direct debits are in euros.
            let sepa = self.sepa.filter(|_| open.invoice.currency == Currency::Eur);
            facts.push(CollectionFacts {
                due_on: open.invoice.due_on,
                total_minor: open.balance.total_minor(),
                open_minor: open.balance.open_minor(),
                credit_minor: self.credit_minor,
                sepa,
                card: self.card,
                attempts: &open.attempts,
            });
        }
        facts
    }
}

/// Reads the invoices of these accounts that are in a scope; with a date, only
/// those for which a payment failed on that day or later.
pub async fn load(
    tx: &mut Tx,
    accounts: &[AccountId],
    scope: &InvoiceScope,
    failed_since: Option<NaiveDate>,
    today: NaiveDate,
    zone: Tz,
) -> Result<Vec<Round>, CollectError> {
    let invoices = on!(&mut *tx, conn, q => q::due_invoices(conn, accounts, scope).await)?;
    let credit = on!(&mut *tx, conn, q => q::credit_balances(conn, accounts).await)?;
    let credit: HashMap<(AccountId, Currency), i64> = credit
        .into_iter()
        .map(|credit| ((credit.account, credit.currency), credit.balance_minor))
        .collect();
    let on_file = on!(&mut *tx, conn, q => {
        q::methods_on_file(conn, accounts, today).await
    })?;
    let on_file: HashMap<(AccountId, PaymentMethod), OnFile> = on_file
        .into_iter()
        .map(|method| {
            let (id, state) = (method.id, method.state);
            ((method.account, method.method), OnFile { id, state })
        })
        .collect();
    let attempts = on!(&mut *tx, conn, q => q::attempts_of(conn, accounts, scope).await)?;
    let mut tried: HashMap<InvoiceKey, Vec<StoredAttempt>> = HashMap::new();
    for attempt in attempts {
        tried.entry(attempt.invoice).or_default().push(attempt);
    }
    let mut rounds: BTreeMap<(AccountId, Currency), Round> = BTreeMap::new();
    for invoice in invoices {
        let (account, currency) = (invoice.key.account, invoice.currency);
        let tried = tried.remove(&invoice.key).unwrap_or_default();
        let open = open_of(invoice, tried, zone)?;
        if failed_since.is_some_and(|since| !failed(&open.attempts, since)) {
            continue;
        }
        let key = (account, currency);
        let of = |method| on_file.get(&(account, method)).copied();
        let round = rounds.entry(key).or_insert_with(|| Round {
            account,
            credit_minor: credit.get(&key).copied().unwrap_or(0),
            sepa: of(PaymentMethod::Sepa),
            card: of(PaymentMethod::Card),
            invoices: Vec::new(),
        });
        round.invoices.push(open);
    }
    Ok(rounds.into_values().collect())
}

fn open_of(invoice: DueInvoice, tried: Vec<StoredAttempt>, zone: Tz) -> Result<Open, CollectError> {
    let balance =
        InvoiceBalance::new(invoice.total_minor, invoice.allocated_minor).map_err(|source| {
            CollectError::Allocation {
                number: invoice.number.clone(),
                source,
            }
        })?;
    let attempts: Option<Vec<PastAttempt>> =
        tried.iter().map(|attempt| past(attempt, zone)).collect();
    Ok(Open {
        invoice,
        balance,
        attempts: attempts.ok_or(CollectError::Date)?,
        stored: tried,
    })
}

/// Whether a payment was refused or taken back on a day or later.
fn failed(attempts: &[PastAttempt], since: NaiveDate) -> bool {
    attempts.iter().any(|attempt| {
        attempt.is_a_try()
            && attempt.state.refusal().is_some()
            && attempt.ended_on.is_some_and(|day| day >= since)
    })
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
