//! One type per key, so that no key is taken for another.
//!
//! The keys are 64-bit integers, half a UUID: they lead every index that the
//! month run reads, and a sequence is never shared between databases.

use std::fmt;
use std::str::FromStr;

use super::calendar::Instant;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        id!($(#[$doc])* $name: i64);
    };
    ($(#[$doc:meta])* $name:ident: $key:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $key);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// The house's own key of an account; the platform's text id stands beside it.
    AccountId
);
id!(
    /// A kind, type and plan that usage was recorded for.
    SkuId
);
id!(
    /// One immutable version of a plan's price.
    PriceId
);
id!(
    /// One immutable version of a customer's billing profile, counted from 1 per account.
    ProfileId: i32
);
id!(
    /// One immutable version of the issuer's identity and legal texts.
    IssuerId
);
id!(
    /// A voucher or discount granted to an account.
    AllowanceId
);
id!(
    /// A month run.
    RunId
);
id!(
    /// A card or a SEPA mandate on file; a new card is a new one.
    PaymentMethodId
);

/// The text is not the id of something that moves money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the id of {what}: 32 hex digits")]
pub struct KeyError {
    pub what: &'static str,
    pub text: String,
}

/// The key of something that moves money, and the idempotency key it is sent
/// under: 48 bits of milliseconds, so that ids sort by time, and 80 of chance,
/// so that hosts need not agree. A UUIDv7 would spend 6 bits of it on a version
/// nobody reads.
macro_rules! money_key {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The id of what is begun now.
            #[must_use]
            pub fn new(at: Instant, chance: [u8; 10]) -> Self {
                Self(key_of(at, chance))
            }
        }

        impl $name {
            /// The id of what is asked for under a name of the asker's own: 16 bytes of
            /// a digest, so that it is the same whenever it is asked for again.
            #[must_use]
            pub const fn named(digest: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(digest))
            }
        }

        /// 32 hex digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = KeyError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let refuse = || KeyError {
                    what: $what,
                    text: text.to_owned(),
                };
                read_key(text).map(Self).ok_or_else(refuse)
            }
        }
    };
}

money_key!(
    /// One attempt to take the money of an invoice.
    AttemptId,
    "an attempt"
);
money_key!(
    /// One purchase of prepaid credit.
    PurchaseId,
    "a purchase"
);
money_key!(
    /// One refund.
    RefundId,
    "a refund"
);

fn key_of(at: Instant, chance: [u8; 10]) -> u128 {
    let milliseconds = u128::try_from(at.0 / 1_000).unwrap_or(0) & 0xffff_ffff_ffff;
    let chance = chance
        .iter()
        .fold(0, |bits: u128, byte| (bits << 8) | u128::from(*byte));
    (milliseconds << 80) | chance
}

fn read_key(text: &str) -> Option<u128> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 32 || !text.bytes().all(digit) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_sort_by_time_and_are_read_back() {
        let early = AttemptId::new(Instant(1_790_000_000_000_000), [0xff; 10]);
        let later = AttemptId::new(Instant(1_790_000_000_001_000), [0; 10]);
        assert!(early < later);
        assert_eq!(early.to_string(), "01a0c4506c00ffffffffffffffffffff");
        assert_eq!(early.to_string().parse(), Ok(early));
        for wrong in ["", "01A0", "+1a0c4a0b800ffffffffffffffffffff"] {
            assert!(wrong.parse::<AttemptId>().is_err(), "{wrong}");
        }
    }
}
