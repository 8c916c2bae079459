//! A bank's files, made of what it tells: pain.002, camt.053 and camt.054.

use std::fmt::Write as _;

/// A movement on the account. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub name: Name,
    pub amount: i64,
    pub charges: i64,
    /// Of a return.
    pub reason: Option<&'static str>,
    pub is_return: bool,
    pub day: String,
}

/// What a movement is said to be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Debit(String),
    /// A block, and how many debits.
    Batch(String, usize),
    None,
}

/// What a status report tells of one block.
#[derive(Debug, Clone, Copy)]
pub struct BlockStatus<'a> {
    /// The file that it was in.
    pub batch: &'a str,
    pub block: &'a str,
    /// Debits and the codes they are rejected with, or none where they are taken in.
    pub debits: &'a [(String, Option<&'a str>)],
    /// The block's own status and reason.
    pub whole: Option<(&'a str, &'a str)>,
}

/// An amount as it is written.
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
    let day = &booking.day;
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
pub fn statement(message: &str, account: &str, bookings: &[Booking]) -> String {
    let names = ["camt.053.001.08", "BkToCstmrStmt", "Stmt"];
    camt(message, names, account, bookings)
}

/// A camt.054.
pub fn notification(message: &str, account: &str, bookings: &[Booking]) -> String {
    let names = ["camt.054.001.08", "BkToCstmrDbtCdtNtfctn", "Ntfctn"];
    camt(message, names, account, bookings)
}

/// A pain.002.
pub fn status(message: &str, told: BlockStatus<'_>) -> String {
    let mut inside = String::new();
    for (id, code) in told.debits {
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
    let whole = told.whole.map_or_else(String::new, |(status, code)| {
        format!("<PmtInfSts>{status}</PmtInfSts>{}", reason_of(code))
    });
    let BlockStatus { batch, block, .. } = told;
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr>\
         <MsgId>{message}</MsgId><CreDtTm>2026-11-30T08:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>\
         <OrgnlMsgId>{batch}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId></OrgnlGrpInfAndSts>\
         <OrgnlPmtInfAndSts><OrgnlPmtInfId>{block}</OrgnlPmtInfId>{whole}\n{inside}</OrgnlPmtInfAndSts>\
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
