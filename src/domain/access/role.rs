//! What a key of the house is good for: each person's role covers the ones below it,
//! and a machine that reports usage does nothing else.

use std::fmt;
use std::str::FromStr;

/// What a key of the house may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Looks at everything, changes nothing.
    Viewer,
    /// Does the daily work: collects, refunds, makes files for the bank.
    Operator,
    /// Decides what waits for a second person.
    Approver,
    /// Reports usage, and sees nothing.
    Ingest,
}

/// A text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of viewer, operator, approver, ingest")]
pub struct RoleError(String);

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Ingest];

    /// The code that people and the database know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Ingest => "ingest",
        }
    }

    /// Whether a key of this role may do what asks for that one. An approver may do
    /// what an operator may, but not approve what it asked for itself: that is the
    /// business of whatever is approved.
    #[must_use]
    pub const fn covers(self, wanted: Self) -> bool {
        match (self, wanted) {
            (Self::Approver, Self::Approver | Self::Operator | Self::Viewer)
            | (Self::Operator, Self::Operator | Self::Viewer)
            | (Self::Viewer, Self::Viewer)
            | (Self::Ingest, Self::Ingest) => true,
            (Self::Viewer | Self::Operator | Self::Approver | Self::Ingest, _) => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.code() == text)
            .ok_or_else(|| RoleError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_role_covers_those_below_it_and_a_machine_only_reports() {
        use Role::{Approver, Ingest, Operator, Viewer};
        for (role, may) in [
            (Viewer, &[Viewer][..]),
            (Operator, &[Viewer, Operator]),
            (Approver, &[Viewer, Operator, Approver]),
            (Ingest, &[Ingest]),
        ] {
            for wanted in Role::ALL {
                let expected = may.contains(&wanted);
                assert_eq!(role.covers(wanted), expected, "{role} {wanted}");
            }
        }
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        for text in ["", "Viewer", "admin", " viewer"] {
            assert_eq!(text.parse::<Role>(), Err(RoleError(text.to_owned())));
        }
    }

    proptest! {
        /// Whoever covers a role covers whatever that role covers, and no two cover
        /// each other.
        #[test]
        fn roles_stand_in_an_order(
            a in prop::sample::select(&Role::ALL[..]),
            b in prop::sample::select(&Role::ALL[..]),
            c in prop::sample::select(&Role::ALL[..]),
        ) {
            prop_assert!(a.covers(a));
            prop_assert!(!(a.covers(b) && b.covers(c)) || a.covers(c));
            prop_assert!(a == b || !(a.covers(b) && b.covers(a)));
        }
    }
}
