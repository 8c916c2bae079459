//! Every way for a message to be refused, as it is told.

use super::*;
use crate::domain::calendar::Instant;
use crate::domain::sepa::address::Address;
use crate::domain::sepa::mandate::Amendment;
use crate::domain::sepa::message::{Scheme, SequenceType};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

const SUBMIT_ON: &str = "2026-11-02";

fn debit(id: &str) -> Debit {
    Debit {
        end_to_end_id: id.into(),
        amount: Money::new(1_200, Currency::Eur),
        mandate_reference: "MND-1".into(),
        mandate_signed_on: day("2026-01-15"),
        amendment: None,
        debtor: Debtor {
            name: "Ada Lovelace".into(),
            address: None,
            iban: IbanText::new("DE89370400440532013000"),
            bic: Some("COBADEFFXXX".into()),
        },
        remittance: "Facture Q-2026-000001".into(),
    }
}

/// Two blocks, of two debits and one.
fn message() -> Message {
    let block = |id: &str, sequence, debits: Vec<Debit>| Block {
        id: id.into(),
        scheme: Scheme::Core,
        sequence,
        collect_on: day("2026-11-06"),
        count: debits.len(),
        control_sum_minor: debits.iter().map(|debit| debit.amount.minor).sum(),
        debits,
    };
    Message {
        id: "Q-20261102-1".into(),
        created_at: Instant(0),
        creditor: Creditor {
            name: "Hebergeur SAS".into(),
            address: None,
            identifier: "FR72ZZZ123456".into(),
            iban: IbanText::new("FR1420041010050500013M02606"),
            bic: None,
        },
        blocks: vec![
            block("B1", SequenceType::First, vec![debit("d1"), debit("d2")]),
            block("B2", SequenceType::Recurrent, vec![debit("d3")]),
        ],
        count: 3,
        control_sum_minor: 3_600,
    }
}

/// Every problem of the message, spoilt, as it is told.
fn told(spoil: impl FnOnce(&mut Message)) -> Vec<String> {
    let mut message = message();
    spoil(&mut message);
    match check(message, day(SUBMIT_ON)) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_sound_message_passes() {
    assert_eq!(told(|_| {}), [""; 0]);
    assert_eq!(told(|m| m.blocks[0].debits[0].remittance.clear()), [""; 0]);
    assert_eq!(
        told(|m| {
            m.blocks[1].debits[0].amount.minor = AMOUNT_MINOR_MAX;
            m.blocks[1].control_sum_minor = AMOUNT_MINOR_MAX;
            m.control_sum_minor = AMOUNT_MINOR_MAX + 2_400;
        }),
        [""; 0]
    );
}

/// Changes the second debit of the first block, in amount and sum.
fn amount(minor: i64, currency: Currency) -> impl FnOnce(&mut Message) {
    move |m| {
        m.blocks[0].debits[1].amount = Money::new(minor, currency);
        m.blocks[0].control_sum_minor = 1_200 + minor;
        m.control_sum_minor = 2_400 + minor;
    }
}

fn second(change: impl FnOnce(&mut Debit)) -> impl FnOnce(&mut Message) {
    move |m| change(&mut m.blocks[0].debits[1])
}

#[test]
fn what_is_wrong_with_a_debit_is_told_with_its_place() {
    let at = "block 1 (B1), debit 2 (d2), ";
    let table: [(Box<dyn FnOnce(&mut Message)>, &str); 21] = [
        (
            Box::new(amount(0, Currency::Eur)),
            "InstdAmt: \"0.00 EUR\" is not above zero",
        ),
        (
            Box::new(amount(-5, Currency::Eur)),
            "InstdAmt: \"-0.05 EUR\" is not above zero",
        ),
        (
            Box::new(amount(AMOUNT_MINOR_MAX + 1, Currency::Eur)),
            "InstdAmt: \"1,000,000,000.00 EUR\" is above 999,999,999.99",
        ),
        (
            Box::new(amount(1_200, Currency::Usd)),
            "InstdAmt: \"12.00 USD\" is not in euros",
        ),
        (
            Box::new(second(|d| {
                d.debtor.iban = IbanText::new("DE88370400440532013000")
            })),
            "DbtrAcct/Id/IBAN: \"DE…3000\" has wrong check digits",
        ),
        (
            Box::new(second(|d| {
                d.debtor.iban = IbanText::new("TR330006100519786457841326")
            })),
            "DbtrAcct/Id/IBAN: \"TR…1326\" is of a country outside SEPA (EPC409-09)",
        ),
        (
            Box::new(second(|d| {
                d.debtor.iban = IbanText::new("CH9300762011623852957")
            })),
            "Dbtr/PstlAdr: \"\" is missing: the debtor's bank is outside the EEA (EPC130-08)",
        ),
        (
            Box::new(second(|d| d.debtor.bic = Some("NOTPROVIDED".into()))),
            "DbtrAgt/FinInstnId: \"NOTPROVIDED\" is what a file says where there is no BIC: leave it out",
        ),
        (
            Box::new(second(|d| d.debtor.name.clear())),
            "Dbtr/Nm: \"\" is missing",
        ),
        (
            Box::new(second(|d| d.debtor.name = "Jörg".into())),
            "Dbtr/Nm: \"Jörg\" has 'ö', which is not in the SEPA character set",
        ),
        (
            Box::new(second(|d| {
                d.debtor.address = Some(Address {
                    lines: vec!["1 rue du Pont".into()],
                    country: "FR".into(),
                    ..Address::default()
                })
            })),
            "PstlAdr/TwnNm: \"\" is missing: an address without town and country is unstructured, which banks need not take since 15 November 2026 (debtor)",
        ),
        (
            Box::new(second(|d| d.mandate_reference = "/MND".into())),
            "MndtRltdInf/MndtId: \"/MND\" starts or ends with a slash",
        ),
        (
            Box::new(second(|d| d.mandate_reference.clear())),
            "MndtRltdInf/MndtId: \"\" is missing",
        ),
        (
            Box::new(second(|d| d.mandate_signed_on = day("2026-11-07"))),
            "MndtRltdInf/DtOfSgntr: \"2026-11-07\" is after the collection on 2026-11-06",
        ),
        (
            Box::new(second(|d| d.amendment = Some(Amendment::default()))),
            "AmdmntInfDtls: \"\" tells no change (MD02)",
        ),
        (
            Box::new(second(|d| {
                d.amendment = Some(Amendment {
                    original_reference: Some("a//b".into()),
                    ..Amendment::default()
                })
            })),
            "AmdmntInfDtls/OrgnlMndtId: \"a//b\" has a double slash",
        ),
        (
            Box::new(second(|d| {
                d.amendment = Some(Amendment {
                    original_creditor_id: Some("FR73ZZZ123456".into()),
                    ..Amendment::default()
                })
            })),
            "AmdmntInfDtls/OrgnlCdtrSchmeId/Id: \"FR73ZZZ123456\" has wrong check digits",
        ),
        (
            Box::new(second(|d| {
                d.amendment = Some(Amendment {
                    original_creditor_name: Some("É".into()),
                    ..Amendment::default()
                })
            })),
            "AmdmntInfDtls/OrgnlCdtrSchmeId/Nm: \"É\" has 'É', which is not in the SEPA character set",
        ),
        (
            Box::new(second(|d| d.remittance = "a_b".into())),
            "RmtInf/Ustrd: \"a_b\" has '_', which is not in the SEPA character set",
        ),
        (
            Box::new(second(|d| d.remittance = " ".into())),
            "RmtInf/Ustrd: \" \" is missing",
        ),
        (
            Box::new(second(|d| d.debtor.iban = IbanText::new(""))),
            "DbtrAcct/Id/IBAN: \"…\" is missing",
        ),
    ];
    for (spoil, expected) in table {
        assert_eq!(told(spoil), [format!("{at}{expected}")]);
    }
    let table: [(usize, &str, fn(&mut Debit, String)); 3] = [
        (71, "Dbtr/Nm", |debit, text| debit.debtor.name = text),
        (141, "RmtInf/Ustrd", |debit, text| debit.remittance = text),
        (36, "MndtRltdInf/MndtId", |debit, text| {
            debit.mandate_reference = text;
        }),
    ];
    for (length, field, spoil) in table {
        let reason = format!("is longer than {} characters", length - 1);
        let text = "x".repeat(length);
        assert_eq!(
            told(second(|d| spoil(d, text.clone()))),
            [format!("{at}{field}: {text:?} {reason}")]
        );
        assert_eq!(told(second(|d| spoil(d, text[1..].to_owned()))), [""; 0]);
    }
}

#[test]
fn an_end_to_end_id_is_checked_and_unique_in_the_whole_message() {
    let expected = "block 2 (B2), debit 1 (d1), PmtId/EndToEndId: \"d1\" is there twice";
    assert_eq!(
        told(|m| m.blocks[1].debits[0].end_to_end_id = "d1".into()),
        [expected]
    );
    let expected =
        "block 2 (B2), debit 1 (a/), PmtId/EndToEndId: \"a/\" starts or ends with a slash";
    assert_eq!(
        told(|m| m.blocks[1].debits[0].end_to_end_id = "a/".into()),
        [expected]
    );
}

#[test]
fn what_is_wrong_with_a_block_is_told_with_its_place() {
    let at = "block 2 (B2), ";
    let table: [(fn(&mut Message), &str); 8] = [
        (
            |m| m.blocks[1].collect_on = day("2026-11-07"),
            "ReqdColltnDt: \"2026-11-07\" is not a TARGET business day",
        ),
        (
            |m| m.blocks[1].collect_on = day("2026-12-25"),
            "ReqdColltnDt: \"2026-12-25\" is not a TARGET business day",
        ),
        (
            |m| m.blocks[1].collect_on = day("2026-10-30"),
            "ReqdColltnDt: \"2026-10-30\" is too soon: what is submitted on 2026-11-02 is collected on 2026-11-03 at the earliest",
        ),
        (
            |m| m.blocks[1].collect_on = day(SUBMIT_ON),
            "ReqdColltnDt: \"2026-11-02\" is too soon: what is submitted on 2026-11-02 is collected on 2026-11-03 at the earliest",
        ),
        (
            |m| {
                m.blocks[1].count = 2;
                m.count = 4;
            },
            "NbOfTxs: \"2\" is not the 1 that are there",
        ),
        (
            |m| {
                m.blocks[1].control_sum_minor += 1;
                m.control_sum_minor += 1;
            },
            "CtrlSum: \"12.01 EUR\" is not the sum, 12.00 EUR",
        ),
        (
            |m| {
                m.blocks[1].debits.clear();
                m.blocks[1].count = 0;
                m.blocks[1].control_sum_minor = 0;
                m.count = 2;
                m.control_sum_minor = 2_400;
            },
            "DrctDbtTxInf: \"\" is missing: the block is empty",
        ),
        (|m| m.blocks[1].collect_on = day("2026-11-03"), ""),
    ];
    for (spoil, expected) in table {
        let told = told(spoil);
        if expected.is_empty() {
            assert_eq!(told, [""; 0]);
        } else {
            assert_eq!(told, [format!("{at}{expected}")]);
        }
    }
    assert_eq!(
        told(|m| m.blocks[1].id = "B1".into()),
        ["block 2 (B1), PmtInfId: \"B1\" is there twice"]
    );
}

#[test]
fn what_is_wrong_with_the_message_is_told() {
    let table: [(fn(&mut Message), &str); 9] = [
        (
            |m| m.creditor.identifier.clear(),
            "CdtrSchmeId/Id: \"\" is missing",
        ),
        (
            |m| m.creditor.identifier = "FR73ZZZ123456".into(),
            "CdtrSchmeId/Id: \"FR73ZZZ123456\" has wrong check digits",
        ),
        (
            |m| m.creditor.iban = IbanText::new("FR1520041010050500013M02606"),
            "CdtrAcct/Id/IBAN: \"FR…2606\" has wrong check digits",
        ),
        (
            |m| m.creditor.bic = Some("xyz".into()),
            "CdtrAgt/FinInstnId: \"xyz\" is not a BIC of 8 or 11 capital letters and digits such as DEUTDEFF",
        ),
        (|m| m.creditor.name.clear(), "Cdtr/Nm: \"\" is missing"),
        (
            |m| m.count = 2,
            "GrpHdr/NbOfTxs: \"2\" is not the 3 that are there",
        ),
        (
            |m| m.control_sum_minor = 3_599,
            "GrpHdr/CtrlSum: \"35.99 EUR\" is not the sum, 36.00 EUR",
        ),
        (
            |m| m.id = "ü".into(),
            "GrpHdr/MsgId: \"ü\" has 'ü', which is not in the SEPA character set",
        ),
        (
            |m| {
                m.blocks.clear();
                m.count = 0;
                m.control_sum_minor = 0;
            },
            "PmtInf: \"\" is missing: there is nothing to collect",
        ),
    ];
    for (spoil, expected) in table {
        assert_eq!(told(spoil), [expected]);
    }
}

#[test]
fn everything_is_told_at_once() {
    let told = told(|m| {
        m.id = String::new();
        m.creditor.identifier = String::new();
        m.blocks[0].collect_on = day("2026-11-01");
        m.blocks[0].debits[0].amount.minor = 0;
        m.blocks[0].debits[0].debtor.name = String::new();
        m.blocks[1].debits[0].end_to_end_id = "d1".into();
        m.blocks[1].debits[0].amount.minor = i64::MAX;
    });
    // The sums are wrong too.
    assert_eq!(told.len(), 9, "{told:#?}");
}
