//! An entry of a camt message: its movements are weighed against its amount,
//! and each becomes a fact.

use std::collections::VecDeque;
use std::sync::Arc;

use super::error::AnswerError;
use super::facts::{BankEntry, Direction, References};
use super::head::EntryHead;
use super::key::{KeyBasis, KeyMaker};
use super::meaning::{basis, is_fee, key_parts, meaning};
use super::transaction::{BankCode, Batch, Movement, reason};
use super::tree::At;
use crate::domain::money::Money;

/// Movements of one entry held until its end, where it shows whether charges
/// are on top of them. From here on they are taken to be.
const HELD_MAX: usize = 500;

/// What entries of one account have in common.
pub struct Context<'a> {
    pub account: &'a Arc<str>,
    /// Kind and id of the report, for facts that nothing else names.
    pub report: &'a str,
    pub keys: &'a mut KeyMaker,
    pub ready: &'a mut VecDeque<BankEntry>,
}

/// An entry under way.
pub struct OpenEntry {
    pub head: EntryHead,
    batch: Option<Batch>,
    /// Of the details under way.
    details: Sum,
    /// Of all movements.
    total: Sum,
    held: Vec<Movement>,
    has_flushed: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: u64,
    /// Signed as on the account.
    moved_minor: i64,
    charges_minor: i64,
    /// Movements that do not say what moved, or in another currency.
    unknown: u64,
    /// Movements that name a debit.
    named: u64,
}

impl Sum {
    fn add(&mut self, movement: &Movement) -> Option<()> {
        self.count = self.count.checked_add(1)?;
        match movement.basis_minor() {
            Some(minor) => {
                self.moved_minor = self.moved_minor.checked_add(movement.signed(minor))?;
            }
            None => self.unknown += 1,
        }
        if basis(&movement.references) == KeyBasis::Debit {
            self.named += 1;
        }
        self.charges_minor = self.charges_minor.checked_add(movement.charges_minor)?;
        Some(())
    }
}

impl OpenEntry {
    pub fn new(head: EntryHead) -> Self {
        Self {
            head,
            batch: None,
            details: Sum::default(),
            total: Sum::default(),
            held: Vec::new(),
            has_flushed: false,
        }
    }

    pub fn set_batch(&mut self, batch: At<'_>) -> Result<(), AnswerError> {
        if self.batch.is_some() {
            return Err(batch.bad("", "is there twice"));
        }
        if self.details.count > 0 {
            return Err(batch.bad("", "comes after TxDtls"));
        }
        self.batch = Some(Batch::read(batch, self.head.amount.currency)?);
        Ok(())
    }

    pub fn add(&mut self, details: At<'_>, context: &mut Context<'_>) -> Result<(), AnswerError> {
        let head = &self.head;
        let (currency, batch) = (head.amount.currency, self.batch.as_ref());
        let movement = Movement::read(details, head.direction, currency, batch)?;
        self.details
            .add(&movement)
            .ok_or_else(|| details.bad("", "makes the sum too large"))?;
        self.hold(movement)?;
        if self.held.len() >= HELD_MAX {
            self.has_flushed = true;
            for movement in std::mem::take(&mut self.held) {
                let booked = movement.basis_minor().map(|minor| {
                    movement
                        .signed(minor)
                        .saturating_sub(movement.charges_minor)
                });
                self.tell(movement, booked, "", context);
            }
        }
        Ok(())
    }

    fn hold(&mut self, movement: Movement) -> Result<(), AnswerError> {
        if self.total.add(&movement).is_none() {
            return Err(self.wrong("has movements whose sum is out of range"));
        }
        self.held.push(movement);
        Ok(())
    }

    /// An error about the entry's amount.
    fn wrong(&self, reason: impl ToString) -> AnswerError {
        let path = format!("{}/Amt", self.head.path);
        AnswerError::bad(self.head.amount_at, &path, &self.head.amount_text, reason)
    }

    /// Ends an `NtryDtls`: compares its batch with what it lists.
    pub fn end_details(&mut self) -> Result<(), AnswerError> {
        let details = std::mem::take(&mut self.details);
        let Some(batch) = self.batch.take() else {
            return Ok(());
        };
        if details.count == 0 {
            return self.hold(batch.into_movement(self.head.place, self.head.direction));
        }
        let path = format!("{}/NtryDtls/Btch", self.head.path);
        let place = batch.place.unwrap_or(self.head.place);
        let bad = |name, value: String, reason| {
            Err(AnswerError::bad(
                place,
                &format!("{path}/{name}"),
                &value,
                reason,
            ))
        };
        if let Some(count) = batch.count
            && count != details.count
        {
            // A batch booked as one may be described by one TxDtls without a debit's name.
            match self.held.last_mut() {
                Some(only) if details.count == 1 && details.named == 0 => only.count = Some(count),
                _ => {
                    let reason = format!("does not match: {} TxDtls are listed", details.count);
                    return bad("NbOfTxs", count.to_string(), reason);
                }
            }
        }
        if let Some(total) = batch.total_minor
            && details.unknown == 0
        {
            let total = match batch.direction.unwrap_or(self.head.direction) {
                Direction::Credit => total,
                Direction::Debit => -total,
            };
            let with_charges = details.moved_minor.checked_sub(details.charges_minor);
            if total != details.moved_minor && Some(total) != with_charges {
                let show = |minor| Money::new(minor, self.head.amount.currency).to_string();
                let reason = format!(
                    "does not match: the TxDtls sum to {}",
                    show(details.moved_minor)
                );
                return bad("TtlAmt", show(total), reason);
            }
        }
        Ok(())
    }

    /// Ends the entry.
    pub fn end(mut self, entry: At<'_>, context: &mut Context<'_>) -> Result<(), AnswerError> {
        if self.total.count == 0 {
            let movement = self.as_movement(entry)?;
            self.hold(movement)?;
        }
        let held = std::mem::take(&mut self.held);
        if !self.head.is_booked {
            for movement in held {
                self.tell(movement, None, "is not booked yet", context);
            }
            return Ok(());
        }
        let own = self.head.charges_minor;
        if self.total.unknown > 0 {
            return self.end_unknown(entry, held, context);
        }
        let told = self.total.charges_minor;
        let Some((on_top, own_on_top)) = self.charges_on_top() else {
            let show = |minor| Money::new(minor, self.head.amount.currency);
            let charges = told.saturating_add(own);
            return Err(self.wrong(format!(
                "does not match: its {} movements sum to {}, and charges are {}",
                self.total.count,
                show(self.total.moved_minor),
                show(charges),
            )));
        };
        if self.has_flushed && told != 0 && !on_top {
            return Err(self.wrong(format!(
                "leaves out the charges of its movements; that is read for up to {HELD_MAX} of them"
            )));
        }
        let is_single = self.total.count == 1;
        for movement in held {
            let booked = if is_single {
                Some(self.head.signed())
            } else {
                movement.basis_minor().map(|minor| {
                    let charges = if on_top { movement.charges_minor } else { 0 };
                    movement.signed(minor).saturating_sub(charges)
                })
            };
            self.tell(movement, booked, "", context);
        }
        if own_on_top && !is_single && own != 0 {
            let mut movement = self.as_movement(entry)?;
            movement.words = format!("charges of the entry: {}", movement.words);
            movement.direction = if own > 0 {
                Direction::Debit
            } else {
                Direction::Credit
            };
            movement.code = Some(BankCode {
                family: String::new(),
                sub_family: "CHRG".to_owned(),
            });
            self.tell(movement, Some(-own), "", context);
        }
        Ok(())
    }

    /// Whether the charges of the movements, and those of the entry, are on top
    /// of what moved; `None` when the entry's amount is neither sum.
    fn charges_on_top(&self) -> Option<(bool, bool)> {
        let (told, own) = (self.total.charges_minor, self.head.charges_minor);
        [
            (0, (false, false)),
            (told, (true, false)),
            (own, (false, true)),
            (told.checked_add(own)?, (true, true)),
        ]
        .into_iter()
        .find(|(charges, _)| {
            self.total.moved_minor.checked_sub(*charges) == Some(self.head.signed())
        })
        .map(|(_, on_top)| on_top)
    }

    /// An entry with movements that do not say what moved.
    fn end_unknown(
        self,
        entry: At<'_>,
        held: Vec<Movement>,
        context: &mut Context<'_>,
    ) -> Result<(), AnswerError> {
        let charges = (self.total.charges_minor, self.head.charges_minor);
        let is_single = self.total.count == 1;
        for mut movement in held {
            if is_single && movement.direction == self.head.direction {
                let is_plain = charges == (0, 0) || is_fee(&self.head, &movement);
                let why = if is_plain {
                    ""
                } else {
                    "has charges, but no amount before them"
                };
                movement.moved_minor = Some(self.head.amount.minor);
                self.tell(movement, Some(self.head.signed()), why, context);
            } else {
                self.tell(movement, None, "has no amount of its own", context);
            }
        }
        if !is_single {
            let mut movement = self.as_movement(entry)?;
            movement.moved_minor = Some(self.head.amount.minor);
            self.tell(movement, None, "has movements without an amount", context);
        }
        Ok(())
    }

    /// The entry itself, where it has no details.
    fn as_movement(&self, entry: At<'_>) -> Result<Movement, AnswerError> {
        Ok(Movement {
            place: self.head.place,
            direction: self.head.direction,
            instructed_minor: None,
            moved_minor: None,
            charges_minor: 0,
            references: References::default(),
            reason: reason(entry.one("RtrInf")?)?,
            code: None,
            count: None,
            words: entry.words(),
        })
    }

    /// Makes a fact of a movement. `booked` is what it did to the account;
    /// `why` is why it cannot be understood, or empty.
    fn tell(
        &self,
        mut movement: Movement,
        booked: Option<i64>,
        why: &'static str,
        context: &mut Context<'_>,
    ) {
        let head = &self.head;
        let bank_reference = &mut movement.references.bank_reference;
        *bank_reference = bank_reference.take().or(head.bank_reference.clone());
        let (place, references) = (movement.place, movement.references.clone());
        let event = meaning(head, movement, booked, why, self.total.count <= 1);
        let (tag, direction, minor) = key_parts(&event, head);
        let (minor, day) = (
            minor.map(|minor| minor.to_string()),
            head.booked_on.map(|day| day.to_string()),
        );
        let value_day = head.value_on.map(|day| day.to_string());
        let basis = basis(&references);
        let debit = references
            .end_to_end_id
            .as_deref()
            .or(references.instruction_id.as_deref())
            .or(references.transaction_id.as_deref());
        let booking = references
            .bank_reference
            .as_deref()
            .or(references.block_id.as_deref());
        let (name, value_day) = match basis {
            KeyBasis::Debit => (debit, None),
            KeyBasis::Booking => (booking, None),
            KeyBasis::Report => (Some(context.report), value_day.as_deref()),
        };
        let key = context.keys.key(
            basis,
            &[
                Some(tag),
                Some(context.account),
                direction,
                name,
                minor.as_deref(),
                Some(head.amount.currency.code()),
                day.as_deref(),
                value_day,
            ],
        );
        context.ready.push_back(BankEntry {
            place,
            key,
            account: Some(Arc::clone(context.account)),
            booked_on: head.booked_on,
            value_on: head.value_on,
            is_reversal: head.is_reversal,
            references,
            event,
        });
    }
}
