//! Direct debits, before schemas and packages that others wrote.

mod independent;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chrono::{Datelike as _, NaiveDate, Weekday};
use proptest::prelude::*;
use quittance::domain::calendar::Instant;
use quittance::domain::money::{Currency, Money};
use quittance::domain::sepa::address::Address;
use quittance::domain::sepa::check::{Checked, check};
use quittance::domain::sepa::creditor::CreditorId;
use quittance::domain::sepa::iban::{Iban, IbanText};
use quittance::domain::sepa::mandate::Amendment;
use quittance::domain::sepa::message::{
    Block, Creditor, Debit, Debtor, Message, Scheme, SequenceType,
};
use quittance::domain::sepa::target::is_business_day;
use quittance::providers::sepa::pain008::{Version, write};

use crate::support::checkers;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Runs a script of `tests/checkers` and returns what it said.
fn python(script: &str, args: &[&str], input: &str) -> String {
    let mut child = Command::new(checkers().join("venv/bin/python"))
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/checkers")
                .join(script),
        )
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn target_closes_when_the_ecb_does() {
    let told: BTreeSet<NaiveDate> = python("target_days.py", &["2024", "2040"], "")
        .lines()
        .map(day)
        .collect();
    assert!(told.len() > 60, "{told:?}");
    let weekend = |day: &NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let ours: BTreeSet<NaiveDate> = day("2024-01-01")
        .iter_days()
        .take_while(|day| day.year() <= 2040)
        .filter(|day| !weekend(day) && !is_business_day(*day))
        .collect();
    assert_eq!(ours, told);
}

/// Ids with one character changed, of which about one in a hundred is right.
fn near_misses(ids: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    for id in ids {
        for at in 0..id.len() {
            for with in "0123456789AZ".chars() {
                let mut text = (*id).to_owned();
                text.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
                texts.push(text);
            }
        }
    }
    texts
}

#[test]
fn check_digits_are_those_of_an_independent_package() {
    let ibans = near_misses(&["DE89370400440532013000", "FR1420041010050500013M02606"]);
    let creditors = near_misses(&["DE98ZZZ09999999999", "FR72ZZZ123456", "HU74111A12345676"]);
    let ours = |kind: &str, text: &String| match kind {
        "iban" => text.parse::<Iban>().is_ok(),
        _ => text.parse::<CreditorId>().is_ok(),
    };
    let asked: Vec<(&str, &String)> = (ibans.iter().map(|text| ("iban", text)))
        .chain(creditors.iter().map(|text| ("creditor", text)))
        .collect();
    let input: String = asked
        .iter()
        .map(|(kind, text)| format!("{kind} {text}\n"))
        .collect();
    let told = python("sepa_ids.py", &[], &input);
    assert_eq!(told.lines().count(), asked.len());
    let mut right = 0;
    for ((kind, text), told) in asked.iter().zip(told.lines()) {
        right += u32::from(told == "yes");
        // The package knows no countries: with right digits it takes any two letters.
        let unknown_country =
            told == "yes" && &text[..2] != "DE" && &text[..2] != "FR" && &text[..2] != "HU";
        if !unknown_country {
            assert_eq!(ours(kind, text), told == "yes", "{kind} {text}");
        }
    }
    assert!(right > 50, "{right}");
}

/// The schema's file: ISO's own as PyPI `sepaxml` ships them, the German
/// banks' subset as the crate `sepa` does.
pub fn schemas(version: Version) -> Vec<PathBuf> {
    let packages = checkers().join("venv/lib");
    let python = std::fs::read_dir(packages)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let iso = python
        .path()
        .join("site-packages/sepaxml/schemas")
        .join(format!("{version}.xsd"));
    let mut schemas = vec![iso];
    if version == Version::V08 {
        schemas.push(sepa_crate().join(format!("tests/xsd/{version}_GBIC_5.xsd")));
    }
    schemas
}

/// Where Cargo unpacked the crate `sepa`.
fn sepa_crate() -> PathBuf {
    // Crates for other machines were not fetched here.
    let compiler = Command::new("rustc").arg("-vV").output().unwrap();
    let about = String::from_utf8(compiler.stdout).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", host.unwrap()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let sepa = packages.iter().find(|package| package["name"] == "sepa");
    let manifest = sepa.unwrap()["manifest_path"].as_str().unwrap();
    Path::new(manifest).parent().unwrap().to_owned()
}

/// What `xmllint` has against a file; empty if it is valid.
pub fn invalid(schema: &Path, file: &Path) -> String {
    assert!(
        schema.exists(),
        "{}: run scripts/install-test-tools",
        schema.display()
    );
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .args([schema, file])
        .output()
        .expect("xmllint must be installed: run scripts/install-test-tools");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => String::new(),
        // 3 and 4: not valid against the schema.
        Some(3 | 4) => said,
        _ => panic!("xmllint failed: {said}"),
    }
}

fn written(message: &Checked, version: Version) -> String {
    let mut file = Vec::new();
    write(message, version, &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

const SUBMIT_ON: &str = "2026-11-02";

fn debit(id: &str) -> Debit {
    Debit {
        end_to_end_id: id.into(),
        amount: Money::new(1_200, Currency::Eur),
        mandate_reference: format!("MND-{id}"),
        mandate_signed_on: day("2026-01-15"),
        amendment: None,
        debtor: Debtor {
            name: "Ada Lovelace".into(),
            address: None,
            iban: IbanText::new("DE89370400440532013000"),
            bic: None,
        },
        remittance: String::new(),
    }
}

/// A message with everything that there is to write.
fn everything() -> Message {
    let address = Address {
        street: "Bahnhofstrasse".into(),
        building: "45 b".into(),
        post_code: "8001".into(),
        town: "Zurich".into(),
        country: "CH".into(),
        lines: Vec::new(),
    };
    let hybrid = Address {
        town: "Strasbourg".into(),
        country: "FR".into(),
        lines: vec!["1 rue de l'Epee".into(), "c/o Lovelace".into()],
        ..Address::default()
    };
    let mut structured = debit("d1");
    structured.amount.minor = 99_999_999_999;
    structured.remittance = "Invoice Q-2026-000001, (October): 5 + 7 / 'paid'?".into();
    structured.debtor = Debtor {
        name: "Reto Zurcher, Alpenblick AG".into(),
        address: Some(address),
        iban: IbanText::new("CH9300762011623852957"),
        bic: Some("UBSWCHZH80A".into()),
    };
    let mut moved = debit("d2");
    moved.amount.minor = 1;
    moved.debtor.address = Some(hybrid.clone());
    moved.amendment = Some(Amendment {
        new_account: true,
        ..Amendment::default()
    });
    let mut renamed = debit("d3");
    renamed.amendment = Some(Amendment {
        original_reference: Some("OLD-3".into()),
        original_creditor_name: Some("Old SAS".into()),
        original_creditor_id: Some("DE98ZZZ09999999999".into()),
        new_account: false,
    });
    let mut sold = debit("d4");
    sold.amendment = Some(Amendment {
        original_creditor_id: Some("DE98ZZZ09999999999".into()),
        ..Amendment::default()
    });
    let creditor = Creditor {
        name: "Hebergeur SAS".into(),
        address: Some(hybrid),
        identifier: "FR72ZZZ123456".into(),
        iban: IbanText::new("FR1420041010050500013M02606"),
        bic: Some("BNPAFRPP".into()),
    };
    message(
        creditor,
        vec![
            (Scheme::Core, SequenceType::First, vec![structured, moved]),
            (Scheme::Core, SequenceType::Recurrent, vec![renamed]),
            (Scheme::B2b, SequenceType::Recurrent, vec![sold]),
            (Scheme::Core, SequenceType::Final, vec![debit("d5")]),
            (Scheme::Core, SequenceType::OneOff, vec![debit("d6")]),
        ],
    )
}

fn message(creditor: Creditor, blocks: Vec<(Scheme, SequenceType, Vec<Debit>)>) -> Message {
    let blocks: Vec<Block> = blocks
        .into_iter()
        .map(|(scheme, sequence, debits)| Block {
            id: format!("Q-20261102-1-261106-{scheme}-{sequence}"),
            scheme,
            sequence,
            collect_on: day("2026-11-06"),
            count: debits.len(),
            control_sum_minor: debits.iter().map(|debit| debit.amount.minor).sum(),
            debits,
        })
        .collect();
    Message {
        id: "Q-20261102-1".into(),
        // 2026-11-02T08:00:00Z
        created_at: Instant(1_793_606_400_000_000),
        creditor,
        count: blocks.iter().map(|block| block.count).sum(),
        control_sum_minor: blocks.iter().map(|block| block.control_sum_minor).sum(),
        blocks,
    }
}

fn checked(message: Message) -> Checked {
    check(message, day(SUBMIT_ON)).unwrap()
}

#[test]
fn files_are_valid_by_iso_and_by_the_german_banks() {
    let folder = tempfile::tempdir().unwrap();
    let least = message(
        Creditor {
            address: None,
            bic: None,
            ..everything().creditor
        },
        vec![(Scheme::Core, SequenceType::Recurrent, vec![debit("d1")])],
    );
    for version in Version::ALL {
        for (name, message) in [("everything", everything()), ("least", least.clone())] {
            let text = written(&checked(message), version);
            let file = folder.path().join(format!("{name}-{version}.xml"));
            std::fs::write(&file, &text).unwrap();
            for schema in schemas(version) {
                assert_eq!(invalid(&schema, &file), "", "{name} {}", schema.display());
                // And the schema is no rubber stamp.
                let spoilt = folder.path().join("spoilt.xml");
                std::fs::write(&spoilt, text.replace("<PmtMtd>DD<", "<PmtMtd>XX<")).unwrap();
                assert!(invalid(&schema, &spoilt).contains("PmtMtd"));
            }
        }
    }
}

#[test]
fn files_say_what_an_independent_writer_says() {
    for version in Version::ALL {
        let message = checked(everything());
        let ours = independent::elements(&written(&message, version));
        let theirs = independent::elements(&independent::file(message.message(), version));
        assert!(ours.len() > 150, "{ours:#?}");
        assert_eq!(ours, theirs, "{version}");
    }
}

#[test]
fn files_are_the_same_bytes_as_ever() {
    for version in Version::ALL {
        let text = written(&checked(everything()), version);
        crate::support::golden(&format!("{version}.xml"), &text.replace("><", ">\n<"));
    }
}

/// A text that a bank takes, as an identifier too.
fn any_text(length_max: usize) -> impl Strategy<Value = String> {
    let one = "[A-Za-z0-9?:().,'+-]";
    let more = (length_max - 1) / 2;
    proptest::string::string_regex(&format!("{one}([/ ]?{one}){{0,{more}}}")).unwrap()
}

fn any_address() -> impl Strategy<Value = Address> {
    let part =
        |length_max| proptest::option::of(any_text(length_max)).prop_map(Option::unwrap_or_default);
    let country = prop::sample::select(vec!["FR", "DE", "CH", "GB"]);
    let lines = proptest::collection::vec(any_text(70), 0..=2);
    (part(70), part(16), part(16), any_text(35), country, lines).prop_map(
        |(street, building, post_code, town, country, lines)| Address {
            street,
            building,
            post_code,
            town,
            country: country.to_owned(),
            lines,
        },
    )
}

fn any_amendment() -> impl Strategy<Value = Amendment> {
    let id = prop::sample::select(vec!["DE98ZZZ09999999999", "NL42ZZZ123456780001"]);
    (
        proptest::option::of(any_text(35)),
        proptest::option::of(any_text(70)),
        proptest::option::of(id.prop_map(str::to_owned)),
        any::<bool>(),
    )
        .prop_map(
            |(original_reference, original_creditor_name, original_creditor_id, new_account)| {
                Amendment {
                    original_reference,
                    original_creditor_name,
                    original_creditor_id,
                    new_account,
                }
            },
        )
        .prop_filter("tells a change", |amendment| !amendment.is_empty())
}

fn any_debit() -> impl Strategy<Value = Debit> {
    let iban = prop::sample::select(vec![
        "FR1420041010050500013M02606",
        "DE89370400440532013000",
        "CH9300762011623852957",
        "MT84MALT011000012345MTLCAST001S",
    ]);
    let bic = proptest::option::of(prop::sample::select(vec!["DEUTDEFF", "AGRIFRPP882"]));
    (
        1_i64..=99_999_999_999,
        any_text(35),
        0_u64..8_000,
        proptest::option::of(any_amendment()),
        any_text(70),
        any_address(),
        (iban, bic),
        proptest::option::of(any_text(140)),
    )
        .prop_map(
            |(minor, reference, signed_ago, amendment, name, address, (iban, bic), remittance)| {
                Debit {
                    amount: Money::new(minor, Currency::Eur),
                    mandate_reference: reference,
                    mandate_signed_on: day(SUBMIT_ON) - chrono::Days::new(signed_ago),
                    amendment,
                    debtor: Debtor {
                        name,
                        address: Some(address),
                        iban: IbanText::new(iban),
                        bic: bic.map(str::to_owned),
                    },
                    remittance: remittance.unwrap_or_default(),
                    ..debit("")
                }
            },
        )
}

proptest! {
    #[test]
    fn whatever_is_written_reads_as_it_went_in(
        mut blocks in proptest::collection::vec(proptest::collection::vec(any_debit(), 1..6), 1..5),
        address in proptest::option::of(any_address()), name in any_text(70), v08 in any::<bool>(),
    ) {
        for (debit, n) in blocks.iter_mut().flatten().zip(0..) {
            debit.end_to_end_id = format!("d{n}");
        }
        let kinds = [
            (Scheme::Core, SequenceType::First),
            (Scheme::Core, SequenceType::Recurrent),
            (Scheme::B2b, SequenceType::Final),
            (Scheme::B2b, SequenceType::OneOff),
        ];
        let blocks = blocks.into_iter().zip(kinds).map(|(debits, (scheme, sequence))| (scheme, sequence, debits));
        let creditor = Creditor { name, address, ..everything().creditor };
        let message = checked(message(creditor, blocks.collect()));
        let version = if v08 { Version::V08 } else { Version::V02 };
        let text = written(&message, version);
        prop_assert_eq!(&text, &written(&message, version));
        let theirs = independent::file(message.message(), version);
        prop_assert_eq!(independent::elements(&text), independent::elements(&theirs));
        prop_assert_eq!(&independent::read(&text), message.message());
    }
}
