//! What gets no file, or keeps a file from the bank.

use serde_json::{Value, json};

use super::{archived, at, batch, decide, file_of, id_of, release, states, texts, three_debits};
use crate::on_both;
use crate::support::House;
use crate::support::direct_debit::{BY, IBAN, attempt_debits};

on_both!(
    what_cannot_be_collected_is_left_out_and_withdrawn,
    what_the_bank_would_refuse_gets_no_file,
    a_file_is_never_overwritten,
    dates_are_business_days_to_come,
    what_changed_since_is_not_released,
    an_altered_file_is_not_released,
    a_removed_mandate_is_not_debited,
    verify_sees_every_edit,
);

fn of(account: &str) -> String {
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
    let answer = house.run(&["sepa", "batch"]);
    for said in [
        "the customer has to act first: MD06",
        "2 debits withdrawn",
        "No direct debit waits",
    ] {
        assert!(answer.stdout.contains(said), "{said}: {answer:?}");
    }
    assert_eq!(states(house), json!({"declined": 4, "submitted": 1}));
    assert_eq!(archived(house), 1);
    house.run(&["verify"]);
}

/// Nothing is written, in whatever way.
#[track_caller]
fn assert_untouched(house: &House, files: usize) {
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

fn what_the_bank_would_refuse_gets_no_file(house: &House) {
    three_debits(house);
    // (edit, back, what is said, all of it)
    let profile = format!("UPDATE billing_profile SET {{}} WHERE {}", of("acc-3"));
    let edit = |set: &str| profile.replace("{}", set);
    let long = "word ".repeat(40);
    let line = format!("address_line1 = '{long}'");
    let table: [(String, String, &[&str]); 4] = [
        (
            edit("city = ''"),
            edit("city = 'Hamburg'"),
            &["PstlAdr/TwnNm: \"\" is missing", "debit "],
        ),
        (
            edit(&line),
            edit("address_line1 = 'Elbstraße 14'"),
            &["PstlAdr/AdrLine", "longer than 70"],
        ),
        (
            format!(
                "UPDATE sepa_mandate SET bic = 'DEUTDE', debtor_name = ' ' WHERE {}",
                of("acc-1")
            ),
            format!(
                "UPDATE sepa_mandate SET bic = NULL, debtor_name = 'acc-1' WHERE {}",
                of("acc-1")
            ),
            &["DbtrAgt/FinInstnId: \"DEUTDE\"", "Dbtr/Nm: \"\" is missing"],
        ),
        (
            format!(
                "UPDATE payment_attempt SET currency = 'PLN' WHERE {}",
                of("acc-2")
            ),
            format!(
                "UPDATE payment_attempt SET currency = 'EUR' WHERE {}",
                of("acc-2")
            ),
            &["InstdAmt", "is not in euros"],
        ),
    ];
    for (edit, back, said) in table {
        house.edit(&edit);
        let out = house.path("refused.xml");
        let answer = house.refuse(&["sepa", "batch", "--out", out.to_str().unwrap()]);
        assert!(
            answer.stderr.contains("the bank would refuse the file"),
            "{answer:?}"
        );
        for said in said {
            assert!(answer.stderr.contains(said), "{said}: {answer:?}");
        }
        assert!(!out.exists());
        assert_untouched(house, 0);
        house.edit(&back);
    }
    // A mandate that is not there is told, and nothing is made without it.
    house.edit(&format!(
        "UPDATE payment_attempt SET method_id = 9 WHERE {}",
        of("acc-2")
    ));
    let answer = house.refuse(&["sepa", "batch"]);
    assert!(
        answer.stderr.contains("a mandate that is not there"),
        "{answer:?}"
    );
    assert_untouched(house, 0);
    house.edit(&format!(
        "UPDATE payment_attempt SET method_id = 1 WHERE {}",
        of("acc-2")
    ));
    assert_eq!(batch(house, &[])["debits"], 3);
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

fn what_changed_since_is_not_released(house: &House) {
    three_debits(house);
    let id = id_of(&batch(house, &[]));
    let file = house.file("iban", IBAN);
    let change = [
        "method",
        "change-iban",
        "acc-2",
        "1",
        "--iban-file",
        file.to_str().unwrap(),
    ];
    house.run(&[&change[..], &BY].concat());
    let answer = decide(house, "release", &id);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(
        answer
            .stderr
            .contains("(account \"acc-2\"): the mandate has another account now"),
        "{answer:?}"
    );
    assert_untouched(house, 1);
    let mut watch = house.watch();
    let presented = "SELECT COUNT(*) FROM sepa_mandate WHERE last_presented_on IS NOT NULL";
    assert_eq!(watch.count(presented), 0, "half of a release was kept");
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    attempt_debits(house, 2);
    let id = id_of(&batch(house, &[]));
    release(house, &id);
    house.run(&["verify"]);
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

fn a_removed_mandate_is_not_debited(house: &House) {
    three_debits(house);
    let remove = |account| {
        let args = [
            "method", "remove", account, "1", "--by", "ada", "--reason", "asked",
        ];
        house.run(&args)
    };
    // Before there is a file.
    let answer = remove("acc-1");
    assert!(answer.stdout.contains("withdrawn: 1 debit"), "{answer:?}");
    assert_eq!(states(house), json!({"created": 2, "declined": 1}));
    let id = id_of(&batch(house, &[]));
    assert_eq!(texts(&file_of(house, &id), "EndToEndId").len(), 2);
    // And before it is released.
    remove("acc-2");
    let answer = decide(house, "release", &id);
    assert!(answer.stderr.contains("it is declined now"), "{answer:?}");
    house.run(&["verify"]);
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    house.run(&["verify"]);
    // What is with the bank stays there.
    attempt_debits(house, 2);
    let id = id_of(&batch(house, &[]));
    release(house, &id);
    let answer = remove("acc-3");
    assert!(!answer.stdout.contains("withdrawn"), "{answer:?}");
    assert_eq!(states(house)["submitted"], 1);
    assert_eq!(
        house.run(&["method", "list", "acc-3", "--json"]).json()[0]["used"],
        Value::Bool(false)
    );
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
    seen(&[
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
