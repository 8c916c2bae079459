//! Texts of people that are kept and printed.

/// A text of one line, without the blanks around it.
///
/// # Errors
/// When nothing is left of it, or it is longer than 200 bytes, or has control
/// characters; it reads on after the text's name.
pub fn plain_text(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err("must be 1 to 200 bytes of plain text");
    }
    Ok(text)
}
