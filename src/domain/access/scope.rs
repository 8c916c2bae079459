//! What a token is good for: everything its account may do, or what its scopes name.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One thing that a token may be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The profile, its contracts and what happened.
    AccountRead,
    AccountWrite,
    /// Invoices, operations, usage and payment methods.
    BillingRead,
    BillingWrite,
    /// Invoices, and nothing else of billing: what an accountant needs.
    InvoicesRead,
    KeysRead,
    KeysWrite,
    TokensRead,
    TokensWrite,
}

impl Scope {
    pub const ALL: [Self; 9] = [
        Self::AccountRead,
        Self::AccountWrite,
        Self::BillingRead,
        Self::BillingWrite,
        Self::InvoicesRead,
        Self::KeysRead,
        Self::KeysWrite,
        Self::TokensRead,
        Self::TokensWrite,
    ];

    /// The code that clients and the database know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AccountRead => "account:read",
            Self::AccountWrite => "account:write",
            Self::BillingRead => "billing:read",
            Self::BillingWrite => "billing:write",
            Self::InvoicesRead => "invoices:read",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::TokensRead => "tokens:read",
            Self::TokensWrite => "tokens:write",
        }
    }

    /// Whether it is good for that as well: whoever may write may read, and whoever may
    /// read all of billing may read invoices.
    const fn covers(self, wanted: Self) -> bool {
        match wanted {
            Self::AccountRead => matches!(self, Self::AccountRead | Self::AccountWrite),
            Self::BillingRead => matches!(self, Self::BillingRead | Self::BillingWrite),
            Self::InvoicesRead => matches!(
                self,
                Self::InvoicesRead | Self::BillingRead | Self::BillingWrite
            ),
            Self::KeysRead => matches!(self, Self::KeysRead | Self::KeysWrite),
            Self::TokensRead => matches!(self, Self::TokensRead | Self::TokensWrite),
            Self::AccountWrite => matches!(self, Self::AccountWrite),
            Self::BillingWrite => matches!(self, Self::BillingWrite),
            Self::KeysWrite => matches!(self, Self::KeysWrite),
            Self::TokensWrite => matches!(self, Self::TokensWrite),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A text names no scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error(
        "{0:?} is not a scope: account, billing, keys or tokens, then :read or :write; or invoices:read"
    )]
    Unknown(String),
    #[error("a token without any scope would be good for nothing")]
    Empty,
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.code() == text)
            .ok_or_else(|| ScopeError::Unknown(text.to_owned()))
    }
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// Whatever its account may.
    All,
    /// At least one.
    Only(BTreeSet<Scope>),
}

impl Scopes {
    /// What a list of codes names.
    ///
    /// # Errors
    /// When one is no scope, or there is none.
    pub fn of<'a>(codes: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeError> {
        let scopes: BTreeSet<Scope> = codes
            .into_iter()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if scopes.is_empty() {
            return Err(ScopeError::Empty);
        }
        Ok(Self::Only(scopes))
    }

    #[must_use]
    pub fn allow(&self, wanted: Scope) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.iter().any(|scope| scope.covers(wanted)),
        }
    }

    /// Whether these allow whatever those do: a token makes none that may more than
    /// itself.
    #[must_use]
    pub fn cover(&self, those: &Self) -> bool {
        match (self, those) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(_), Self::Only(wanted)) => wanted.iter().all(|scope| self.allow(*scope)),
        }
    }

    /// The codes, with a space between them; `None` where nothing is left out.
    #[must_use]
    pub fn stored(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Only(scopes) => {
                let codes: Vec<&str> = scopes.iter().map(|scope| scope.code()).collect();
                Some(codes.join(" "))
            }
        }
    }

    /// What [`Self::stored`] wrote.
    ///
    /// # Errors
    /// When it did not write that.
    pub fn from_stored(stored: Option<&str>) -> Result<Self, ScopeError> {
        stored.map_or(Ok(Self::All), |codes| Self::of(codes.split(' ')))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(codes: &str) -> Scopes {
        Scopes::of(codes.split(' ')).unwrap()
    }

    #[test]
    fn a_token_is_good_for_what_its_scopes_name() {
        for (scopes, wanted, allowed) in [
            ("billing:read", Scope::BillingRead, true),
            ("billing:read", Scope::BillingWrite, false),
            ("billing:read", Scope::KeysRead, false),
            ("billing:write", Scope::BillingRead, true),
            ("billing:write", Scope::AccountRead, false),
            ("keys:write tokens:read", Scope::KeysRead, true),
            ("keys:write tokens:read", Scope::TokensRead, true),
            ("keys:write tokens:read", Scope::TokensWrite, false),
            ("invoices:read", Scope::InvoicesRead, true),
            ("invoices:read", Scope::BillingRead, false),
            ("billing:read", Scope::InvoicesRead, true),
            ("billing:write", Scope::InvoicesRead, true),
            ("account:write", Scope::InvoicesRead, false),
        ] {
            assert_eq!(only(scopes).allow(wanted), allowed, "{scopes}: {wanted}");
        }
        assert!(Scope::ALL.into_iter().all(|scope| Scopes::All.allow(scope)));
    }

    #[test]
    fn what_is_no_scope_is_said() {
        assert_eq!(
            Scopes::of(["billing:read", "billing"]),
            Err(ScopeError::Unknown("billing".to_owned()))
        );
        assert_eq!(Scopes::of([]), Err(ScopeError::Empty));
        assert_eq!(
            Scopes::from_stored(Some("")),
            Err(ScopeError::Unknown(String::new()))
        );
    }

    fn some_scopes() -> impl Strategy<Value = Scopes> {
        prop_oneof![
            1 => Just(Scopes::All),
            6 => prop::collection::btree_set(prop::sample::select(&Scope::ALL[..]), 1..8)
                .prop_map(Scopes::Only),
        ]
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_again(scopes in some_scopes()) {
            prop_assert_eq!(Scopes::from_stored(scopes.stored().as_deref()), Ok(scopes));
        }

        /// Nobody gets a right by handing it on.
        #[test]
        fn to_cover_is_to_allow_all_that_is_allowed(these in some_scopes(), those in some_scopes()) {
            let all = Scope::ALL.into_iter().all(|scope| !those.allow(scope) || these.allow(scope));
            let is_whole = matches!(those, Scopes::All) && !matches!(these, Scopes::All);
            prop_assert_eq!(these.cover(&those), all && !is_whole);
        }
    }
}
