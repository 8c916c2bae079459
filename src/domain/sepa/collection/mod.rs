//! Debits due to the message that collects them.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};

use super::address::Address;
use super::check::{Problem, check_debit};
use super::mandate::{FirstCollection, Mandate, MandateError};
use super::message::{Block, Creditor, Debit, Debtor, Message, Scheme, SequenceType};
use super::target::{business_day_from, earliest_collection};
use super::text::{NAME_LENGTH_MAX, REMITTANCE_LENGTH_MAX, latin};
use crate::domain::calendar::Instant;
use crate::domain::money::{Money, MoneyError};

/// An amount that a debtor owes and has a mandate for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebitDue {
    /// Unique for ever; becomes the EndToEndId.
    pub id: String,
    pub amount: Money,
    pub due_on: NaiveDate,
    /// When the debtor was told the amount and the date.
    pub notified_on: NaiveDate,
    /// Whether the mandate ends with it.
    pub is_last: bool,
    pub mandate: Mandate,
    pub debtor: Debtor,
    pub remittance: String,
}

/// What is agreed with bank and debtors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectionPolicy {
    /// Calendar days between telling a debtor and debiting: 14 unless agreed
    /// otherwise (EPC016-06, section 4.3).
    pub prenotification_days: u32,
    pub first_collection: FirstCollection,
}

impl Default for CollectionPolicy {
    fn default() -> Self {
        Self {
            prenotification_days: 5,
            first_collection: FirstCollection::default(),
        }
    }
}

/// The file to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// At most 18 characters, so that block ids made of it fit into 35.
    pub message_id: String,
    pub created_at: Instant,
    /// When it goes to the bank.
    pub submit_on: NaiveDate,
    /// Nothing is collected before; `None` for as early as possible.
    pub collect_from: Option<NaiveDate>,
}

/// A debit that is not in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub id: String,
    pub reason: NotCollected,
}

/// Why a debit is not in the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCollected {
    #[error(transparent)]
    Mandate(#[from] MandateError),
    /// What is told of it is wrong: one debit that a bank refuses must not keep
    /// the others from being collected.
    #[error("the bank would refuse it: {}", listed(.0))]
    Refused(Vec<Problem>),
}

fn listed(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}

/// What became of the debits due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// `None` if no debit can be collected.
    pub message: Option<Message>,
    /// In the order of their ids.
    pub left_out: Vec<LeftOut>,
}

/// The order of the blocks. One mandate's first collection goes before its
/// others.
type BlockKey = (NaiveDate, SequenceType, Scheme);

/// Makes one payment block for each sequence type, collection date and scheme.
/// The order of `debits` changes nothing: they are taken by due date and id.
///
/// # Errors
/// When a sum is out of range.
pub fn collect(
    creditor: &Creditor,
    mut debits: Vec<DebitDue>,
    policy: CollectionPolicy,
    submission: &Submission,
) -> Result<Collection, MoneyError> {
    debits.sort_by(|a, b| (a.due_on, &a.id).cmp(&(b.due_on, &b.id)));
    let mut blocks: BTreeMap<BlockKey, Vec<Debit>> = BTreeMap::new();
    let mut left_out = Vec::new();
    // What this very message collects of a mandate, before the next debit of it.
    let mut earlier: HashMap<String, (SequenceType, NaiveDate)> = HashMap::new();
    for mut due in debits {
        let mut collect_on = collection_date(&due, policy, submission);
        if let Some((sequence, date)) = earlier.get(&due.mandate.reference) {
            due.mandate.last_sequence = Some(*sequence);
            due.mandate.last_presented_on = Some(*date);
            collect_on = collect_on.max(*date);
        }
        let id = due.id.clone();
        let scheme = due.mandate.scheme;
        match collected(due, collect_on, policy.first_collection) {
            Ok((sequence, debit)) => {
                let reference = debit.mandate_reference.clone();
                earlier.insert(reference, (sequence, collect_on));
                let key = (collect_on, sequence, scheme);
                blocks.entry(key).or_default().push(debit);
            }
            Err(reason) => left_out.push(LeftOut { id, reason }),
        }
    }
    left_out.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Collection {
        message: message(creditor, blocks, submission)?,
        left_out,
    })
}

/// The debit as the bank gets it, unless its mandate does not allow it or the
/// bank would refuse it.
fn collected(
    due: DebitDue,
    collect_on: NaiveDate,
    first: FirstCollection,
) -> Result<(SequenceType, Debit), NotCollected> {
    let sequence = due.mandate.next_sequence(collect_on, first, due.is_last)?;
    let debit = debit(due);
    let problems = check_debit(&debit, collect_on);
    if problems.is_empty() {
        Ok((sequence, debit))
    } else {
        Err(NotCollected::Refused(problems))
    }
}

/// The first TARGET day on which the amount is due, the debtor has known long
/// enough, and the bank has the file in time.
fn collection_date(due: &DebitDue, policy: CollectionPolicy, submission: &Submission) -> NaiveDate {
    let from = due
        .due_on
        .max(submission.collect_from.unwrap_or(NaiveDate::MIN));
    earliest_debit(from, due.notified_on, policy, submission.submit_on)
}

/// The first TARGET day on which a debit due on a day can be collected, if its
/// debtor was told on another and the bank has the file on a third.
#[must_use]
pub fn earliest_debit(
    due_on: NaiveDate,
    notified_on: NaiveDate,
    policy: CollectionPolicy,
    submit_on: NaiveDate,
) -> NaiveDate {
    let notice = Days::new(policy.prenotification_days.into());
    let known = notified_on.checked_add_days(notice);
    let wanted = due_on.max(known.unwrap_or(NaiveDate::MAX));
    business_day_from(wanted).max(earliest_collection(submit_on))
}

fn debit(due: DebitDue) -> Debit {
    Debit {
        end_to_end_id: due.id,
        amount: due.amount,
        mandate_reference: due.mandate.reference,
        mandate_signed_on: due.mandate.signed_on,
        amendment: due.mandate.amendment.map(|mut amendment| {
            let name = amendment.original_creditor_name;
            amendment.original_creditor_name = name.map(|name| latin(&name, NAME_LENGTH_MAX));
            amendment
        }),
        debtor: Debtor {
            name: latin(&due.debtor.name, NAME_LENGTH_MAX),
            address: due.debtor.address.map(latin_address),
            ..due.debtor
        },
        remittance: latin(&due.remittance, REMITTANCE_LENGTH_MAX),
    }
}

/// An address is told whole or not at all: nothing of it is cut.
fn latin_address(address: Address) -> Address {
    let whole = |text: String| latin(&text, usize::MAX);
    Address {
        street: whole(address.street),
        building: whole(address.building),
        post_code: whole(address.post_code),
        town: whole(address.town),
        country: address.country,
        lines: address.lines.into_iter().map(whole).collect(),
    }
}

fn message(
    creditor: &Creditor,
    blocks: BTreeMap<BlockKey, Vec<Debit>>,
    submission: &Submission,
) -> Result<Option<Message>, MoneyError> {
    if blocks.is_empty() {
        return Ok(None);
    }
    let blocks = blocks
        .into_iter()
        .map(|((collect_on, sequence, scheme), debits)| {
            Ok(Block {
                id: format!(
                    "{}-{}-{scheme}-{sequence}",
                    submission.message_id,
                    collect_on.format("%y%m%d")
                ),
                scheme,
                sequence,
                collect_on,
                count: debits.len(),
                control_sum_minor: sum(debits.iter().map(|debit| debit.amount.minor))?,
                debits,
            })
        })
        .collect::<Result<Vec<_>, MoneyError>>()?;
    Ok(Some(Message {
        id: submission.message_id.clone(),
        created_at: submission.created_at,
        creditor: Creditor {
            name: latin(&creditor.name, NAME_LENGTH_MAX),
            address: creditor.address.clone().map(latin_address),
            ..creditor.clone()
        },
        count: blocks.iter().map(|block| block.count).sum(),
        control_sum_minor: sum(blocks.iter().map(|block| block.control_sum_minor))?,
        blocks,
    }))
}

fn sum(mut amounts: impl Iterator<Item = i64>) -> Result<i64, MoneyError> {
    amounts
        .try_fold(0_i64, i64::checked_add)
        .ok_or(MoneyError::Overflow)
}

#[cfg(test)]
mod tests;
