//! One type per key, so that no key is taken for another.
//!
//! The keys are 64-bit integers, half a UUID: they lead every index that the
//! month run reads, and a sequence is never shared between databases.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        id!($(#[$doc])* $name: i64);
    };
    ($(#[$doc:meta])* $name:ident: $key:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $key);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// The house's own key of an account; the platform's text id stands beside it.
    AccountId
);
id!(
    /// A kind, type and plan that usage was recorded for.
    SkuId
);
id!(
    /// One immutable version of a plan's price.
    PriceId
);
id!(
    /// One immutable version of a customer's billing profile, counted from 1 per account.
    ProfileId: i32
);
id!(
    /// One immutable version of the issuer's identity and legal texts.
    IssuerId
);
id!(
    /// A voucher or discount granted to an account.
    AllowanceId
);
id!(
    /// A month run.
    RunId
);
id!(
    /// A card or a SEPA mandate on file; a new card is a new one.
    PaymentMethodId
);
