//! What an entry of a camt message says before its details.

use chrono::NaiveDate;

use super::error::{AnswerError, Place};
use super::facts::Direction;
use super::transaction::{BankCode, charges};
use super::tree::At;
use super::values;
use crate::domain::money::Money;

/// What an entry says before its details.
#[derive(Debug, Clone)]
pub struct EntryHead {
    pub amount_at: Place,
    pub amount_text: String,
    pub place: Place,
    pub path: String,
    pub amount: Money,
    pub direction: Direction,
    pub is_booked: bool,
    pub is_reversal: bool,
    pub booked_on: Option<NaiveDate>,
    pub value_on: Option<NaiveDate>,
    pub bank_reference: Option<String>,
    pub code: Option<BankCode>,
    pub charges_minor: i64,
}

impl EntryHead {
    pub fn read(entry: At<'_>) -> Result<Self, AnswerError> {
        let amount_at = entry.need("Amt")?;
        let amount = values::money(amount_at)?;
        let status = entry.need("Sts")?;
        // Version 02 has the code right there, version 08 in Cd or Prtry.
        let status = match (status.one("Cd")?, status.one("Prtry")?) {
            (None, None) => status,
            (Some(code), None) => code,
            (None, Some(own)) => own,
            _ => return Err(status.bad("", "has to hold either Cd or Prtry")),
        };
        let is_booked = match (status.name(), status.text()) {
            ("Prtry", _) | (_, "PDNG" | "INFO" | "FUTR") => false,
            (_, "BOOK") => true,
            (_, other) => {
                return Err(status.bad(
                    other,
                    "is not a status of an entry (BOOK, PDNG, INFO, FUTR)",
                ));
            }
        };
        if entry.one("BkTxCd")?.is_none() {
            return Err(entry.bad("", "BkTxCd is missing"));
        }
        let is_reversal = entry.one("RvslInd")?.map(values::yes_or_no).transpose()?;
        Ok(Self {
            amount_at: amount_at.place(),
            amount_text: amount_at.text().to_owned(),
            place: entry.place(),
            path: entry.path(),
            amount,
            direction: values::direction(entry.need("CdtDbtInd")?)?,
            is_booked,
            is_reversal: is_reversal.unwrap_or(false),
            booked_on: values::optional_day(entry, "BookgDt")?,
            value_on: values::optional_day(entry, "ValDt")?,
            bank_reference: values::optional_id(entry, &["AcctSvcrRef"])?,
            code: BankCode::read(entry)?,
            charges_minor: charges(entry, amount.currency)?,
        })
    }

    /// The amount with the sign that it has on the account, in minor units.
    pub const fn signed(&self) -> i64 {
        match self.direction {
            Direction::Credit => self.amount.minor,
            Direction::Debit => -self.amount.minor,
        }
    }
}
