//! Facts about payment blocks and whole files: weighed against all of their
//! debits, then booked for each, a page at a time.

use super::desk::{Booking, Desk, Progress};
use super::fact::{Fact, Lead};
use super::held::Held;
use super::{BankError, Import};
use crate::domain::money::{Currency, Money, MoneyError};
use crate::domain::sepa::matching::{BlockFacts, BlockVerdict, Told, Verdict, judge_block};
use crate::on;
use crate::store::Tx;
use crate::store::rows::{BlockName, FactState};

/// Debits that are booked together.
const DEBITS_PER_PAGE: i64 = 2_000;

impl Import {
    /// Books a fact about a block or file, after all before it.
    pub(super) async fn block_fact(&mut self, tx: &mut Tx, fact: Fact) -> Result<(), BankError> {
        let Lead::Block(block) = &fact.lead else {
            return Ok(());
        };
        self.flush(tx).await?;
        let told = fact.told();
        let verdict = weigh(tx, block, &told).await?;
        let (state, problem) = match verdict {
            BlockVerdict::Each => {
                let kind = fact.kind();
                self.desk
                    .book_each(tx, block, &told, kind, &mut self.progress)
                    .await?;
                (FactState::Booked, None)
            }
            BlockVerdict::EachAndTell(problem) => {
                let kind = fact.kind();
                self.desk
                    .book_each(tx, block, &told, kind, &mut self.progress)
                    .await?;
                (FactState::Unmatched, Some(problem))
            }
            BlockVerdict::Known => {
                self.progress.report.known = self.progress.report.known.saturating_add(1);
                (FactState::Known, None)
            }
            BlockVerdict::Unmatched(problem) => (FactState::Unmatched, Some(problem)),
        };
        if let Some(problem) = &problem {
            self.progress.report.tell_unmatched(&fact, problem);
        }
        let booking = Booking::of_fact(fact.row(state, problem.as_ref()));
        booking.write(tx, &self.desk).await
    }

    /// Looks again at credits of batches that did not fit when they were read:
    /// the debits that were rejected now may be the difference.
    pub(super) async fn retry_waiting(&mut self, tx: &mut Tx) -> Result<(), BankError> {
        if !self.progress.report.has_rejected() {
            return Ok(());
        }
        for waiting in on!(&mut *tx, conn, q => q::waiting_batches(conn).await)? {
            let told = Told::Settled {
                amount: waiting.amount,
                charges: Money::new(waiting.charges_minor, waiting.amount.currency),
                count: match waiting.debits.map(u64::try_from).transpose() {
                    Ok(count) => count,
                    Err(_) => continue,
                },
            };
            let state = match weigh(tx, &waiting.block, &told).await? {
                BlockVerdict::Each => {
                    self.desk
                        .book_each(tx, &waiting.block, &told, "settled", &mut self.progress)
                        .await?;
                    FactState::Booked
                }
                BlockVerdict::Known => FactState::Known,
                BlockVerdict::EachAndTell(_) | BlockVerdict::Unmatched(_) => continue,
            };
            on!(&mut *tx, conn, q => q::end_waiting(conn, &waiting.key, state).await)?;
            self.progress.report.waited = self.progress.report.waited.saturating_add(1);
            self.progress.report.forget_unmatched(&waiting.key);
        }
        Ok(())
    }
}

/// Locks the accounts of a block, counts its debits and judges.
async fn weigh(tx: &mut Tx, block: &BlockName, told: &Told) -> Result<BlockVerdict, BankError> {
    on!(&mut *tx, conn, q => q::lock_block_accounts(conn, block).await)?;
    // SEPA direct debits are in euros; only a credit says so itself.
    let currency = match told {
        Told::Settled { amount, .. } => amount.currency,
        _ => Currency::Eur,
    };
    let count = on!(&mut *tx, conn, q => q::count_block(conn, block, currency).await)?;
    let was_credited = match told {
        Told::Settled { .. } => on!(&mut *tx, conn, q => q::block_was_credited(conn, block).await)?,
        _ => false,
    };
    let number = |count: i64| u64::try_from(count).map_err(|_| MoneyError::Overflow);
    let facts = BlockFacts {
        debits: number(count.debits)?,
        sum: Money::new(count.sum_minor, currency),
        in_flight: number(count.in_flight)?,
        collected: number(count.collected)?,
        total: number(count.total)?,
        was_credited,
    };
    Ok(judge_block(told, block.narrowest(), &facts))
}

impl Desk {
    /// Books what is told for each debit of a block whose outcome is out. What
    /// the bank kept of a batch stands with its first debit.
    async fn book_each(
        &self,
        tx: &mut Tx,
        block: &BlockName,
        told: &Told,
        kind: &str,
        progress: &mut Progress,
    ) -> Result<(), BankError> {
        let mut after = None;
        let mut charges = match told {
            Told::Settled { charges, .. } => Some(*charges),
            _ => None,
        };
        loop {
            let page = on!(&mut *tx, conn, q => {
                q::debits_in_flight(conn, block, after, DEBITS_PER_PAGE).await
            })?;
            let Some(&last) = page.last() else {
                return Ok(());
            };
            after = Some(last);
            let ids: Vec<_> = page.iter().map(|(_, id)| *id).collect();
            // Their accounts are locked since the block was weighed.
            let mut held = Held::load(tx, &ids).await?;
            progress.touched.extend(held.accounts());
            let mut booking = Booking::default();
            for (_, id) in page {
                let told = match (told, held.amount(id)) {
                    (Told::Settled { .. }, Some(amount)) => Told::Settled {
                        amount,
                        charges: charges
                            .take()
                            .unwrap_or_else(|| Money::new(0, amount.currency)),
                        count: None,
                    },
                    (told, _) => told.clone(),
                };
                match held.judge(id, &told) {
                    Some((_, Verdict::Book(settlement))) => {
                        let report = &mut progress.report;
                        self.apply(id, &settlement, kind, &mut held, &mut booking, report)?;
                    }
                    // Acknowledged twice.
                    Some((_, Verdict::Known)) | None => {}
                    Some((_, Verdict::Unmatched(problem))) => {
                        return Err(BankError::InBlock { debit: id, problem });
                    }
                }
            }
            booking.write(tx, self).await?;
        }
    }
}
