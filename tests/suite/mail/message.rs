//! A letter as a message, read back by what knows nothing of ours.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use quittance::domain::account::Language;
use quittance::domain::calendar::Instant;
use quittance::domain::ids::AccountId;
use quittance::mail::Attachment;
use quittance::mail::message::{MessageKey, Sender, build};
use quittance::mail::sample::{addressee, samples};
use quittance::mail::wording::{Addressee, House, letter};

fn house() -> House {
    House {
        product: "Nuage".to_owned(),
        contact: "support@nuage.example".to_owned(),
        pay_url: "https://console.nuage.example/billing/{invoice}".to_owned(),
        account_url: "https://console.nuage.example/billing".to_owned(),
        imprint: "Nuage Exemple SAS".to_owned(),
    }
}

fn sender() -> Sender {
    Sender {
        from: "Nuage Exemple <billing@nuage.example>".parse().unwrap(),
        reply_to: Some("support@nuage.example".parse().unwrap()),
    }
}

fn key() -> MessageKey {
    MessageKey::of_row(AccountId(1), "restored:1", Instant(1))
}

fn now() -> Instant {
    let now: DateTime<Utc> = "2026-11-02T08:00:00Z".parse().unwrap();
    now.into()
}

/// The message to somebody who is called so.
fn wire(name: &str, address: &str, attachments: Vec<Attachment>) -> Result<String, String> {
    let to = Addressee {
        name: name.to_owned(),
        ..addressee(Language::French)
    };
    let one = letter(&samples().unwrap()[0].occasion, &house(), &to, attachments);
    let built = build(&one, &sender(), (name, address), &key(), now());
    built.map(|out| out.wire).map_err(|error| error.to_string())
}

/// The lines of the head, unfolded.
fn head(wire: &str) -> Vec<String> {
    let head = wire.split("\r\n\r\n").next().unwrap();
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    head.split("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_message_has_the_headers_that_it_must() {
    let wire = wire("Ada Lovelace", "ada@example.com", Vec::new()).unwrap();
    let head = head(&wire);
    let id = key();
    for expected in [
        "From: \"Nuage Exemple\" <billing@nuage.example>",
        "To: \"Ada Lovelace\" <ada@example.com>",
        "Reply-To: support@nuage.example",
        "Date: Mon, 02 Nov 2026 08:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        &format!("Message-ID: <{}@nuage.example>", id.as_str()),
    ] {
        assert!(
            head.iter().any(|line| line == expected),
            "{expected} in {head:#?}"
        );
    }
    assert!(wire.contains("multipart/alternative"));
    assert!(wire.contains("text/plain") && wire.contains("text/html"));
    // Text first: the last reading is the one that is preferred (RFC 2046 5.1.4).
    assert!(wire.find("text/plain") < wire.find("text/html"));
    assert!(wire.ends_with("\r\n.\r\n"), "{}", &wire[wire.len() - 20..]);
}

#[test]
fn a_message_is_the_same_whenever_it_is_made_and_keys_differ() {
    let one = || wire("Ada", "ada@example.com", Vec::new()).unwrap();
    assert_eq!(one(), one());
    let keys = [
        MessageKey::of_row(AccountId(1), "a", Instant(1)),
        MessageKey::of_row(AccountId(2), "a", Instant(1)),
        MessageKey::of_row(AccountId(1), "b", Instant(1)),
        MessageKey::of_row(AccountId(1), "a", Instant(2)),
        MessageKey::of_row(AccountId(11), "", Instant(1)),
        MessageKey::of_row(AccountId(1), "1", Instant(1)),
    ];
    for (at, left) in keys.iter().enumerate() {
        assert_eq!(left.as_str().len(), 32);
        assert!(keys[at + 1..].iter().all(|right| left != right), "{at}");
    }
}

#[test]
fn an_attachment_is_a_part_of_its_own() {
    let pdf = Attachment {
        name: "Q-2026-000042.pdf".to_owned(),
        media_type: "application/pdf",
        bytes: b"%PDF-1.7 \xff\x00".to_vec(),
    };
    let wire = wire("Ada", "ada@example.com", vec![pdf]).unwrap();
    assert!(wire.contains("multipart/mixed"));
    assert!(wire.contains("Content-Disposition: attachment; filename=\"Q-2026-000042.pdf\""));
    assert!(wire.contains("Content-Type: application/pdf"));
    assert!(wire.contains("JVBERi0xLjcg/wA="), "{wire}");
}

#[test]
fn an_address_that_is_none_is_refused_and_not_repeated() {
    for address in [
        "",
        "ada",
        "ada@",
        "a\r\nRCPT TO:<eve@example.com>@example.com",
        "a@b@c",
    ] {
        let error = wire("Ada", address, Vec::new()).unwrap_err();
        assert!(error.contains("cannot be written to"), "{error}");
        assert!(!error.contains("eve"), "{error}");
    }
}

#[test]
fn names_from_anywhere_stay_readable() {
    let wire = wire("Żółć Müller 日本", "ada@example.com", Vec::new()).unwrap();
    let to = head(&wire);
    let to = to.iter().find(|line| line.starts_with("To: ")).unwrap();
    assert!(to.contains("=?utf-8?b?"), "{to}");
    assert!(wire.is_ascii());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever somebody is called: no header is added, nothing ends the message
    /// early, and no line is longer than SMTP takes (RFC 5321 section 4.5.3.1.6).
    #[test]
    fn no_name_adds_a_header(name in "(\\PC|[\r\n\t\0\"<>,;:@.\\\\]){0,80}") {
        let with_name = wire(&name, "ada@example.com", Vec::new()).unwrap();
        let without = wire("", "ada@example.com", Vec::new()).unwrap();
        let names = |wire: &str| -> Vec<String> {
            head(wire).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect()
        };
        prop_assert_eq!(names(&with_name), names(&without));
        prop_assert_eq!(with_name.matches("\r\n.\r\n").count(), 1);
        prop_assert!(with_name.lines().all(|line| line.len() <= 998));
        prop_assert!(!with_name.replace("\r\n", "").contains(['\r', '\n', '\0']));
    }
}
