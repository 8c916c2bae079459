//! Usage that a platform reports as it happens: batches of CloudEvents, each taken
//! whole or not at all, by the very checks and writes of a file.

use std::collections::HashMap;

use serde_json::Value;

use super::late::LateKeeper;
use super::raw::RawUsage;
use super::usage::{KNOWN_OTHERWISE, Parser, UsageChunk, Writer, merge, sort};
use super::{BadRow, Chunk, ImportError, ImportReport, Problem, events};
use crate::engine::run::Engine;
use crate::on;
use crate::store::{StoreError, Tx};

/// Events as they were read, not compared with anything yet.
#[derive(Debug)]
pub struct Batch(Vec<Result<RawUsage<'static>, Vec<Problem>>>);

/// An event that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEvent {
    /// Its place in the batch, from 0 on.
    pub index: u64,
    pub problems: Vec<Problem>,
}

/// What a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// New events, and ends of events that were running.
    pub accepted: u64,
    /// Events that were known, as they are.
    pub duplicates: u64,
}

/// Nothing of a batch was taken.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("events are wrong")]
    Bad(Vec<BadEvent>),
    /// Each of them is known with other content, and nothing else is wrong.
    #[error("events are known with other content")]
    Conflict(Vec<BadEvent>),
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl From<StoreError> for BatchError {
    fn from(error: StoreError) -> Self {
        Self::Import(error.into())
    }
}

impl Batch {
    /// Reads one event.
    #[must_use]
    pub fn one(text: &[u8]) -> Self {
        Self(vec![events::parse(text)])
    }

    /// Reads an array of events. One that is no event is told with its place.
    ///
    /// # Errors
    /// When it is no JSON array.
    pub fn many(text: &[u8]) -> Result<Self, serde_json::Error> {
        match events::parse_array(text) {
            Ok(events) => Ok(Self(events)),
            Err(whole) => {
                let values: Vec<Value> = serde_json::from_slice(text)?;
                let each = values
                    .iter()
                    .map(|value| events::parse(value.to_string().as_bytes()));
                let events: Vec<_> = each.collect();
                // Such as a field that is there twice: each alone would hide it.
                if events.iter().all(Result::is_ok) {
                    return Err(whole);
                }
                Ok(Self(events))
            }
        }
    }
}

/// What the last batch was compared with, good as long as nothing else was imported.
pub struct Known {
    parser: Parser,
    generation: i64,
}

/// Whose turn it is: batches are written one after the other.
#[derive(Default)]
pub struct Reception(tokio::sync::Mutex<Option<Known>>);

impl Engine {
    /// Takes a batch of usage: all of it, or nothing. It is committed when this
    /// returns, and taking it again changes nothing.
    ///
    /// # Errors
    /// When an event is wrong or known with other content, or the database refuses.
    pub async fn take_batch(&self, batch: Batch) -> Result<Taken, BatchError> {
        let mut turn = self.reception.0.lock().await;
        // Whatever goes wrong from here on, or stops it: it is loaded anew.
        let known = turn.take();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::raise_generation(conn).await)?;
        let generation = on!(&mut tx, conn, q => q::generation(conn).await)?;
        let kept = known.filter(|known| known.generation + 1 == generation);
        let is_kept = kept.is_some();
        let mut parser = match kept {
            Some(known) => known.parser,
            None => Parser::load(&mut tx).await?,
        };
        let mut usage = compare(&mut parser, &batch);
        if is_kept && !usage.chunk.bad.is_empty() {
            // Somebody may have come since who raises no generation.
            parser = Parser::load(&mut tx).await?;
            usage = compare(&mut parser, &batch);
        }
        let brings_skus = !usage.new_skus.is_empty();
        let mut report = ImportReport::default();
        let bad = write(&mut tx, usage, self.config.zone(), &mut report).await?;
        if bad.is_empty() {
            tx.commit().await?;
            *turn = Some(Known { parser, generation });
            return Ok(Taken {
                accepted: report.added + report.updated,
                duplicates: report.unchanged,
            });
        }
        tx.rollback().await?;
        if !brings_skus {
            *turn = Some(Known {
                parser,
                generation: generation - 1,
            });
        }
        Err(refusal(bad))
    }
}

/// Checks every event, and puts those that are good in order.
fn compare(parser: &mut Parser, batch: &Batch) -> UsageChunk {
    let mut chunk = Chunk::default();
    let mut by_event = HashMap::new();
    for (index, event) in (0_u64..).zip(&batch.0) {
        chunk.read += 1;
        let bad = |problems| BadRow {
            line: index,
            problems,
            raw: Vec::new(),
        };
        let checked = match event {
            Ok(raw) => parser.check(raw, index),
            Err(problems) => Err(problems.clone()),
        };
        match checked {
            Ok(row) => merge(&mut chunk, &mut by_event, row, |problem| bad(vec![problem])),
            Err(problems) => chunk.bad.push(bad(problems)),
        }
    }
    sort(&mut chunk.rows);
    UsageChunk {
        chunk,
        new_skus: parser.take_new_skus(),
    }
}

/// Writes what is good where all is; the bad events otherwise.
async fn write(
    tx: &mut Tx,
    usage: UsageChunk,
    zone: chrono_tz::Tz,
    report: &mut ImportReport,
) -> Result<Vec<BadRow>, BatchError> {
    if !usage.chunk.bad.is_empty() {
        return Ok(usage.chunk.bad);
    }
    let late = LateKeeper::load(tx, zone).await?;
    Ok(Writer::new().write(tx, usage, &late, report).await?)
}

fn refusal(mut bad: Vec<BadRow>) -> BatchError {
    bad.sort_by_key(|row| row.line);
    let is_conflict = |problem: &Problem| problem.reason == KNOWN_OTHERWISE;
    let is_all_conflict = bad.iter().all(|row| row.problems.iter().all(is_conflict));
    let events = bad
        .into_iter()
        .map(|row| BadEvent {
            index: row.line,
            problems: row.problems,
        })
        .collect();
    if is_all_conflict {
        BatchError::Conflict(events)
    } else {
        BatchError::Bad(events)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str =
        r#"{"specversion":"1.0","id":"e","source":"s","type":"t","data":{"account":"a"}}"#;

    fn read(text: &str) -> Vec<Option<String>> {
        let batch = Batch::many(text.as_bytes()).unwrap();
        let problem = |problems: Vec<Problem>| problems[0].column.clone();
        batch
            .0
            .into_iter()
            .map(|event| event.err().map(problem))
            .collect()
    }

    #[test]
    fn an_event_that_is_none_is_told_with_its_place() {
        let (none, some) = (None, |column: &str| Some(column.to_owned()));
        for (text, expected) in [
            ("[]".to_owned(), vec![]),
            (format!("[{GOOD}]"), vec![none.clone()]),
            (
                format!("[{GOOD},{{}}]"),
                vec![none.clone(), some("specversion")],
            ),
            (
                format!("[5,{GOOD},null]"),
                vec![some("-"), none.clone(), some("-")],
            ),
            (
                format!(r#"[{GOOD},{{"specversion":"1.0","id":5}}]"#),
                vec![none, some("-")],
            ),
        ] {
            assert_eq!(read(&text), expected, "{text}");
        }
        let twice = GOOD.replace(r#""id":"e","#, r#""id":"e","id":"f","#);
        for text in ["", "{", "{}", "5", "[", "[1,]", &format!("[{twice}]")] {
            assert!(Batch::many(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in any::<Vec<u8>>()) {
            let _ = Batch::one(&text);
            let _ = Batch::many(&text);
        }
    }
}
