//! Passwords, and how often one may be wrong (NIST SP 800-63B, sections 5.1.1 and
//! 5.2.2).

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::domain::calendar::Instant;

const CHARS_MIN: usize = 12;
/// More says nothing more, and takes longer to look at.
const CHARS_MAX: usize = 256;
/// So many wrong ones in a row lock an account.
pub const FAILURES_MAX: u32 = 10;

/// A password, as whoever types it on any keyboard means it. It prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// A text is no new password. The wording is what clients show behind the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("is too short (minimum is 12 characters)")]
    TooShort,
    #[error("is too long (maximum is 256 characters)")]
    TooLong,
}

impl Password {
    /// What somebody typed to be let in: whatever it is.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        // One that is too long is nobody's, and need not be read to its end.
        Self(text.nfkc().take(CHARS_MAX + 1).collect())
    }

    /// A new one.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        let password = Self::typed(text);
        match password.0.chars().count() {
            ..CHARS_MIN => Err(PasswordError::TooShort),
            count if count > CHARS_MAX => Err(PasswordError::TooLong),
            _ => Ok(password),
        }
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// How often in a row it was wrong, and since when nobody is let in for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    pub in_a_row: u32,
    pub locked_at: Option<Instant>,
}

impl Failures {
    pub const NONE: Self = Self {
        in_a_row: 0,
        locked_at: None,
    };

    #[must_use]
    pub const fn is_locked(self) -> bool {
        self.locked_at.is_some()
    }

    /// It was wrong again. What is locked already stays as it is.
    #[must_use]
    pub const fn again(self, now: Instant) -> Self {
        if self.is_locked() {
            return self;
        }
        let in_a_row = self.in_a_row.saturating_add(1);
        Self {
            in_a_row,
            locked_at: if in_a_row >= FAILURES_MAX {
                Some(now)
            } else {
                None
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_password_has_12_to_256_characters() {
        let (short, long) = ("é".repeat(11), "é".repeat(256));
        for (text, error) in [
            ("", Some(PasswordError::TooShort)),
            (&short, Some(PasswordError::TooShort)),
            ("correct horse", None),
            (&long, None),
            (&format!("{long}e"), Some(PasswordError::TooLong)),
            // Eleven characters, however they are typed.
            (&"e\u{301}".repeat(11), Some(PasswordError::TooShort)),
        ] {
            assert_eq!(Password::new(text).err(), error, "{text:?}");
        }
    }

    #[test]
    fn it_prints_as_nothing() {
        assert_eq!(format!("{:?}", Password::typed("s3cret")), "Password(…)");
    }

    #[test]
    fn ten_in_a_row_lock() {
        let mut failures = Failures::NONE;
        for at in 1..=12 {
            failures = failures.again(Instant(at));
            let locked_at = (at >= 10).then_some(Instant(10));
            assert_eq!(failures.locked_at, locked_at, "{at}");
        }
        assert_eq!(failures.in_a_row, 10);
    }

    proptest! {
        /// However it is composed, it is the same; and what is too long is nobody's.
        #[test]
        fn a_password_is_what_is_meant(text in ".{0,300}") {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(Password::typed(&text), Password::typed(&decomposed));
            if let Ok(password) = Password::new(&text) {
                let count = password.0.chars().count();
                prop_assert!((CHARS_MIN..=CHARS_MAX).contains(&count));
                prop_assert_eq!(Password::typed(&text), password.clone());
                prop_assert_eq!(Password::new(&password.0), Ok(password));
            }
        }
    }
}
