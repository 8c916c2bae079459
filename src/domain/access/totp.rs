//! Codes of two-factor authentication (TOTP, RFC 6238): six digits of a secret that
//! an app on a phone shares, another every 30 seconds; and the codes that let a
//! customer in who lost the phone.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::domain::calendar::Instant;

/// How long a code lasts: what apps take for granted.
const STEP_MICROS: i64 = 30_000_000;
/// Codes from 0 to this, without it: six digits.
const CODES: u32 = 1_000_000;
/// More than any code has.
const CHARS_MAX: usize = 64;
/// So many recovery codes an account is given.
pub const RECOVERY_CODES: usize = 10;

/// What a phone and the house share: 160 bits (RFC 4226, section 4, R6). It prints as
/// nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; 20]);

/// Six digits, whatever zeros they begin with. They print as nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(u32);

/// A code for whoever lost the phone: 80 bits, as 16 letters and digits. It prints as
/// nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

/// What somebody gives to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    Code(Code),
    Recovery(RecoveryCode),
}

impl TotpSecret {
    #[must_use]
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The code of a step (RFC 4226, section 5.3, "dynamic truncation").
    fn code(&self, step: i64) -> Code {
        // The block of SHA-1: a shorter key is filled up with zeros (RFC 2104, section 2).
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = Hmac::<Sha1>::new(&block.into());
        mac.update(&step.to_be_bytes());
        let digest: [u8; 20] = mac.finalize().into_bytes().into();
        let [.., last] = digest;
        let bits = digest
            .iter()
            .skip(usize::from(last & 0xf))
            .take(4)
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        Code((bits & 0x7fff_ffff) % CODES)
    }

    /// Which step a code is of, where it is one of now: clocks may differ by a step. A
    /// step that is not after the last one `used` is none any more, so that no code is
    /// taken twice.
    #[must_use]
    pub fn step_of(&self, code: Code, now: Instant, used: Option<i64>) -> Option<i64> {
        let step = now.0.div_euclid(STEP_MICROS);
        // The latest first: where two steps have the same code, it is not taken for
        // the one and then for the other.
        [step.saturating_add(1), step, step.saturating_sub(1)]
            .into_iter()
            .filter(|step| used.is_none_or(|used| *step > used))
            .find(|step| self.code(*step) == code)
    }

    /// What a phone reads, as a QR code of it
    /// (google-authenticator wiki, "Key Uri Format").
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (encoded(issuer), encoded(account));
        let secret = base32(&self.0);
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
        )
    }
}

impl Code {
    /// The code that a number is, with zeros before it.
    #[must_use]
    pub fn of_number(number: u64) -> Option<Self> {
        let number = u32::try_from(number).ok()?;
        (number < CODES).then_some(Self(number))
    }
}

impl RecoveryCode {
    #[must_use]
    pub fn new(chance: [u8; 10]) -> Self {
        Self(base32(&chance).to_lowercase())
    }

    /// As it is shown and written down, in groups of four.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = String::with_capacity(19);
        for (at, char) in self.0.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                shown.push('-');
            }
            shown.push(char);
        }
        shown
    }

    /// What digests are made of.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Proof {
    /// What somebody typed: up to six digits are a code, anything else is one for
    /// recovery. `None` where there is nothing.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        let text: String = text
            .chars()
            .filter(|char| !char.is_whitespace() && *char != '-')
            .take(CHARS_MAX)
            .collect();
        if text.is_empty() {
            return None;
        }
        let is_code = text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        let code = is_code
            .then(|| Code::of_number(text.parse().ok()?))
            .flatten();
        Some(match code {
            Some(code) => Self::Code(code),
            None => Self::Recovery(RecoveryCode(text.to_lowercase())),
        })
    }
}

/// RFC 4648, section 6, of whole groups of five bytes.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5);
    for group in bytes.chunks_exact(5) {
        let bits = group
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in (0..8).rev() {
            let [.., low] = (bits >> (place * 5) & 0x1f).to_be_bytes();
            text.push(char::from(match low {
                0..26 => b'A' + low,
                _ => b'2' + (low - 26),
            }));
        }
    }
    text
}

/// A part of a URI (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RFC: TotpSecret = TotpSecret(*b"12345678901234567890");

    fn at(seconds: i64) -> Instant {
        Instant(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(RFC.code(seconds / 30).0, code, "{seconds}");
            let step = RFC.step_of(Code(code), at(seconds), None);
            assert_eq!(step, Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_phone_reads_what_it_is() {
        assert_eq!(
            RFC.uri("Nuage & Co", "ada@example.com"),
            "otpauth://totp/Nuage%20%26%20Co:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Nuage%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(base32(&[0xff; 5]), "77777777");
    }

    #[test]
    fn what_is_typed_is_a_code_or_one_for_recovery() {
        let recovery = |text: &str| Some(Proof::Recovery(RecoveryCode(text.to_owned())));
        for (text, proof) in [
            ("123456", Some(Proof::Code(Code(123_456)))),
            (" 123 456\n", Some(Proof::Code(Code(123_456)))),
            ("004711", Some(Proof::Code(Code(4_711)))),
            ("4711", Some(Proof::Code(Code(4_711)))),
            ("1234567", recovery("1234567")),
            ("-", None),
            ("", None),
            ("ABCD-efgh-ijkl-mnop", recovery("abcdefghijklmnop")),
            ("١٢٣", recovery("١٢٣")),
        ] {
            assert_eq!(Proof::typed(text), proof, "{text:?}");
        }
        assert_eq!(Code::of_number(999_999), Some(Code(999_999)));
        assert_eq!(Code::of_number(1_000_000), None);
        assert_eq!(Code::of_number(u64::MAX), None);
    }

    #[test]
    fn none_of_it_prints() {
        let code = RecoveryCode::new([0xab; 10]);
        assert_eq!(code.shown().len(), 19);
        let printed = format!("{RFC:?} {:?} {code:?}", Code(123_456));
        assert_eq!(printed, "TotpSecret(…) Code(…) RecoveryCode(…)");
    }

    proptest! {
        /// A code is good in its own step and those next to it, and in no other but by
        /// chance.
        #[test]
        fn clocks_may_differ_by_a_step(
            secret in any::<[u8; 20]>(), step in 2_i64..4_000_000_000, off in -3_i64..=3, within in 0_i64..30,
        ) {
            let secret = TotpSecret(secret);
            let code = secret.code(step + off);
            let found = secret.step_of(code, at(step * 30 + within), None);
            if off.abs() <= 1 {
                prop_assert!(found.is_some_and(|found| secret.code(found) == code));
            } else if let Some(found) = found {
                prop_assert_eq!(secret.code(found), code);
            }
            prop_assert!(found.is_none_or(|found| (found - step).abs() <= 1));
        }

        /// Whatever is tried whenever: no code is taken twice within the time that it
        /// could be, and none from before one that was.
        #[test]
        fn no_code_is_taken_twice(
            secret in any::<[u8; 20]>(), tries in prop::collection::vec((0_i64..6, -1_i64..=1), 1..40),
        ) {
            let secret = TotpSecret(secret);
            let mut used = None;
            let mut taken: Vec<(i64, u32)> = Vec::new();
            let mut tries = tries;
            tries.sort_by_key(|(now, _)| *now);
            for (now, off) in tries {
                let code = secret.code(1_000 + now + off);
                if let Some(step) = secret.step_of(code, at((1_000 + now) * 30), used) {
                    prop_assert!(used.is_none_or(|used| step > used));
                    let again = secret.step_of(code, at((1_000 + now) * 30), Some(step));
                    prop_assert_eq!(again, None);
                    prop_assert!(!taken.iter().any(|(at, known)| *known == code.0 && (at - step).abs() <= 2));
                    taken.push((step, code.0));
                    used = Some(step);
                }
            }
            prop_assert!(!taken.is_empty());
        }

        /// Zeros before a code may be there or not, as a number or as a text.
        #[test]
        fn a_number_is_padded(number in 0_u32..CODES) {
            let code = Code::of_number(u64::from(number)).unwrap();
            let proof = Some(Proof::Code(code));
            prop_assert_eq!(Proof::typed(&format!("{number:06}")), proof.clone());
            prop_assert_eq!(Proof::typed(&number.to_string()), proof);
        }

        /// A code for recovery is read however it is written down.
        #[test]
        fn a_recovery_code_is_read_back(chance in any::<[u8; 10]>()) {
            let code = RecoveryCode::new(chance);
            let proof = Some(Proof::Recovery(code.clone()));
            prop_assert_eq!(Proof::typed(&code.shown()), proof.clone());
            prop_assert_eq!(Proof::typed(&code.shown().to_uppercase().replace('-', " ")), proof);
        }

        #[test]
        fn no_text_is_a_panic(text in any::<String>()) {
            let _ = Proof::typed(&text);
        }
    }
}
