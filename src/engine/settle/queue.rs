//! Where one writer serves everybody: what came while it was busy is recorded
//! together, in one transaction, and so waits for the disk once.
//!
//! Whoever has news puts it in the queue and asks for the turn. Who has it takes
//! what waits, records it and tells the others what became of theirs. Nobody hears
//! of an outcome before it is committed. If one cannot be recorded, nothing of
//! that transaction is, and each is recorded by itself: it stops no other.

use std::collections::BTreeSet;
use std::sync::Mutex;

use tokio::sync::oneshot;

use super::writes::{Settling, Writes};
use super::{SettleError, decide};
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::payment::{AttemptState, News};
use crate::engine::run::Engine;
use crate::on;

/// Recorded in one transaction.
const TOGETHER_MAX: usize = 64;

/// What is to be recorded of an attempt.
#[derive(Debug, Clone)]
pub struct Told {
    pub account: AccountId,
    pub id: AttemptId,
    /// What was read of it; nothing where this process did not get it sent.
    pub news: Option<News>,
    pub reference: Option<String>,
}

/// News that waits for the writer.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    told: Told,
    answer: oneshot::Sender<Result<AttemptState, SettleError>>,
}

impl Queue {
    fn put(&self, told: Told) -> oneshot::Receiver<Result<AttemptState, SettleError>> {
        let (answer, answered) = oneshot::channel();
        self.lock().push(Waiting { told, answer });
        answered
    }

    /// What is recorded next: of each account one, for it is decided from what is
    /// committed.
    fn take(&self) -> Vec<Waiting> {
        let mut accounts = BTreeSet::new();
        let mut taken = Vec::new();
        let mut left = Vec::new();
        let mut waiting = self.lock();
        for one in waiting.drain(..) {
            if taken.len() < TOGETHER_MAX && accounts.insert(one.told.account) {
                taken.push(one);
            } else {
                left.push(one);
            }
        }
        *waiting = left;
        taken
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        // It is whole whenever it is unlocked, even where its holder panicked.
        self.waiting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Engine {
    /// Records news together with what else waits for the one writer.
    pub(super) async fn settle_in_turn(&self, told: Told) -> Result<AttemptState, SettleError> {
        let mut answered = self.settling.put(told.clone());
        loop {
            let turn = self.settling.turn.lock().await;
            match answered.try_recv() {
                Ok(answer) => return answer,
                // Who had it in hand was stopped: recording it twice changes nothing.
                Err(oneshot::error::TryRecvError::Closed) => return self.settle_alone(&told).await,
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let taken = self.settling.take();
            let all: Vec<&Told> = taken.iter().map(|one| &one.told).collect();
            match self.settle_together(&all).await {
                Ok(states) => {
                    for (one, state) in taken.into_iter().zip(states) {
                        // Who does not wait any more does not need to be told.
                        let _ = one.answer.send(Ok(state));
                    }
                }
                Err(_) => {
                    for one in taken {
                        let state = self.settle_alone(&one.told).await;
                        let _ = one.answer.send(state);
                    }
                }
            }
            drop(turn);
        }
    }

    pub(super) async fn settle_alone(&self, told: &Told) -> Result<AttemptState, SettleError> {
        let mut states = self.settle_together(&[told]).await?;
        states.pop().ok_or(SettleError::NoAttempt(told.id))
    }

    /// Records news of attempts of different accounts in one transaction.
    async fn settle_together(&self, all: &[&Told]) -> Result<Vec<AttemptState>, SettleError> {
        let mut tx = self.store.begin().await?;
        let mut writes = Writes::default();
        let mut states = Vec::with_capacity(all.len());
        for told in all {
            let id = told.id;
            on!(&mut tx, conn, q => q::lock_account(conn, told.account).await)?;
            let attempt = on!(&mut tx, conn, q => q::find_attempt(conn, id).await)?
                .ok_or(SettleError::NoAttempt(id))?;
            let news = match &told.news {
                Some(news) => news.clone(),
                None => News::free(attempt.state.not_sent_by_us()),
            };
            let reference = told.reference.as_deref();
            match decide(&mut tx, &attempt, &news).await? {
                None => states.push(attempt.state),
                Some((settlement, last_entry)) => {
                    let settling = Settling::stored(&attempt, last_entry);
                    writes.add(&settling, &settlement, reference, None)?;
                    states.push(settlement.state);
                }
            }
        }
        writes.write(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        Ok(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_account_one_is_recorded_at_a_time() {
        let queue = Queue::default();
        let told = |account: i64, n: u8| Told {
            account: AccountId(account),
            id: format!("{n:032x}").parse().unwrap(),
            news: None,
            reference: None,
        };
        let many = i64::try_from(TOGETHER_MAX).unwrap() + 5;
        let mut answers = vec![queue.put(told(1, 1)), queue.put(told(1, 2))];
        answers.extend((2..=many).map(|account| queue.put(told(account, 3))));
        let turns: Vec<Vec<Waiting>> = std::iter::repeat_with(|| queue.take())
            .take_while(|taken| !taken.is_empty())
            .collect();
        let sizes: Vec<usize> = turns.iter().map(Vec::len).collect();
        assert_eq!(sizes, [TOGETHER_MAX, 6]);
        for taken in &turns {
            let accounts: BTreeSet<AccountId> = taken.iter().map(|one| one.told.account).collect();
            assert_eq!(accounts.len(), taken.len());
        }
        // In the order they came.
        let first: Vec<AttemptId> = turns
            .iter()
            .flatten()
            .filter(|one| one.told.account == AccountId(1))
            .map(|one| one.told.id)
            .collect();
        assert_eq!(first, [told(1, 1).id, told(1, 2).id]);
    }
}
