//! What customers call their tokens and keys.

/// As long as a line on a screen.
const CHARS_MAX: usize = 255;

/// A text is no name. The wording is what clients show behind the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("can't be blank")]
    Blank,
    #[error("is too long (maximum is 255 characters)")]
    TooLong,
    #[error("has control characters")]
    Control,
}

/// The name that a text is, without space around it.
///
/// # Errors
/// When it is none.
pub fn name(text: &str) -> Result<&str, NameError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(NameError::Blank);
    }
    if name.chars().count() > CHARS_MAX {
        return Err(NameError::TooLong);
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_of_text() {
        let long = "é".repeat(255);
        for (text, found) in [
            ("laptop", Ok("laptop")),
            ("  my laptop\n", Ok("my laptop")),
            (&long, Ok(long.as_str())),
            ("", Err(NameError::Blank)),
            (" \t ", Err(NameError::Blank)),
            (&format!("{long}e"), Err(NameError::TooLong)),
            ("lap\ntop", Err(NameError::Control)),
        ] {
            assert_eq!(name(text), found, "{text:?}");
        }
    }
}
