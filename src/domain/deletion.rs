//! An account that leaves: whether it may, in which order it goes, and what is kept
//! of it for how long.
//!
//! What keeps an account from leaving when its customer asks keeps it again when
//! the customer confirms, and once more from being erased: there is one decision,
//! [`decide`], and it gives every reason at once.

use std::fmt;

use chrono::{Datelike as _, Months, NaiveDate};

use super::account::DeletionStep;
use super::calendar::{Instant, PeriodKey};
use super::invoice::InvoiceNumber;
use super::money::Money;
use super::payment::PaymentMethod;

/// Months that a mandate's evidence is kept after its last collection. Its debtor
/// can have a debit that it did not authorize paid back for 13 months (EPC016-06,
/// section 4.3.4; PSD2 article 71), and the bank needs some time to ask.
const MANDATE_MONTHS: u32 = 14;

/// Where a deletion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeletionState {
    /// The link that confirms it is mailed.
    Asked,
    /// It is confirmed; what is owed is being settled.
    Settling,
    /// The platform removes one thing after the other; then the personal data goes.
    Erasing,
    Done,
    Withdrawn,
}

impl DeletionState {
    pub const ALL: [Self; 5] = [
        Self::Asked,
        Self::Settling,
        Self::Erasing,
        Self::Done,
        Self::Withdrawn,
    ];

    /// The code that the database holds; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Settling => "settling",
            Self::Erasing => "erasing",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl fmt::Display for DeletionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The prepaid credit of an account, by what it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditLeft {
    /// What the customer paid for: it is the customer's money.
    pub own: Money,
    /// What the house gave away; it lapses with the account.
    pub goodwill: Money,
}

impl CreditLeft {
    /// Splits what is left of a credit. `own_minor` is what came of the customer's
    /// own money and did not go back to it. Nobody can tell which of it paid an
    /// invoice, so what is left counts as the customer's own first.
    #[must_use]
    pub fn split(balance: Money, own_minor: i64) -> Self {
        let own_minor = own_minor.clamp(0, balance.minor.max(0));
        Self {
            own: Money::new(own_minor, balance.currency),
            goodwill: Money::new(
                balance.minor.saturating_sub(own_minor).max(0),
                balance.currency,
            ),
        }
    }
}

/// What is known of an account that wants to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeavingFacts {
    /// The apps that have something running now, each with what it is.
    pub running: Vec<(String, String)>,
    /// Months that ended and are not billed yet.
    pub unbilled: Vec<PeriodKey>,
    /// Months that a person has to look at before they are billed, and why.
    pub parked: Vec<(PeriodKey, String)>,
    /// The invoices with something open, and how much.
    pub owed: Vec<(InvoiceNumber, Money)>,
    /// Payments whose outcome is out.
    pub payments: Vec<(PaymentMethod, InvoiceNumber, Money)>,
    pub disputes: Vec<Money>,
    /// Purchases of credit whose outcome is out.
    pub purchases: Vec<Money>,
    /// Refunds whose outcome is out.
    pub refunds: Vec<Money>,
    pub balance: Money,
    pub credit: CreditLeft,
    pub gives_up_credit: bool,
    /// Whether there is usage of this month that no invoice has.
    pub has_open_usage: bool,
    /// Pieces of late usage that no invoice has taken in.
    pub late_pieces: u64,
    /// Whether this month's invoice of the account was made before its end.
    pub is_final_invoiced: bool,
}

/// A reason for which an account cannot leave now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the app {app} still runs: {what}")]
    Running { app: String, what: String },
    #[error("its usage of {0} is not billed yet")]
    Unbilled(PeriodKey),
    #[error("its invoice of {period} is held back: {reason}")]
    Parked { period: PeriodKey, reason: String },
    #[error("invoice {number} owes {open}")]
    Owed { number: InvoiceNumber, open: Money },
    #[error("a payment of {amount} for {number} by {method} is on its way")]
    PaymentOut {
        method: PaymentMethod,
        number: InvoiceNumber,
        amount: Money,
    },
    #[error("a dispute about {0} is not decided")]
    Dispute(Money),
    #[error("a purchase of credit for {0} is on its way")]
    PurchaseOut(Money),
    #[error("a refund of {0} is on its way")]
    RefundOut(Money),
    #[error("its credit is below zero: {0} is owed")]
    CreditOwed(Money),
    #[error(
        "credit of {0} is left: it is refunded first, or the customer gives it up (--give-up-credit)"
    )]
    CreditLeft(Money),
    #[error(
        "usage that was told after its final invoice waits ({0}): the next month's run holds it back for a person"
    )]
    LateUsage(u64),
}

/// How an account that may leave goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Nothing is left to be billed.
    Ready,
    /// What it used of this month is billed and settled first.
    NeedsFinalInvoice,
}

/// Whether an account may leave.
///
/// # Errors
/// Every reason for which it may not, in a fixed order.
pub fn decide(facts: &LeavingFacts) -> Result<Way, Vec<Refusal>> {
    let mut refusals = Vec::new();
    for (app, what) in &facts.running {
        refusals.push(Refusal::Running {
            app: app.clone(),
            what: what.clone(),
        });
    }
    refusals.extend(facts.unbilled.iter().copied().map(Refusal::Unbilled));
    for (period, reason) in &facts.parked {
        refusals.push(Refusal::Parked {
            period: *period,
            reason: reason.clone(),
        });
    }
    for (number, open) in &facts.owed {
        refusals.push(Refusal::Owed {
            number: number.clone(),
            open: *open,
        });
    }
    for (method, number, amount) in &facts.payments {
        refusals.push(Refusal::PaymentOut {
            method: *method,
            number: number.clone(),
            amount: *amount,
        });
    }
    refusals.extend(facts.disputes.iter().copied().map(Refusal::Dispute));
    refusals.extend(facts.purchases.iter().copied().map(Refusal::PurchaseOut));
    refusals.extend(facts.refunds.iter().copied().map(Refusal::RefundOut));
    if facts.balance.minor < 0 {
        let owed = Money::new(facts.balance.minor.saturating_neg(), facts.balance.currency);
        refusals.push(Refusal::CreditOwed(owed));
    }
    if facts.credit.own.minor > 0 && !facts.gives_up_credit {
        refusals.push(Refusal::CreditLeft(facts.credit.own));
    }
    let is_unbilled = facts.has_open_usage || facts.late_pieces > 0;
    if facts.is_final_invoiced && facts.late_pieces > 0 {
        refusals.push(Refusal::LateUsage(facts.late_pieces));
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(if is_unbilled && !facts.is_final_invoiced {
        Way::NeedsFinalInvoice
    } else {
        Way::Ready
    })
}

/// A step of a deletion as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepStanding {
    pub step: DeletionStep,
    /// When the platform was asked.
    pub asked_at: Option<Instant>,
    /// When the platform said that it is done.
    pub confirmed_at: Option<Instant>,
}

/// What the platform's word that a step is done leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepDone {
    /// It said so before.
    Again,
    /// It is asked for this one next.
    Next(DeletionStep),
    /// That was the last one.
    Last,
}

/// The platform says that a step is done which it was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} was not asked for yet{}", step.code(), waits(*waits_for))]
pub struct NotAsked {
    pub step: DeletionStep,
    /// The step that has to be done before.
    pub waits_for: Option<DeletionStep>,
}

fn waits(step: Option<DeletionStep>) -> String {
    step.map_or_else(String::new, |step| format!(": {} comes first", step.code()))
}

/// What it means that a step is done. A step is asked for once the one before it is
/// done, so whatever was not asked for is out of order.
///
/// # Errors
/// When the platform was not asked for the step.
pub fn step_done(steps: &[StepStanding], step: DeletionStep) -> Result<StepDone, NotAsked> {
    let open = steps.iter().find(|known| known.confirmed_at.is_none());
    let not_asked = NotAsked {
        step,
        waits_for: open.map(|open| open.step).filter(|open| *open != step),
    };
    let at = steps.iter().position(|known| known.step == step);
    let standing = at.and_then(|at| steps.get(at)).ok_or(not_asked)?;
    if standing.confirmed_at.is_some() {
        return Ok(StepDone::Again);
    }
    if standing.asked_at.is_none() {
        return Err(not_asked);
    }
    let next = at
        .and_then(|at| at.checked_add(1))
        .and_then(|at| steps.get(at));
    Ok(next.map_or(StepDone::Last, |next| StepDone::Next(next.step)))
}

/// The last day on which the evidence of a mandate is kept whose account is gone;
/// `None` where nothing was ever collected by it.
#[must_use]
pub fn mandate_kept_until(last_collected_on: Option<NaiveDate>) -> Option<NaiveDate> {
    last_collected_on?.checked_add_months(Months::new(MANDATE_MONTHS))
}

/// The last day on which an invoice keeps its customer's identity: the end of the
/// year, so many years after the one in which it was issued (French Code de
/// commerce, L123-22: ten years from the end of the financial year). `None` past
/// the calendar's end.
#[must_use]
pub fn identity_kept_until(issued_on: NaiveDate, years: u32) -> Option<NaiveDate> {
    let year = issued_on.year().checked_add(i32::try_from(years).ok()?)?;
    NaiveDate::from_ymd_opt(year, 12, 31)
}

#[cfg(test)]
mod tests;
