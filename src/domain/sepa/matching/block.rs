//! A fact about a payment block or a whole file: which of its debits it is about.

use super::{Problem, Told};
use crate::domain::money::Money;

/// The debits of a block or file as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockFacts {
    /// Those that were not rejected or withdrawn: what the bank credits.
    pub debits: u64,
    /// Their sum, in the currency that was told.
    pub sum: Money,
    /// Those whose outcome is out.
    pub in_flight: u64,
    /// Those that settled, returned ones included.
    pub collected: u64,
    /// All there are.
    pub total: u64,
    /// Whether a credit of the batch as one was read before.
    pub was_credited: bool,
}

/// What to do with a fact about a block or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockVerdict {
    /// It holds for each debit whose outcome is out.
    Each,
    /// The same, and a person has to look.
    EachAndTell(Problem),
    Known,
    Unmatched(Problem),
}

/// Decides what a fact does to the debits of the block or file it names.
///
/// A batch is booked as one only where number and sum are those of the debits
/// that were not rejected. Returned ones are among them: the bank credited them
/// before it took them back, whichever is read first.
#[must_use]
pub fn judge_block(told: &Told, name: &str, facts: &BlockFacts) -> BlockVerdict {
    use BlockVerdict::{Each, EachAndTell, Known, Unmatched};
    if facts.total == 0 {
        return Unmatched(Problem::UnknownBlock(name.to_owned()));
    }
    match told {
        Told::Rejected { .. } => match (facts.in_flight, facts.collected) {
            (0, 0) => Known,
            (0, collected) => Unmatched(Problem::RejectsCollected(collected)),
            (_, 0) => Each,
            (_, collected) => EachAndTell(Problem::RejectsCollected(collected)),
        },
        Told::Acknowledged if facts.in_flight > 0 => Each,
        Told::Acknowledged => Known,
        Told::Settled { amount, count, .. } => {
            if facts.was_credited {
                return Unmatched(Problem::BatchCreditedTwice);
            }
            let has_count = count.is_none_or(|count| count == facts.debits);
            if !has_count || *amount != facts.sum {
                return Unmatched(other_batch(*amount, *count, facts));
            }
            settled(told, facts)
        }
        Told::Returned { .. } => Unmatched(Problem::ReturnOfBatch),
        Told::Fee { .. } => Unmatched(Problem::Fee),
        Told::Unclear { why } => Unmatched(Problem::Unclear(why)),
    }
}

/// A credit that fits: news for those in flight, or told one by one before.
fn settled(told: &Told, facts: &BlockFacts) -> BlockVerdict {
    match told {
        _ if facts.in_flight > 0 => BlockVerdict::Each,
        Told::Settled { charges, .. } if charges.minor > 0 => {
            BlockVerdict::Unmatched(Problem::FeeOfBooked(*charges))
        }
        _ => BlockVerdict::Known,
    }
}

fn other_batch(told: Money, count: Option<u64>, facts: &BlockFacts) -> Problem {
    Problem::OtherBatch {
        told,
        told_count: count.map_or_else(
            || "a number of debits it does not say".to_owned(),
            |count| format!("{count} debits"),
        ),
        expected: facts.sum,
        expected_count: facts.debits,
        difference: Money::new(
            told.minor.saturating_sub(facts.sum.minor),
            facts.sum.currency,
        ),
    }
}
