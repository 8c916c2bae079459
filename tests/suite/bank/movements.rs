//! What an entry means: one table, an entry a row.

use super::{fact, read, references};

pub fn statement(inside: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
         <GrpHdr><MsgId>M</MsgId><CreDtTm>2026-12-03T20:00:00</CreDtTm></GrpHdr>\
         <Stmt><Id>S</Id><Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></Acct>{inside}</Stmt>\
         </BkToCstmrStmt></Document>"
    )
}

/// An entry: amount and direction such as `13.00 DBIT`, a sub-family of issued
/// direct debits or a whole `FAMILY/SUB`, elements of its head, its details.
pub fn entry(amount: &str, code: &str, head: &str, details: &str) -> String {
    let (amount, direction) = amount.split_once(' ').unwrap();
    let (family, sub) = code.split_once('/').unwrap_or(("IDDT", code));
    let code = if code == "-" {
        "<BkTxCd><Prtry><Cd>NDDT+109</Cd></Prtry></BkTxCd>".to_owned()
    } else {
        format!(
            "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        )
    };
    let status = if head.contains("<Sts>") {
        ""
    } else {
        "<Sts><Cd>BOOK</Cd></Sts>"
    };
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{status}{code}{head}\
         {details}</Ntry>"
    )
}

fn details(inside: &str) -> String {
    format!("<NtryDtls>{inside}</NtryDtls>")
}

fn tx(inside: &str) -> String {
    details(&format!("<TxDtls>{inside}</TxDtls>"))
}

fn eur(name: &str, amount: &str) -> String {
    format!("<{name} Ccy=\"EUR\">{amount}</{name}>")
}

const E1: &str = "<Refs><EndToEndId>E1</EndToEndId></Refs>";
const AM04: &str = "<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>";

fn instructed(amount: &str) -> String {
    format!(
        "<AmtDtls><InstdAmt>{}</InstdAmt></AmtDtls>",
        eur("Amt", amount)
    )
}

fn charge(amount: &str) -> String {
    format!("<Chrgs><Rcrd>{}</Rcrd></Chrgs>", eur("Amt", amount))
}

#[test]
fn an_entry_is_what_its_code_reason_and_amounts_say() {
    let ten = eur("Amt", "10.00");
    let table: Vec<(&str, String, &str)> = vec![
        (
            "a single collection",
            entry("10.00 CRDT", "ESDD", "", &tx(&format!("{E1}{ten}"))),
            "settled 10.00 EUR, charges 0.00 EUR, count None",
        ),
        (
            "less its charges",
            entry(
                "9.80 CRDT",
                "ESDD",
                "",
                &tx(&format!("{E1}{ten}{}", charge("0.20"))),
            ),
            "settled 10.00 EUR, charges 0.20 EUR, count None",
        ),
        (
            "less than was asked, and nothing says why",
            entry(
                "9.00 CRDT",
                "ESDD",
                "",
                &tx(&format!(
                    "{E1}{}{}",
                    eur("Amt", "9.00"),
                    instructed("10.00")
                )),
            ),
            "other credit 9.00 EUR: came in short, without charges that say why: Refs/EndToEndId=E1, Amt=9.00 EUR, AmtDtls/InstdAmt/Amt=10.00 EUR",
        ),
        (
            "a single movement takes the entry's amount",
            entry("10.00 CRDT", "BBDD", "", &tx(E1)),
            "settled 10.00 EUR, charges 0.00 EUR, count None",
        ),
        (
            "charges without an amount before them",
            entry(
                "9.80 CRDT",
                "ESDD",
                "",
                &tx(&format!("{E1}{}", charge("0.20"))),
            ),
            "other credit 9.80 EUR: has charges, but no amount before them: Refs/EndToEndId=E1, Chrgs/Rcrd/Amt=0.20 EUR",
        ),
        (
            "a return, charges on top",
            entry(
                "13.00 DBIT",
                "UPDD",
                "",
                &tx(&format!("{E1}{ten}{}{AM04}", charge("3.00"))),
            ),
            "returned 10.00 EUR, charges 3.00 EUR, AM04 \"\"",
        ),
        (
            "a return, charges in the amount that moved",
            entry(
                "13.00 DBIT",
                "UPDD",
                "",
                &tx(&format!(
                    "{E1}{}{}{}{AM04}",
                    eur("Amt", "13.00"),
                    instructed("10.00"),
                    charge("3.00")
                )),
            ),
            "returned 10.00 EUR, charges 3.00 EUR, AM04 \"\"",
        ),
        (
            "a return, charges told but booked elsewhere",
            entry(
                "10.00 DBIT",
                "UPDD",
                "",
                &tx(&format!("{E1}{ten}{}{AM04}", charge("3.00"))),
            ),
            "returned 10.00 EUR, charges 0.00 EUR, AM04 \"\"",
        ),
        (
            "a return, charges told by the entry",
            entry(
                "13.00 DBIT",
                "UPDD",
                &charge("3.00"),
                &tx(&format!("{E1}{ten}{AM04}")),
            ),
            "returned 10.00 EUR, charges 3.00 EUR, AM04 \"\"",
        ),
        (
            "a refund with interest for the debtor",
            entry(
                "13.05 DBIT",
                "UPDD",
                "",
                &tx(&format!(
                    "{E1}{}{}{}<RtrInf><Rsn><Cd>MD06</Cd></Rsn><AddtlInf>asked</AddtlInf></RtrInf>",
                    eur("Amt", "10.05"),
                    instructed("10.00"),
                    charge("3.00")
                )),
            ),
            "refunded 10.00 EUR, charges 3.05 EUR, MD06 \"asked\"",
        ),
        (
            "a return without a code of the bank's transaction",
            entry("10.00 DBIT", "-", "", &tx(&format!("{E1}{ten}{AM04}"))),
            "returned 10.00 EUR, charges 0.00 EUR, AM04 \"\"",
        ),
        (
            "a return without a reason",
            entry("10.00 DBIT", "UPDD", "", &tx(&format!("{E1}{ten}"))),
            "returned 10.00 EUR, charges 0.00 EUR, - \"\"",
        ),
        (
            "a reason in the bank's own words",
            entry(
                "10.00 DBIT",
                "UPDD",
                "",
                &tx(&format!(
                    "{E1}<RtrInf><Rsn><Prtry>914</Prtry></Rsn></RtrInf>"
                )),
            ),
            "returned 10.00 EUR, charges 0.00 EUR, 914 \"\"",
        ),
        (
            "a return that names nothing",
            entry("10.00 DBIT", "UPDD", "", &tx(AM04)),
            "other debit 10.00 EUR: is a return that names no debit: RtrInf/Rsn/Cd=AM04",
        ),
        (
            "less came back than was collected",
            entry(
                "9.00 DBIT",
                "UPDD",
                "",
                &tx(&format!(
                    "{E1}{}{}{AM04}",
                    eur("Amt", "9.00"),
                    instructed("10.00")
                )),
            ),
            "other debit 9.00 EUR: moved more or less than the debit's amount: Refs/EndToEndId=E1, Amt=9.00 EUR, AmtDtls/InstdAmt/Amt=10.00 EUR, RtrInf/Rsn/Cd=AM04",
        ),
        (
            "our own reversal",
            entry("10.00 DBIT", "PRDD", "", &tx(E1)),
            "other debit 10.00 EUR: takes a collection back, but not by a return: Refs/EndToEndId=E1",
        ),
        (
            "a return taken back",
            entry("10.00 CRDT", "UPDD", "<RvslInd>true</RvslInd>", &tx(E1)),
            "other credit 10.00 EUR: is a credit with a return's code or reason: Refs/EndToEndId=E1",
        ),
        (
            "a credit marked as a reversal",
            entry("10.00 CRDT", "ESDD", "<RvslInd>1</RvslInd>", &tx(E1)),
            "other credit 10.00 EUR: is a credit marked as a reversal: Refs/EndToEndId=E1",
        ),
        (
            "a fee",
            entry("2.50 DBIT", "CHRG", "", ""),
            "charged 2.50 EUR",
        ),
        (
            "a fee that repeats itself as its charges",
            entry("2.50 DBIT", "MDOP/COMM", &charge("2.50"), ""),
            "charged 2.50 EUR",
        ),
        (
            "a fee given back",
            entry("2.50 CRDT", "CHRG", "", ""),
            "other credit 2.50 EUR: is a fee that the bank gives back: Amt=2.50 EUR, CdtDbtInd=CRDT, Sts/Cd=BOOK, BkTxCd/Domn/Cd=PMNT, BkTxCd/Domn/Fmly/Cd=IDDT, BkTxCd/Domn/Fmly/SubFmlyCd=CHRG",
        ),
        (
            "a customer's transfer",
            entry(
                "10.00 CRDT",
                "RCDT/ESCT",
                "",
                &tx("<RmtInf><Ustrd>Q-2026-000001 &amp; more</Ustrd></RmtInf>"),
            ),
            "other credit 10.00 EUR: is no direct debit of ours: RmtInf/Ustrd=Q-2026-000001 & more",
        ),
        (
            "a debit that somebody drew on us",
            entry("10.00 DBIT", "RDDT/ESDD", "", &tx(E1)),
            "other debit 10.00 EUR: is no direct debit of ours: Refs/EndToEndId=E1",
        ),
        (
            "not booked",
            entry("10.00 CRDT", "ESDD", "<Sts><Cd>PDNG</Cd></Sts>", &tx(E1)),
            "other credit 10.00 EUR: is not booked yet: Refs/EndToEndId=E1",
        ),
        (
            "a batch",
            entry(
                "50.10 CRDT",
                "ESDD",
                "",
                &details("<Btch><PmtInfId>B1</PmtInfId><NbOfTxs>5</NbOfTxs></Btch>"),
            ),
            "settled 50.10 EUR, charges 0.00 EUR, count Some(5)",
        ),
        (
            "a batch described by one TxDtls",
            entry(
                "50.10 CRDT",
                "ESDD",
                "",
                &details(
                    "<Btch><NbOfTxs>5</NbOfTxs></Btch><TxDtls><Refs><PmtInfId>B1</PmtInfId><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls>",
                ),
            ),
            "settled 50.10 EUR, charges 0.00 EUR, count Some(5)",
        ),
        (
            "a batch less charges",
            entry(
                "49.10 CRDT",
                "ESDD",
                &charge("1.00"),
                &details(&format!(
                    "<Btch><PmtInfId>B1</PmtInfId>{}</Btch>",
                    eur("TtlAmt", "50.10")
                )),
            ),
            "settled 50.10 EUR, charges 1.00 EUR, count None",
        ),
        (
            "a batch nobody names",
            entry(
                "50.10 CRDT",
                "ESDD",
                "",
                &details("<Btch><NbOfTxs>5</NbOfTxs></Btch>"),
            ),
            "other credit 50.10 EUR: is a collection that names no debit and no block: NbOfTxs=5",
        ),
        (
            "two batches less charges of the entry",
            entry(
                "29.00 CRDT",
                "ESDD",
                &charge("1.00"),
                &format!(
                    "{}{}",
                    details(&format!(
                        "<Btch><PmtInfId>B1</PmtInfId>{}</Btch>",
                        eur("TtlAmt", "10.00")
                    )),
                    details(&format!(
                        "<Btch><PmtInfId>B2</PmtInfId>{}</Btch>",
                        eur("TtlAmt", "20.00")
                    ))
                ),
            ),
            "settled 10.00 EUR, charges 0.00 EUR, count None\nsettled 20.00 EUR, charges 0.00 EUR, count None\ncharged 1.00 EUR",
        ),
        (
            "two movements of which one has no amount",
            entry(
                "30.00 CRDT",
                "ESDD",
                "",
                &details(&format!(
                    "<TxDtls>{E1}{ten}</TxDtls><TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs></TxDtls>"
                )),
            ),
            "other credit 10.00 EUR: has no amount of its own: Refs/EndToEndId=E1, Amt=10.00 EUR\n\
             other credit -: has no amount of its own: Refs/EndToEndId=E2\n\
             other credit 30.00 EUR: has movements without an amount: Amt=30.00 EUR, CdtDbtInd=CRDT, Sts/Cd=BOOK, BkTxCd/Domn/Cd=PMNT, BkTxCd/Domn/Fmly/Cd=IDDT, BkTxCd/Domn/Fmly/SubFmlyCd=ESDD",
        ),
        (
            "charges told twice, by the movements and by their entry",
            entry(
                "26.00 DBIT",
                "UPDD",
                &charge("6.00"),
                &details(&format!(
                    "<TxDtls>{E1}{ten}{0}{AM04}</TxDtls><TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs>{ten}{0}{AM04}</TxDtls>",
                    charge("3.00")
                )),
            ),
            "returned 10.00 EUR, charges 3.00 EUR, AM04 \"\"\nreturned 10.00 EUR, charges 3.00 EUR, AM04 \"\"",
        ),
        (
            "a collection and a return in one entry",
            entry(
                "7.00 CRDT",
                "ESDD",
                "",
                &details(&format!(
                    "<TxDtls>{E1}{ten}</TxDtls><TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs>{}<CdtDbtInd>DBIT</CdtDbtInd>{AM04}</TxDtls>",
                    eur("Amt", "3.00")
                )),
            ),
            "settled 10.00 EUR, charges 0.00 EUR, count None\nreturned 3.00 EUR, charges 0.00 EUR, AM04 \"\"",
        ),
        (
            "an amount before an exchange is not the debit's",
            entry(
                "10.00 CRDT",
                "ESDD",
                "",
                &tx(&format!(
                    "{E1}<AmtDtls><InstdAmt><Amt Ccy=\"AUD\">16.00</Amt></InstdAmt></AmtDtls>"
                )),
            ),
            "settled 10.00 EUR, charges 0.00 EUR, count None",
        ),
    ];
    for (case, entry, expected) in table {
        let answer = read(&statement(&entry)).unwrap_or_else(|error| panic!("{case}: {error}"));
        let facts: Vec<String> = answer.entries.iter().map(fact).collect();
        assert_eq!(facts.join("\n"), expected, "{case}");
    }
}

#[test]
fn references_come_from_the_movement_then_its_batch_then_its_entry() {
    let xml = statement(&entry(
        "10.00 CRDT",
        "ESDD",
        "<AcctSvcrRef>BANK-1</AcctSvcrRef>",
        "<NtryDtls><Btch><MsgId>M1</MsgId><PmtInfId>B1</PmtInfId></Btch><TxDtls><Refs>\
         <InstrId>I1</InstrId><EndToEndId>E1</EndToEndId><TxId>T1</TxId><MndtId>D1</MndtId>\
         </Refs></TxDtls></NtryDtls>",
    ));
    assert_eq!(
        references(&read(&xml).unwrap().entries[0].references),
        "message M1, block B1, instruction I1, end-to-end E1, transaction T1, mandate D1, bank BANK-1"
    );
}

#[test]
fn a_long_entry_is_told_before_its_end_and_still_adds_up() {
    let tx = |n: usize| {
        format!(
            "<TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs>{}{}{AM04}</TxDtls>",
            eur("Amt", "10.00"),
            charge("3.00")
        )
    };
    let all: String = (0..1_200).map(tx).collect();
    let sum = |amount| statement(&entry(amount, "UPDD", "", &details(&all)));
    let answer = read(&sum("15600.00 DBIT")).unwrap();
    assert_eq!(answer.entries.len(), 1_200);
    for entry in &answer.entries {
        assert_eq!(
            fact(entry),
            "returned 10.00 EUR, charges 3.00 EUR, AM04 \"\""
        );
    }
    for (amount, reason) in [
        ("15600.01 DBIT", "does not match"),
        ("12000.00 DBIT", "leaves out the charges"),
    ] {
        let error = read(&sum(amount)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn equal_fees_of_one_day_are_not_taken_for_one() {
    let fee = entry("0.10 DBIT", "CHRG", "", "");
    let answer = read(&statement(&format!("{fee}{fee}"))).unwrap();
    assert_ne!(answer.entries[0].key, answer.entries[1].key);
    let again = read(&statement(&format!("{fee}{fee}"))).unwrap();
    assert_eq!(answer.entries, again.entries);
    let other = statement(&fee).replace("<Id>S</Id>", "<Id>S2</Id>");
    assert_ne!(answer.entries[0].key, read(&other).unwrap().entries[0].key);
}

#[test]
fn a_status_is_what_it_says_and_what_holds_for_the_whole() {
    let report = |group: &str, name: &str, block: &str| {
        format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\
             <GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-30T08:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>\
             <OrgnlMsgId>DD-1</OrgnlMsgId><OrgnlMsgNmId>{name}</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>\
             <OrgnlPmtInfAndSts><OrgnlPmtInfId>B1</OrgnlPmtInfId>{block}</OrgnlPmtInfAndSts>\
             </CstmrPmtStsRpt></Document>"
        )
    };
    let debit = |inside: &str| {
        format!("<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId>{inside}</TxInfAndSts>")
    };
    let why = "<StsRsnInf><Rsn><Cd>MS03</Cd></Rsn><AddtlInf>a</AddtlInf><AddtlInf>b</AddtlInf></StsRsnInf>";
    let rejected_block = format!("<PmtInfSts>RJCT</PmtInfSts>{why}");
    let table = [
        (
            "a whole block, its debits not listed",
            report("", "pain.008.001.02", &rejected_block),
            "rejected Block MS03 \"a; b\", -, None",
        ),
        (
            "a debit's own reason comes before its block's",
            report(
                "",
                "pain.008.001.02",
                &format!(
                    "{rejected_block}{}",
                    debit("<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>")
                ),
            ),
            "rejected Transaction AC04 \"\", -, None\nrejected Block MS03 \"a; b\", -, None",
        ),
        (
            "a debit of a rejected file",
            report("<GrpSts>RJCT</GrpSts>", "pain.008.001.02", &debit("")),
            "rejected Transaction - \"\", -, None\nrejected Message - \"\", -, None",
        ),
        (
            "part says nothing of one debit",
            report("<GrpSts>PART</GrpSts>", "pain.008.001.02", &debit("")),
            "other - -: has no status: OrgnlEndToEndId=E1\nacknowledged Message PART",
        ),
        (
            "two codes",
            report(
                "",
                "pain.008.001.02",
                &debit(&format!(
                    "<TxSts>RJCT</TxSts>{why}<StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>"
                )),
            ),
            "rejected Transaction MS03 \"a; b; AM04\", -, None",
        ),
        (
            "taken in",
            report("", "pain.008.001.02", &debit("<TxSts>ACSC</TxSts>")),
            "acknowledged Transaction ACSC",
        ),
        (
            "cancelled",
            report("", "pain.008.001.02", &debit("<TxSts>CANC</TxSts>")),
            "other - -: was stopped, but not rejected: OrgnlEndToEndId=E1, TxSts=CANC",
        ),
        (
            "of a file of transfers",
            report("", "pain.001.001.03", &debit("<TxSts>RJCT</TxSts>")),
            "other - -: answers a file that is no direct debit: OrgnlEndToEndId=E1, TxSts=RJCT",
        ),
        (
            "of no debit",
            report(
                "",
                "pain.008.001.02",
                "<TxInfAndSts><StsId>S1</StsId><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>",
            ),
            "other - -: names no debit: StsId=S1, OrgnlEndToEndId=NOTPROVIDED, TxSts=RJCT",
        ),
        (
            "of a block that says nothing",
            report("", "pain.008.001.02", ""),
            "other - -: has no status: OrgnlPmtInfId=B1",
        ),
    ];
    for (case, xml, expected) in table {
        let answer = read(&xml).unwrap_or_else(|error| panic!("{case}: {error}"));
        let facts: Vec<String> = answer.entries.iter().map(fact).collect();
        assert_eq!(facts.join("\n"), expected, "{case}");
    }
}
