//! How a fact told twice is recognized.
//!
//! A key digests what stays the same however often and in whichever message a
//! fact is told, and never message ids, times of writing, places or reasons in
//! words. What that is depends on what the bank gives ([`KeyBasis`]):
//!
//! - *The debit is named* (end-to-end, instruction or transaction id): direction,
//!   account, those names, amount, day of booking. A file imported twice, and
//!   the same booking in camt.054 and camt.053, have the same key.
//! - *The bank names the booking* (`AcctSvcrRef`, or the block of a batch): the
//!   same with that name.
//! - *Nothing is named*, such as a fee: the report's own id, so that a file
//!   imported twice is recognized, but two equal fees of one day are not taken
//!   for one. Such a fact told in camt.054 and again in camt.053 cannot be
//!   recognized: **book these from camt.053 only**.
//!
//! Equal facts within one account's report are counted: the second one has its
//! own key, and reaches a person because its debit is settled or returned
//! already. The counting holds 16 to 32 bytes an entry.

use std::fmt;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyBasis {
    Debit,
    Booking,
    /// Only good against importing the same file twice.
    Report,
}

/// The same for the same fact, different for different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventKey {
    /// The first half of a SHA-256.
    pub digest: [u8; 16],
    pub basis: KeyBasis,
}

/// 32 hexadecimal digits.
impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Makes the keys of one account's report.
#[derive(Debug, Default)]
pub struct KeyMaker {
    seen: FxHashMap<u64, u32>,
}

impl KeyMaker {
    /// `parts` in a fixed order; an absent one differs from an empty one.
    pub fn key(&mut self, basis: KeyBasis, parts: &[Option<&str>]) -> EventKey {
        let mut digest = Sha256::new();
        for part in parts {
            match part {
                None => digest.update([0]),
                Some(text) => {
                    digest.update([1]);
                    digest.update(text.len().to_le_bytes());
                    digest.update(text);
                }
            }
        }
        let start: [u8; 8] = first(&digest.clone().finalize());
        let count = self.seen.entry(u64::from_le_bytes(start)).or_default();
        *count = count.saturating_add(1);
        digest.update(count.to_le_bytes());
        EventKey {
            digest: first(&digest.finalize()),
            basis,
        }
    }
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut start = [0; N];
    for (to, from) in start.iter_mut().zip(bytes) {
        *to = *from;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[Option<&str>]) -> String {
        KeyMaker::default().key(KeyBasis::Debit, parts).to_string()
    }

    #[test]
    fn parts_do_not_run_together() {
        let keys = [
            key(&[Some("ab"), Some("c")]),
            key(&[Some("a"), Some("bc")]),
            key(&[Some("abc"), None]),
            key(&[Some("abc"), Some("")]),
            key(&[None, Some("abc")]),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[at + 1..].iter().all(|other| other != one), "{keys:?}");
        }
    }

    #[test]
    fn equal_facts_are_counted_and_keys_stay_as_they_are() {
        let mut maker = KeyMaker::default();
        let mut next = || maker.key(KeyBasis::Report, &[Some("fee")]).to_string();
        let (first, second) = (next(), next());
        assert_ne!(first, second);
        assert_eq!(first, key(&[Some("fee")]));
        // Stored keys must stay valid: this digest may never change.
        assert_eq!(first, "125f2f8aa83a6b86b8dbf20dfeaddc15");
    }
}
