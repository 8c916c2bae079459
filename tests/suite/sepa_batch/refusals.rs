//! What gets no file, or keeps a file from the bank.

use serde_json::json;

use super::{archived, at, batch, decide, file_of, id_of, release, states, texts, three_debits};
use crate::on_both;
use crate::support::House;
use crate::support::direct_debit::{BY, IBAN, attempt_debits};

on_both!(
    what_cannot_be_collected_is_left_out_and_withdrawn,
    what_the_bank_would_refuse_waits_and_the_rest_is_collected,
    a_file_is_never_overwritten,
    dates_are_business_days_to_come,
    an_altered_file_is_not_released,
    verify_sees_every_edit,
);

pub fn of(account: &str) -> String {
    format!("account_id = (SELECT id FROM account WHERE external_id = '{account}')")
}

fn what_cannot_be_collected_is_left_out_and_withdrawn(house: &House) {
    three_debits(house);
    house.edit(&format!(
        "UPDATE payment_method SET state = 'hard_declined', decline_code = 'AC04' WHERE {}",
        of("acc-1")
    ));
    // Signed 36 months and a day before the collection on 9 November.
    house.edit(&format!(
        "UPDATE sepa_mandate SET signed_on = '2023-11-08' WHERE {}",
        of("acc-2")
    ));
    let made = batch(house, &[]);
    assert_eq!(made["debits"], 1, "{made}");
    let reasons: Vec<&str> = made["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left_out| left_out["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        [
            "the mandate was refused for good: AC04",
            "the mandate lapsed on 2026-11-08: 36 months without a collection"
        ]
    );
    assert_eq!(made["left_out"][1]["account"], "acc-2");
    assert_eq!(states(house), json!({"created": 1, "declined": 2}));
    let payments = house.run(&["payment", "list", "--json"]).json();
    let withdrawn = payments
        .as_array()
        .unwrap()
        .iter()
        .filter(|payment| payment["decline"]["code"] == "withdrawn");
    assert_eq!(withdrawn.count(), 2);
    release(house, &id_of(&made));
    house.run(&["verify"]);
    // Where nothing can be collected there is no file, and nothing waits on.
    house.edit(&format!(
        "UPDATE payment_method SET state = 'action_required', decline_code = 'MD06' WHERE {}",
        of("acc-2")
    ));
    attempt_debits(house, 2);
    let answer = house.refuse(&["sepa", "batch"]);
    for said in [
        "the customer has to act first: MD06",
        "2 debits withdrawn",
        "There is no file",
    ] {
        assert!(answer.stdout.contains(said), "{said}: {answer:?}");
    }
    assert!(answer.stderr.contains("2 debits left out"), "{answer:?}");
    assert_eq!(states(house), json!({"declined": 4, "submitted": 1}));
    assert_eq!(archived(house), 1);
    house.run(&["verify"]);
}

/// Nothing is written, in whatever way.
#[track_caller]
pub fn assert_untouched(house: &House, files: usize) {
    assert_eq!(states(house), json!({"created": 3}));
    assert_eq!(archived(house), files);
    let batches = i64::try_from(files).unwrap();
    let mut watch = house.watch();
    assert_eq!(
        watch.count("SELECT COUNT(*) FROM sepa_batch WHERE state = 'made'"),
        batches
    );
    assert_eq!(watch.count("SELECT COUNT(*) FROM sepa_debit"), 3 * batches);
}

fn what_the_bank_would_refuse_waits_and_the_rest_is_collected(house: &House) {
    three_debits(house);
    let zeros = house.bytes_literal(&"00".repeat(50));
    let edits = |table: &str, account: &str, edit: &str, back: &str| {
        [edit, back].map(|set| format!("UPDATE {table} SET {set} WHERE {}", of(account)))
    };
    let long = format!("address_line1 = '{}'", "word ".repeat(40));
    // (account, edit and back, what is said)
    let table = [
        (
            "acc-3",
            edits("billing_profile", "acc-3", "city = ''", "city = 'Hamburg'"),
            vec!["the bank would refuse it: PstlAdr/TwnNm: \"\" is missing"],
        ),
        (
            "acc-3",
            edits(
                "billing_profile",
                "acc-3",
                &long,
                "address_line1 = 'Elbstraße 14'",
            ),
            vec!["PstlAdr/AdrLine", "longer than 70"],
        ),
        (
            "acc-1",
            edits(
                "sepa_mandate",
                "acc-1",
                "bic = 'DEUTDE', debtor_name = ' '",
                "bic = NULL, debtor_name = 'acc-1'",
            ),
            vec!["DbtrAgt/FinInstnId: \"DEUTDE\"", "Dbtr/Nm: \"\" is missing"],
        ),
        (
            "acc-2",
            edits(
                "payment_attempt",
                "acc-2",
                "currency = 'PLN'",
                "currency = 'EUR'",
            ),
            vec!["InstdAmt", "is not in euros"],
        ),
        (
            "acc-2",
            edits(
                "sepa_mandate",
                "acc-2",
                "iban_key = 'gone'",
                "iban_key = 'a'",
            ),
            vec!["its account number does not open: ", "gone"],
        ),
        (
            "acc-2",
            edits("payment_attempt", "acc-2", "method_id = 9", "method_id = 1"),
            vec!["a mandate, of a debtor, that is not there"],
        ),
        (
            "acc-1",
            edits(
                "sepa_mandate",
                "acc-1",
                &format!("iban_sealed = {zeros}"),
                "bic = NULL",
            ),
            vec!["its account number does not open: "],
        ),
    ];
    for (round, (account, [edit, back], said)) in (2..).zip(table) {
        house.edit(&edit);
        let made = batch(house, &[]);
        assert_eq!(made["debits"], 2, "{made}");
        let left_out = &made["left_out"].as_array().unwrap()[..];
        let [left_out] = left_out else {
            panic!("{made}")
        };
        assert_eq!(
            (&left_out["account"], &left_out["fate"]),
            (&json!(account), &json!("waits"))
        );
        assert!(left_out["invoice"].as_str().unwrap().starts_with("Q-2026-"));
        for said in said {
            let reason = left_out["reason"].as_str().unwrap();
            assert!(reason.contains(said), "{said}: {reason}");
            assert!(!reason.contains(IBAN), "{reason}");
        }
        let id = id_of(&made);
        assert_eq!(texts(&file_of(house, &id), "EndToEndId").len(), 2);
        house.edit(&back);
        if !back.contains("bic = NULL WHERE") {
            // It waits, and as soon as that is mended it is collected.
            let next = batch(house, &[]);
            assert_eq!(
                (&next["debits"], &next["left_out"]),
                (&json!(1), &json!([]))
            );
            assert_eq!(decide(house, "cancel", &id_of(&next)).code, Some(0));
        }
        assert_eq!(decide(house, "cancel", &id).code, Some(0));
        house.run(&["verify"]);
        attempt_debits(house, round);
    }
    // Where every debit is refused there is no file, and all of them wait.
    house.edit("UPDATE sepa_mandate SET debtor_name = ''");
    let before = archived(house);
    let out = house.path("refused.xml");
    let answer = house.refuse(&["sepa", "batch", "--out", out.to_str().unwrap()]);
    for said in ["3 debits waiting on", "There is no file"] {
        assert!(answer.stdout.contains(said), "{said}: {answer:?}");
    }
    assert!(!out.exists());
    assert_eq!(archived(house), before);
    assert_eq!(states(house)["created"], 3);
    assert_eq!(
        house
            .watch()
            .count("SELECT COUNT(*) FROM sepa_batch WHERE state = 'made'"),
        0
    );
}

fn a_file_is_never_overwritten(house: &House) {
    three_debits(house);
    let out = house.file("out.xml", "mine");
    let out = out.to_str().unwrap();
    let answer = house.refuse(&["sepa", "batch", "--out", out]);
    assert!(answer.stderr.contains("is there already"), "{answer:?}");
    assert_untouched(house, 0);
    // A folder that is not there is seen when the batch stands: its file is safe.
    let answer = house.refuse(&["sepa", "batch", "--out", "no/such/folder.xml"]);
    assert!(
        answer
            .stderr
            .contains("is made, and its file could not be put there"),
        "{answer:?}"
    );
    assert_untouched(house, 1);
    let listed = house.run(&["sepa", "list", "--json"]).json();
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(texts(&file_of(house, id), "EndToEndId").len(), 3);
    let answer = house.refuse(&["sepa", "file", id, "--out", out]);
    assert!(answer.stderr.contains("is there already"), "{answer:?}");
    assert_eq!(std::fs::read_to_string(out).unwrap(), "mine");
    let answer = house.refuse(&["sepa", "file", id, "--out", "-"]);
    assert!(answer.stderr.contains("not printed"), "{answer:?}");
    assert!(!house.path("-").exists());
    for id in ["", "S261102-00000000", "' OR 1=1"] {
        for args in [
            vec!["sepa", "show", id],
            vec!["sepa", "file", id, "--out", "x.xml"],
            [&["sepa", "release", id], &BY[..]].concat(),
            [&["sepa", "cancel", id], &BY[..]].concat(),
        ] {
            let answer = house.refuse(&args);
            assert!(answer.stderr.contains("there is no batch"), "{answer:?}");
        }
    }
}

fn dates_are_business_days_to_come(house: &House) {
    three_debits(house);
    let answer = house.refuse(&["sepa", "batch", "--collect-on", "2026-11-01"]);
    assert!(answer.stderr.contains("it has passed"), "{answer:?}");
    assert_eq!(
        house
            .try_run(&["sepa", "batch", "--collect-on", "2026-02-30"])
            .code,
        Some(2)
    );
    // (asked, collected)
    let table = [
        ("2026-11-02", "2026-11-09"),
        ("2026-11-10", "2026-11-10"),
        ("2026-12-25", "2026-12-28"),
        ("2027-03-26", "2027-03-30"),
    ];
    for (asked, expected) in table {
        let answer = house.run(&[
            "sepa",
            "batch",
            "--dry-run",
            "--json",
            "--collect-on",
            asked,
        ]);
        assert_eq!(
            answer.json()["blocks"][0]["collect_on"],
            expected,
            "{asked}"
        );
        let moved = answer.stderr.contains(&format!("{asked} is no TARGET day"));
        assert_eq!(
            moved,
            asked == "2026-12-25" || asked == "2027-03-26",
            "{answer:?}"
        );
    }
    // Not before it is due, nor before the debtor has known for 5 days.
    let dated = |issued_on: &str, due_on: &str| {
        house.edit(&format!(
            "UPDATE invoice SET issued_on = '{issued_on}', due_on = '{due_on}'"
        ));
        let planned = batch(house, &["--dry-run"]);
        planned["blocks"][0]["collect_on"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(dated("2026-11-02", "2026-11-20"), "2026-11-20");
    assert_eq!(dated("2026-11-12", "2026-11-02"), "2026-11-17");
    assert_eq!(dated("2026-11-02", "2026-11-02"), "2026-11-09");
    // Made on a Saturday, the bank reads it on Monday.
    let saturday = at(
        house,
        "2026-11-21T08:00:00Z",
        &["sepa", "batch", "--dry-run", "--json"],
    );
    assert_eq!(saturday.json()["blocks"][0]["collect_on"], "2026-11-24");

    let made = batch(house, &["--collect-on", "2026-11-10"]);
    let id = id_of(&made);
    let args = [&["sepa", "release", &id], &BY[..]].concat();
    // Monday the 9th is D-1; on the day itself it is too late.
    for late in ["2026-11-10T00:00:00+01:00", "2026-11-30T08:00:00Z"] {
        let answer = at(house, late, &args);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(
            answer.stderr.contains("cancel it and make a new one"),
            "{answer:?}"
        );
        assert_untouched(house, 1);
    }
    let answer = at(house, "2026-11-09T23:59:59+01:00", &args);
    assert_eq!(answer.code, Some(0), "{answer:?}");
}

fn an_altered_file_is_not_released(house: &House) {
    three_debits(house);
    let id = id_of(&batch(house, &[]));
    let sealed = house.path(&format!("sepa/{id}.sealed"));
    let whole = std::fs::read(&sealed).unwrap();
    let out = house.path("altered.xml");
    let file = ["sepa", "file", &id, "--out", out.to_str().unwrap()];
    let mut flipped = whole.clone();
    let at = flipped.len() / 2;
    flipped[at] ^= 1;
    let cut = whole[..whole.len() - 1].to_vec();
    for (bytes, said) in [
        (flipped, "it was altered"),
        (cut, "is cut"),
        (Vec::new(), "is cut"),
    ] {
        std::fs::write(&sealed, bytes).unwrap();
        for answer in [decide(house, "release", &id), house.try_run(&file)] {
            assert_eq!(answer.code, Some(1), "{answer:?}");
            assert!(answer.stderr.contains(said), "{said}: {answer:?}");
        }
        assert!(!out.exists(), "a part of a file was left");
    }
    // A whole file that is not the one that was made.
    std::fs::remove_file(&sealed).unwrap();
    let vault = house.vault("a");
    let context = format!("pain.008 {id}");
    quittance::vault::archive::seal_to(&sealed, &mut "<other/>".as_bytes(), &vault, &context)
        .unwrap();
    for answer in [decide(house, "release", &id), house.try_run(&file)] {
        assert!(
            answer.stderr.contains("its digest is another"),
            "{answer:?}"
        );
    }
    assert!(!out.exists());
    std::fs::remove_file(&sealed).unwrap();
    assert_eq!(decide(house, "release", &id).code, Some(1));
    assert_untouched_but_archive(house);
    std::fs::write(&sealed, whole).unwrap();
    release(house, &id);
}

fn assert_untouched_but_archive(house: &House) {
    assert_eq!(states(house), json!({"created": 3}));
    let query = "SELECT COUNT(*) FROM sepa_batch WHERE state = 'made'";
    assert_eq!(house.watch().count(query), 1);
}

fn verify_sees_every_edit(house: &House) {
    three_debits(house);
    let made = id_of(&batch(house, &[]));
    // (edit, its undoing, what is said)
    let before = [
        (
            "UPDATE payment_attempt SET state = 'submitted' WHERE state = 'created'",
            "UPDATE payment_attempt SET state = 'created' WHERE state = 'submitted'",
            "its batch never went to the bank, and it says that it was sent",
        ),
        (
            "UPDATE sepa_batch SET debits = debits + 1",
            "UPDATE sepa_batch SET debits = debits - 1",
            "its debits are not as many",
        ),
        (
            "UPDATE sepa_batch SET sum_minor = sum_minor + 1",
            "UPDATE sepa_batch SET sum_minor = sum_minor - 1",
            "not as much, as its file tells",
        ),
        (
            "UPDATE payment_attempt SET currency = 'PLN' WHERE state = 'created'",
            "UPDATE payment_attempt SET currency = 'EUR' WHERE state = 'created'",
            "is no direct debit in euros",
        ),
        (
            "UPDATE payment_method SET method = 'card'",
            "UPDATE payment_method SET method = 'sepa'",
            "the method it belongs to is missing or a card",
        ),
        (
            "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
             SELECT MAX(id), 9, 'card', 'usable', 1, 1, 1 FROM account",
            "DELETE FROM payment_method WHERE id = 9",
            "it has neither a card nor a mandate",
        ),
        (
            "INSERT INTO payment_card (account_id, method_id, reference, brand, last4, expires) \
             SELECT MAX(id), 1, 'pm_1', 'visa', '4242', 202810 FROM account",
            "DELETE FROM payment_card WHERE reference = 'pm_1'",
            "the method it belongs to is missing or a mandate",
        ),
    ];
    let seen = |edits: &[(&str, &str, &str)]| {
        for (edit, back, said) in edits {
            house.run(&["verify"]);
            house.edit(edit);
            let answer = house.refuse(&["verify"]);
            assert!(answer.stdout.contains(said), "{edit}: {answer:?}");
            house.edit(back);
        }
        house.run(&["verify"]);
    };
    seen(&before);
    release(house, &made);
    let in_no_file = "it says that it was sent, and is in no file that was released";
    seen(&[
        (
            "UPDATE sepa_batch SET state = 'canceled', released_at = NULL",
            "UPDATE sepa_batch SET state = 'released', released_at = created_at",
            in_no_file,
        ),
        (
            "INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, currency, \
             state, decline_code, decline_class, decline_known, created_at, decided_at) \
             SELECT account_id, 'ffffffff' || substr(id, 9), period, kind, method, method_id, \
             amount_minor, currency, 'returned', 'AM04', 'soft', 1, created_at, created_at FROM payment_attempt",
            "DELETE FROM payment_attempt WHERE state = 'returned'",
            in_no_file,
        ),
        (
            "UPDATE payment_attempt SET state = 'created' WHERE state = 'submitted'",
            "UPDATE payment_attempt SET state = 'submitted' WHERE state = 'created'",
            "its batch was released, and it does not say that it was sent",
        ),
        (
            "UPDATE sepa_mandate SET last_presented_on = '2026-11-08'",
            "UPDATE sepa_mandate SET last_presented_on = '2026-11-09'",
            "it was presented to the bank, and says nothing of it",
        ),
    ]);
}
