//! Account numbers in a bank's free text, masked before it is kept.

use super::iban::IbanText;

/// The lengths of IBANs (ISO 13616).
const LENGTHS: std::ops::RangeInclusive<usize> = 15..=34;
/// How people group one.
const GROUP: usize = 4;

/// Masks everything in a text that has an IBAN's shape, be its check digits
/// right or not: two letters, two digits, then letters and digits, in one piece
/// or in groups of four.
#[must_use]
pub fn mask_ibans(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_inside_word = false;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = shape(rest).filter(|_| !is_inside_word)
            && let Some((number, after)) = rest.split_at_checked(length)
        {
            masked.push_str(&IbanText::new(number).to_string());
            rest = after;
            continue;
        }
        masked.push(first);
        is_inside_word = first.is_alphanumeric();
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    masked
}

/// The bytes at the start of a text that look like an IBAN.
fn shape(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (country, digits) = (bytes.get(..2)?, bytes.get(2..4)?);
    if !country.iter().all(u8::is_ascii_alphabetic) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (mut end, mut characters) = (0, 0);
    loop {
        let group = bytes.get(end..)?;
        let length = group
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        // A longer word after a blank is the next word.
        if length == 0 || (end > 0 && length > GROUP) {
            break;
        }
        end += length;
        characters += length;
        // Only a whole group may be followed by another.
        let goes_on = characters.is_multiple_of(GROUP) && characters < *LENGTHS.end();
        if !goes_on || bytes.get(end) != Some(&b' ') {
            break;
        }
        end += 1;
    }
    let end = if bytes.get(end.checked_sub(1)?) == Some(&b' ') {
        end - 1
    } else {
        end
    };
    LENGTHS.contains(&characters).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_an_account_is_masked_and_nothing_else() {
        let table = [
            (
                "from DE89370400440532013000, closed",
                "from DE…3000, closed",
            ),
            (
                "DbtrAcct/IBAN=FR7630006000011234567890189",
                "DbtrAcct/IBAN=FR…0189",
            ),
            ("fr76 3000 6000 0112 3456 7890 189.", "FR…0189."),
            ("DE89 3704 0044 0532 0130 00.", "DE…3000."),
            // a wrong digit is somebody's account all the same
            ("DE88370400440532013000", "DE…3000"),
            ("NO93 8601 1117 947 of a customer", "NO…7947 of a customer"),
            // references are none
            ("DD-1-RCUR-20261201", "DD-1-RCUR-20261201"),
            (
                "EndToEndId=01a0c4506c00ffffffffffffffffffff",
                "EndToEndId=01a0c4506c00ffffffffffffffffffff",
            ),
            ("AB12", "AB12"),
            ("Rückbuchung 3,00 €", "Rückbuchung 3,00 €"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(mask_ibans(text), expected);
        }
    }

    proptest! {
        #[test]
        fn no_account_passes(before in "[ a-zäß=:,]{0,12}", after in "[ .,;/]{0,3}", grouped in any::<bool>()) {
            let number = "DE89370400440532013000";
            let shown = if grouped { "DE89 3704 0044 0532 0130 00" } else { number };
            // Right after a letter it is a part of another word.
            prop_assume!(!before.ends_with(char::is_alphanumeric));
            let masked = mask_ibans(&format!("{before}{shown}{after}"));
            prop_assert_eq!(masked, format!("{before}DE…3000{after}"));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,60}") {
            let _ = mask_ibans(&text);
        }
    }
}
