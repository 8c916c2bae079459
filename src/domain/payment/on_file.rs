//! How a card or mandate on file stands.

/// How a card or mandate stands by what became of it; whether a mandate lapsed
/// is a matter of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    Usable,
    /// Refused for good, with the code of the refusal.
    HardDeclined {
        code: String,
    },
    /// It waits for its customer, with the code of what was refused.
    ActionRequired {
        code: String,
    },
    /// It is never used again.
    Removed,
}

impl FileState {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::HardDeclined { .. } => "hard_declined",
            Self::ActionRequired { .. } => "action_required",
            Self::Removed => "removed",
        }
    }

    #[must_use]
    pub fn decline_code(&self) -> Option<&str> {
        match self {
            Self::HardDeclined { code } | Self::ActionRequired { code } => Some(code),
            Self::Usable | Self::Removed => None,
        }
    }

    /// The inverse of [`Self::code`] and [`Self::decline_code`]: `None` when the
    /// code is no state, or the refusal is missing or one too many.
    #[must_use]
    pub fn from_parts(code: &str, decline_code: Option<String>) -> Option<Self> {
        Some(match (code, decline_code) {
            ("usable", None) => Self::Usable,
            ("hard_declined", Some(code)) => Self::HardDeclined { code },
            ("action_required", Some(code)) => Self::ActionRequired { code },
            ("removed", None) => Self::Removed,
            _ => return None,
        })
    }
}
