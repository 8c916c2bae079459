//! The bank's files, made of facts about the debits of these tests.

use super::{BATCH, BLOCK, OURS, id};
use crate::fakes::bank::{self, BlockStatus};

pub use crate::fakes::bank::{Booking, Name, plain, statement as statement_of};

pub fn settled(n: usize, amount: i64) -> Booking {
    Booking {
        name: Name::Debit(id(n)),
        amount,
        charges: 0,
        reason: None,
        is_return: false,
        day: "2026-12-01".to_owned(),
    }
}

pub fn returned(n: usize, amount: i64, charges: i64, reason: &'static str) -> Booking {
    Booking {
        charges,
        reason: Some(reason),
        is_return: true,
        day: "2026-12-03".to_owned(),
        ..settled(n, amount)
    }
}

pub fn batch(count: usize, amount: i64) -> Booking {
    Booking {
        name: Name::Batch(BLOCK.to_owned(), count),
        ..settled(0, amount)
    }
}

/// A fee of the bank.
pub fn fee(amount: i64) -> Booking {
    Booking {
        name: Name::None,
        is_return: true,
        ..settled(0, amount)
    }
}

/// A camt.053 of our account.
pub fn statement(message: &str, bookings: &[Booking]) -> String {
    bank::statement(message, OURS, bookings)
}

/// A camt.054 of our account.
pub fn notification(message: &str, bookings: &[Booking]) -> String {
    bank::notification(message, OURS, bookings)
}

/// A pain.002: debits and the codes they are rejected with, or none where they
/// are taken in; the block's own status and reason.
pub fn status(
    message: &str,
    debits: &[(usize, Option<&str>)],
    block: Option<(&str, &str)>,
) -> String {
    let debits: Vec<(String, Option<&str>)> =
        debits.iter().map(|(n, code)| (id(*n), *code)).collect();
    let told = BlockStatus {
        batch: BATCH,
        block: BLOCK,
        debits: &debits,
        whole: block,
    };
    bank::status(message, told)
}
