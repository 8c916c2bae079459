//! One account's month to a decision: lines, allowances, VAT, bounds.

use chrono_tz::Tz;

use super::allowance::FreeTrial;
use super::late::{LateLines, after_trial, sum};
use super::{
    Allowance, AllowanceValue, Decision, InvoiceDraft, InvoiceLine, LineKind, LineUsage,
    ParkReason, SanityBounds,
};
use crate::domain::account::Account;
use crate::domain::calendar::{BillingPeriod, PeriodKey};
use crate::domain::catalog::PriceBook;
use crate::domain::money::{Money, MoneyError};
use crate::domain::rating::{RatedLine, rate};
use crate::domain::tax::{Residence, VatGroup, VatPolicy, treat};
use crate::domain::usage::{LateUsage, UsageTotal};

/// The settings that decide an invoice.
#[derive(Debug, Clone)]
pub struct BillingPolicy {
    /// The issuer's zone: where months and trial dates are counted.
    pub zone: Tz,
    pub vat: VatPolicy,
    /// Days of free trial from sign-up; 0 for none.
    pub free_trial_days: u32,
    pub bounds: SanityBounds,
}

/// The facts of one account and period.
#[derive(Debug, Clone)]
pub struct AccountMonth<'a> {
    pub account: &'a Account,
    pub period: &'a BillingPeriod,
    pub usage: Vec<UsageTotal>,
    /// Waiting pieces of settled periods, oldest first.
    pub late: &'a [LateUsage],
    /// What the account was granted, in the order of granting.
    pub allowances: &'a [Allowance],
    /// What the account owed last; see [`SanityBounds::check`].
    pub last_total_minor: Option<i64>,
    /// The total that a person accepted in spite of the sanity bounds.
    pub released_minor: Option<i64>,
    /// Whether it left before the period began: it is not billed any more.
    pub has_left: bool,
}

/// Decides what becomes of the month.
#[must_use]
pub fn decide(month: AccountMonth<'_>, policy: &BillingPolicy, book: &PriceBook) -> Decision {
    match assemble(month, policy, book) {
        Ok(decision) => decision,
        Err(reason) => Decision::Parked(reason),
    }
}

fn assemble(
    month: AccountMonth<'_>,
    policy: &BillingPolicy,
    book: &PriceBook,
) -> Result<Decision, ParkReason> {
    let currency = month.account.currency;
    let period = month.period.key;
    let usage = rate(month.usage, period, book, currency)?;
    let trial = FreeTrial::of_account(month.account, policy.free_trial_days);
    let late = LateLines {
        pieces: month.late,
        trial,
        book,
        account: month.account,
    };
    if month.has_left {
        return left(&usage, &late, month.released_minor);
    }
    let (late_taken, late_lines) = late.fitting(after_trial(&usage)?)?;

    let gross = usage.iter().chain(&late_lines);
    if gross.clone().all(|line| line.amount_minor == 0) {
        return Ok(Decision::NothingDue);
    }
    let trial_minor = sum(gross.clone().map(|line| line.trial_minor))?;
    let mut lines: Vec<InvoiceLine> = usage
        .into_iter()
        .map(|line| usage_line(LineKind::Usage, line))
        .chain(
            late_lines
                .into_iter()
                .map(|line| usage_line(LineKind::LateUsage, line)),
        )
        .collect();
    if trial_minor > 0 {
        lines.push(InvoiceLine {
            kind: LineKind::FreeTrial,
            period,
            usage: None,
            allowance: None,
            amount_minor: -trial_minor,
        });
    }
    let net_minor = take_allowances(&mut lines, month.allowances, period, currency)?;
    if net_minor < 0 {
        return Err(ParkReason::BelowZero {
            net: Money::new(net_minor, currency),
        });
    }

    let residence = Residence {
        country: month.account.country,
        postal_code: &month.account.postal_code,
        vat_number: &month.account.vat_number,
    };
    let treatment = treat(residence, &policy.vat, month.period.last_day())?;
    let vat = VatGroup::new(&treatment, net_minor, currency)?;
    let total_minor = sum([net_minor, vat.amount_minor])?;
    // What a person accepted was this total, not whatever it grows to.
    if month
        .released_minor
        .is_none_or(|accepted| total_minor > accepted)
    {
        let total = Money::new(total_minor, currency);
        if let Some(reason) = policy.bounds.check(total, month.last_total_minor)? {
            return Err(reason);
        }
    }
    Ok(Decision::Invoice(InvoiceDraft {
        lines,
        vat,
        net_minor,
        vat_minor: vat.amount_minor,
        total_minor,
        late_waiting: month.late.len() - late_taken.len(),
        late_taken,
    }))
}

/// An account that has left gets no invoice. What is told of it all the same is
/// held back, corrections too, until a person gives it up; whatever is told after
/// that is held back again.
fn left(
    usage: &[RatedLine],
    late: &LateLines<'_>,
    given_up_minor: Option<i64>,
) -> Result<Decision, ParkReason> {
    if usage.is_empty() && late.pieces.is_empty() {
        return Ok(Decision::NothingDue);
    }
    let net_minor = sum([after_trial(usage)?, after_trial(&late.all()?)?])?;
    if net_minor == 0 || given_up_minor == Some(net_minor) {
        return Ok(Decision::GivenUp);
    }
    Err(ParkReason::Left {
        net: Money::new(net_minor, late.account.currency),
    })
}

/// Discounts come before vouchers, so that a voucher lasts as long as it can.
fn take_allowances(
    lines: &mut Vec<InvoiceLine>,
    granted: &[Allowance],
    period: PeriodKey,
    currency: crate::domain::money::Currency,
) -> Result<i64, MoneyError> {
    let mut net_minor = sum(lines.iter().map(|line| line.amount_minor))?;
    let applying = || {
        granted
            .iter()
            .filter(|allowance| allowance.applies_to(period))
    };
    let is_percent = |allowance: &&Allowance| matches!(allowance.value, AllowanceValue::Percent(_));
    let ordered = applying()
        .filter(is_percent)
        .chain(applying().filter(|allowance| !is_percent(allowance)));
    for allowance in ordered {
        let off = allowance.taken_from(net_minor, currency)?;
        if off == 0 {
            continue;
        }
        net_minor -= off;
        lines.push(InvoiceLine {
            kind: if is_percent(&allowance) {
                LineKind::Discount
            } else {
                LineKind::Voucher
            },
            period,
            usage: None,
            allowance: Some(allowance.id),
            amount_minor: -off,
        });
    }
    Ok(net_minor)
}

fn usage_line(kind: LineKind, line: RatedLine) -> InvoiceLine {
    InvoiceLine {
        kind,
        period: line.period,
        usage: Some(LineUsage {
            app: line.app,
            sku: line.sku,
            price: line.price,
            minutes: line.minutes,
        }),
        allowance: None,
        amount_minor: line.amount_minor,
    }
}

#[cfg(test)]
mod tests;
