//! Late usage on an invoice: which of the waiting pieces fit, and their lines.

use super::allowance::FreeTrial;
use crate::domain::account::Account;
use crate::domain::calendar::PeriodKey;
use crate::domain::catalog::PriceBook;
use crate::domain::money::MoneyError;
use crate::domain::rating::{RatedLine, RatingError, rate};
use crate::domain::usage::LateUsage;

/// The waiting pieces of settled periods, to be rated.
pub(super) struct LateLines<'a> {
    pub pieces: &'a [LateUsage],
    pub trial: FreeTrial,
    pub book: &'a PriceBook,
    pub account: &'a Account,
}

impl LateLines<'_> {
    /// The pieces that fit and their lines. Every late charge is taken;
    /// a correction waits for the next invoice when it would push this one,
    /// standing at `base_minor`, below zero.
    pub fn fitting(&self, base_minor: i64) -> Result<(Vec<usize>, Vec<RatedLine>), RatingError> {
        let all: Vec<usize> = (0..self.pieces.len()).collect();
        let lines = self.rated(&all)?;
        if sum([base_minor, after_trial(&lines)?])? >= 0 {
            return Ok((all, lines));
        }
        let (corrections, mut taken): (Vec<usize>, Vec<usize>) = all
            .into_iter()
            .partition(|&at| self.pieces[at].quantity < 0);
        let mut lines = self.rated(&taken)?;
        for correction in corrections {
            taken.push(correction);
            let with = self.rated(&taken)?;
            if sum([base_minor, after_trial(&with)?])? >= 0 {
                lines = with;
            } else {
                taken.pop();
            }
        }
        taken.sort_unstable();
        Ok((taken, lines))
    }

    /// The lines of every piece, whether it fits or not.
    pub fn all(&self) -> Result<Vec<RatedLine>, RatingError> {
        let all: Vec<usize> = (0..self.pieces.len()).collect();
        self.rated(&all)
    }

    fn rated(&self, taken: &[usize]) -> Result<Vec<RatedLine>, RatingError> {
        let mut periods: Vec<PeriodKey> = taken.iter().map(|&at| self.pieces[at].period).collect();
        periods.sort_unstable();
        periods.dedup();
        let mut lines = Vec::new();
        for period in periods {
            let pieces = taken.iter().map(|&at| &self.pieces[at]);
            let totals = pieces
                .filter(|piece| piece.period == period)
                .flat_map(|piece| piece.totals(&self.book.catalog, self.trial));
            lines.extend(rate(totals, period, self.book, self.account.currency)?);
        }
        Ok(lines)
    }
}

/// What lines come to after the free trial.
pub(super) fn after_trial(lines: &[RatedLine]) -> Result<i64, MoneyError> {
    let amounts = sum(lines.iter().map(|line| line.amount_minor))?;
    let trial = sum(lines.iter().map(|line| line.trial_minor))?;
    amounts.checked_sub(trial).ok_or(MoneyError::Overflow)
}

pub(super) fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, MoneyError> {
    amounts
        .into_iter()
        .try_fold(0_i64, i64::checked_add)
        .ok_or(MoneyError::Overflow)
}
