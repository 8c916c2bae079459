//! The direct debit initiation of ISO 20022, `pain.008.001.02` and
//! `pain.008.001.08`, as the EPC's guidelines restrict it (EPC130-08). The order
//! of the elements is the schema's.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::calendar::Instant;
use crate::domain::money::{Currency, Money};
use crate::domain::sepa::address::Address;
use crate::domain::sepa::check::Checked;
use crate::domain::sepa::iban::IbanText;
use crate::domain::sepa::mandate::Amendment;
use crate::domain::sepa::message::{Block, Creditor, Debit, Message};
use crate::xml::Xml;

/// What the bank takes. The versions differ in the namespace and in what the
/// element of a BIC is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V02,
    V08,
}

impl Version {
    pub const ALL: [Self; 2] = [Self::V02, Self::V08];

    /// The message's name, as banks and settings say it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::V02 => "pain.008.001.02",
            Self::V08 => "pain.008.001.08",
        }
    }

    const fn bic_element(self) -> &'static str {
        match self {
            Self::V02 => "BIC",
            Self::V08 => "BICFI",
        }
    }
}

/// The text is no version of pain.008 that can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a supported version (pain.008.001.02, pain.008.001.08)")]
pub struct UnknownVersion(pub String);

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|version| version.code() == text)
            .ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Writes a message to `out`, debit by debit. The same message is the same
/// bytes.
///
/// # Errors
/// When `out` does not take it, or the time of creation is outside the calendar.
pub fn write(message: &Checked, version: Version, out: impl Write) -> io::Result<()> {
    let message = message.message();
    let mut xml = Xml::to(BufWriter::new(out))?;
    let namespace = format!("urn:iso:std:iso:20022:tech:xsd:{version}");
    xml.within_with("Document", &[("xmlns", &namespace)], |xml| {
        xml.within("CstmrDrctDbtInitn", |xml| {
            header(xml, message)?;
            for block in &message.blocks {
                payment_block(xml, block, &message.creditor, version)?;
            }
            Ok(())
        })
    })?;
    xml.finish().flush()
}

fn header<W: Write>(xml: &mut Xml<W>, message: &Message) -> io::Result<()> {
    xml.within("GrpHdr", |xml| {
        xml.text("MsgId", &message.id)?;
        xml.text("CreDtTm", &date_time(message.created_at)?)?;
        totals(xml, message.count, message.control_sum_minor)?;
        xml.within("InitgPty", |xml| xml.text("Nm", &message.creditor.name))
    })
}

/// UTC, to the second: all that every bank reads.
fn date_time(instant: Instant) -> io::Result<String> {
    let utc = DateTime::<Utc>::from_timestamp_micros(instant.0)
        .ok_or_else(|| io::Error::other(format!("{instant} is outside the calendar")))?;
    Ok(utc.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn totals<W: Write>(xml: &mut Xml<W>, count: usize, control_sum_minor: i64) -> io::Result<()> {
    xml.text("NbOfTxs", &count.to_string())?;
    let sum = Money::new(control_sum_minor, Currency::Eur);
    xml.text("CtrlSum", &sum.to_decimal().to_string())
}

fn payment_block<W: Write>(
    xml: &mut Xml<W>,
    block: &Block,
    creditor: &Creditor,
    version: Version,
) -> io::Result<()> {
    xml.within("PmtInf", |xml| {
        xml.text("PmtInfId", &block.id)?;
        xml.text("PmtMtd", "DD")?;
        totals(xml, block.count, block.control_sum_minor)?;
        xml.within("PmtTpInf", |xml| {
            xml.within("SvcLvl", |xml| xml.text("Cd", "SEPA"))?;
            xml.within("LclInstrm", |xml| xml.text("Cd", block.scheme.code()))?;
            xml.text("SeqTp", block.sequence.code())
        })?;
        xml.text("ReqdColltnDt", &block.collect_on.to_string())?;
        party(xml, "Cdtr", &creditor.name, creditor.address.as_ref())?;
        account(xml, "CdtrAcct", &creditor.iban)?;
        agent(xml, "CdtrAgt", creditor.bic.as_deref(), version)?;
        // Each side pays its own bank: the only division that SEPA has.
        xml.text("ChrgBr", "SLEV")?;
        xml.within("CdtrSchmeId", |xml| creditor_id(xml, &creditor.identifier))?;
        for debit in &block.debits {
            transaction(xml, debit, version)?;
        }
        Ok(())
    })
}

fn transaction<W: Write>(xml: &mut Xml<W>, debit: &Debit, version: Version) -> io::Result<()> {
    xml.within("DrctDbtTxInf", |xml| {
        xml.within("PmtId", |xml| xml.text("EndToEndId", &debit.end_to_end_id))?;
        let currency = [("Ccy", debit.amount.currency.code())];
        let amount = debit.amount.to_decimal().to_string();
        xml.text_with("InstdAmt", &currency, &amount)?;
        xml.within("DrctDbtTx", |xml| {
            xml.within("MndtRltdInf", |xml| {
                xml.text("MndtId", &debit.mandate_reference)?;
                xml.text("DtOfSgntr", &debit.mandate_signed_on.to_string())?;
                match &debit.amendment {
                    Some(amendment) => amended(xml, amendment),
                    None => Ok(()),
                }
            })
        })?;
        let debtor = &debit.debtor;
        agent(xml, "DbtrAgt", debtor.bic.as_deref(), version)?;
        party(xml, "Dbtr", &debtor.name, debtor.address.as_ref())?;
        account(xml, "DbtrAcct", &debtor.iban)?;
        if debit.remittance.is_empty() {
            return Ok(());
        }
        xml.within("RmtInf", |xml| xml.text("Ustrd", &debit.remittance))
    })
}

fn amended<W: Write>(xml: &mut Xml<W>, amendment: &Amendment) -> io::Result<()> {
    xml.text("AmdmntInd", "true")?;
    xml.within("AmdmntInfDtls", |xml| {
        if let Some(reference) = &amendment.original_reference {
            xml.text("OrgnlMndtId", reference)?;
        }
        let name = amendment.original_creditor_name.as_deref();
        let id = amendment.original_creditor_id.as_deref();
        if name.is_some() || id.is_some() {
            xml.within("OrgnlCdtrSchmeId", |xml| {
                name.map_or(Ok(()), |name| xml.text("Nm", name))?;
                id.map_or(Ok(()), |id| creditor_id(xml, id))
            })?;
        }
        if !amendment.new_account {
            return Ok(());
        }
        // Same mandate, new debtor account: since 2016 it stands here, whatever
        // the bank, and the old number is not told.
        xml.within("OrgnlDbtrAcct", |xml| {
            xml.within("Id", |xml| {
                xml.within("Othr", |xml| xml.text("Id", "SMNDA"))
            })
        })
    })
}

fn creditor_id<W: Write>(xml: &mut Xml<W>, id: &str) -> io::Result<()> {
    xml.within("Id", |xml| {
        xml.within("PrvtId", |xml| {
            xml.within("Othr", |xml| {
                xml.text("Id", id)?;
                xml.within("SchmeNm", |xml| xml.text("Prtry", "SEPA"))
            })
        })
    })
}

fn party<W: Write>(
    xml: &mut Xml<W>,
    element: &str,
    name: &str,
    address: Option<&Address>,
) -> io::Result<()> {
    xml.within(element, |xml| {
        xml.text("Nm", name)?;
        address.map_or(Ok(()), |address| postal_address(xml, address))
    })
}

fn postal_address<W: Write>(xml: &mut Xml<W>, address: &Address) -> io::Result<()> {
    xml.within("PstlAdr", |xml| {
        xml.optional_text("StrtNm", &address.street)?;
        xml.optional_text("BldgNb", &address.building)?;
        xml.optional_text("PstCd", &address.post_code)?;
        xml.text("TwnNm", &address.town)?;
        xml.text("Ctry", &address.country)?;
        for line in &address.lines {
            xml.text("AdrLine", line)?;
        }
        Ok(())
    })
}

fn account<W: Write>(xml: &mut Xml<W>, element: &str, iban: &IbanText) -> io::Result<()> {
    xml.within(element, |xml| {
        xml.within("Id", |xml| xml.text("IBAN", iban.expose()))
    })
}

/// A bank by its BIC; the IBAN is enough where none is known.
fn agent<W: Write>(
    xml: &mut Xml<W>,
    element: &str,
    bic: Option<&str>,
    version: Version,
) -> io::Result<()> {
    xml.within(element, |xml| {
        xml.within("FinInstnId", |xml| match bic {
            Some(bic) => xml.text(version.bic_element(), bic),
            None => xml.within("Othr", |xml| xml.text("Id", "NOTPROVIDED")),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_called_by_their_names() {
        for version in Version::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        for wrong in ["", "pain.008.001.03", "PAIN.008.001.02", "08"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_utc_to_the_second() {
        let time = date_time(Instant(1_793_606_400_123_456)).unwrap();
        assert_eq!(time, "2026-11-02T08:00:00Z");
        assert!(date_time(Instant(i64::MAX)).is_err());
    }
}
