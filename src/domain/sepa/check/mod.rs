//! What schemas let through and banks refuse. A message passes whole or not at
//! all, and every problem is told at once, with its place.

use std::fmt;

use chrono::NaiveDate;
use rustc_hash::FxHashSet;

use super::bic::Bic;
use super::creditor::CreditorId;
use super::iban::IbanText;
use super::message::{Block, Creditor, Debit, Debtor, Message};
use super::target::{earliest_collection, is_business_day};
use super::text::{NAME_LENGTH_MAX, REMITTANCE_LENGTH_MAX, check_identifier, check_text};
use crate::domain::money::{Currency, Money};

/// 999,999,999.99 euros (EPC130-08, InstdAmt).
const AMOUNT_MINOR_MAX: i64 = 99_999_999_999;

/// A block or debit by its place, counted from 1, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub no: usize,
    pub id: String,
}

/// Something a bank would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `None` where the message itself is meant.
    pub block: Option<Place>,
    /// `None` where the whole block is meant.
    pub debit: Option<Place>,
    /// The element of ISO 20022.
    pub field: &'static str,
    /// As it would be written; an IBAN is masked.
    pub value: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, place) in [("block", &self.block), ("debit", &self.debit)] {
            if let Some(place) = place {
                write!(f, "{name} {} ({}), ", place.no, place.id)?;
            }
        }
        write!(f, "{}: {:?} {}", self.field, self.value, self.reason)
    }
}

/// A message that passed, the only kind that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked(Message);

impl Checked {
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.0
    }
}

/// Checks a message that goes to the bank on `submit_on`.
///
/// # Errors
/// Every problem, in the order of the message.
pub fn check(message: Message, submit_on: NaiveDate) -> Result<Checked, Vec<Problem>> {
    let mut checks = Checks::default();
    checks.identifier("GrpHdr/MsgId", &message.id);
    checks.count(
        "GrpHdr/NbOfTxs",
        message.count,
        message.blocks.iter().map(|block| block.count).sum(),
    );
    let sums = message.blocks.iter().map(|block| block.control_sum_minor);
    checks.control_sum("GrpHdr/CtrlSum", message.control_sum_minor, sums);
    checks.creditor(&message.creditor);
    if message.blocks.is_empty() {
        checks.refuse("PmtInf", "", "is missing: there is nothing to collect");
    }
    let mut ids = Ids::default();
    for (block, no) in message.blocks.iter().zip(1..) {
        checks.block = Some((no, &block.id));
        checks.block(block, submit_on, &mut ids);
    }
    let problems = checks.problems;
    if problems.is_empty() {
        Ok(Checked(message))
    } else {
        Err(problems)
    }
}

/// Everything that a bank would refuse of a debit collected on a day, whichever
/// message it stands in.
#[must_use]
pub fn check_debit(debit: &Debit, collect_on: NaiveDate) -> Vec<Problem> {
    let mut checks = Checks::default();
    checks.debit(debit, collect_on);
    checks.problems
}

/// What has to be unique within a message.
#[derive(Default)]
struct Ids<'a> {
    blocks: FxHashSet<&'a str>,
    debits: FxHashSet<&'a str>,
}

/// Gathers problems at the present place.
#[derive(Default)]
struct Checks<'a> {
    block: Option<(usize, &'a str)>,
    debit: Option<(usize, &'a str)>,
    problems: Vec<Problem>,
}

impl<'a> Checks<'a> {
    fn refuse(&mut self, field: &'static str, value: impl fmt::Display, reason: impl fmt::Display) {
        let place = |place: Option<(usize, &str)>| {
            place.map(|(no, id)| Place {
                no,
                id: id.to_owned(),
            })
        };
        self.problems.push(Problem {
            block: place(self.block),
            debit: place(self.debit),
            field,
            value: value.to_string(),
            reason: reason.to_string(),
        });
    }

    /// Refuses a value for the error it has.
    fn pass<T>(
        &mut self,
        field: &'static str,
        value: impl fmt::Display,
        result: Result<T, impl fmt::Display>,
    ) -> Option<T> {
        result
            .map_err(|reason| self.refuse(field, value, reason))
            .ok()
    }

    fn identifier(&mut self, field: &'static str, id: &str) {
        self.pass(field, id, check_identifier(id));
    }

    fn name(&mut self, field: &'static str, name: &str) {
        self.pass(field, name, check_text(name, NAME_LENGTH_MAX));
    }

    fn bic(&mut self, field: &'static str, bic: Option<&String>) {
        if let Some(bic) = bic {
            self.pass(field, bic, bic.parse::<Bic>());
        }
    }

    fn count(&mut self, field: &'static str, told: usize, counted: usize) {
        if told != counted {
            self.refuse(
                field,
                told,
                format_args!("is not the {counted} that are there"),
            );
        }
    }

    fn control_sum(
        &mut self,
        field: &'static str,
        told_minor: i64,
        amounts: impl Iterator<Item = i64>,
    ) {
        let mut amounts = amounts;
        let told = Money::new(told_minor, Currency::Eur);
        match amounts.try_fold(0_i64, i64::checked_add) {
            None => self.refuse(field, told, "cannot be right: the sum is out of range"),
            Some(sum) if sum != told_minor => {
                let sum = Money::new(sum, Currency::Eur);
                self.refuse(field, told, format_args!("is not the sum, {sum}"));
            }
            Some(_) => {}
        }
    }

    fn creditor(&mut self, creditor: &Creditor) {
        self.name("Cdtr/Nm", &creditor.name);
        if let Some(address) = &creditor.address {
            address.check(|field, value, error| {
                self.refuse(field, value, format_args!("{error} (creditor)"));
            });
        }
        self.pass("CdtrAcct/Id/IBAN", &creditor.iban, creditor.iban.verify());
        self.bic("CdtrAgt/FinInstnId", creditor.bic.as_ref());
        let id = &creditor.identifier;
        self.pass("CdtrSchmeId/Id", id, id.parse::<CreditorId>());
    }

    fn block(&mut self, block: &'a Block, submit_on: NaiveDate, ids: &mut Ids<'a>) {
        self.identifier("PmtInfId", &block.id);
        if !ids.blocks.insert(&block.id) {
            self.refuse("PmtInfId", &block.id, "is there twice");
        }
        self.count("NbOfTxs", block.count, block.debits.len());
        let amounts = block.debits.iter().map(|debit| debit.amount.minor);
        self.control_sum("CtrlSum", block.control_sum_minor, amounts);
        let earliest = earliest_collection(submit_on);
        if !is_business_day(block.collect_on) {
            self.refuse(
                "ReqdColltnDt",
                block.collect_on,
                "is not a TARGET business day",
            );
        } else if block.collect_on < earliest {
            let reason = format!(
                "is too soon: what is submitted on {submit_on} is collected on {earliest} at the earliest"
            );
            self.refuse("ReqdColltnDt", block.collect_on, reason);
        }
        if block.debits.is_empty() {
            self.refuse("DrctDbtTxInf", "", "is missing: the block is empty");
        }
        for (debit, no) in block.debits.iter().zip(1..) {
            self.debit = Some((no, &debit.end_to_end_id));
            if !ids.debits.insert(&debit.end_to_end_id) {
                self.refuse("PmtId/EndToEndId", &debit.end_to_end_id, "is there twice");
            }
            self.debit(debit, block.collect_on);
        }
        self.debit = None;
    }

    fn debit(&mut self, debit: &Debit, collect_on: NaiveDate) {
        self.identifier("PmtId/EndToEndId", &debit.end_to_end_id);
        self.amount(debit.amount);
        self.identifier("MndtRltdInf/MndtId", &debit.mandate_reference);
        if debit.mandate_signed_on > collect_on {
            let reason = format!("is after the collection on {collect_on}");
            self.refuse("MndtRltdInf/DtOfSgntr", debit.mandate_signed_on, reason);
        }
        self.amendment(debit);
        self.debtor(&debit.debtor);
        if !debit.remittance.is_empty() {
            let text = &debit.remittance;
            self.pass(
                "RmtInf/Ustrd",
                text,
                check_text(text, REMITTANCE_LENGTH_MAX),
            );
        }
    }

    fn amount(&mut self, amount: Money) {
        if amount.currency != Currency::Eur {
            self.refuse("InstdAmt", amount, "is not in euros");
        }
        if amount.minor <= 0 {
            self.refuse("InstdAmt", amount, "is not above zero");
        } else if amount.minor > AMOUNT_MINOR_MAX {
            self.refuse("InstdAmt", amount, "is above 999,999,999.99");
        }
    }

    fn amendment(&mut self, debit: &Debit) {
        let Some(amendment) = &debit.amendment else {
            return;
        };
        if amendment.is_empty() {
            self.refuse("AmdmntInfDtls", "", "tells no change (MD02)");
        }
        if let Some(reference) = &amendment.original_reference {
            self.identifier("AmdmntInfDtls/OrgnlMndtId", reference);
        }
        if let Some(name) = &amendment.original_creditor_name {
            self.name("AmdmntInfDtls/OrgnlCdtrSchmeId/Nm", name);
        }
        if let Some(id) = &amendment.original_creditor_id {
            self.pass(
                "AmdmntInfDtls/OrgnlCdtrSchmeId/Id",
                id,
                id.parse::<CreditorId>(),
            );
        }
    }

    fn debtor(&mut self, debtor: &Debtor) {
        self.name("Dbtr/Nm", &debtor.name);
        let iban: &IbanText = &debtor.iban;
        let verified = self.pass("DbtrAcct/Id/IBAN", iban, iban.verify());
        self.bic("DbtrAgt/FinInstnId", debtor.bic.as_ref());
        match &debtor.address {
            Some(address) => address.check(|field, value, error| {
                self.refuse(field, value, format_args!("{error} (debtor)"));
            }),
            None if verified.is_some_and(|iban| !iban.is_in_eea()) => {
                let reason = "is missing: the debtor's bank is outside the EEA (EPC130-08)";
                self.refuse("Dbtr/PstlAdr", "", reason);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
