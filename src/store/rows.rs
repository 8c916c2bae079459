//! What goes in and comes out of the store, the same for both databases.

pub mod access;
pub mod bank;
pub mod contract;
pub mod credential;
pub mod deletion;
pub mod desk;
pub mod dispute;
pub mod dunning;
pub mod event;
mod figures;
pub mod method;
pub mod operator;
pub mod outbox;
pub mod overview;
pub mod purchase;
pub mod refund;
pub mod sepa;
pub mod settlement;

pub use access::*;
pub use bank::*;
pub use contract::*;
pub use credential::*;
pub use deletion::*;
pub use desk::*;
pub use dispute::*;
pub use dunning::*;
pub use event::*;
pub use figures::*;
pub use method::*;
pub use operator::*;
pub use outbox::*;
pub use overview::*;
pub use purchase::*;
pub use refund::*;
pub use sepa::*;
pub use settlement::*;

use crate::domain::account::{Account, BillingProfile};
use crate::domain::calendar::{BillingPeriod, Instant, PeriodKey};
use crate::domain::ids::{
    AccountId, AttemptId, IssuerId, ProfileId, PurchaseId, RefundId, RunId, SkuId,
};
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::invoice::{Allowance, InvoiceLine, InvoiceNumber};
use crate::domain::ledger::Entry;
use crate::domain::money::Currency;
use crate::domain::payment::{AttemptState, Instrument};
use crate::domain::tax::VatGroup;
use crate::domain::usage::{LateUsage, UsageTotal};

/// An account that the run has to settle.
#[derive(Debug, Clone)]
pub struct DueAccount {
    pub account: Account,
    pub external_id: String,
    pub profile_digest: Digest,
    pub last_total_minor: Option<i64>,
    /// The total that a person accepted in spite of the sanity bounds.
    pub released_minor: Option<i64>,
    /// A parked outcome stands.
    pub parked: bool,
    /// It left, or began to, before the period began.
    pub has_left: bool,
}

/// Usage of one account.
#[derive(Debug, Clone)]
pub struct AccountUsage {
    pub account: AccountId,
    pub total: UsageTotal,
}

/// A waiting piece of late usage.
#[derive(Debug, Clone)]
pub struct WaitingLate {
    pub account: AccountId,
    pub id: i64,
    pub usage: LateUsage,
}

/// A piece of late usage to be kept.
#[derive(Debug, Clone)]
pub struct NewLate {
    pub account: AccountId,
    pub event_id: String,
    pub usage: LateUsage,
}

/// An allowance as granted, with what is left of it.
#[derive(Debug, Clone)]
pub struct GrantedAllowance {
    pub account: AccountId,
    pub label: String,
    pub allowance: Allowance,
}

/// A month run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub period: BillingPeriod,
    pub state: RunState,
    pub paused: bool,
    pub planned_at: Instant,
}

/// The life of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Planned,
    Running,
    /// Every account has an outcome; some are parked.
    Issued,
    /// Every account is settled.
    Closed,
}

impl RunState {
    pub const ALL: [Self; 4] = [Self::Planned, Self::Running, Self::Issued, Self::Closed];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Issued => "issued",
            Self::Closed => "closed",
        }
    }
}

/// A key range of accounts, claimed by a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunRange {
    pub no: i64,
    pub from: AccountId,
    /// The last account of the range.
    pub to: AccountId,
}

impl RunRange {
    /// One account, which is no part of a plan.
    #[must_use]
    pub const fn only(account: AccountId) -> Self {
        Self {
            no: -1,
            from: account,
            to: account,
        }
    }
}

/// What became of an account's period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Invoiced,
    NothingDue,
    Parked,
}

impl Outcome {
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::Invoiced => 1,
            Self::NothingDue => 2,
            Self::Parked => 3,
        }
    }
}

/// An outcome to be written.
#[derive(Debug, Clone)]
pub struct NewOutcome {
    pub account: AccountId,
    pub outcome: Outcome,
    pub total_minor: i64,
    pub reason: Option<String>,
    /// The total that a sanity bound holds back.
    pub parked_minor: Option<i64>,
    /// Whether a parked outcome stands that this one replaces.
    pub replaces: bool,
}

/// An invoice ready to be numbered.
#[derive(Debug, Clone)]
pub struct NewInvoice {
    pub account: AccountId,
    pub profile: ProfileId,
    pub currency: Currency,
    pub lines: Vec<InvoiceLine>,
    pub vat: VatGroup,
    pub net_minor: i64,
    pub vat_minor: i64,
    pub total_minor: i64,
    pub content_digest: Digest,
}

/// The number of an invoice and its place in the chain.
#[derive(Debug, Clone)]
pub struct NumberedInvoice {
    pub number: InvoiceNumber,
    pub hash: Digest,
}

/// An issued invoice without its lines, with the customer as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceHead {
    pub account: AccountId,
    pub account_created_at: Instant,
    /// When its customer ended the free trial before its time.
    pub trial_ended_at: Option<Instant>,
    pub period: PeriodKey,
    pub number: InvoiceNumber,
    pub issued_on: chrono::NaiveDate,
    pub due_on: chrono::NaiveDate,
    pub currency: Currency,
    pub profile: ProfileId,
    pub profile_digest: Digest,
    /// Whether the customer's identity was emptied, its time being over.
    pub is_erased: bool,
    pub customer: BillingProfile,
    pub issuer: IssuerId,
    pub net_minor: i64,
    pub vat_minor: i64,
    pub total_minor: i64,
    pub content_digest: Digest,
    pub hash: Digest,
}

impl InvoiceHead {
    /// The digest of the identity that the invoice was issued to: of what stands
    /// there, or what was kept of it when it was emptied.
    #[must_use]
    pub fn identity_digest(&self) -> Digest {
        if self.is_erased {
            self.profile_digest
        } else {
            self.customer.digest()
        }
    }
}

/// A whole issued invoice.
#[derive(Debug, Clone)]
pub struct StoredInvoice {
    pub head: InvoiceHead,
    pub lines: Vec<StoredLine>,
    pub vat: Vec<VatGroup>,
}

/// A parked account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub external_id: String,
    pub reason: String,
    pub released: bool,
}

/// Sums of one currency in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyTotal {
    pub currency: Currency,
    pub invoices: i64,
    pub net_minor: i64,
    pub vat_minor: i64,
    pub total_minor: i64,
}

/// How many accounts of a period stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutcomeCounts {
    pub invoiced: i64,
    pub nothing_due: i64,
    pub parked: i64,
}

impl OutcomeCounts {
    /// Of whatever kind.
    #[must_use]
    pub const fn all(self) -> i64 {
        self.invoiced
            .saturating_add(self.nothing_due)
            .saturating_add(self.parked)
    }
}

/// What importing knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAccount {
    pub id: AccountId,
    pub external_id: String,
    pub currency: Currency,
    pub created_at: Instant,
    /// What stands.
    pub profile: ProfileId,
    /// What the platform's last file said.
    pub imported: ProfileId,
    pub imported_digest: Digest,
    /// Whether it is gone: nothing of it is taken in any more.
    pub is_deleted: bool,
}

/// A new or changed account.
#[derive(Debug, Clone)]
pub struct AccountVersion {
    pub id: AccountId,
    pub profile: ProfileId,
    pub currency: Currency,
    pub created_at: Instant,
    pub digest: Digest,
    pub content: BillingProfile,
}

/// One usage event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The line of the file.
    pub line: i64,
    pub event_id: String,
    pub account: AccountId,
    pub app: String,
    pub sku: SkuId,
    pub quantity: i32,
    pub started_at: Instant,
    pub ended_at: Option<Instant>,
}

/// A line of an issued invoice with what its keys stand for.
#[derive(Debug, Clone)]
pub struct StoredLine {
    pub line: InvoiceLine,
    pub allowance_label: Option<String>,
}

/// The key of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvoiceKey {
    pub account: AccountId,
    pub period: PeriodKey,
    /// 1 the monthly invoice.
    pub kind: i16,
}

impl InvoiceKey {
    /// An account's invoice of a month.
    #[must_use]
    pub const fn monthly(account: AccountId, period: PeriodKey) -> Self {
        Self {
            account,
            period,
            kind: 1,
        }
    }
}

/// Which invoices a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceScope {
    /// The first and the last account.
    pub accounts: (AccountId, AccountId),
    pub period: Option<PeriodKey>,
    /// Whether those that are paid are left away.
    pub open_only: bool,
}

impl InvoiceScope {
    /// Whatever is open.
    #[must_use]
    pub const fn all_open() -> Self {
        Self {
            accounts: (AccountId(i64::MIN), AccountId(i64::MAX)),
            period: None,
            open_only: true,
        }
    }
}

/// An invoice as collection sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueInvoice {
    pub key: InvoiceKey,
    /// The platform's id of the account.
    pub external_id: String,
    pub number: InvoiceNumber,
    pub due_on: chrono::NaiveDate,
    pub currency: Currency,
    pub total_minor: i64,
    /// What the entries of the ledger allocate to it.
    pub allocated_minor: i64,
}

/// An attempt to be recorded, in flight from then on.
#[derive(Debug, Clone, Copy)]
pub struct NewAttempt {
    pub id: AttemptId,
    pub invoice: InvoiceKey,
    pub by: Instrument,
    pub amount_minor: i64,
    pub currency: Currency,
    pub created_at: Instant,
}

/// A recorded attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAttempt {
    pub id: AttemptId,
    pub invoice: InvoiceKey,
    /// The platform's id of the account.
    pub external_id: String,
    pub number: InvoiceNumber,
    pub by: Instrument,
    pub amount_minor: i64,
    pub currency: Currency,
    pub state: AttemptState,
    pub provider_reference: Option<String>,
    /// What its provider said of it that cannot be booked.
    pub problem: Option<String>,
    pub created_at: Instant,
    /// When its present outcome came.
    pub decided_at: Option<Instant>,
}

/// Who did something, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByPerson<'a> {
    pub actor: &'a str,
    pub reason: &'a str,
}

/// What settling an attempt reads of its invoice, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debt {
    pub currency: Currency,
    pub total_minor: i64,
    pub allocated_minor: i64,
    pub written_off_minor: i64,
    /// The key of the account's last ledger entry; 0 where there is none.
    pub last_entry: i64,
}

/// A card as its provider calls it and its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardOnFile {
    pub card: String,
    pub customer: String,
}

/// An entry of the ledger to be written, with what it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    pub account: AccountId,
    pub entry: &'a Entry,
    pub at: Instant,
    /// The invoice whose debt moves.
    pub invoice: Option<InvoiceKey>,
    pub attempt: Option<AttemptId>,
    pub purchase: Option<PurchaseId>,
    pub refund: Option<RefundId>,
    /// The dispute that it is of, by its id within the account.
    pub dispute: Option<i64>,
    pub by: Option<ByPerson<'a>>,
}

impl<'a> NewEntry<'a> {
    /// An entry that belongs to nothing but its account.
    #[must_use]
    pub const fn new(account: AccountId, entry: &'a Entry, at: Instant) -> Self {
        Self {
            account,
            entry,
            at,
            invoice: None,
            attempt: None,
            purchase: None,
            refund: None,
            dispute: None,
            by: None,
        }
    }
}

/// The prepaid credit of an account, in minor units: what the house owes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditBalance {
    pub account: AccountId,
    pub currency: Currency,
    /// Negative after a chargeback.
    pub balance_minor: i64,
}

/// A movement of an account's prepaid credit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditMovement {
    pub at: Instant,
    pub movement: String,
    pub currency: Currency,
    /// Positive where the credit grew.
    pub amount_minor: i64,
    pub number: Option<InvoiceNumber>,
    pub actor: Option<String>,
    pub reason: Option<String>,
}

/// A posting of the ledger, with its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedPosting {
    /// Counted from 1 per account.
    pub entry: i64,
    pub at: Instant,
    pub movement: String,
    pub ledger_account: String,
    /// Debit positive, credit negative.
    pub amount_minor: i64,
    pub actor: Option<String>,
    pub reason: Option<String>,
}
