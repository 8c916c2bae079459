//! What an account would be billed for a time: by the same steps as its month will be.
//! Nothing is written.

use chrono::NaiveDate;

use super::Engine;
use crate::domain::calendar::{BillingPeriod, Instant, PeriodKey, PeriodKeyError, midnight};
use crate::domain::ids::AccountId;
use crate::domain::invoice::document::DocumentLine;
use crate::domain::invoice::{
    AccountMonth, Allowance, Decision, FreeTrial, InvoiceDraft, LineKind, ParkReason, decide,
};
use crate::domain::money::Currency;
use crate::domain::tax::VatGroup;
use crate::domain::usage::LateUsage;
use crate::engine::issued::document_usage;
use crate::engine::usage_source;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::RunRange;

/// No invoice is of more than a month; what is looked at may be of a year.
const DAYS_MAX: i64 = 366;
const DAY_US: i64 = 86_400_000_000;

/// Which time is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The current month so far, with its discounts, vouchers and late usage: what the
    /// invoice would be if the month ended now.
    MonthSoFar,
    /// Usage between two instants, the second not included.
    Range(Instant, Instant),
}

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Period(#[from] PeriodKeyError),
    #[error("the range ends before it begins")]
    Reversed,
    #[error("the range is longer than a year")]
    TooLong,
    #[error("the date is out of range")]
    Date,
    /// The month would be held back for a person to look at.
    #[error(transparent)]
    HeldBack(#[from] ParkReason),
}

/// What it would come to, in minor units.
#[derive(Debug, Clone)]
pub struct Estimate {
    pub start: Instant,
    /// Up to now at most.
    pub end: Instant,
    pub currency: Currency,
    pub lines: Vec<DocumentLine>,
    /// None where nothing would be due.
    pub vat: Option<VatGroup>,
    pub net_minor: i64,
    pub vat_minor: i64,
    pub total_minor: i64,
}

impl Engine {
    /// What an account would be billed for a time.
    ///
    /// # Errors
    /// When the range is none, the month would be held back, or the database refuses.
    pub async fn estimate(
        &self,
        account: AccountId,
        span: Span,
    ) -> Result<Estimate, EstimateError> {
        let zone = self.config.zone();
        let now = self.clock.now();
        let (period, whole) = match span {
            Span::MonthSoFar => {
                let today = self.clock.today(zone);
                let month = BillingPeriod::new(PeriodKey::of(today)?, zone)?;
                (BillingPeriod { end: now, ..month }, true)
            }
            Span::Range(start, end) => {
                if end <= start {
                    return Err(EstimateError::Reversed);
                }
                if end.0.saturating_sub(start.0) > DAYS_MAX.saturating_mul(DAY_US) {
                    return Err(EstimateError::TooLong);
                }
                let first = start.date_in(zone).ok_or(EstimateError::Date)?;
                let end = end.min(now).max(start);
                let key = PeriodKey::of(first)?;
                (BillingPeriod { key, start, end }, false)
            }
        };
        let mut tx = self.store.snapshot().await?;
        let currency = on!(&mut tx, conn, q => q::account_currency(conn, account).await)?;
        let book = on!(&mut tx, conn, q => q::price_book(conn).await)?;
        let range = RunRange::only(account);
        let due = on!(&mut tx, conn, q => q::due_accounts(conn, range, &period, true).await)?;
        let nothing = Estimate {
            start: period.start,
            end: period.end,
            currency,
            lines: Vec::new(),
            vat: None,
            net_minor: 0,
            vat_minor: 0,
            total_minor: 0,
        };
        let Some(due) = due.into_iter().next() else {
            return Ok(nothing);
        };
        let policy = &self.config.policy;
        let accounts = [due];
        let days = policy.free_trial_days;
        let mut usage =
            usage_source::totals(&mut tx, range, &period, &book.catalog, &accounts, days).await?;
        let (mut late, mut granted) = (Vec::new(), Vec::new());
        if whole {
            late = on!(&mut tx, conn, q => q::waiting_late(conn, range, period.key).await)?;
            granted = on!(&mut tx, conn, q => q::allowances(conn, range, period.key).await)?;
        }
        tx.rollback().await?;
        let late: Vec<LateUsage> = late.into_iter().map(|piece| piece.usage).collect();
        let allowances: Vec<Allowance> = granted
            .iter()
            .map(|granted| granted.allowance.clone())
            .collect();
        let [due] = &accounts;
        let month = AccountMonth {
            account: &due.account,
            period: &period,
            usage: usage.remove(&account).unwrap_or_default(),
            late: &late,
            allowances: &allowances,
            last_total_minor: due.last_total_minor,
            // An odd sum is what its customer wants to see most.
            released_minor: Some(i64::MAX),
            has_left: due.has_left,
        };
        let draft = match decide(month, policy, &book) {
            Decision::Invoice(draft) => draft,
            Decision::NothingDue | Decision::GivenUp => return Ok(nothing),
            Decision::Parked(reason) => return Err(reason.into()),
        };
        let facts = (due.account.created_at, due.account.trial_ended_at);
        let trial = FreeTrial::dates(facts, Instant(i64::MAX), days, zone);
        let label = |line: &crate::domain::invoice::InvoiceLine| {
            let of = granted
                .iter()
                .find(|granted| Some(granted.allowance.id) == line.allowance);
            of.map(|granted| granted.label.clone())
        };
        let InvoiceDraft {
            lines,
            vat,
            net_minor,
            vat_minor,
            total_minor,
            ..
        } = draft;
        let lines = lines.into_iter().map(|line| DocumentLine {
            kind: line.kind,
            period: line.period,
            usage: line
                .usage
                .as_ref()
                .and_then(|usage| document_usage(&book, usage)),
            label: label(&line),
            trial: trial.filter(|_| line.kind == LineKind::FreeTrial),
            amount_minor: line.amount_minor,
        });
        Ok(Estimate {
            lines: lines.collect(),
            vat: Some(vat),
            net_minor,
            vat_minor,
            total_minor,
            ..nothing
        })
    }

    /// The instants that days of the issuer's zone begin and end at: from the first
    /// moment of one to the last of the other.
    ///
    /// # Errors
    /// When the calendar ends there.
    pub fn days(&self, first: NaiveDate, last: NaiveDate) -> Result<Span, EstimateError> {
        let zone = self.config.zone();
        let next = last.succ_opt().ok_or(EstimateError::Date)?;
        let at = |day| midnight(day, zone).ok_or(EstimateError::Date);
        Ok(Span::Range(at(first)?, at(next)?))
    }
}
