//! One movement of an entry in a camt message: a debit, a batch of them, or
//! the entry as a whole.

use super::error::{AnswerError, Place};
use super::facts::{Direction, Reason, References};
use super::tree::At;
use super::values;
use crate::domain::money::{Currency, Money};

/// A bank transaction code (ISO 20022 external code set): domain, family and
/// sub-family, such as `PMNT`, `IDDT`, `UPDD`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BankCode {
    pub family: String,
    pub sub_family: String,
}

impl BankCode {
    /// `None` where only the bank's own code is given, or none.
    pub fn read(parent: At<'_>) -> Result<Option<Self>, AnswerError> {
        let Some(domain) = parent.at(&["BkTxCd", "Domn"])? else {
            return Ok(None);
        };
        let family = domain.need("Fmly")?;
        Ok(Some(Self {
            family: format!(
                "{}/{}",
                domain.need("Cd")?.text(),
                family.need("Cd")?.text()
            ),
            sub_family: family.need("SubFmlyCd")?.text().to_owned(),
        }))
    }
}

/// A movement as it stands in the file, before it is weighed against its entry.
#[derive(Debug, Clone)]
pub struct Movement {
    pub place: Place,
    pub direction: Direction,
    /// What the debit was made for, in minor units of the entry's currency.
    pub instructed_minor: Option<i64>,
    /// What moved, in minor units of the entry's currency.
    pub moved_minor: Option<i64>,
    /// Charges that are told with it, in minor units: positive ones the bank took.
    pub charges_minor: i64,
    pub references: References,
    pub reason: Option<Reason>,
    pub code: Option<BankCode>,
    /// Debits in it, when it is a batch.
    pub count: Option<u64>,
    /// All that the bank says of it.
    pub words: String,
}

impl Movement {
    /// Reads `TxDtls`.
    pub fn read(
        details: At<'_>,
        entry: Direction,
        currency: Currency,
        batch: Option<&Batch>,
    ) -> Result<Self, AnswerError> {
        let direction = match details.one("CdtDbtInd")? {
            Some(indicator) => values::direction(indicator)?,
            None => entry,
        };
        let amount = |path: &[&str]| match details.at(path)? {
            Some(amount) => in_currency(amount, currency),
            None => Ok(None),
        };
        let moved = match amount(&["Amt"])? {
            Some(moved) => Some(moved),
            None => amount(&["AmtDtls", "TxAmt", "Amt"])?,
        };
        let refs = |name| match details.one("Refs")? {
            Some(refs) => values::optional_id(refs, &[name]),
            None => Ok(None),
        };
        let batch = batch.cloned().unwrap_or_default();
        Ok(Self {
            place: details.place(),
            direction,
            instructed_minor: amount(&["AmtDtls", "InstdAmt", "Amt"])?,
            moved_minor: moved,
            charges_minor: charges(details, currency)?,
            references: References {
                message_id: refs("MsgId")?.or(batch.message_id),
                block_id: refs("PmtInfId")?.or(batch.block_id),
                instruction_id: refs("InstrId")?,
                end_to_end_id: refs("EndToEndId")?,
                transaction_id: refs("TxId")?,
                mandate_id: refs("MndtId")?,
                bank_reference: refs("AcctSvcrRef")?,
            },
            reason: reason(details.one("RtrInf")?)?,
            code: BankCode::read(details)?,
            count: None,
            words: details.words(),
        })
    }

    /// What moved, as far as the file says it.
    pub fn basis_minor(&self) -> Option<i64> {
        self.moved_minor.or(self.instructed_minor)
    }

    /// `minor` with the sign that it has on the account.
    pub const fn signed(&self, minor: i64) -> i64 {
        match self.direction {
            Direction::Credit => minor,
            Direction::Debit => -minor,
        }
    }
}

/// `Btch`: what a bank says of several debits booked as one.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub place: Option<Place>,
    pub message_id: Option<String>,
    pub block_id: Option<String>,
    pub count: Option<u64>,
    pub total_minor: Option<i64>,
    pub direction: Option<Direction>,
    pub words: String,
}

impl Batch {
    pub fn read(batch: At<'_>, currency: Currency) -> Result<Self, AnswerError> {
        Ok(Self {
            place: Some(batch.place()),
            message_id: values::optional_id(batch, &["MsgId"])?,
            block_id: values::optional_id(batch, &["PmtInfId"])?,
            count: batch.one("NbOfTxs")?.map(values::count).transpose()?,
            total_minor: match batch.one("TtlAmt")? {
                Some(total) => in_currency(total, currency)?,
                None => None,
            },
            direction: batch.one("CdtDbtInd")?.map(values::direction).transpose()?,
            words: batch.words(),
        })
    }

    /// A batch whose debits are not listed.
    pub fn into_movement(self, place: Place, entry: Direction) -> Movement {
        Movement {
            place: self.place.unwrap_or(place),
            direction: self.direction.unwrap_or(entry),
            instructed_minor: None,
            moved_minor: self.total_minor,
            charges_minor: 0,
            references: References {
                message_id: self.message_id,
                block_id: self.block_id,
                ..References::default()
            },
            reason: None,
            code: None,
            count: self.count,
            words: self.words,
        }
    }
}

/// An amount in minor units; `None` when it is in another currency, as the
/// amounts before an exchange are.
pub fn in_currency(amount: At<'_>, currency: Currency) -> Result<Option<i64>, AnswerError> {
    match amount.currency() {
        Some(code) if code != currency.code() && is_code(code) => Ok(None),
        _ => values::money(amount).map(|money: Money| Some(money.minor)),
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Charges told with a transaction or an entry. Version 02 repeats `Chrgs`,
/// version 08 has `Rcrd` in it; a total includes the tax on it.
pub fn charges(parent: At<'_>, currency: Currency) -> Result<i64, AnswerError> {
    let mut sum = 0_i64;
    for charges in parent.all("Chrgs") {
        let total = charges.one("TtlChrgsAndTaxAmt")?;
        let records = charges.all("Rcrd").chain(Some(charges));
        let records = records.filter(|record| record.all("Amt").next().is_some());
        let mut add = |amount: At<'_>, indicator: Option<At<'_>>| {
            let minor = in_currency(amount, currency)?.unwrap_or(0);
            let minor = match indicator.map(values::direction).transpose()? {
                Some(Direction::Credit) => -minor,
                _ => minor,
            };
            sum = sum
                .checked_add(minor)
                .ok_or_else(|| amount.bad(amount.text(), "makes the charges too large"))?;
            Ok::<(), AnswerError>(())
        };
        match total {
            Some(total) => add(total, charges.one("CdtDbtInd")?)?,
            None => {
                for record in records {
                    add(record.need("Amt")?, record.one("CdtDbtInd")?)?;
                }
            }
        }
    }
    Ok(sum)
}

/// A reason with its further words; `None` when nothing is said.
pub fn reason(parent: Option<At<'_>>) -> Result<Option<Reason>, AnswerError> {
    let mut reason = Reason::default();
    if let Some(parent) = parent {
        add_reason(&mut reason, parent)?;
    }
    Ok((reason != Reason::default()).then_some(reason))
}

/// Adds a `RtrInf` or `StsRsnInf`: of several codes, the first leads.
pub fn add_reason(reason: &mut Reason, parent: At<'_>) -> Result<(), AnswerError> {
    let code = match parent.one("Rsn")? {
        None => None,
        Some(rsn) => match (rsn.one("Cd")?, rsn.one("Prtry")?) {
            (Some(code), None) if (1..=4).contains(&code.text().len()) => Some(code.text()),
            (Some(code), None) => {
                return Err(code.bad(code.text(), "is not a reason code of up to 4 letters"));
            }
            (None, Some(own)) => Some(own.text()).filter(|text| !text.is_empty()),
            _ => return Err(rsn.bad("", "has to hold either Cd or Prtry")),
        },
    };
    let mut words: Vec<&str> = parent.all("AddtlInf").map(At::text).collect();
    match (code, &reason.code) {
        (Some(code), None) => reason.code = Some(code.to_owned()),
        (Some(code), Some(_)) => words.insert(0, code),
        (None, _) => {}
    }
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        if !reason.text.is_empty() {
            reason.text.push_str("; ");
        }
        reason.text.push_str(word);
    }
    Ok(())
}
