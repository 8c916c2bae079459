//! From rated lines to an invoice, or to the reason for none.
//!
//! - [`assemble`]: one account's month to a [`Decision`]
//! - [`allowance`]: free trial, discounts and vouchers as negative lines
//! - `late`: the pieces of settled months that fit
//! - [`bounds`]: the sanity bounds that hold an odd invoice back
//! - [`number`]: gapless numbers
//! - [`fingerprint`]: the hash chain that shows a later edit
//! - [`document`]: the frozen content that is printed

pub mod allowance;
pub mod assemble;
pub mod bounds;
pub mod document;
pub mod fingerprint;
mod late;
pub mod number;
mod standing;

pub use allowance::{Allowance, AllowanceValue, FreeTrial};
pub use assemble::{AccountMonth, BillingPolicy, decide};
pub use bounds::{Bounds, SanityBounds};
pub use number::{InvoiceNumber, SeriesName};
pub use standing::{InvoiceStanding, InvoiceState};

use super::calendar::PeriodKey;
use super::ids::{AllowanceId, PriceId, SkuId};
use super::tax::VatGroup;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// Usage of the invoice's own period.
    Usage,
    /// Usage of an earlier, settled period, or its correction.
    LateUsage,
    FreeTrial,
    Discount,
    Voucher,
}

impl LineKind {
    pub const ALL: [Self; 5] = [
        Self::Usage,
        Self::LateUsage,
        Self::FreeTrial,
        Self::Discount,
        Self::Voucher,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::LateUsage => "late_usage",
            Self::FreeTrial => "free_trial",
            Self::Discount => "discount",
            Self::Voucher => "voucher",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether the line names a resource and its minutes; else it is an allowance.
    #[must_use]
    pub const fn is_usage(self) -> bool {
        matches!(self, Self::Usage | Self::LateUsage)
    }
}

/// The resource, time and price of a usage line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineUsage {
    pub app: String,
    pub sku: SkuId,
    pub price: PriceId,
    /// Negative in a correction.
    pub minutes: i64,
}

/// One line of an invoice. Usage lines have a `usage`; discounts and vouchers
/// name their `allowance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    pub kind: LineKind,
    /// The period the line is about: an earlier one than the invoice's for
    /// late usage.
    pub period: PeriodKey,
    pub usage: Option<LineUsage>,
    pub allowance: Option<AllowanceId>,
    pub amount_minor: i64,
}

/// An assembled invoice that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceDraft {
    pub lines: Vec<InvoiceLine>,
    pub vat: VatGroup,
    pub net_minor: i64,
    pub vat_minor: i64,
    pub total_minor: i64,
    /// How many negative corrections did not fit and wait for the next invoice.
    pub late_waiting: usize,
    /// The indices of the late pieces this invoice takes in.
    pub late_taken: Vec<usize>,
}

/// What becomes of an account's month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Invoice(InvoiceDraft),
    /// No usage, or usage that rounds to nothing.
    NothingDue,
    /// Held back until a person looks at it.
    Parked(ParkReason),
    /// A person gave up what an account used that has left: nobody is billed.
    GivenUp,
}

/// Why an account's month was held back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParkReason {
    #[error("total {total} is over {factor} times last month's {last} and over {over}")]
    OverLastMonth {
        total: super::money::Money,
        last: super::money::Money,
        factor: u32,
        over: super::money::Money,
    },
    #[error("total {total} is over the limit of {limit}")]
    OverLimit {
        total: super::money::Money,
        limit: super::money::Money,
    },
    #[error("the invoice would come to {net}: nobody is billed less than nothing")]
    BelowZero { net: super::money::Money },
    /// Its final invoice is out, or its data is being deleted: a person who releases
    /// it gives it up.
    #[error("the account has left, and usage for {net} came after it: releasing it gives that up")]
    Left { net: super::money::Money },
    #[error(transparent)]
    Rating(#[from] super::rating::RatingError),
    #[error(transparent)]
    NoVatRate(#[from] super::tax::NoVatRate),
    #[error(transparent)]
    Money(#[from] super::money::MoneyError),
}

impl ParkReason {
    /// The total that is held back and a person may release; `None` where the cause
    /// has to be mended first.
    #[must_use]
    pub const fn held_minor(&self) -> Option<i64> {
        match self {
            Self::OverLastMonth { total, .. } | Self::OverLimit { total, .. } => Some(total.minor),
            Self::Left { net } => Some(net.minor),
            _ => None,
        }
    }
}
