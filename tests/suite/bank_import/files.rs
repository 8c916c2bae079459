//! Files as a whole: the samples, and what is refused.

use std::path::Path;

use super::xml::{notification, returned, settled, statement, statement_of, status};
use super::*;
use crate::on_both;
use crate::support::House;

on_both!(
    the_sample_of_a_statement,
    the_sample_of_a_notification,
    the_sample_of_rejects,
    the_sample_of_a_rejected_file,
    samples_of_someone_else,
    a_wrong_file_books_nothing,
    a_cut_off_file_books_nothing,
);

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/bank")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The debits of the samples: 10.00 to 10.04.
fn five(house: &House) {
    debited(house, 5);
    for n in 1..=5 {
        let (id, amount) = (id(n), 999 + n);
        house.edit(&format!(
            "UPDATE payment_attempt SET amount_minor = {amount} WHERE id = '{id}'"
        ));
    }
    house.edit("UPDATE sepa_batch SET sum_minor = (SELECT SUM(amount_minor) FROM payment_attempt)");
}

/// A sample in both versions, about the debits of the house: the second tells
/// nothing new.
fn both(house: &House, kind: &str, versions: [&str; 2], expected: &str, states: [&str; 5]) {
    five(house);
    let ours = |version: &str| {
        (0..5).fold(sample(&format!("{version}-{kind}.xml")), |xml, n| {
            xml.replace(&format!("E2E{n}<"), &format!("{}<", id(n + 1)))
        })
    };
    let report = import(house, &ours(versions[0]));
    assert_eq!(outcomes(&report), expected, "{report}");
    assert_eq!(report["unmatched"], 0, "{report}");
    let found: Vec<String> = (1..=5).map(|n| state(house, n)).collect();
    assert_eq!(found, states);
    house.run(&["verify"]);
    let before = rows(house);
    let report = import(house, &ours(versions[1]));
    assert_eq!(report["known"], report["entries"], "{report}");
    let mut after = rows(house);
    after[3] -= 1;
    assert_eq!(after, before);
}

const RETURNED: [&str; 5] = [
    "returned AC04",
    "returned AM04",
    "returned MD01",
    "returned MD06",
    "returned MS02",
];

fn the_sample_of_a_statement(house: &House) {
    let versions = ["camt.053.001.02", "camt.053.001.08"];
    let expected = "settled 5 (5010), returned 4 (4007), refunded 1 (1003)";
    both(
        house,
        "collection-and-returns",
        versions,
        expected,
        RETURNED,
    );
    // Three returns cost three euros each.
    assert_eq!(owed_and_held(house).1, -900);
    let declined = "SELECT COUNT(*) FROM payment_method WHERE state = 'hard_declined'";
    assert_eq!(house.watch().count(declined), 2);
}

fn the_sample_of_a_notification(house: &House) {
    let versions = ["camt.054.001.02", "camt.054.001.08"];
    let expected = "returned 4 (4007), refunded 1 (1003)";
    both(house, "sdd-returns", versions, expected, RETURNED);
}

fn the_sample_of_rejects(house: &House) {
    let versions = ["pain.002.001.03", "pain.002.001.10"];
    let declined = RETURNED.map(|state| state.replace("returned", "declined"));
    let declined = declined.each_ref().map(String::as_str);
    both(
        house,
        "sdd-part-rejected",
        versions,
        "rejected 5 (5010)",
        declined,
    );
}

fn the_sample_of_a_rejected_file(house: &House) {
    let versions = ["pain.002.001.03", "pain.002.001.10"];
    let states = ["declined FF01"; 5];
    both(
        house,
        "sdd-file-rejected",
        versions,
        "rejected 5 (5010)",
        states,
    );
}

fn samples_of_someone_else(house: &House) {
    debited(house, 1);
    // Nothing in them is ours: each fact waits, none is lost, nothing is booked.
    house.edit("UPDATE sepa_debit SET block_id = 'other', batch_id = batch_id");
    // Only the message's own id is: the debit in it is taken in.
    let taken_in = format!("acknowledged 1 ({})", amounts(house)[0]);
    let mut waits = 0;
    for (name, expected) in [
        ("camt.053.001.08-collection-and-returns.xml", ""),
        ("pain.002.001.10-sdd-part-rejected.xml", &taken_in),
    ] {
        let report = import(house, &sample(name));
        assert_eq!(outcomes(&report), expected);
        waits += report["unmatched"].as_u64().unwrap();
        assert_eq!(report["unmatched"], 6, "{report}");
    }
    assert_eq!(u64::try_from(unmatched(house).len()).unwrap(), waits);
    assert_eq!(rows(house)[0], 0);
    house.run(&["verify"]);
}

/// The report of a statement alone.
fn inside(xml: &str) -> &str {
    let (start, end) = (
        xml.find("<Stmt>").unwrap(),
        xml.find("</BkToCstmrStmt>").unwrap(),
    );
    &xml[start..end]
}

fn a_wrong_file_books_nothing(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    let before = rows(house);
    let good = statement("S1", &[settled(1, amounts[0]), settled(2, amounts[1])]);
    let other = "DE89370400440532013000";
    let balance = |code: &str, amount: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-12-01</Dt></Dt></Bal>"
        )
    };
    let balances = format!(
        "</Acct>{}{}",
        balance("OPBD", "1.00"),
        balance("CLBD", "2.00")
    );
    // (file, what is said)
    let wrong = [
        (
            // Told of its first entry.
            statement_of(
                "S1",
                other,
                &[settled(1, amounts[0]), settled(2, amounts[1])],
            ),
            "line 3 (byte 471): is of the account DE…3000, and ours is FR…0189",
        ),
        (
            statement_of("S1", other, &[]),
            "is of the account DE…3000, and ours is FR…0189",
        ),
        // Ours first, and another's without entries after it.
        (
            good.replace(
                "</Stmt>",
                &format!("</Stmt>{}", inside(&statement_of("S2", other, &[]))),
            ),
            "is of the account DE…3000, and ours is FR…0189",
        ),
        (good.replace("</Acct>", &balances), "opening balance"),
        (
            good.replace("<Sts><Cd>BOOK</Cd></Sts>", "<Sts><Cd>WHAT</Cd></Sts>"),
            "line 3",
        ),
        (
            good.replace("camt.053.001.08", "camt.052.001.08"),
            "is not a supported namespace",
        ),
        ("id,amount\n1,2\n".to_owned(), "line 1"),
        (String::new(), "line 1"),
    ];
    for (xml, said) in wrong {
        let answer = refused(house, &xml);
        assert!(answer.stderr.contains(said), "{said}: {answer:?}");
        assert!(
            answer.stderr.contains("answer.xml: nothing was booked"),
            "{answer:?}"
        );
        assert!(!answer.stderr.contains("370400440532"), "{answer:?}");
        assert_eq!(rows(house), before, "{said}");
    }
    let answer = house.refuse(&["sepa", "import", "nowhere.xml"]);
    assert!(answer.stderr.contains("cannot be read"), "{answer:?}");
    // Without direct debits there is no account to compare with.
    let file = house.file("answer.xml", &good);
    std::fs::remove_file(house.path("quittance.toml")).unwrap();
    let answer = house.refuse(&["sepa", "import", file.to_str().unwrap()]);
    assert!(answer.stderr.contains("has no [sepa]"), "{answer:?}");
    assert_eq!(rows(house), before);
    settings(house);
    // And the good one is booked after all of that.
    assert_eq!(import(house, &good)["unmatched"], 0);
    house.run(&["verify"]);
}

fn a_cut_off_file_books_nothing(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    let before = rows(house);
    let files = [
        statement(
            "S1",
            &[settled(1, amounts[0]), returned(2, amounts[1], 0, "AM04")],
        ),
        notification("N1", &[returned(2, amounts[1], 0, "AM04")]),
        status("P1", &[(1, Some("AC04"))], Some(("PART", ""))),
    ];
    for xml in files {
        for part in 1..12 {
            let end = xml.len() * part / 12;
            refused(house, &xml[..end]);
        }
        refused(house, &xml[..xml.len() - 1]);
    }
    assert_eq!(rows(house), before);
}
