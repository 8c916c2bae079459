//! Mails as they are read: every one in both languages, and as a message.

mod message;

use serde_json::Value;

use crate::support::{House, golden};

/// With everything that the documented example says.
const SETTINGS: &str = include_str!("../../../deploy/quittance.toml");

/// The settings with the `[mail]` of the example turned on.
fn settings() -> String {
    let (before, mail) = SETTINGS.split_once("# [mail]\n").unwrap();
    let (mail, _) = mail.split_once("\n\n").unwrap();
    let lines: Vec<&str> = mail
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap())
        .filter(|line| !line.starts_with("ca_file"))
        .collect();
    format!("{before}[mail]\n{}\n", lines.join("\n"))
}

/// Every mail is as it was; `UPDATE_GOLDEN=1` stores them anew, to be looked at.
#[test]
fn every_mail_reads_as_it_did() {
    let house = House::sqlite();
    house.file("quittance.toml", settings());
    let said = house.run(&["mail", "preview", "--out", "mails"]).stdout;
    let listed = house.run(&["mail", "preview", "--list"]).stdout;
    let names: Vec<&str> = listed.lines().collect();
    assert!(names.len() >= 18, "{names:?}");
    let files = names.len() * 2 * 2;
    assert!(said.contains(&format!("{files} files")), "{said}");
    for name in names {
        for language in ["en", "fr"] {
            for kind in ["html", "txt"] {
                let file = format!("{name}.{language}.{kind}");
                let content = std::fs::read_to_string(house.path("mails").join(&file)).unwrap();
                golden(&format!("mail/{file}"), &content);
            }
        }
    }
}

#[test]
fn one_mail_is_written_alone_and_an_unknown_one_is_none() {
    let house = House::sqlite();
    let args = [
        "mail",
        "preview",
        "restored",
        "--language",
        "fr",
        "--out",
        "x",
    ];
    house.run(&args);
    let mut files: Vec<String> = std::fs::read_dir(house.path("x"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["restored.fr.html", "restored.fr.txt"]);
    let answer = house.refuse(&["mail", "preview", "birthday"]);
    assert!(
        answer.stderr.contains("there is no mail \"birthday\""),
        "{answer:?}"
    );
}

#[test]
fn every_wrong_setting_of_mail_and_platform_is_named() {
    let house = House::sqlite();
    let wrong = [
        (
            "from = \"Nuage Exemple <billing@nuage.example>\"",
            "from = \"Nuage\"",
            "mail.from",
        ),
        (
            "reply_to = \"support@nuage.example\"",
            "reply_to = \"@\"",
            "mail.reply_to",
        ),
        (
            "host = \"smtp.nuage.example\"",
            "host = \"smtp://x\"",
            "mail.host",
        ),
        (
            "security = \"starttls\"",
            "security = \"maybe\"",
            "is none of starttls, tls, none",
        ),
        (
            "security = \"starttls\"",
            "security = \"none\"",
            "unencrypted",
        ),
        ("port = 587", "port = 0", "mail.port"),
        ("user = \"billing\"", "", "mail.user"),
        (
            "password = \"env:SMTP_PASSWORD\"",
            "password = \"s3cret\"",
            "mail.password",
        ),
        ("connections = 8", "connections = 0", "mail.connections"),
        (
            "timeout_seconds = 60",
            "timeout_seconds = 301",
            "mail.timeout_seconds",
        ),
        ("pay_url = \"https:", "pay_url = \"http:", "mail.pay_url"),
        ("confirm?token={token}", "confirm", "mail.deletion_url"),
        ("unlock?token={token}", "unlock", "mail.unlock_url"),
        ("email?token={token}", "email", "mail.email_url"),
        ("password/{token}", "password", "mail.password_url"),
        (
            "card_expiry_days = 30",
            "card_expiry_days = 366",
            "mail.card_expiry_days",
        ),
        (
            "product_name = \"Nuage\"",
            "product_name = \" \"",
            "mail.product_name",
        ),
        (
            "[mail]\n",
            "[platform]\nurl = \"http://platform.example\"\nsecret = \"env:X\"\n[mail]\n",
            "platform.url",
        ),
        (
            "[mail]\n",
            "[platform]\nurl = \"https://platform.example\"\nsecret = \"whsec_x\"\n[mail]\n",
            "platform.secret",
        ),
    ];
    let right = settings();
    for (before, after, said) in wrong {
        assert!(right.contains(before), "{before}");
        house.file("quittance.toml", right.replacen(before, after, 1));
        let answer = house.refuse(&["mail", "preview", "--out", "x"]);
        assert!(answer.stderr.contains(said), "{after}: {answer:?}");
        assert!(!answer.stderr.contains("s3cret"), "{answer:?}");
    }
    let plain = right
        .replacen("security = \"starttls\"", "security = \"none\"", 1)
        .replacen("connections = 8", "allow_plain = true", 1);
    house.file("quittance.toml", plain);
    house.run(&["mail", "preview", "--out", "x"]);
}

/// A JSON value has no personal data of the sample accounts in it.
pub fn names_nobody(value: &Value) {
    let text = value.to_string();
    for person in ["ada@", "jan@", "j@example", "Lovelace", "Kowalski"] {
        assert!(!text.contains(person), "{person} in {text}");
    }
}
