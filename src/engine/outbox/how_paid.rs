//! How an invoice that was issued will be paid: what its mail announces.

use chrono::NaiveDate;

use super::letters::{Desk, Unwritten, refused};
use super::upcoming::with_facts;
use crate::domain::money::Money;
use crate::domain::payment::plan::Part;
use crate::domain::payment::{
    CollectionFacts, CollectionPolicy, Decision, Instrument, PaymentMethod, Trigger, decide,
};
use crate::domain::sepa::collection::earliest_debit;
use crate::mail::occasion::{HowPaid, InvoiceFacts, PreNotification};
use crate::on;
use crate::store::Tx;
use crate::store::rows::{InvoiceScope, InvoiceStanding, MethodDetails, PageBounds};

/// How an open invoice will be paid if nobody does anything.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    /// Nothing of it is open.
    Settled,
    /// A payment of so much is out.
    Out {
        by: Instrument,
        amount_minor: i64,
    },
    /// It will be charged so on its due date, or today.
    Charged {
        credit_minor: i64,
        rest: Option<Part>,
        on: NaiveDate,
    },
    Nothing,
}

/// Looks ahead. What is out is what the attempts say.
fn plan(
    facts: &CollectionFacts<'_>,
    out: Option<(Instrument, i64)>,
    policy: &CollectionPolicy,
    today: NaiveDate,
) -> Plan {
    if let Some((by, amount_minor)) = out {
        return Plan::Out { by, amount_minor };
    }
    let on = facts.due_on.max(today);
    match decide(facts, policy, Trigger::Schedule, on) {
        Decision::Charge {
            parts, rest: None, ..
        } => {
            let credit = parts.iter().filter(|part| is_credit(part));
            Plan::Charged {
                credit_minor: credit
                    .fold(0, |sum: i64, part| sum.saturating_add(part.amount_minor)),
                rest: parts.iter().find(|part| !is_credit(part)).copied(),
                on,
            }
        }
        Decision::Charge { rest: Some(_), .. } | Decision::LeaveOut(_) => Plan::Nothing,
    }
}

fn is_credit(part: &Part) -> bool {
    part.by.method() == PaymentMethod::Credit
}

impl Desk<'_> {
    /// How an invoice will be paid, and what of it from credit.
    pub async fn how_paid(
        &self,
        tx: &mut Tx,
        standing: &InvoiceStanding,
        invoice: &InvoiceFacts,
    ) -> Result<(HowPaid, Option<Money>), Unwritten> {
        let (zone, policy) = (self.engine.config.zone(), &self.engine.config.collection);
        let today = self.engine.clock.today(zone);
        let out = self.payment_out(tx, standing).await?;
        let looked = with_facts(tx, self.engine, standing.key, |facts| {
            plan(facts, out, policy, today)
        });
        let money = |minor| Money::new(minor, invoice.open.currency);
        Ok(match looked.await?.unwrap_or(Plan::Settled) {
            Plan::Settled => (HowPaid::Settled, None),
            Plan::Nothing => (HowPaid::ByCustomer, None),
            Plan::Out {
                by: by @ Instrument::Sepa(_),
                amount_minor,
            } => (
                self.debit(tx, standing, by, money(amount_minor)).await?,
                None,
            ),
            Plan::Out { by, .. } => (HowPaid::OnItsWay(by.method()), None),
            Plan::Charged {
                credit_minor,
                rest,
                on,
            } => {
                let from_credit = (credit_minor > 0).then(|| money(credit_minor));
                match rest {
                    None => (HowPaid::Credit { on }, None),
                    Some(part) if part.by.method() == PaymentMethod::Sepa => (
                        self.debit(tx, standing, part.by, money(part.amount_minor))
                            .await?,
                        from_credit,
                    ),
                    Some(part) => {
                        let amount = money(part.amount_minor);
                        (HowPaid::Card { amount, on }, from_credit)
                    }
                }
            }
        })
    }

    /// What is out for an invoice, by its attempts.
    async fn payment_out(
        &self,
        tx: &mut Tx,
        standing: &InvoiceStanding,
    ) -> Result<Option<(Instrument, i64)>, Unwritten> {
        let scope = InvoiceScope {
            accounts: (standing.key.account, standing.key.account),
            period: Some(standing.key.period),
            open_only: false,
        };
        let attempts =
            on!(&mut *tx, conn, q => q::attempts(conn, &scope, PageBounds::first(i64::MAX)).await)?;
        let mut own = attempts
            .iter()
            .filter(|attempt| attempt.invoice == standing.key);
        let out = own.find(|attempt| attempt.state.in_flight());
        Ok(out.map(|attempt| (attempt.by, attempt.amount_minor)))
    }

    /// The pre-notification of a debit.
    async fn debit(
        &self,
        tx: &mut Tx,
        standing: &InvoiceStanding,
        by: Instrument,
        amount: Money,
    ) -> Result<HowPaid, Unwritten> {
        let account = standing.key.account;
        let methods = on!(&mut *tx, conn, q => {
            q::stored_methods(conn, (account, account)).await
        })?;
        let mandate = methods.into_iter().find_map(|method| match method.details {
            MethodDetails::Mandate(mandate) if by == Instrument::Sepa(method.id) => Some(mandate),
            _ => None,
        });
        let (Some(mandate), Some(sepa)) = (mandate, &self.engine.config.sepa) else {
            return refused("a debit is announced, but there is no mandate or no [sepa] for it");
        };
        let zone = self.engine.config.zone();
        let collect_on = earliest_debit(
            standing.due_on,
            standing.issued_on,
            sepa.policy,
            self.engine.clock.today(zone),
        );
        Ok(HowPaid::Debit(PreNotification {
            creditor_name: sepa.creditor.name.clone(),
            creditor_id: sepa.creditor.identifier.clone(),
            mandate_reference: mandate.reference,
            account_masked: mandate.iban_masked,
            amount,
            collect_on,
        }))
    }
}
