//! Many batches at once. On PostgreSQL each worker claims, reads, decides and
//! writes a range in one transaction; on SQLite readers decide ahead and one
//! writer commits in order.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{try_join, try_join_all};
use tokio::sync::mpsc;

use super::batch::{Batch, assemble, decide_range};
use super::facts::{Prices, RunFacts};
use super::{BatchTally, Engine, Progress, RunError, commit};
use crate::on;
use crate::store::rows::{Run, RunRange};
use crate::store::{StoreError, Tx};

/// How often a batch that collided with another process is tried.
const TRIES_MAX: u32 = 10;

/// Works off every range that waits.
pub async fn work_off(
    engine: &Engine,
    facts: &RunFacts,
    workers: NonZeroUsize,
    progress: &Arc<dyn Progress>,
) -> Result<BatchTally, RunError> {
    if engine.store.has_single_writer() {
        return read_ahead(engine, facts, workers, &**progress).await;
    }
    let tasks = (0..workers.get()).map(|_| {
        let (engine, facts, progress) = (engine.clone(), facts.clone(), Arc::clone(progress));
        let task = tokio::spawn(async move { claim_and_settle(&engine, &facts, &*progress).await });
        async move { task.await.map_err(|_| RunError::Worker)? }
    });
    let mut sum = BatchTally::default();
    try_join_all(tasks)
        .await?
        .into_iter()
        .for_each(|tally| sum.add(tally));
    Ok(sum)
}

/// Claims and settles ranges until none waits.
async fn claim_and_settle(
    engine: &Engine,
    facts: &RunFacts,
    progress: &dyn Progress,
) -> Result<BatchTally, RunError> {
    let mut sum = BatchTally::default();
    let mut prices = facts.prices.clone();
    let mut tries = Tries::default();
    loop {
        match claim_one(engine, facts, &mut prices).await {
            Ok(None) => return Ok(sum),
            Ok(Some(tally)) => {
                progress.done(tally);
                sum.add(tally);
                tries = Tries::default();
            }
            Err(error) => tries.again_after(error)?,
        }
    }
}

/// One batch, from the claim to the commit; `None` when no range waits or the
/// run is paused.
async fn claim_one(
    engine: &Engine,
    facts: &RunFacts,
    prices: &mut Prices,
) -> Result<Option<BatchTally>, RunError> {
    let mut tx = engine.store.begin().await?;
    on!(&mut tx, conn, q => q::close_gate(conn).await)?;
    if on!(&mut tx, conn, q => q::is_paused(conn, facts.run.id).await)? {
        return Ok(None);
    }
    let Some(range) = on!(&mut tx, conn, q => q::claim_range(conn, facts.run.id).await)? else {
        return Ok(None);
    };
    *prices = prices.current(&mut tx).await?;
    let tally = settle(&mut tx, engine, facts, prices, range).await?;
    on!(&mut tx, conn, q => q::finish_range(conn, facts.run.id, range.no).await)?;
    tx.commit().await?;
    Ok(Some(tally))
}

/// Settles a range that is not part of the plan: one account.
pub async fn settle_range(
    engine: &Engine,
    facts: &RunFacts,
    range: RunRange,
) -> Result<BatchTally, RunError> {
    let mut tries = Tries::default();
    loop {
        match settle_one(engine, facts, range).await {
            Ok(tally) => return Ok(tally),
            Err(error) => tries.again_after(error)?,
        }
    }
}

async fn settle_one(
    engine: &Engine,
    facts: &RunFacts,
    range: RunRange,
) -> Result<BatchTally, RunError> {
    let mut tx = engine.store.begin().await?;
    on!(&mut tx, conn, q => q::close_gate(conn).await)?;
    if on!(&mut tx, conn, q => q::is_paused(conn, facts.run.id).await)? {
        return Err(RunError::Paused(facts.run.period.key));
    }
    let prices = facts.prices.current(&mut tx).await?;
    let tally = settle(&mut tx, engine, facts, &prices, range).await?;
    tx.commit().await?;
    Ok(tally)
}

/// Counts how often a batch collided with another process.
#[derive(Default)]
struct Tries(u32);

impl Tries {
    /// Lets a batch be tried again after it collided.
    ///
    /// # Errors
    /// Any other error, and a collision too many.
    fn again_after(&mut self, error: RunError) -> Result<(), RunError> {
        match error {
            RunError::Store(source) if source.is_race() => {
                self.0 += 1;
                if self.0 < TRIES_MAX {
                    return Ok(());
                }
                Err(RunError::Collided {
                    tries: self.0,
                    source,
                })
            }
            error => Err(error),
        }
    }
}

/// Reads, decides and writes a range; the caller commits.
async fn settle(
    tx: &mut Tx,
    engine: &Engine,
    facts: &RunFacts,
    prices: &Prices,
    range: RunRange,
) -> Result<BatchTally, RunError> {
    let decided = decide_range(tx, engine, facts, prices, range, false).await?;
    let batch = assemble(decided, engine, facts, prices);
    commit::write(tx, engine, facts, &batch).await?;
    Ok(batch.tally())
}

/// SQLite: readers decide ranges ahead, one writer commits them.
async fn read_ahead(
    engine: &Engine,
    facts: &RunFacts,
    workers: NonZeroUsize,
    progress: &dyn Progress,
) -> Result<BatchTally, RunError> {
    let mut tx = engine.store.snapshot().await?;
    let ranges = on!(&mut tx, conn, q => q::list_pending_ranges(conn, facts.run.id).await)?;
    tx.rollback().await?;
    let ranges: Arc<[RunRange]> = ranges.into();
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel(workers.get() * 2);
    let mut readers = Vec::new();
    for _ in 0..workers.get() {
        let reader = Reader {
            engine: engine.clone(),
            facts: facts.clone(),
            ranges: Arc::clone(&ranges),
            next: Arc::clone(&next),
            sender: sender.clone(),
        };
        readers.push(tokio::spawn(reader.read()));
    }
    drop(sender);
    let write = write_in_turn(engine, facts, receiver, progress);
    let read = async {
        for reader in readers {
            reader.await.map_err(|_| RunError::Worker)??;
        }
        Ok(())
    };
    let (sum, ()) = try_join(write, read).await?;
    Ok(sum)
}

struct Reader {
    engine: Engine,
    facts: RunFacts,
    ranges: Arc<[RunRange]>,
    next: Arc<AtomicUsize>,
    sender: mpsc::Sender<(RunRange, Batch)>,
}

impl Reader {
    async fn read(self) -> Result<(), RunError> {
        let mut prices = self.facts.prices.clone();
        while let Some(&range) = self.ranges.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let mut tx = self.engine.store.snapshot().await?;
            prices = prices.current(&mut tx).await?;
            let decided =
                decide_range(&mut tx, &self.engine, &self.facts, &prices, range, false).await?;
            tx.rollback().await?;
            let batch = assemble(decided, &self.engine, &self.facts, &prices);
            if self.sender.send((range, batch)).await.is_err() {
                // The writer stopped: paused, or it says why itself.
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Commits what the readers decided. A batch decided before the last import, or
/// that collided with another process, is decided again inside the
/// transaction; a range that another process finished is dropped.
async fn write_in_turn(
    engine: &Engine,
    facts: &RunFacts,
    mut batches: mpsc::Receiver<(RunRange, Batch)>,
    progress: &dyn Progress,
) -> Result<BatchTally, RunError> {
    let mut sum = BatchTally::default();
    while let Some((range, batch)) = batches.recv().await {
        let mut tx = engine.store.begin().await?;
        if on!(&mut tx, conn, q => q::is_paused(conn, facts.run.id).await)? {
            return Ok(sum);
        }
        if !on!(&mut tx, conn, q => q::finish_range(conn, facts.run.id, range.no).await)? {
            tx.rollback().await?;
            continue;
        }
        let generation = on!(&mut tx, conn, q => q::generation(conn).await)?;
        let current = batch.generation == generation;
        let written = if current {
            commit::write(&mut tx, engine, facts, &batch)
                .await
                .map(|()| batch.tally())
        } else {
            settle_again(&mut tx, engine, facts, range).await
        };
        let tally = match written {
            Err(RunError::Store(error)) if error.is_race() => {
                tx.rollback().await?;
                tx = engine.store.begin().await?;
                if !on!(&mut tx, conn, q => q::finish_range(conn, facts.run.id, range.no).await)? {
                    tx.rollback().await?;
                    continue;
                }
                settle_again(&mut tx, engine, facts, range).await?
            }
            written => written?,
        };
        tx.commit().await?;
        progress.done(tally);
        sum.add(tally);
    }
    Ok(sum)
}

async fn settle_again(
    tx: &mut Tx,
    engine: &Engine,
    facts: &RunFacts,
    range: RunRange,
) -> Result<BatchTally, RunError> {
    let prices = facts.prices.current(tx).await?;
    settle(tx, engine, facts, &prices, range).await
}

/// Waits until another process that holds a range commits it or dies; `true`
/// when there may be work again.
pub async fn wait_for_others(engine: &Engine, run: &Run) -> Result<bool, StoreError> {
    let mut tx = engine.store.begin().await?;
    let waiting = on!(&mut tx, conn, q => q::wait_for_range(conn, run.id).await)?;
    tx.rollback().await?;
    Ok(waiting)
}
