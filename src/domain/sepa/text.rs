//! The Latin character set of SEPA (EPC130-08 section 1.4; EPC217-08), and what
//! names, texts and identifiers may be made of.

use deunicode::deunicode_char;

/// Lengths in characters: all that is allowed is ASCII, so bytes are the same.
pub const IDENTIFIER_LENGTH_MAX: usize = 35;
pub const NAME_LENGTH_MAX: usize = 70;
pub const REMITTANCE_LENGTH_MAX: usize = 140;

/// Whether every bank takes the character.
#[must_use]
pub const fn is_latin(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '/' | '-' | '?' | ':' | '(' | ')' | '.' | ',' | '\'' | '+' | ' '
        )
}

/// What is wrong with a text of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("is missing")]
    Missing,
    #[error("is longer than {0} characters")]
    TooLong(usize),
    #[error("has {0:?}, which is not in the SEPA character set")]
    Character(char),
    #[error("starts or ends with a space")]
    OuterSpace,
    #[error("starts or ends with a slash")]
    OuterSlash,
    #[error("has a double slash")]
    DoubleSlash,
}

/// Checks a name, an address line or remittance information.
///
/// # Errors
/// When it is empty, too long, or has a character that banks refuse.
pub fn check_text(text: &str, length_max: usize) -> Result<(), TextError> {
    if text.trim().is_empty() {
        return Err(TextError::Missing);
    }
    if let Some(c) = text.chars().find(|c| !is_latin(*c)) {
        return Err(TextError::Character(c));
    }
    if text.len() > length_max {
        return Err(TextError::TooLong(length_max));
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(TextError::OuterSpace);
    }
    Ok(())
}

/// Checks a reference that banks hand on and give back: a text of at most 35
/// characters whose slashes mean nothing to the networks in between.
///
/// # Errors
/// As [`check_text`], and when a slash is first, last or doubled.
pub fn check_identifier(text: &str) -> Result<(), TextError> {
    check_text(text, IDENTIFIER_LENGTH_MAX)?;
    if text.starts_with('/') || text.ends_with('/') {
        return Err(TextError::OuterSlash);
    }
    if text.contains("//") {
        return Err(TextError::DoubleSlash);
    }
    Ok(())
}

/// Writes a text in the Latin character set and cuts it to a length: letters
/// without their accents, others by their sound, what has neither as a dot.
/// Never for identifiers, which have to come back as they went.
#[must_use]
pub fn latin(text: &str, length_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_latin(c) {
            out.push(c);
        } else if c.is_whitespace() {
            out.push(' ');
        } else if c.is_ascii() {
            out.push(replaced(c));
        } else {
            match deunicode_char(c) {
                // A word of its own, as Chinese characters have it, ends in a space.
                Some(sound) => out.extend(
                    sound
                        .chars()
                        .map(|c| if is_latin(c) { c } else { replaced(c) }),
                ),
                None => out.push('.'),
            }
        }
    }
    let mut short = String::with_capacity(out.len().min(length_max));
    for word in out.split(' ').filter(|word| !word.is_empty()) {
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short.truncate(length_max);
    short.truncate(short.trim_end().len());
    short
}

/// The replacement of an ASCII character (EPC217-08: its table, and section 6.2
/// for those that the table leaves out).
const fn replaced(c: char) -> char {
    match c {
        '&' => '+',
        '_' | '~' => '-',
        ';' => ',',
        '\\' | '|' => '/',
        '"' | '`' => '\'',
        '[' | '{' | '<' => '(',
        ']' | '}' | '>' => ')',
        _ => '.',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_names_as_banks_take_them() {
        let table = [
            ("Ada Lovelace", "Ada Lovelace"),
            ("Brückner & Söhne GmbH", "Bruckner + Sohne GmbH"),
            ("Société Générale d'Été", "Societe Generale d'Ete"),
            ("Łukasz Żółciński", "Lukasz Zolcinski"),
            ("Straße", "Strasse"),
            ("Œuvre Ærø", "OEuvre AEro"),
            ("София ООД", "Sofiia OOD"),
            ("Ωραία Ελλάδα", "Oraia Ellada"),
            ("東京 太郎", "Dong Jing Tai Lang"),
            ("a_b@c [d] \"e\" {f} g;h|i\\j", "a-b.c (d) 'e' (f) g,h/i/j"),
            (
                "  two\u{a0}\u{a0}spaces\tand a tab \n",
                "two spaces and a tab",
            ),
            ("“quoted” – dash…", "'quoted' - dash..."),
            ("5 €", "5 EUR"),
            ("\u{0}\u{7}\u{10ffff}", "..."),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(latin(text, NAME_LENGTH_MAX), expected, "{text:?}");
        }
    }

    #[test]
    fn cuts_what_is_too_long() {
        assert_eq!(latin("Très-Grande Société", 12), "Tres-Grande");
        assert_eq!(latin(&"ß".repeat(70), NAME_LENGTH_MAX).len(), 70);
    }

    #[test]
    fn ascii_is_replaced_as_the_epc_has_it() {
        for c in (0x21_u8..0x7f).map(char::from) {
            let epc = sepa::charset::transliterate(
                c.encode_utf8(&mut [0; 4]),
                sepa::charset::Transliteration::Epc,
            )
            .into_owned();
            assert_eq!(latin(&c.to_string(), 10), epc, "{c:?}");
            assert_eq!(is_latin(c), sepa::charset::is_sepa_char(c), "{c:?}");
        }
    }

    #[test]
    fn identifiers_are_checked_and_never_rewritten() {
        let long = "x".repeat(36);
        let table = [
            ("Q-2026-000123", Ok(())),
            ("a/b+c(d):e?f,g.h'i j", Ok(())),
            (&long[..35], Ok(())),
            ("", Err(TextError::Missing)),
            (" ", Err(TextError::Missing)),
            (&long, Err(TextError::TooLong(35))),
            ("Q_1", Err(TextError::Character('_'))),
            ("Ü1", Err(TextError::Character('Ü'))),
            ("a\n", Err(TextError::Character('\n'))),
            (" a", Err(TextError::OuterSpace)),
            ("a ", Err(TextError::OuterSpace)),
            ("/a", Err(TextError::OuterSlash)),
            ("a/", Err(TextError::OuterSlash)),
            ("a//b", Err(TextError::DoubleSlash)),
        ];
        for (text, expected) in table {
            assert_eq!(check_identifier(text), expected, "{text:?}");
        }
        // A name may have slashes.
        assert_eq!(check_text("c/o A // B", NAME_LENGTH_MAX), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_written_passes_the_check(text in any::<String>(), length_max in 1_usize..80) {
            let text = latin(&text, length_max);
            if !text.is_empty() {
                prop_assert_eq!(check_text(&text, length_max), Ok(()), "{:?}", text);
            }
            prop_assert_eq!(latin(&text, length_max), text);
        }
    }
}
