//! Who pays is restored in the transaction that books the payment.

use serde_json::json;

use super::Diary;
use crate::on_both;
use crate::support::House;

on_both!(
    pays_before_the_suspension,
    pays_while_suspended,
    pays_a_part,
    a_debt_that_is_given_up_restores,
);

fn pays_before_the_suspension(house: &House) {
    let diary = Diary::open(house);
    diary.rounds("2026-11-02", "2026-11-16");
    diary.grant(diary.total_minor);
    assert_eq!(diary.rounds("2026-11-17", "2026-12-31"), [""; 0]);
    assert_eq!(diary.topics("platform"), [""; 0]);
}

fn pays_while_suspended(house: &House) {
    let diary = Diary::open(house);
    diary.rounds("2026-11-02", "2026-12-04");
    assert_eq!(diary.debtor()["suspended"], true);
    diary.grant(diary.total_minor);
    // No round was needed.
    assert_eq!(
        diary.topics("platform"),
        ["account.suspend", "account.resume"]
    );
    let told = diary.told("mail");
    assert!(
        told.contains(&("restored".to_owned(), json!({}))),
        "{told:?}"
    );
    assert_eq!(
        diary.count("SELECT COUNT(*) FROM account_suspension WHERE restored_at IS NULL"),
        0
    );
    assert_eq!(diary.rounds("2026-12-05", "2027-01-31"), [""; 0]);
    house.run(&["verify"]);
}

fn pays_a_part(house: &House) {
    let diary = Diary::open(house);
    let settings = include_str!("../../../deploy/quittance.toml");
    house.file(
        "quittance.toml",
        settings.replace("partial_credit = false", "partial_credit = true"),
    );
    diary.rounds("2026-11-02", "2026-11-20");
    diary.grant(diary.total_minor - 1);
    // A cent is still owed: it stays suspended, and what is said of it counts the part.
    let debtor = diary.debtor();
    assert_eq!(
        (&debtor["suspended"], &debtor["owed_minor"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(diary.topics("platform"), ["account.suspend"]);
    diary.grant(1);
    assert_eq!(
        diary.topics("platform"),
        ["account.suspend", "account.resume"]
    );
}

fn a_debt_that_is_given_up_restores(house: &House) {
    let diary = Diary::open(house);
    diary.rounds("2026-11-02", "2026-11-20");
    house.run(&[
        "invoice",
        "write-off",
        "Q-2026-000001",
        "--reason",
        "gone",
        "--by",
        "ada",
    ]);
    assert_eq!(
        diary.topics("platform"),
        ["account.suspend", "account.resume"]
    );
}
