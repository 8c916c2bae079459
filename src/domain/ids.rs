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

/// One attempt to take money, and the idempotency key it is sent under: 48 bits
/// of milliseconds, so that ids sort by time, and 80 of chance, so that hosts
/// need not agree. A UUIDv7 would spend 6 bits of it on a version nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(u128);

impl AttemptId {
    /// The id of an attempt that is made now.
    #[must_use]
    pub fn new(at: Instant, chance: [u8; 10]) -> Self {
        let milliseconds = u128::try_from(at.0 / 1_000).unwrap_or(0) & 0xffff_ffff_ffff;
        let chance = chance
            .iter()
            .fold(0, |bits: u128, byte| (bits << 8) | u128::from(*byte));
        Self((milliseconds << 80) | chance)
    }
}

/// 32 hex digits.
impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The text is not an attempt's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of an attempt: 32 hex digits")]
pub struct AttemptIdError(pub String);

impl FromStr for AttemptId {
    type Err = AttemptIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let refuse = || AttemptIdError(text.to_owned());
        if text.len() != 32 || !text.bytes().all(digit) {
            return Err(refuse());
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| refuse())
    }
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
