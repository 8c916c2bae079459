//! Every mail in both languages, held to what a mail must have.

use std::collections::BTreeSet;

use super::*;
use crate::domain::notice::Topic;
use crate::mail::sample::{addressee, samples};
use crate::mail::{html, text};

fn house() -> House {
    House {
        product: "Nuage".to_owned(),
        contact: "support@nuage.example".to_owned(),
        pay_url: "https://console.nuage.example/billing/{invoice}".to_owned(),
        account_url: "https://console.nuage.example/billing".to_owned(),
        imprint: "Nuage Exemple SAS · 67000 Strasbourg".to_owned(),
    }
}

const BOTH: [Language; 2] = [Language::English, Language::French];

fn words_of(letter: &Letter) -> Vec<&str> {
    let content = &letter.content;
    let mut words: Vec<&str> = vec![&letter.greeting, &content.subject];
    words.extend(content.opening.iter().map(String::as_str));
    words.extend(content.closing.iter().map(String::as_str));
    words.extend(
        content
            .facts
            .iter()
            .flat_map(|fact| [fact.label.as_str(), &fact.value]),
    );
    words.extend(content.button.iter().map(|button| button.label.as_str()));
    words.extend(letter.signature.iter().map(String::as_str));
    words.extend(letter.footer.iter().map(String::as_str));
    words
}

#[test]
fn every_topic_has_a_mail_in_both_languages_and_none_is_empty() {
    let all = samples().unwrap();
    let topics: BTreeSet<Topic> = all.iter().map(|sample| sample.topic).collect();
    assert_eq!(topics, Topic::ALL.into_iter().collect());
    let names: BTreeSet<&str> = all.iter().map(|sample| sample.name).collect();
    assert_eq!(names.len(), all.len());
    for sample in &all {
        assert!(
            sample.name.starts_with(sample.topic.code()),
            "{}",
            sample.name
        );
        let [en, fr] = BOTH
            .map(|language| letter(&sample.occasion, &house(), &addressee(language), Vec::new()));
        for one in [&en, &fr] {
            assert!(!one.content.opening.is_empty(), "{}", sample.name);
            assert!(!one.content.facts.is_empty(), "{}", sample.name);
            for words in words_of(one) {
                assert!(!words.trim().is_empty(), "{}: {words:?}", sample.name);
                assert!(!words.contains(['{', '}']), "{}: {words:?}", sample.name);
                assert!(!words.contains("  "), "{}: {words:?}", sample.name);
            }
        }
        // Nothing was forgotten in one language.
        assert_eq!(
            en.content.facts.len(),
            fr.content.facts.len(),
            "{}",
            sample.name
        );
        assert_eq!(en.content.opening.len(), fr.content.opening.len());
        assert_eq!(en.content.closing.len(), fr.content.closing.len());
        assert_ne!(en.content.subject, fr.content.subject);
        assert_ne!(en.content.opening, fr.content.opening);
    }
}

/// The amount, and every date that matters, stand in the sentences or facts.
#[test]
fn every_mail_about_money_has_its_amount_and_every_mail_a_date() {
    let amount = ["€1,248.50", "1\u{202f}248,50\u{a0}€"];
    let others = [
        "€20.00",
        "€12.50",
        "€50.00",
        "€500.00",
        "€1,500.00",
        "€0.00",
        "20,00\u{a0}€",
        "12,50\u{a0}€",
        "50,00\u{a0}€",
        "500,00\u{a0}€",
        "1\u{202f}500,00\u{a0}€",
    ];
    let no_money = [
        Topic::Restored,
        Topic::DeletionConfirmation,
        Topic::DeletionBegun,
        Topic::Deleted,
        Topic::CardExpiring,
        Topic::LoginLocked,
        Topic::PasswordReset,
        Topic::PasswordChanged,
        Topic::EmailConfirmation,
        Topic::EmailChangeAsked,
        Topic::EmailChanged,
        Topic::TfaEnabled,
        Topic::TfaDisabled,
        Topic::EmailInUse,
        Topic::HdsReview,
        Topic::AccountantInvited,
    ];
    for sample in samples().unwrap() {
        for language in BOTH {
            let one = letter(&sample.occasion, &house(), &addressee(language), Vec::new());
            let all = words_of(&one).join("\n");
            let has_amount = amount
                .iter()
                .chain(&others)
                .any(|amount| all.contains(amount));
            assert_eq!(
                has_amount,
                !no_money.contains(&sample.topic),
                "{}: {all}",
                sample.name
            );
            assert!(all.contains("2026"), "{}: {all}", sample.name);
        }
    }
}

/// What each occasion may not lack, in the words of the PDF.
#[test]
fn what_is_promised_is_told() {
    let table = [
        // (mail, language, words)
        ("invoice_issued_debit", "en", "FR72ZZZ123456"),
        ("invoice_issued_debit", "en", "Q-ACC1-000001"),
        ("invoice_issued_debit", "en", "9\u{a0}November\u{a0}2026"),
        ("invoice_issued_debit", "fr", "FR72ZZZ123456"),
        ("invoice_issued_debit", "fr", "9\u{a0}novembre\u{a0}2026"),
        ("invoice_issued_card", "en", "€1,200.00"),
        ("invoice_issued_card", "en", "€48.50"),
        (
            "invoice_issued_to_pay",
            "fr",
            "avant le 2\u{a0}novembre\u{a0}2026",
        ),
        (
            "payment_failed",
            "en",
            "We will try again on 3\u{a0}November\u{a0}2026",
        ),
        (
            "payment_failed",
            "fr",
            "Nous réessaierons le 3\u{a0}novembre\u{a0}2026",
        ),
        (
            "payment_failed",
            "en",
            "remind you on 10\u{a0}November\u{a0}2026",
        ),
        (
            "payment_failed_for_good",
            "en",
            "We will not use this card again",
        ),
        (
            "payment_failed_for_good",
            "en",
            "suspended on 17\u{a0}November\u{a0}2026",
        ),
        (
            "payment_returned",
            "fr",
            "Nous n’utiliserons plus ce mandat",
        ),
        ("payment_returned_paid_since", "en", "has been paid since"),
        (
            "suspension_warning_7",
            "en",
            "17\u{a0}November\u{a0}2026 (in 7 days)",
        ),
        ("suspension_warning_7", "fr", "dans 7\u{a0}jours"),
        ("suspension_warning_1", "en", "(tomorrow)"),
        ("suspension_warning_1", "fr", "(demain)"),
        ("suspended", "fr", "17\u{a0}décembre\u{a0}2026"),
        (
            "deletion_warning_14",
            "en",
            "17\u{a0}December\u{a0}2026 (in 14 days)",
        ),
        (
            "deletion_confirmation",
            "fr",
            "3\u{a0}novembre\u{a0}2026 à 10:30",
        ),
        ("deleted_unpaid", "en", "still to be paid"),
        ("card_expiring", "fr", "Visa 4242"),
        ("card_expiring", "fr", "décembre 2026"),
    ];
    let all = samples().unwrap();
    for (name, language, expected) in table {
        let sample = all.iter().find(|sample| sample.name == name).unwrap();
        let to = addressee(language.parse().unwrap());
        let one = letter(&sample.occasion, &house(), &to, Vec::new());
        let all = words_of(&one).join("\n");
        assert!(
            all.contains(expected),
            "{name} {language}: {expected} in {all}"
        );
    }
}

#[test]
fn a_debt_has_a_button_that_leads_to_its_invoice() {
    let all = samples().unwrap();
    for name in [
        "invoice_issued_to_pay",
        "payment_failed",
        "authentication_needed",
        "payment_returned",
        "suspension_warning_7",
        "suspended",
        "deletion_warning_1",
    ] {
        let sample = all.iter().find(|sample| sample.name == name).unwrap();
        for language in BOTH {
            let one = letter(&sample.occasion, &house(), &addressee(language), Vec::new());
            let url = "https://console.nuage.example/billing/Q-2026-000042";
            assert_eq!(one.content.button.as_ref().unwrap().url, url, "{name}");
            assert!(html::render(&one).contains(&format!("href=\"{url}\"")));
            // On a line of its own.
            assert!(text::render(&one).contains(&format!("\n{url}\n")), "{name}");
        }
    }
}

/// Imprimerie nationale: no line breaks before these, and none within guillemets.
#[test]
fn french_is_spaced_as_french_is() {
    for sample in samples().unwrap() {
        let to = addressee(Language::French);
        let one = letter(&sample.occasion, &house(), &to, Vec::new());
        for words in words_of(&one) {
            let chars: Vec<char> = words.chars().collect();
            for pair in chars.windows(2) {
                let right = match (pair[0], pair[1]) {
                    (before, ';' | '!' | '?') => before == '\u{202f}',
                    // The time of a day has none.
                    (before, ':') => before == '\u{a0}' || before.is_ascii_digit(),
                    (before, '€' | '»') => before == '\u{a0}',
                    ('«', after) => after == '\u{a0}',
                    (_, '\'') => false,
                    _ => true,
                };
                assert!(right, "{}: {words:?}: {pair:?}", sample.name);
            }
        }
    }
}

#[test]
fn names_are_put_on_one_line_and_escaped() {
    let all = samples().unwrap();
    let to = Addressee {
        language: Language::English,
        name: "<b>&\"O'Neil\"\r\nBcc: eve@example.com".to_owned(),
        account: "<script>".to_owned(),
    };
    let house = House {
        product: "A & B <i>".to_owned(),
        ..house()
    };
    let one = letter(&all[0].occasion, &house, &to, Vec::new());
    assert_eq!(one.greeting, "Hello <b>&\"O'Neil\" Bcc: eve@example.com,");
    let page = html::render(&one);
    assert!(page.contains("&lt;b&gt;&amp;&quot;O&#39;Neil&quot; Bcc: eve@example.com"));
    assert!(page.contains("A &amp; B &lt;i&gt;"));
    for raw in ["<b>", "<i>", "<script>", "O'Neil"] {
        assert!(!page.contains(raw), "{raw}");
    }
}

#[test]
fn nobody_without_a_name_is_called_so() {
    let to = Addressee {
        name: " \t".to_owned(),
        ..addressee(Language::French)
    };
    let one = letter(&samples().unwrap()[0].occasion, &house(), &to, Vec::new());
    assert_eq!(one.greeting, "Bonjour,");
}

#[test]
fn nothing_is_fetched_and_text_lines_are_short() {
    for sample in samples().unwrap() {
        for language in BOTH {
            let one = letter(&sample.occasion, &house(), &addressee(language), Vec::new());
            let page = html::render(&one);
            for fetched in ["<img", "<link", "@import", "url(", "<script", "src="] {
                assert!(!page.contains(fetched), "{}: {fetched}", sample.name);
            }
            assert!(page.contains(&format!("<html lang=\"{language}\">")));
            for line in text::render(&one).lines() {
                let fits = line.chars().count() <= 78 || line.starts_with("https://");
                assert!(fits, "{}: {line}", sample.name);
            }
        }
    }
}
