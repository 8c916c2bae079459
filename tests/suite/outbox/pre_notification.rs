//! The mail of an invoice: its PDF, and the announcement of a debit.

use serde_json::json;

use super::{Office, mail_section};
use crate::fakes::smtp::{Demands, Received};
use crate::on_both;
use crate::support::House;
use crate::support::direct_debit::{IBAN, add_mandate, sepa_settings};

on_both!(
    an_invoice_by_debit_announces_what_the_bank_is_told,
    an_invoice_comes_with_its_pdf,
    every_invoice_of_a_run_is_told_once,
);

/// Quoted-printable undone (RFC 2045 section 6.7).
fn decoded(part: &str) -> String {
    let part = part.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'=' && after.len() >= 2 {
            let hex = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The text that people read.
fn text_of(mail: &Received) -> String {
    let (_, from) = mail.raw.split_once("Content-Type: text/plain").unwrap();
    let (text, _) = from.split_once("\r\n--a").unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("quoted-printable"), "{head}");
    // On one line: where lines are broken is of no matter.
    let text = decoded(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

fn pdf_of(mail: &Received) -> Vec<u8> {
    use base64::Engine as _;
    let (_, from) = mail
        .raw
        .split_once("Content-Type: application/pdf")
        .unwrap();
    let (_, body) = from.split_once("\r\n\r\n").unwrap();
    let (body, _) = body.split_once("\r\n--m").unwrap();
    let encoded: String = body.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap()
}

fn with_debits(house: &House) -> Office<'_> {
    let office = Office::open(house);
    sepa_settings(house, &[]);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let mail = mail_section(office.smtp.port(), "none", "");
    house.file("quittance.toml", format!("{settings}\n{mail}"));
    office
}

fn number_of(house: &House, account: &str) -> String {
    let invoices = house.invoices("2026-10");
    let found = invoices
        .iter()
        .find(|invoice| invoice["account"] == account);
    found.unwrap()["number"].as_str().unwrap().to_owned()
}

fn an_invoice_by_debit_announces_what_the_bank_is_told(house: &House) {
    let office = with_debits(house);
    add_mandate(house, "acc-2", IBAN);
    let number = number_of(house, "acc-2");
    let told = json!({ "invoice": number });
    office.tell("acc-2", "mail", "issued:1", "invoice_issued", &told);
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    let before = text_of(&office.smtp.received()[0]);
    for expected in [
        "SEPA direct debit on 9 November 2026",
        "FR72ZZZ123456",
        "DE…3000",
        "Nuage Exemple SAS",
        &number,
    ] {
        assert!(before.contains(expected), "{expected} in {before}");
    }
    assert!(!before.contains(IBAN), "{before}");
    // The same once the debit waits for its file, and the file says so too.
    house.run(&["collect", "--yes"]);
    house.edit("DELETE FROM outbox");
    office.tell("acc-2", "mail", "issued:2", "invoice_issued", &told);
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    let after = text_of(&office.smtp.received()[1]);
    assert_eq!(after, before);
    let made = house.run(&["sepa", "batch", "--json"]).json();
    assert_eq!(made["blocks"][0]["collect_on"], "2026-11-09", "{made}");
    let xml = house.path("file.xml");
    let id = made["id"].as_str().unwrap();
    house.run(&["sepa", "file", id, "--out", xml.to_str().unwrap()]);
    let xml = std::fs::read_to_string(xml).unwrap();
    let (_, mandate) = xml.split_once("<MndtId>").unwrap();
    let (mandate, _) = mandate.split_once("</MndtId>").unwrap();
    assert!(before.contains(mandate), "{mandate} in {before}");
    let (_, amount) = xml.split_once("<InstdAmt Ccy=\"EUR\">").unwrap();
    let (amount, _) = amount.split_once('<').unwrap();
    assert!(
        before.contains(&format!("€{amount}")),
        "{amount} in {before}"
    );
}

fn an_invoice_comes_with_its_pdf(house: &House) {
    let office = Office::with(house, Demands::default(), "none", "connections = 2");
    for account in ["acc-1", "acc-2", "acc-3"] {
        let told = json!({ "invoice": number_of(house, account) });
        office.tell(account, "mail", "issued:1", "invoice_issued", &told);
    }
    assert_eq!(office.deliver(), "3 sent, 0 retried, 0 refused, 0 obsolete");
    for mail in office.smtp.received() {
        let account = match mail.to.as_str() {
            "ada@example.com" => "acc-1",
            "jan@example.com" => "acc-2",
            _ => "acc-3",
        };
        let number = number_of(house, account);
        let file = house.path("invoice.pdf");
        house.run(&[
            "invoice",
            "pdf",
            &number,
            "--output",
            file.to_str().unwrap(),
        ]);
        assert!(mail.raw.contains(&format!("filename=\"{number}.pdf\"")));
        // Byte for byte what everybody else gets.
        assert_eq!(pdf_of(&mail), std::fs::read(file).unwrap(), "{number}");
        // Nobody has a card or a mandate.
        assert!(text_of(&mail).contains(&format!("https://console.example/billing/{number}")));
    }
}

fn every_invoice_of_a_run_is_told_once(house: &House) {
    let office = Office::unfurnished(house, Demands::default(), "none", "");
    crate::support::furnish(house);
    house.run(&["run", "2026-10"]);
    house.run(&["run", "2026-10"]);
    let waiting = office.rows("waiting");
    assert_eq!(waiting.len(), 3, "{waiting:?}");
    assert!(waiting.iter().all(|row| row["topic"] == "invoice_issued"));
    assert_eq!(office.deliver(), "3 sent, 0 retried, 0 refused, 0 obsolete");
    let mut subjects: Vec<String> = office
        .smtp
        .received()
        .iter()
        .map(|mail| mail.header("Subject"))
        .collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    // Without [mail] nobody is written to.
    let other = house.sibling();
    crate::support::furnish(&other);
    other.run(&["run", "2026-10"]);
    assert_eq!(other.watch().count("SELECT COUNT(*) FROM outbox"), 0);
}
