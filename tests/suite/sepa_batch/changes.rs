//! What the bank is told of mandates: how often they were used, and what changed.

use quittance::domain::ids::{AccountId, PaymentMethodId};
use quittance::on;
use quittance::store::{IfMissing, Store};
use serde_json::{Value, json};

use super::{batch, decide, file_of, id_of, made_id, release, states, texts, three_debits};
use crate::bank_import::xml::{Booking, Name, statement_of};
use crate::on_both;
use crate::support::House;
use crate::support::direct_debit::{
    BY, IBAN, OTHER_IBAN, add_mandate, attempt_debits, furnish_sepa, sepa_settings, signed_args,
};

on_both!(
    changes_are_told_once_and_until_released,
    a_first_collection_is_called_as_the_bank_wants,
    a_rejected_first_collection_never_took_place,
    an_amendment_that_was_rejected_is_told_again,
    there_is_a_block_for_each_date_sequence_and_scheme,
);

/// October is over and debited; what follows is collected again.
fn again(house: &House, round: u32) {
    let payments = house.run(&["payment", "list", "--json"]).json();
    let submitted = |payment: &&Value| payment["state"] == "submitted";
    let returns: Vec<Booking> = payments
        .as_array()
        .unwrap()
        .iter()
        .filter(submitted)
        .map(|payment| Booking {
            name: Name::Debit(payment["id"].as_str().unwrap().to_owned()),
            amount: payment["amount_minor"].as_i64().unwrap(),
            charges: 0,
            reason: Some("AM04"),
            is_return: true,
            day: "2026-11-12".to_owned(),
        })
        .collect();
    let message = format!("S-{round}");
    let file = house.file(&message, statement_of(&message, OTHER_IBAN, &returns));
    house.run(&["sepa", "import", file.to_str().unwrap()]);
    attempt_debits(house, round);
}

fn change_iban(house: &House, account: &str, iban: &str) {
    change_iban_of(house, account, "1", iban);
}

fn change_iban_of(house: &House, account: &str, method: &str, iban: &str) {
    let file = house.file("iban", iban);
    let change = [
        "method",
        "change-iban",
        account,
        method,
        "--iban-file",
        file.to_str().unwrap(),
    ];
    house.run(&[&change[..], &BY].concat());
}

fn changes_are_told_once_and_until_released(house: &House) {
    three_debits(house);
    // Before the bank ever saw a mandate nothing has changed for it.
    change_iban(house, "acc-1", OTHER_IBAN);
    let id = id_of(&batch(house, &[]));
    assert!(texts(&file_of(house, &id), "AmdmntInd").is_empty());
    release(house, &id);

    again(house, 2);
    let renamed = [
        (
            "creditor_name = \"Nuage Exemple SAS\"",
            "creditor_name = \"Nébuleuse SAS\"",
        ),
        ("FR72ZZZ123456", "DE98ZZZ09999999999"),
    ];
    sepa_settings(house, &renamed);
    change_iban(house, "acc-1", IBAN);
    for round in [3, 4] {
        let id = id_of(&batch(house, &[]));
        let xml = file_of(house, &id);
        assert_eq!(texts(&xml, "AmdmntInd").len(), 3, "{xml}");
        let before: Vec<bool> = texts(&xml, "OrgnlCdtrSchmeId")
            .iter()
            .map(|told| told.contains("Nuage Exemple SAS") && told.contains("FR72ZZZ123456"))
            .collect();
        assert_eq!(before, [true; 3], "{xml}");
        assert_eq!(xml.matches("SMNDA").count(), 1, "{xml}");
        let moved = xml
            .split("<DrctDbtTxInf>")
            .find(|debit| debit.contains("SMNDA"))
            .unwrap();
        assert!(moved.contains(&format!("<IBAN>{IBAN}</IBAN>")), "{moved}");
        // A file that never went told the bank nothing.
        if round == 3 {
            assert_eq!(decide(house, "cancel", &id).code, Some(0));
            attempt_debits(house, round);
        } else {
            release(house, &id);
        }
    }

    again(house, 5);
    let xml = file_of(house, &id_of(&batch(house, &[])));
    assert!(
        texts(&xml, "AmdmntInd").is_empty() && !xml.contains("SMNDA"),
        "{xml}"
    );
    assert!(xml.contains("<Nm>Nebuleuse SAS</Nm>"), "{xml}");
    // A name that the bank reads the same is none that changed.
    sepa_settings(
        house,
        &[
            renamed[1],
            (
                "creditor_name = \"Nuage Exemple SAS\"",
                "creditor_name = \"Nebuleuse SAS\"",
            ),
        ],
    );
    assert_eq!(decide(house, "cancel", &made_id(house)).code, Some(0));
    attempt_debits(house, 6);
    let xml = file_of(house, &id_of(&batch(house, &[])));
    assert!(texts(&xml, "AmdmntInd").is_empty(), "{xml}");
    house.run(&["verify"]);
}

fn a_first_collection_is_called_as_the_bank_wants(house: &House) {
    three_debits(house);
    sepa_settings(
        house,
        &[("first_collection = \"RCUR\"", "first_collection = \"FRST\"")],
    );
    let id = id_of(&batch(house, &[]));
    assert_eq!(texts(&file_of(house, &id), "SeqTp"), ["FRST"]);
    // What is canceled was no first collection.
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    attempt_debits(house, 2);
    let id = id_of(&batch(house, &[]));
    assert_eq!(texts(&file_of(house, &id), "SeqTp"), ["FRST"]);
    release(house, &id);
    again(house, 3);
    // A new mandate begins anew, beside those that go on.
    let id = id_of(&batch(house, &[]));
    assert_eq!(texts(&file_of(house, &id), "SeqTp"), ["RCUR"]);
    release(house, &id);
    add_mandate(house, "acc-2", IBAN);
    again(house, 4);
    let made = batch(house, &[]);
    let blocks: Vec<_> = made["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| json!([block["sequence"], block["debits"]]))
        .collect();
    assert_eq!(blocks, [json!(["FRST", 1]), json!(["RCUR", 2])]);
    release(house, &id_of(&made));
    house.run(&["verify"]);
}

fn a_rejected_first_collection_never_took_place(house: &House) {
    three_debits(house);
    sepa_settings(
        house,
        &[("first_collection = \"RCUR\"", "first_collection = \"FRST\"")],
    );
    release(house, &id_of(&batch(house, &[])));
    // Two are rejected, the third is on its way.
    house.edit(
        "UPDATE payment_attempt SET state = 'declined', decline_code = 'AC01', decline_class = 'hard', \
         decline_known = 1, decided_at = created_at WHERE account_id <> (SELECT id FROM account \
         WHERE external_id = 'acc-3')",
    );
    let accounts = house.watch().count("SELECT COUNT(*) FROM account");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        for account in (1..=accounts).map(AccountId) {
            let id = PaymentMethodId(1);
            on!(&mut tx, conn, q => q::forget_rejected_collections(conn, &[(account, id)]).await)
                .unwrap();
        }
        tx.commit().await.unwrap();
        store.close().await;
    });
    house.edit(
        "UPDATE payment_attempt SET state = 'returned', decline_code = 'AM04', decline_class = 'soft', \
         decline_known = 1, decided_at = created_at WHERE state = 'submitted'",
    );
    attempt_debits(house, 2);
    let made = batch(house, &[]);
    let blocks: Vec<_> = made["blocks"].as_array().unwrap().iter().collect();
    let blocks: Vec<_> = blocks
        .iter()
        .map(|block| json!([block["sequence"], block["debits"]]))
        .collect();
    assert_eq!(blocks, [json!(["FRST", 2]), json!(["RCUR", 1])]);
    // Rejected or not, it was presented: the mandate does not lapse by it.
    let presented = "SELECT COUNT(*) FROM sepa_mandate WHERE last_presented_on = '2026-11-09'";
    assert_eq!(house.watch().count(presented), 3);
}

/// A pain.002 that rejects the debits of these accounts that are on their way.
fn reject(house: &House, accounts: &[&str], code: &str) {
    let payments = house.run(&["payment", "list", "--json"]).json();
    let rejected: String = payments
        .as_array()
        .unwrap()
        .iter()
        .filter(|payment| {
            payment["state"] == "submitted"
                && accounts.contains(&payment["account"].as_str().unwrap())
        })
        .map(|payment| {
            format!(
                "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn>\
                 <Cd>{code}</Cd></Rsn></StsRsnInf></TxInfAndSts>",
                payment["id"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(rejected.matches("RJCT").count(), accounts.len());
    let listed = house.run(&["sepa", "list", "--json"]).json();
    let batch = listed[0]["id"].as_str().unwrap();
    let xml = format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr>\
         <MsgId>R-{batch}</MsgId><CreDtTm>2026-11-03T08:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>\
         <OrgnlMsgId>{batch}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId></OrgnlGrpInfAndSts>\
         <OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch}-1</OrgnlPmtInfId>{rejected}</OrgnlPmtInfAndSts>\
         </CstmrPmtStsRpt></Document>"
    );
    let file = house.file("rejected.xml", xml);
    house.run(&["sepa", "import", file.to_str().unwrap()]);
}

/// What each account's debit tells as changed: the account, the creditor.
fn amendments(house: &House, id: &str) -> Vec<String> {
    let xml = file_of(house, id);
    let mut told: Vec<String> = xml
        .split("<DrctDbtTxInf>")
        .skip(1)
        .map(|debit| {
            let account = debit.split("<Dbtr>").nth(1).unwrap();
            let account = &texts(account, "Nm")[0];
            let mut what = account.clone();
            if debit.contains("SMNDA") {
                what.push_str(" account");
            }
            if debit.contains("<OrgnlCdtrSchmeId>") {
                what.push_str(" creditor");
            }
            what
        })
        .collect();
    told.sort();
    told
}

fn an_amendment_that_was_rejected_is_told_again(house: &House) {
    three_debits(house);
    release(house, &id_of(&batch(house, &[])));
    again(house, 2);
    sepa_settings(house, &[("FR72ZZZ123456", "DE98ZZZ09999999999")]);
    change_iban(house, "acc-1", OTHER_IBAN);
    change_iban(house, "acc-2", IBAN);
    let told = [
        "acc-1 account creditor",
        "acc-2 account creditor",
        "acc-3 creditor",
    ];
    let id = id_of(&batch(house, &[]));
    assert_eq!(amendments(house, &id), told);
    release(house, &id);
    // Two are rejected; the third is taken in, and later given back.
    reject(house, &["acc-1", "acc-2"], "AM04");
    again(house, 3);
    let id = id_of(&batch(house, &[]));
    assert_eq!(amendments(house, &id), [told[0], told[1], "acc-3"]);
    release(house, &id);
    // It is told as long as it is rejected.
    reject(house, &["acc-1"], "AM04");
    again(house, 4);
    let id = id_of(&batch(house, &[]));
    assert_eq!(amendments(house, &id), [told[0], "acc-2", "acc-3"]);
    // Meanwhile the account becomes another once more.
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    change_iban(house, "acc-1", IBAN);
    attempt_debits(house, 5);
    let id = id_of(&batch(house, &[]));
    assert_eq!(amendments(house, &id), [told[0], "acc-2", "acc-3"]);
    release(house, &id);
    again(house, 6);
    let id = id_of(&batch(house, &[]));
    assert_eq!(amendments(house, &id), ["acc-1", "acc-2", "acc-3"]);
    // A rejected debit that told nothing takes nothing back.
    release(house, &id);
    reject(house, &["acc-1", "acc-2", "acc-3"], "AM04");
    attempt_debits(house, 7);
    let id = id_of(&batch(house, &[]));
    assert_eq!(amendments(house, &id), ["acc-1", "acc-2", "acc-3"]);
    house.run(&["verify"]);

    // Of a mandate whose every collection was rejected the bank knows nothing.
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    add_mandate(house, "acc-2", OTHER_IBAN);
    sepa_settings(
        house,
        &[("first_collection = \"RCUR\"", "first_collection = \"FRST\"")],
    );
    attempt_debits(house, 8);
    let id = id_of(&batch(house, &[]));
    assert_eq!(texts(&file_of(house, &id), "SeqTp"), ["FRST", "RCUR"]);
    release(house, &id);
    reject(house, &["acc-2"], "AM04");
    change_iban_of(house, "acc-2", "2", IBAN);
    again(house, 9);
    let id = id_of(&batch(house, &[]));
    // The creditor is another again, which it was told of in the file before.
    assert_eq!(amendments(house, &id), ["acc-1", "acc-2", "acc-3"]);
    assert_eq!(texts(&file_of(house, &id), "SeqTp"), ["FRST", "RCUR"]);
    house.run(&["verify"]);
}

fn there_is_a_block_for_each_date_sequence_and_scheme(house: &House) {
    furnish_sepa(house);
    house.import_usage(
        "v1,acc-2,blog,container,web,S,1,2026-09-01T00:00:00+02:00,2026-10-01T00:00:00+02:00\n\
         v2,acc-1,blog,container,web,S,1,2026-09-01T00:00:00+02:00,2026-10-01T00:00:00+02:00\n",
    );
    for account in ["acc-1", "acc-2"] {
        add_mandate(house, account, IBAN);
    }
    let file = house.file("iban", OTHER_IBAN);
    house.run(&signed_args("acc-3", &file, &["--scheme", "B2B"]));
    house.run(&["run", "2026-09"]);
    house.run(&["run", "2026-10"]);
    // September's was told long ago: it is collected as soon as the bank can.
    house.edit(
        "UPDATE invoice SET issued_on = '2026-10-02', due_on = '2026-10-02' WHERE period = 202609",
    );
    attempt_debits(house, 1);
    sepa_settings(
        house,
        &[("first_collection = \"RCUR\"", "first_collection = \"FRST\"")],
    );
    let made = batch(house, &[]);
    let blocks: Vec<String> = made["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| {
            let text = |key: &str| block[key].as_str().unwrap().to_owned();
            format!(
                "{} {} {} {}",
                text("collect_on"),
                text("scheme"),
                text("sequence"),
                block["debits"]
            )
        })
        .collect();
    assert_eq!(
        blocks,
        [
            "2026-11-03 CORE FRST 2",
            "2026-11-09 B2B FRST 1",
            "2026-11-09 CORE RCUR 2"
        ]
    );
    let ids: std::collections::BTreeSet<&str> = made["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["id"].as_str().unwrap())
        .collect();
    assert!(
        ids.len() == 3 && ids.iter().all(|id| id.len() <= 35),
        "{ids:?}"
    );
    release(house, &id_of(&made));
    assert_eq!(states(house), json!({"submitted": 5}));
    // The latest of its collections is what a mandate goes on from.
    let latest = "SELECT COUNT(*) FROM sepa_mandate WHERE last_presented_on = '2026-11-09' AND scheme = 'CORE' \
         AND last_sequence = 'RCUR'";
    assert_eq!(house.watch().count(latest), 2);
}
