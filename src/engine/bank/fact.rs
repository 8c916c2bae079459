//! One entry of the file, and where it leads.

use std::fmt::Write as _;

use crate::domain::ids::AttemptId;
use crate::domain::money::Money;
use crate::domain::sepa::masking::mask_ibans;
use crate::domain::sepa::matching::{Problem, Told};
use crate::providers::sepa::answers::{BankEntry, BankEvent, Reason, Scope};
use crate::store::rows::{BlockName, FactState, NewBankFact};

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    Debit(AttemptId),
    /// A payment block or a file as a whole.
    Block(BlockName),
    /// To nothing of ours, and why.
    Nowhere(Problem),
}

/// An entry that was read.
pub struct Fact {
    pub entry: BankEntry,
    pub lead: Lead,
}

impl Fact {
    pub fn new(entry: BankEntry) -> Self {
        let lead = lead(&entry);
        Self { entry, lead }
    }

    pub const fn is_about_block(&self) -> bool {
        matches!(self.lead, Lead::Block(_))
    }

    /// What the bank tells, as far as it decides anything.
    pub fn told(&self) -> Told {
        match &self.entry.event {
            BankEvent::Rejected { reason, amount, .. } => Told::Rejected {
                code: reason.code.clone(),
                amount: *amount,
            },
            BankEvent::Acknowledged { .. } => Told::Acknowledged,
            BankEvent::Settled {
                amount,
                charges,
                count,
            } => Told::Settled {
                amount: *amount,
                charges: *charges,
                count: *count,
            },
            BankEvent::Returned {
                amount,
                charges,
                reason,
            }
            | BankEvent::Refunded {
                amount,
                charges,
                reason,
            } => Told::Returned {
                amount: *amount,
                charges: *charges,
                code: reason.code.clone(),
            },
            BankEvent::Charged { amount } => Told::Fee { amount: *amount },
            BankEvent::Other { why, .. } => Told::Unclear { why },
        }
    }

    /// What is stored as the fact's kind; it never changes.
    pub const fn kind(&self) -> &'static str {
        match self.entry.event {
            BankEvent::Rejected { .. } => "rejected",
            BankEvent::Acknowledged { .. } => "acknowledged",
            BankEvent::Settled { .. } => "settled",
            BankEvent::Returned { .. } => "returned",
            BankEvent::Refunded { .. } => "refunded",
            BankEvent::Charged { .. } => "charged",
            BankEvent::Other { .. } => "other",
        }
    }

    /// How it is kept, in this state.
    pub fn row(&self, state: FactState, problem: Option<&Problem>) -> NewBankFact {
        let entry = &self.entry;
        let (charges, count) = match &entry.event {
            BankEvent::Settled { charges, count, .. } => (Some(*charges), *count),
            BankEvent::Returned { charges, .. } | BankEvent::Refunded { charges, .. } => {
                (Some(*charges), None)
            }
            _ => (None, None),
        };
        NewBankFact {
            key: entry.key.digest,
            place: entry.place.to_string(),
            kind: self.kind(),
            amount: self.amount(),
            reason_code: self.reason().and_then(|reason| reason.code.clone()),
            booked_on: entry.booked_on,
            attempt: None,
            block: match &self.lead {
                Lead::Block(block) => Some(block.clone()),
                Lead::Debit(_) | Lead::Nowhere(_) => None,
            },
            // More debits than fit are no number of debits at all.
            debits: count.map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
            charges_minor: charges.map(|charges| charges.minor),
            state,
            problem: problem.map(|problem| self.explain(problem)),
        }
    }

    fn amount(&self) -> Option<Money> {
        match &self.entry.event {
            BankEvent::Rejected { amount, .. } | BankEvent::Other { amount, .. } => *amount,
            BankEvent::Acknowledged { .. } => None,
            BankEvent::Settled { amount, .. }
            | BankEvent::Returned { amount, .. }
            | BankEvent::Refunded { amount, .. }
            | BankEvent::Charged { amount } => Some(*amount),
        }
    }

    const fn reason(&self) -> Option<&Reason> {
        match &self.entry.event {
            BankEvent::Rejected { reason, .. }
            | BankEvent::Returned { reason, .. }
            | BankEvent::Refunded { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Why a person has to look, and what the bank said: enough to ask it.
    /// Whatever looks like an account is masked.
    pub fn explain(&self, problem: &Problem) -> String {
        let references = &self.entry.references;
        let mut said = problem.to_string();
        let named = [
            ("end-to-end", &references.end_to_end_id),
            ("instruction", &references.instruction_id),
            ("transaction", &references.transaction_id),
            ("block", &references.block_id),
            ("message", &references.message_id),
            ("mandate", &references.mandate_id),
            ("bank", &references.bank_reference),
        ];
        let mut mark = ": ";
        let mut add = |name: &str, text: &str| {
            if !text.is_empty() {
                // Writing into a String never fails.
                let _ = write!(said, "{mark}{name} {text}");
                mark = ", ";
            }
        };
        for (name, reference) in named {
            add(name, reference.as_deref().unwrap_or_default());
        }
        if let Some(reason) = self.reason() {
            add("reason", reason.code.as_deref().unwrap_or_default());
            add("words", &reason.text);
        }
        if let BankEvent::Other { text, .. } = &self.entry.event {
            add("words", text);
        }
        mask_ibans(&said)
    }
}

/// Ours is 32 small hex digits; some systems on the way raise letters.
fn ours(id: &str) -> Option<AttemptId> {
    id.parse()
        .ok()
        .or_else(|| id.to_ascii_lowercase().parse().ok())
}

fn lead(entry: &BankEntry) -> Lead {
    let references = &entry.references;
    let scope = match &entry.event {
        BankEvent::Rejected { scope, .. } | BankEvent::Acknowledged { scope, .. } => *scope,
        _ => Scope::Transaction,
    };
    let block = |block: Option<&String>| {
        BlockName::new(references.message_id.clone(), block.cloned())
            .map_or(Lead::Nowhere(Problem::Blind), Lead::Block)
    };
    match scope {
        Scope::Message => return block(None),
        Scope::Block => return block(references.block_id.as_ref()),
        Scope::Transaction => {}
    }
    let names = [&references.end_to_end_id, &references.instruction_id];
    let mut named = names.into_iter().flatten();
    if let Some(id) = named.clone().find_map(|id| ours(id)) {
        return Lead::Debit(id);
    }
    if let Some(id) = named.next() {
        return Lead::Nowhere(Problem::UnknownDebit(id.clone()));
    }
    let is_money = matches!(
        entry.event,
        BankEvent::Settled { .. } | BankEvent::Returned { .. } | BankEvent::Refunded { .. }
    );
    if is_money && (references.block_id.is_some() || references.message_id.is_some()) {
        return block(references.block_id.as_ref());
    }
    Lead::Nowhere(Problem::Blind)
}
