//! The bank's files, made of facts.

use std::fmt::Write as _;

use super::{BATCH, BLOCK, OURS, id};

/// A movement on the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub name: Name,
    pub amount: i64,
    pub charges: i64,
    /// Of a return.
    pub reason: Option<&'static str>,
    pub is_return: bool,
    pub day: &'static str,
}

/// What a movement is said to be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Debit(String),
    /// A block, and how many debits.
    Batch(String, usize),
    None,
}

pub fn settled(n: usize, amount: i64) -> Booking {
    Booking {
        name: Name::Debit(id(n)),
        amount,
        charges: 0,
        reason: None,
        is_return: false,
        day: "2026-12-01",
    }
}

pub fn returned(n: usize, amount: i64, charges: i64, reason: &'static str) -> Booking {
    Booking {
        charges,
        reason: Some(reason),
        is_return: true,
        day: "2026-12-03",
        ..settled(n, amount)
    }
}

pub fn batch(count: usize, amount: i64) -> Booking {
    Booking {
        name: Name::Batch(BLOCK.to_owned(), count),
        ..settled(0, amount)
    }
}

/// A fee of the bank.
pub fn fee(amount: i64) -> Booking {
    Booking {
        name: Name::None,
        is_return: true,
        ..settled(0, amount)
    }
}

pub fn plain(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

fn entry(booking: &Booking) -> String {
    let Booking {
        amount, charges, ..
    } = booking;
    let (moved, direction) = if booking.is_return {
        (amount + charges, "DBIT")
    } else {
        (amount - charges, "CRDT")
    };
    let code = match (&booking.name, booking.is_return) {
        (Name::None, _) => "CHRG",
        (_, true) => "UPDD",
        (_, false) => "ESDD",
    };
    let reason = booking.reason.map_or_else(String::new, |reason| {
        format!("<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>")
    });
    let charges = if *charges == 0 {
        String::new()
    } else {
        format!(
            "<Chrgs><Rcrd><Amt Ccy=\"EUR\">{}</Amt></Rcrd></Chrgs>",
            plain(*charges)
        )
    };
    let details = match &booking.name {
        Name::Debit(id) => format!(
            "<NtryDtls><TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs><Amt Ccy=\"EUR\">{}</Amt>\
             <CdtDbtInd>{direction}</CdtDbtInd>{charges}{reason}</TxDtls></NtryDtls>",
            plain(*amount)
        ),
        Name::Batch(block, count) => format!(
            "<NtryDtls><Btch><PmtInfId>{block}</PmtInfId><NbOfTxs>{count}</NbOfTxs>\
             <TtlAmt Ccy=\"EUR\">{}</TtlAmt></Btch></NtryDtls>",
            plain(*amount)
        ),
        Name::None => String::new(),
    };
    let day = booking.day;
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>{day}</Dt></BookgDt><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd>\
         <SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd>{details}</Ntry>\n",
        plain(moved)
    )
}

fn camt(message: &str, names: [&str; 3], account: &str, bookings: &[Booking]) -> String {
    let [kind, root, report] = names;
    let entries: String = bookings.iter().map(entry).collect();
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:{kind}\"><{root}><GrpHdr><MsgId>{message}</MsgId>\
         <CreDtTm>2026-12-03T20:00:00</CreDtTm></GrpHdr>\n<{report}><Id>{message}-1</Id><Acct><Id><IBAN>{account}\
         </IBAN></Id><Ccy>EUR</Ccy></Acct>\n{entries}</{report}></{root}></Document>"
    )
}

/// A camt.053. Bookings are on lines of their own, the first on the third.
pub fn statement(message: &str, bookings: &[Booking]) -> String {
    statement_of(message, OURS, bookings)
}

pub fn statement_of(message: &str, account: &str, bookings: &[Booking]) -> String {
    let names = ["camt.053.001.08", "BkToCstmrStmt", "Stmt"];
    camt(message, names, account, bookings)
}

/// A camt.054.
pub fn notification(message: &str, bookings: &[Booking]) -> String {
    let names = ["camt.054.001.08", "BkToCstmrDbtCdtNtfctn", "Ntfctn"];
    camt(message, names, OURS, bookings)
}

/// A pain.002: debits and the codes they are rejected with, or none where they
/// are taken in; the block's own status and reason.
pub fn status(
    message: &str,
    debits: &[(usize, Option<&str>)],
    block: Option<(&str, &str)>,
) -> String {
    let mut inside = String::new();
    for (n, code) in debits {
        let id = id(*n);
        let (status, reason) = match code {
            Some(code) => ("RJCT", reason_of(code)),
            None => ("ACCP", String::new()),
        };
        writeln!(
            inside,
            "<TxInfAndSts><OrgnlEndToEndId>{id}</OrgnlEndToEndId><TxSts>{status}</TxSts>{reason}</TxInfAndSts>"
        )
        .unwrap();
    }
    let block = block.map_or_else(String::new, |(status, code)| {
        format!("<PmtInfSts>{status}</PmtInfSts>{}", reason_of(code))
    });
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr>\
         <MsgId>{message}</MsgId><CreDtTm>2026-11-30T08:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>\
         <OrgnlMsgId>{BATCH}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId></OrgnlGrpInfAndSts>\
         <OrgnlPmtInfAndSts><OrgnlPmtInfId>{BLOCK}</OrgnlPmtInfId>{block}\n{inside}</OrgnlPmtInfAndSts>\
         </CstmrPmtStsRpt></Document>"
    )
}

fn reason_of(code: &str) -> String {
    if code.is_empty() {
        String::new()
    } else {
        format!("<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>")
    }
}
