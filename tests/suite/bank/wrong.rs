//! Wrong files, each with the message it gets. Nothing of them counts.

use super::movements::{entry, statement};
use super::{fixture, read};
use quittance::providers::sepa::answers::{AnswerError, BadContent};

const STATEMENT: &str = "camt.053.001.08-collection-and-returns.xml";
const OLD_STATEMENT: &str = "camt.053.001.02-collection-and-returns.xml";
const STATUS: &str = "pain.002.001.03-sdd-part-rejected.xml";

/// A sample, with one place changed.
fn changed(sample: &str, from: &str, to: &str) -> String {
    let xml = fixture(sample);
    assert!(xml.contains(from), "{from}");
    xml.replacen(from, to, 1)
}

fn nested(depth: usize) -> String {
    let inside = format!("{}x{}", "<A>".repeat(depth), "</A>".repeat(depth));
    statement(&entry(
        "1.00 CRDT",
        "ESDD",
        "",
        &format!("<NtryDtls><TxDtls>{inside}</TxDtls></NtryDtls>"),
    ))
}

#[test]
fn a_wrong_file_is_refused_with_its_place() {
    let s = |from, to| changed(STATEMENT, from, to);
    let old = |from, to| changed(OLD_STATEMENT, from, to);
    let p = |from, to| changed(STATUS, from, to);
    let stmt = |inside: &str| statement(inside);
    let credit = |head: &str| statement(&entry("10.00 CRDT", "ESDD", head, ""));
    let long = "x".repeat(70_000);
    let table: Vec<(String, &str)> = vec![
        // Not XML, or not whole.
        (String::new(), "line 1 (byte 0): the file is empty"),
        (
            "MT940\n:20:1".to_owned(),
            "line 1 (byte 0): \"MT940\\n:20:1\" is outside of the document: this is not an XML file",
        ),
        (
            "<a><b></a>".to_owned(),
            "line 1 (byte 0), a: Document is expected here: this is no ISO 20022 message",
        ),
        (
            "<Document/>".to_owned(),
            "line 1 (byte 0), Document: has no namespace (xmlns)",
        ),
        (
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Document/>".to_owned(),
            "line 1 (byte 0): \"ISO-8859-1\" is not UTF-8, the encoding of SEPA messages",
        ),
        (
            s("</Stmt></BkToCstmrStmt></Document>", ""),
            "line 2 (byte 3588), Document/BkToCstmrStmt/Stmt: the file ends in the middle of this element",
        ),
        (
            s("</Document>", "</Document><Document/>"),
            "line 2 (byte 3622), Document: comes after the end of the document",
        ),
        (
            s("</Document>", "</Document> more"),
            "line 2 (byte 3622): \" more\" is outside of the document: this is not an XML file",
        ),
        (
            s("</Id><Elctrnc", "</Ie><Elctrnc"),
            "line 2 (byte 207), Document/BkToCstmrStmt/Stmt/Id: broken XML: ill-formed document: expected `</Id>`, but `</Ie>` was found",
        ),
        (
            s("<MsgId>ST1<", "<MsgId>ST\u{1}<"),
            "line 2 (byte 134), Document/BkToCstmrStmt/GrpHdr/MsgId: \"ST\\u{1}\" has a control character",
        ),
        (
            s("<Stmt>", "<Stmt>text"),
            "line 2 (byte 202), Document/BkToCstmrStmt/Stmt/Id: \"text\" is text between elements",
        ),
        (
            s("<GrpHdr>", "<GrpHdr>text"),
            "line 2 (byte 131), Document/BkToCstmrStmt/GrpHdr/MsgId: \"text\" is text between elements",
        ),
        // Other messages.
        (
            s("camt.053.001.08", "camt.053.001.13"),
            "line 2 (byte 39), Document: \"urn:iso:std:iso:20022:tech:xsd:camt.053.001.13\" is not a supported namespace; supported are urn:iso:std:iso:20022:tech:xsd: with pain.002.001.03, pain.002.001.10, camt.054.001.02, camt.054.001.08, camt.053.001.02, camt.053.001.08",
        ),
        (
            s("camt.053.001.08", "camt.054.001.08"),
            "line 2 (byte 104), Document/BkToCstmrStmt: BkToCstmrDbtCdtNtfctn is expected here",
        ),
        (
            s("<Stmt>", "<Stmt xmlns=\"urn:x\">"),
            "line 2 (byte 192), Document/BkToCstmrStmt/Stmt: \"urn:x\" is another namespace",
        ),
        (
            s("<Ntry>", "<x:Ntry>"),
            "line 2 (byte 633), Document/BkToCstmrStmt/Stmt/x:Ntry: is of another namespace",
        ),
        // Attacks.
        (
            s("<Document", "<!DOCTYPE a [<!ENTITY b \"bbb\">]><Document"),
            "line 2 (byte 39): a DOCTYPE is not allowed",
        ),
        (
            s("<MsgId>ST1<", "<MsgId>&b;<"),
            "line 2 (byte 134), Document/BkToCstmrStmt/GrpHdr/MsgId: \"&b;\" is an entity, which is not allowed",
        ),
        (
            s("<MsgId>ST1<", "<MsgId>&#0;<"),
            "line 2 (byte 134), Document/BkToCstmrStmt/GrpHdr/MsgId: \"&#0;\" is an entity, which is not allowed",
        ),
        (
            nested(100),
            "line 1 (byte 527), Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A/A: elements are nested more than 40 deep",
        ),
        (
            s("<MsgId>ST1<", &format!("<MsgId>{long}<")),
            "line 2 (byte 134), Document/BkToCstmrStmt/GrpHdr/MsgId: a text or tag is longer than 65536 bytes",
        ),
        (
            s("<MsgId>", &format!("<MsgId a=\"{long}\">")),
            "line 2 (byte 127), Document/BkToCstmrStmt/GrpHdr: a text or tag is longer than 65536 bytes",
        ),
        (
            s(
                "<MsgId>ST1<",
                "<MsgId>S123456789012345678901234567890123456<",
            ),
            "line 2 (byte 127), Document/BkToCstmrStmt/GrpHdr/MsgId: \"S123456789012345678901234567890123456\" is longer than 35 characters",
        ),
        (
            s("<MsgId>ST1<", &format!("<MsgId>{}<", &long[..9_000])),
            "line 2 (byte 134), Document/BkToCstmrStmt/GrpHdr/MsgId: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" is longer than 8192 bytes",
        ),
        (
            s("<TxDtls>", &format!("<TxDtls>{}", "<A/>".repeat(3_000))),
            "line 2 (byte 9238), Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls/A: there is too much in the element around this one",
        ),
        // Amounts.
        (
            s(">50.10<", ">50.100<"),
            "line 2 (byte 639), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"50.100\" has 3 decimals, EUR has 2",
        ),
        (
            s(">50.10<", ">-50.10<"),
            "line 2 (byte 639), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"-50.10\" has a sign: the direction is told by CdtDbtInd",
        ),
        (
            s(">50.10<", ">50,10<"),
            "line 2 (byte 639), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"50,10\" is not an amount such as 1234.50",
        ),
        (
            s("<Amt Ccy=\"EUR\">50.10<", "<Amt>50.10<"),
            "line 2 (byte 639), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"50.10\" has no currency (Ccy)",
        ),
        (
            s("<Amt Ccy=\"EUR\">50.10<", "<Amt Ccy=\"EUX\">50.10<"),
            "line 2 (byte 639), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"50.10\" has a wrong Ccy: \"EUX\" is not a supported ISO 4217 currency (EUR, USD, GBP, CHF, PLN, CZK, SEK, DKK, NOK, HUF, RON, CAD, JPY)",
        ),
        (
            s("<Amt Ccy=\"EUR\">50.10<", "<Amt Ccy=\"USD\">50.10<"),
            "line 2 (byte 639), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"50.10 USD\" is not in the account's currency EUR",
        ),
        (
            s(
                "<Amt Ccy=\"EUR\">50.10<",
                "<Amt Ccy=\"EUR\" Ccy=\"EUR\">50.10<",
            ),
            "line 2 (byte 639), Document/BkToCstmrStmt/Stmt/Ntry/Amt: a broken attribute: position 14: duplicated attribute, previous declaration at position 4",
        ),
        (
            s(
                "<Amt Ccy=\"EUR\">10.00</Amt><CdtDbtInd>DBIT",
                "<Amt Ccy=\"EUR\">10.0000</Amt><CdtDbtInd>DBIT",
            ),
            "line 2 (byte 1303), Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls/Amt: \"10.0000\" has 4 decimals, EUR has 2",
        ),
        // Dates and codes.
        (
            s("<BookgDt><Dt>2026-12-01", "<BookgDt><Dt>2026-13-01"),
            "line 2 (byte 725), Document/BkToCstmrStmt/Stmt/Ntry/BookgDt/Dt: \"2026-13-01\" is not a date such as 2026-12-01",
        ),
        (
            s("<BookgDt><Dt>2026-12-01", "<BookgDt><Dt>01.12.2026"),
            "line 2 (byte 725), Document/BkToCstmrStmt/Stmt/Ntry/BookgDt/Dt: \"01.12.2026\" is not a date such as 2026-12-01",
        ),
        (
            s(
                "<CreDtTm>2026-12-03T20:00:00",
                "<CreDtTm>2026-12-03 20:00:00",
            ),
            "line 2 (byte 145), Document/BkToCstmrStmt/GrpHdr/CreDtTm: \"2026-12-03 20:00:00\" is not a time such as 2026-12-03T20:00:00",
        ),
        (
            s("<BookgDt><Dt>2026-12-01</Dt>", "<BookgDt>"),
            "line 2 (byte 716), Document/BkToCstmrStmt/Stmt/Ntry/BookgDt: has to hold either Dt or DtTm",
        ),
        (
            s("<Cd>BOOK</Cd>", "<Cd>BOKD</Cd>"),
            "line 2 (byte 697), Document/BkToCstmrStmt/Stmt/Ntry/Sts/Cd: \"BOKD\" is not a status of an entry (BOOK, PDNG, INFO, FUTR)",
        ),
        (
            old("<Sts>BOOK<", "<Sts>KOOB<"),
            "line 2 (byte 692), Document/BkToCstmrStmt/Stmt/Ntry/Sts: \"KOOB\" is not a status of an entry (BOOK, PDNG, INFO, FUTR)",
        ),
        (
            s("50.10</Amt><CdtDbtInd>CRDT", "50.10</Amt><CdtDbtInd>PLUS"),
            "line 2 (byte 665), Document/BkToCstmrStmt/Stmt/Ntry/CdtDbtInd: \"PLUS\" is neither CRDT nor DBIT",
        ),
        (
            s("<RvslInd>true", "<RvslInd>yes"),
            "line 2 (byte 1009), Document/BkToCstmrStmt/Stmt/Ntry/RvslInd: \"yes\" is neither true nor false",
        ),
        (
            s("<Cd>AC04</Cd>", "<Cd>ACCOUNT</Cd>"),
            "line 2 (byte 1515), Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls/RtrInf/Rsn/Cd: \"ACCOUNT\" is not a reason code of up to 4 letters",
        ),
        (
            s("<IBAN>FR7630006000011234567890189", "<IBAN>FR76 3000 6000"),
            "line 2 (byte 290), Document/BkToCstmrStmt/Stmt/Acct/Id/IBAN: \"FR76 3000 6000\" is not an IBAN",
        ),
        (
            p("<GrpSts>PART", "<GrpSts>PARTLY"),
            "line 2 (byte 318), Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts/GrpSts: \"PARTLY\" is not a known status such as RJCT, PART or ACCP",
        ),
        (
            p("<TxSts>RJCT", "<TxSts>REJC"),
            "line 2 (byte 526), Document/CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts/TxSts: \"REJC\" is not a known status such as RJCT, PART or ACCP",
        ),
        (
            p("<ReqdColltnDt>2026-12-01", "<ReqdColltnDt>soon"),
            "line 2 (byte 719), Document/CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts/OrgnlTxRef/ReqdColltnDt: \"soon\" is not a date such as 2026-12-01",
        ),
        // What must be there, once, and in its place.
        (
            s("<MsgId>ST1</MsgId>", ""),
            "line 2 (byte 119), Document/BkToCstmrStmt/GrpHdr: MsgId is missing",
        ),
        (
            s("<MsgId>ST1</MsgId>", "<MsgId/>"),
            "line 2 (byte 127), Document/BkToCstmrStmt/GrpHdr/MsgId: is empty",
        ),
        (
            s(
                "<GrpHdr><MsgId>ST1</MsgId><CreDtTm>2026-12-03T20:00:00</CreDtTm></GrpHdr>",
                "",
            ),
            "line 2 (byte 119), Document/BkToCstmrStmt/Stmt: GrpHdr is expected here",
        ),
        (
            s("<Amt Ccy=\"EUR\">50.10</Amt>", ""),
            "line 2 (byte 633), Document/BkToCstmrStmt/Stmt/Ntry: Amt is missing",
        ),
        (
            s(
                "<Amt Ccy=\"EUR\">50.10</Amt>",
                "<Amt Ccy=\"EUR\">50.10</Amt><Amt Ccy=\"EUR\">50.10</Amt>",
            ),
            "line 2 (byte 665), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"50.10\" is there twice",
        ),
        (
            s(
                "<Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id><Ccy>EUR</Ccy></Acct>",
                "",
            ),
            "line 2 (byte 192), Document/BkToCstmrStmt/Stmt: Acct is missing",
        ),
        (
            s("</NtryDtls>", "</NtryDtls><Amt Ccy=\"EUR\">1.00</Amt>"),
            "line 2 (byte 943), Document/BkToCstmrStmt/Stmt/Ntry/Amt: comes after NtryDtls",
        ),
        (
            s("</Ntry>", "</Ntry><Bal/>"),
            "line 2 (byte 950), Document/BkToCstmrStmt/Stmt/Bal: comes after the entries",
        ),
        (
            s("<Ntry>", "<Entry/><Ntry>"),
            "line 2 (byte 633), Document/BkToCstmrStmt/Stmt/Entry: is not known here",
        ),
        (
            p("<OrgnlMsgId>DD-1</OrgnlMsgId>", ""),
            "line 2 (byte 196), Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts: OrgnlMsgId is missing",
        ),
        (
            p("<OrgnlPmtInfId>DD-1-RCUR-20261201</OrgnlPmtInfId>", ""),
            "line 2 (byte 359), Document/CstmrPmtStsRpt/OrgnlPmtInfAndSts: OrgnlPmtInfId is missing",
        ),
        (
            stmt("<Ntry/>"),
            "line 1 (byte 229), Document/BkToCstmrStmt/Stmt/Ntry: Amt is missing",
        ),
        // Sums.
        (
            s(">991.00<", ">991.01<"),
            "line 2 (byte 545), Document/BkToCstmrStmt/Stmt/Bal/Amt: \"991.01\" does not match: the opening balance and the booked entries come to 991.00 EUR",
        ),
        (
            s(">20.07<", ">20.06<"),
            "line 2 (byte 2816), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"20.06\" does not match: its 2 movements sum to -20.07 EUR, and charges are 0.00 EUR",
        ),
        (
            s(">13.00<", ">12.99<"),
            "line 2 (byte 956), Document/BkToCstmrStmt/Stmt/Ntry/Amt: \"12.99\" does not match: its 1 movements sum to -10.00 EUR, and charges are 3.00 EUR",
        ),
        (
            s("<NbOfTxs>5<", "<NbOfTxs>five<"),
            "line 2 (byte 905), Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/Btch/NbOfTxs: \"five\" is not a number of up to 15 digits",
        ),
        (
            credit("</Ntry>").replace(
                "</Ntry></Ntry>",
                "<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch><TxDtls/><TxDtls/></NtryDtls></Ntry>",
            ),
            "line 1 (byte 418), Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/Btch/NbOfTxs: \"3\" does not match: 2 TxDtls are listed",
        ),
        (
            s(
                "<Ntry>",
                "<TxsSummry><TtlNtries><NbOfNtries>4</NbOfNtries></TtlNtries></TxsSummry><Ntry>",
            ),
            "line 2 (byte 655), Document/BkToCstmrStmt/Stmt/TxsSummry/TtlNtries/NbOfNtries: \"4\" does not match: the entries are 5",
        ),
        (
            s(
                "<Ntry>",
                "<TxsSummry><TtlDbtNtries><Sum>59.11</Sum></TtlDbtNtries></TxsSummry><Ntry>",
            ),
            "line 2 (byte 658), Document/BkToCstmrStmt/Stmt/TxsSummry/TtlDbtNtries/Sum: \"59.11\" does not match: the entries sum to 59.10 EUR",
        ),
        (
            s(
                "<Ntry>",
                "<TxsSummry><TtlNtries><TtlNetNtry><Amt>9.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries></TxsSummry><Ntry>",
            ),
            "line 2 (byte 667), Document/BkToCstmrStmt/Stmt/TxsSummry/TtlNtries/TtlNetNtry/Amt: \"9.00\" does not match: the entries come to -9.00 EUR",
        ),
        (
            p(
                "<PmtInfSts>PART</PmtInfSts>",
                "<PmtInfSts>PART</PmtInfSts><NbOfTxsPerSts><DtldNbOfTxs>4</DtldNbOfTxs><DtldSts>RJCT</DtldSts></NbOfTxsPerSts>",
            ),
            "line 2 (byte 454), Document/CstmrPmtStsRpt/OrgnlPmtInfAndSts/NbOfTxsPerSts/DtldNbOfTxs: \"4\" does not match: the rejected transactions listed are 5",
        ),
        (
            p(
                "<GrpSts>PART</GrpSts>",
                "<GrpSts>PART</GrpSts><NbOfTxsPerSts><DtldNbOfTxs>5</DtldNbOfTxs><DtldSts>RJCT</DtldSts><DtldCtrlSum>50.00</DtldCtrlSum></NbOfTxsPerSts>",
            ),
            "line 2 (byte 339), Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts/NbOfTxsPerSts/DtldCtrlSum: \"50.00 EUR\" does not match: the rejected transactions sum to 50.10 EUR",
        ),
    ];
    let mut wrong = String::new();
    for (xml, expected) in table {
        let found = match read(&xml) {
            Ok(answer) => format!("{} entries", answer.entries.len()),
            Err(error) => error.to_string(),
        };
        if found != expected {
            wrong.push_str(&format!("expected: {expected}\n   found: {found}\n\n"));
        }
        if let Err(AnswerError::Bad(bad)) = read(&xml) {
            points_at_it(&xml, &bad);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Where a tag stands at the error's place, it is one of the error's path.
fn points_at_it(xml: &str, bad: &BadContent) {
    let before = &xml[..usize::try_from(bad.place.byte).unwrap()];
    assert_eq!(
        usize::try_from(bad.place.line).unwrap(),
        before.matches('\n').count() + 1
    );
    let rest = &xml[before.len()..];
    let name: String = rest
        .trim_start_matches(['<', '/'])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == ':')
        .collect();
    let is_named = bad.element.split('/').any(|part| part == name);
    assert!(
        !rest.starts_with('<')
            || is_named
            || bad.element.is_empty()
            || bad.reason.starts_with("broken")
            || bad.reason.contains("longer than 65536"),
        "{bad}: {name}"
    );
}

#[test]
fn broken_bytes_are_refused() {
    for (bytes, reason) in [
        (&b"<Document xmlns=\"\xff\">"[..], "broken UTF-8"),
        (b"\xff\xfe<\0D\0o\0c\0", "broken UTF-8"),
        (b"PK\x03\x04", "this is not an XML file"),
        (b"\x1f\x8b\x08\x00\xff", "broken UTF-8"),
    ] {
        let error = quittance::providers::sepa::answers::BankAnswer::read(bytes).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn what_does_not_matter_is_let_pass() {
    let prefixed = fixture(STATEMENT)
        .replace('<', "<n:")
        .replace("<n:/", "</n:")
        .replace("<n:?", "<?")
        .replace("xmlns=", "xmlns:n=");
    let plain = read(&fixture(STATEMENT)).unwrap();
    let keys = |xml: &str| -> Vec<String> {
        let answer = read(xml).unwrap_or_else(|error| panic!("{error}"));
        answer
            .entries
            .iter()
            .map(|entry| entry.key.to_string())
            .collect()
    };
    let expected: Vec<String> = plain
        .entries
        .iter()
        .map(|entry| entry.key.to_string())
        .collect();
    for xml in [
        prefixed,
        format!("\u{feff}{}", fixture(STATEMENT)),
        fixture(STATEMENT).replace("><", ">\r\n  <"),
        changed(STATEMENT, "<Stmt>", "<!-- hello --><Stmt><?hello?>"),
        changed(
            STATEMENT,
            "<EndToEndId>E2E0<",
            "<EndToEndId>E2<!-- -->&#69;<![CDATA[0]]><",
        ),
        changed(
            STATEMENT,
            "</Stmt>",
            "<AddtlStmtInf>x</AddtlStmtInf></Stmt><SplmtryData><Envlp><a xmlns=\"b\"><c:d>e</c:d></a></Envlp></SplmtryData>",
        ),
        changed(
            STATEMENT,
            "</RtrInf></TxDtls>",
            "</RtrInf><SplmtryData><Envlp><a xmlns=\"b\">c</a></Envlp></SplmtryData></TxDtls>",
        ),
        // The second page of two does not have the whole's balances.
        changed(
            STATEMENT,
            "<ElctrncSeqNb>",
            "<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn><ElctrncSeqNb>",
        )
        .replace(">991.00<", ">2.00<"),
    ] {
        assert_eq!(keys(&xml), expected);
    }
}
