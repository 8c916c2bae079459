//! The keys that account numbers are under: what is sealed is nowhere readable,
//! and a key can be changed.

use super::stdin_run;
use crate::on_both;
use crate::support::House;
use crate::support::direct_debit::{
    BY, IBAN, KEY_A, OTHER_IBAN, add_mandate, furnish_sepa, rotated_settings, signed_args,
};

on_both!(
    no_account_number_is_ever_readable,
    keys_are_rotated_and_the_old_one_is_not_needed,
    a_rotation_that_was_killed_goes_on,
    a_wrong_key_opens_nothing_and_says_so,
);

/// Whatever the database holds, as bytes.
fn everything_stored(house: &House) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(house.path("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("q.sqlite") {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    for table in [
        "sepa_mandate",
        "payment_method",
        "audit_entry",
        "house_audit_entry",
        "outbox",
    ] {
        all.extend(house.watch().rows_as_text(table).into_bytes());
    }
    all
}

fn no_account_number_is_ever_readable(house: &House) {
    furnish_sepa(house);
    let file = house.file("iban", IBAN);
    let spaced = "DE89 3704 0044 0532 0130 00";
    let mut answers = vec![
        house.run(&signed_args("acc-2", &file, &[])),
        house.run(&["method", "list", "acc-2"]),
        house.run(&["method", "list", "acc-2", "--json"]),
        stdin_run(
            house,
            &signed_args("acc-2", "-".as_ref(), &[]),
            spaced.as_bytes(),
        ),
        house.try_run(&signed_args("acc-9", &file, &[])),
        house.try_run(&signed_args("acc-2", &file, &["--reference", "x"])),
    ];
    house.file("iban", OTHER_IBAN);
    let change = [
        "method",
        "change-iban",
        "acc-2",
        "1",
        "--iban-file",
        file.to_str().unwrap(),
    ];
    answers.push(house.run(&[&change[..], &BY].concat()));
    answers.push(house.try_run(&[&change[..], &BY].concat()));
    rotated_settings(house);
    answers.push(house.run(&[&["vault", "rotate"], &BY[..]].concat()));
    let stored = everything_stored(house);
    assert!(
        stored.windows(9).any(|part| part == "DE…3000".as_bytes()),
        "nothing was searched"
    );
    for iban in [IBAN, OTHER_IBAN] {
        // The number without its country and check digits, which a mask may show.
        let number = &iban.as_bytes()[4..];
        assert!(
            !stored.windows(number.len()).any(|part| part == number),
            "{iban}"
        );
        let number = &iban[4..14];
        for answer in &answers {
            let said = format!("{}{}", answer.stdout, answer.stderr).replace(' ', "");
            assert!(!said.contains(number), "{answer:?}");
        }
    }
}

const UNDER: [&str; 2] = [
    "SELECT COUNT(*) FROM sepa_mandate WHERE iban_key = 'a'",
    "SELECT COUNT(*) FROM sepa_mandate WHERE iban_key = 'b'",
];

fn keys_are_rotated_and_the_old_one_is_not_needed(house: &House) {
    furnish_sepa(house);
    for account in ["acc-1", "acc-2", "acc-3"] {
        add_mandate(house, account, IBAN);
    }
    let rotate = [&["vault", "rotate"], &BY[..]].concat();
    let answer = house.run(&rotate);
    assert!(
        answer.stdout.contains("Everything is under the newest key"),
        "{answer:?}"
    );
    rotated_settings(house);
    add_mandate(house, "acc-1", OTHER_IBAN);
    assert_eq!(UNDER.map(|query| house.watch().count(query)), [3, 1]);
    let answer = house.run(&rotate);
    assert!(answer.stdout.contains("3 account numbers"), "{answer:?}");
    assert_eq!(UNDER.map(|query| house.watch().count(query)), [0, 4]);
    let answer = house.run(&rotate);
    assert!(
        answer.stdout.contains("Everything is under the newest key"),
        "{answer:?}"
    );
    let audits =
        "SELECT COUNT(*) FROM house_audit_entry WHERE action = 'vault_rotated' AND actor = 'ada'";
    assert_eq!(house.watch().count(audits), 1);
    // The old key goes; every number still opens.
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let without = settings.replace("{ id = \"a\", key = \"file:a.key\" }, ", "");
    assert_ne!(without, settings);
    house.file("quittance.toml", without);
    std::fs::remove_file(house.path("a.key")).unwrap();
    let file = house.file("iban", IBAN);
    let change = [
        "method",
        "change-iban",
        "acc-2",
        "1",
        "--iban-file",
        file.to_str().unwrap(),
    ];
    let answer = house.refuse(&[&change[..], &BY].concat());
    assert!(
        answer.stderr.contains("it has this account already"),
        "{answer:?}"
    );
}

fn a_rotation_that_was_killed_goes_on(house: &House) {
    const MANDATES: i64 = 1_203;
    furnish_sepa(house);
    add_mandate(house, "acc-2", IBAN);
    house.edit(&format!(
        "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {MANDATES}) \
         SELECT m.account_id, n.i, m.method, m.state, 1, 1, 1 FROM payment_method m, n"
    ));
    // As many mandates, sealed each for its own place.
    let sealed = sealed_ibans(house, 2..=MANDATES);
    for rows in sealed.chunks(300) {
        let values: Vec<String> = rows
            .iter()
            .map(|(id, hex)| {
                let bytes = house.bytes_literal(hex);
                format!(
                    "((SELECT account_id FROM sepa_mandate WHERE method_id = 1), {id}, 'R{id}', 'CORE', 0, 'Jan', \
                     'a', {bytes}, 'x', '2026-11-01', 1, '::1', 'x', 0)"
                )
            })
            .collect();
        house.edit(&format!(
            "INSERT INTO sepa_mandate (account_id, method_id, reference, scheme, one_off, debtor_name, iban_key, \
             iban_sealed, iban_masked, signed_on, signed_at, signed_from, signed_text, account_changed) VALUES {}",
            values.join(", ")
        ));
    }
    rotated_settings(house);
    let rotate = [&["vault", "rotate"], &BY[..]].concat();
    let mut child = house.spawn(&rotate);
    let mut watch = house.watch();
    while watch.count(UNDER[1]) == 0 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    watch.until_alone();
    let done = watch.count(UNDER[1]);
    assert!(
        done > 0 && done + watch.count(UNDER[0]) == MANDATES,
        "{done}"
    );
    house.run(&rotate);
    assert_eq!(UNDER.map(|query| watch.count(query)), [0, MANDATES]);
    // What was done is on record, whoever was killed.
    let told: Vec<String> = house
        .watch()
        .rows_as_text("house_audit_entry")
        .lines()
        .filter(|line| line.contains("account numbers"))
        .map(str::to_owned)
        .collect();
    assert!(told.len() >= 3, "{told:?}");
    house.run(&rotate);
}

/// Account numbers sealed under key `a` for methods of acc-2, as hex digits.
fn sealed_ibans(house: &House, ids: std::ops::RangeInclusive<i64>) -> Vec<(i64, String)> {
    let vault = house.vault("a");
    let account = house
        .watch()
        .count("SELECT id FROM account WHERE external_id = 'acc-2'");
    ids.map(|id| {
        let sealed = vault
            .seal(IBAN.as_bytes(), &format!("mandate {account}/{id}"))
            .unwrap();
        let hex = sealed
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        (id, hex)
    })
    .collect()
}

fn a_wrong_key_opens_nothing_and_says_so(house: &House) {
    furnish_sepa(house);
    add_mandate(house, "acc-2", IBAN);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    rotated_settings(house);
    let rotate = [&["vault", "rotate"], &BY[..]].concat();
    house.file("a.key", "33".repeat(32));
    let answer = house.refuse(&rotate);
    assert!(
        answer
            .stderr
            .contains("it was altered, or the key is another"),
        "{answer:?}"
    );
    // A key of another id, whatever it holds.
    let renamed = settings.replace("id = \"a\"", "id = \"c\"");
    house.file("quittance.toml", renamed);
    house.file("a.key", KEY_A);
    let answer = house.refuse(&rotate);
    assert!(
        answer.stderr.contains("the settings name no such key"),
        "{answer:?}"
    );
    house.file("quittance.toml", &settings);
    std::fs::remove_file(house.path("a.key")).unwrap();
    let answer = house.refuse(&rotate);
    assert!(answer.stderr.contains("a.key cannot be read"), "{answer:?}");
    // An account number moved to another mandate does not open there.
    house.file("a.key", KEY_A);
    add_mandate(house, "acc-3", OTHER_IBAN);
    house.edit(
        "UPDATE sepa_mandate SET iban_sealed = (SELECT m.iban_sealed FROM sepa_mandate m WHERE m.debtor_name = \
         'acc-3') WHERE debtor_name = 'acc-2'",
    );
    rotated_settings(house);
    let answer = house.refuse(&rotate);
    assert!(answer.stderr.contains("it was altered"), "{answer:?}");
    assert_eq!(house.watch().count(UNDER[0]), 2, "half of a batch was kept");
}
