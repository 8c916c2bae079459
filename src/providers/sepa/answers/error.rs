//! What is wrong with a file, and where.

use std::fmt;

/// Where an element starts in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Counted from 1.
    pub line: u64,
    /// Bytes before it, the byte order mark included. Many banks write one
    /// line, where only this helps (`tail -c +N`).
    pub byte: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (byte {})", self.line, self.byte)
    }
}

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("the file cannot be read after {place}: {source}")]
    Read {
        place: Place,
        source: std::io::Error,
    },
    #[error(transparent)]
    Bad(Box<BadContent>),
}

impl AnswerError {
    pub(super) fn bad(place: Place, element: &str, value: &str, reason: impl ToString) -> Self {
        Self::Bad(Box::new(BadContent {
            place,
            element: element.to_owned(),
            value: excerpt(value),
            reason: reason.to_string(),
        }))
    }
}

/// What is wrong in one element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadContent {
    pub place: Place,
    /// Its path, such as `Document/BkToCstmrStmt/Stmt/Ntry/Amt`; empty when the
    /// file as a whole is wrong.
    pub element: String,
    /// Its text, or the start of a long one; empty where there is none.
    pub value: String,
    pub reason: String,
}

impl fmt::Display for BadContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if !self.element.is_empty() {
            write!(f, ", {}", self.element)?;
        }
        f.write_str(": ")?;
        if !self.value.is_empty() {
            write!(f, "{:?} ", self.value)?;
        }
        f.write_str(&self.reason)
    }
}

/// The start of a text, for an error.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
