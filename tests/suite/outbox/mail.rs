//! Mail, and what a mail server does to it.

use serde_json::json;

use super::Office;
use crate::fakes::smtp::{Reception, SmtpFake};
use crate::mail::names_nobody;
use crate::on_both;
use crate::support::House;

on_both!(
    a_server_that_is_down_loses_nothing,
    what_is_deferred_is_tried_later_and_later,
    one_recipient_is_refused_while_others_are_not,
    a_connection_that_breaks_after_the_message_doubles_it_recognizably,
    a_slow_server_holds_up_its_own_mail_alone,
    a_server_that_takes_nothing_refuses_nothing,
    what_is_not_so_any_more_is_not_told,
    what_nobody_can_read_is_refused_and_kept,
    a_link_that_is_a_key_is_not_kept,
    everything_is_given_up_after_three_days,
);

#[test]
fn without_a_mail_server_notices_wait() {
    let house = House::sqlite();
    let office = Office::open(&house);
    house.file("quittance.toml", super::SETTINGS);
    office.restored("acc-1", 1);
    let answer = house.run(&["outbox", "deliver"]);
    assert!(
        answer.stderr.contains("1 row waits: there is no [mail]"),
        "{answer:?}"
    );
    assert_eq!(office.standing("restored:1"), "waiting after 0: no problem");
}

fn a_server_that_is_down_loses_nothing(house: &House) {
    let mut office = Office::open(house);
    let port = office.smtp.port();
    for account in ["acc-1", "acc-2", "acc-3"] {
        office.restored(account, 1);
    }
    // Nobody listens there.
    office.smtp = SmtpFake::start();
    for _ in 0..3 {
        let problem = office.deliver_stopped();
        assert!(
            problem.contains("refused") || problem.contains("onnection"),
            "{problem}"
        );
    }
    // Their time and tries are not counted against them.
    for row in office.rows("waiting") {
        assert_eq!(row["tries"], 0, "{row}");
        assert_eq!(row["next_try_at"], "2026-11-02T08:00:00Z");
        assert!(!row["problem"].as_str().unwrap().is_empty());
        names_nobody(&row);
    }
    office.smtp = SmtpFake::at_port(port);
    assert_eq!(office.deliver(), "3 sent, 0 retried, 0 refused, 0 obsolete");
    let everybody = ["ada@example.com", "j@example.com", "jan@example.com"];
    assert_eq!(office.received_by(), everybody);
    // Told once.
    assert_eq!(office.deliver(), "0 sent, 0 retried, 0 refused, 0 obsolete");
    assert_eq!(office.received_by(), everybody);
}

fn what_is_deferred_is_tried_later_and_later(house: &House) {
    let office = Office::open(house);
    office.restored("acc-1", 1);
    use Reception::{Message, Recipient};
    office.smtp.receive(
        "ada@example.com",
        [Recipient(451), Message(452), Recipient(450)],
    );
    let table = [
        // (minutes, what came of it, how it stands, the next try)
        (
            0,
            "0 sent, 1 retried",
            "waiting after 1: 451 <the recipient>: on purpose",
            "08:01",
        ),
        (
            0,
            "0 sent, 0 retried",
            "waiting after 1: 451 <the recipient>: on purpose",
            "08:01",
        ),
        (
            1,
            "0 sent, 1 retried",
            "waiting after 2: 452 on purpose",
            "08:03",
        ),
        (
            2,
            "0 sent, 0 retried",
            "waiting after 2: 452 on purpose",
            "08:03",
        ),
        (
            3,
            "0 sent, 1 retried",
            "waiting after 3: 450 <the recipient>: on purpose",
            "08:07",
        ),
        (7, "1 sent, 0 retried", "delivered after 4: no problem", ""),
    ];
    for (minutes, came, standing, next) in table {
        office.minutes_later(minutes);
        assert_eq!(
            office.deliver(),
            format!("{came}, 0 refused, 0 obsolete"),
            "{minutes}"
        );
        assert_eq!(office.standing("restored:1"), standing, "{minutes}");
        let row = office.row("restored:1");
        let next_try_at = row["next_try_at"].as_str().unwrap_or_default();
        assert!(next_try_at.contains(next), "{row}");
        names_nobody(&row);
    }
    assert_eq!(office.received_by(), ["ada@example.com"]);
}

fn one_recipient_is_refused_while_others_are_not(house: &House) {
    let office = Office::open(house);
    for no in 1..=3 {
        for account in ["acc-1", "acc-2", "acc-3"] {
            office.restored(account, no);
        }
    }
    let unknown = [
        Reception::Recipient(550),
        Reception::Message(554),
        Reception::Recipient(550),
    ];
    office.smtp.receive("jan@example.com", unknown);
    assert_eq!(office.deliver(), "6 sent, 0 retried, 3 refused, 0 obsolete");
    let refused = office.rows("refused");
    let mut problems: Vec<&str> = refused
        .iter()
        .map(|row| row["problem"].as_str().unwrap())
        .collect();
    problems.sort_unstable();
    let nobody = "550 <the recipient>: on purpose";
    assert_eq!(problems, [nobody, nobody, "554 on purpose"]);
    for row in &refused {
        assert_eq!(row["account"], "acc-2");
        names_nobody(row);
    }
    // Nobody tries again by itself, a person does.
    office.minutes_later(10_000);
    assert_eq!(office.deliver(), "0 sent, 0 retried, 0 refused, 0 obsolete");
    let by = ["--by", "ada", "--reason", "the mailbox is back"];
    let retry = |args: &[&str]| house.try_run(&[&["outbox", "retry"], args, &by[..]].concat());
    assert_eq!(retry(&["nothing:1"]).code, Some(1));
    assert_eq!(retry(&["restored:1", "--account", "acc-1"]).code, Some(1));
    assert_eq!(retry(&["restored:1"]).code, Some(0));
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    assert_eq!(
        retry(&["--all-refused", "--account", "acc-2"]).code,
        Some(0)
    );
    assert_eq!(office.deliver(), "2 sent, 0 retried, 0 refused, 0 obsolete");
    assert_eq!(office.smtp.count(), 9);
    let audits = house.watch().rows_as_text("house_audit_entry")
        + &house.watch().rows_as_text("audit_entry");
    assert_eq!(audits.matches("retry_outbox").count(), 2, "{audits}");
    house.run(&["verify"]);
}

fn a_connection_that_breaks_after_the_message_doubles_it_recognizably(house: &House) {
    let office = Office::open(house);
    office.restored("acc-1", 1);
    office.restored("acc-2", 1);
    office
        .smtp
        .receive("ada@example.com", [Reception::TakeAndDrop, Reception::Drop]);
    assert_eq!(office.deliver(), "1 sent, 1 retried, 0 refused, 0 obsolete");
    office.minutes_later(1);
    assert_eq!(office.deliver(), "0 sent, 1 retried, 0 refused, 0 obsolete");
    office.minutes_later(3);
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    let to_ada: Vec<_> = office
        .smtp
        .received()
        .into_iter()
        .filter(|mail| mail.to == "ada@example.com")
        .collect();
    assert_eq!(to_ada.len(), 2);
    let id = to_ada[0].header("Message-ID");
    assert_eq!(to_ada[1].header("Message-ID"), id);
    assert!(id.ends_with("@nuage.example>"), "{id}");
}

fn a_slow_server_holds_up_its_own_mail_alone(house: &House) {
    let office = Office::open(house);
    office.settings(office.smtp.port(), "none", "timeout_seconds = 1");
    for account in ["acc-1", "acc-2", "acc-3"] {
        office.restored(account, 1);
    }
    office.smtp.receive("jan@example.com", [Reception::Hang]);
    assert_eq!(office.deliver(), "2 sent, 1 retried, 0 refused, 0 obsolete");
    let slow = office.rows("waiting").remove(0);
    assert_eq!(slow["problem"], "no answer within 1 s", "{slow}");
    office.smtp.release();
    office.minutes_later(1);
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    assert_eq!(office.smtp.count(), 3);
}

fn a_server_that_takes_nothing_refuses_nothing(house: &House) {
    let office = Office::open(house);
    office.restored("acc-1", 1);
    office.restored("acc-2", 1);
    for code in [550, 451, 530] {
        office.smtp.reply_to_senders(Some(code));
        let problem = office.deliver_stopped();
        assert!(problem.contains(&code.to_string()), "{problem}");
    }
    office.smtp.reply_to_senders(None);
    assert_eq!(office.deliver(), "2 sent, 0 retried, 0 refused, 0 obsolete");
}

fn what_is_not_so_any_more_is_not_told(house: &House) {
    let office = Office::open(house);
    let invoices = house.invoices("2026-10");
    let of = |account: &str| {
        let found = invoices
            .iter()
            .find(|invoice| invoice["account"] == account);
        found.unwrap()["number"].as_str().unwrap().to_owned()
    };
    let warn = |account: &str, key: &str, on: &str| {
        let payload = json!({"invoice": of(account), "days_before": 7, "suspension_on": on});
        office.tell(account, "mail", key, "suspension_warning", &payload);
    };
    warn("acc-1", "warning:open", "2026-11-09");
    warn("acc-1", "warning:today", "2026-11-02");
    warn("acc-1", "warning:past", "2026-11-01");
    warn("acc-2", "warning:paid", "2026-11-09");
    let suspended = json!({"invoice": of("acc-2"), "deletion_on": "2026-12-09"});
    office.tell("acc-2", "mail", "suspended:1", "suspended", &suspended);
    let late = json!({"token": "t", "until": super::micros("2026-11-02T08:00:00Z")});
    office.tell("acc-3", "mail", "confirm:1", "deletion_confirmation", &late);
    let card = json!({"method": 7, "expires": "2026-12", "label": "visa 4242"});
    office.tell("acc-3", "mail", "card:1", "card_expiring", &card);
    // acc-2 pays.
    let by = ["--reason", "test", "--by", "ada"];
    house.run(&[&["credit", "grant", "acc-2", "500"][..], &by].concat());
    let told = office.rows("waiting");
    let receipts = told
        .iter()
        .filter(|row| row["topic"] == "payment_succeeded")
        .count();
    let sent = 2 + receipts;
    assert_eq!(
        office.deliver(),
        format!("{sent} sent, 0 retried, 0 refused, 5 obsolete")
    );
    let table = [
        ("warning:open", "delivered after 1: no problem"),
        ("warning:today", "delivered after 1: no problem"),
        ("warning:past", "obsolete after 1: its day has passed"),
        ("warning:paid", "obsolete after 1: the invoice is paid"),
        ("suspended:1", "obsolete after 1: the invoice is paid"),
        (
            "confirm:1",
            "obsolete after 1: the link does not work any more",
        ),
        (
            "card:1",
            "obsolete after 1: the card is not on file any more",
        ),
    ];
    for (key, expected) in table {
        assert_eq!(office.standing(key), expected, "{key}");
    }
}

fn what_nobody_can_read_is_refused_and_kept(house: &House) {
    let office = Office::open(house);
    office.tell("acc-1", "mail", "a:1", "birthday", &json!({"age": 7}));
    office.tell("acc-1", "mail", "b:1", "invoice_issued", &json!({}));
    let other = house.invoices("2026-10");
    let other = other
        .iter()
        .find(|invoice| invoice["account"] == "acc-2")
        .unwrap();
    let foreign = json!({"invoice": other["number"]});
    office.tell("acc-1", "mail", "c:1", "invoice_issued", &foreign);
    office.tell(
        "acc-1",
        "mail",
        "d:1",
        "invoice_issued",
        &json!({"invoice": "Q-2026-999999"}),
    );
    office.tell("acc-1", "platform", "e:1", "account.rename", &json!({}));
    office.restored("acc-1", 1);
    assert_eq!(office.deliver(), "1 sent, 0 retried, 5 refused, 0 obsolete");
    for (key, problem) in [
        ("a:1", "\"birthday\" is no topic"),
        ("b:1", "missing field `invoice`"),
        ("c:1", "the account has no invoice"),
        ("d:1", "the account has no invoice Q-2026-999999"),
        ("e:1", "\"account.rename\" is no order"),
    ] {
        let standing = office.standing(key);
        assert!(
            standing.starts_with("refused") && standing.contains(problem),
            "{standing}"
        );
    }
    let kept = house.watch().rows_as_text("outbox");
    assert!(kept.contains("age"), "{kept}");
    // A broken address is one to mend, and not one to be told.
    house.edit("UPDATE billing_profile SET email = 'ada at example'");
    office.restored("acc-1", 2);
    assert_eq!(office.deliver(), "0 sent, 0 retried, 1 refused, 0 obsolete");
    let row = office.row("restored:2");
    assert!(
        row["problem"]
            .as_str()
            .unwrap()
            .contains("cannot be written to"),
        "{row}"
    );
    assert!(!row.to_string().contains("ada at"), "{row}");
}

fn a_link_that_is_a_key_is_not_kept(house: &House) {
    let office = Office::open(house);
    let until = super::micros("2026-11-03T09:30:00Z");
    let payload = json!({"token": "s3cret-token", "until": until});
    office.tell(
        "acc-1",
        "mail",
        "confirm:1",
        "deletion_confirmation",
        &payload,
    );
    office
        .smtp
        .receive("ada@example.com", [Reception::Recipient(451)]);
    house.set_env("QUITTANCE_LOG", "debug");
    let says_nothing = |said: &str| assert!(!said.contains("s3cret"), "{said}");
    for minutes in [0, 1] {
        office.minutes_later(minutes);
        let answer = office.try_deliver();
        says_nothing(&answer.stdout);
        says_nothing(&answer.stderr);
        for args in [&["outbox", "list"][..], &["outbox", "list", "--json"]] {
            says_nothing(&house.run(args).stdout);
        }
    }
    let mail = office.smtp.received().remove(0);
    let text = mail.raw.replace("=\r\n", "");
    assert!(
        text.contains("https://console.example/deletion/s3cret-token"),
        "{text}"
    );
    // In the zone of the house.
    assert!(text.contains("10:30"), "{text}");
    assert_eq!(
        office.standing("confirm:1"),
        "delivered after 2: no problem"
    );
    let kept = house.watch().rows_as_text("outbox");
    says_nothing(&kept);
}

fn everything_is_given_up_after_three_days(house: &House) {
    let office = Office::open(house);
    office.restored("acc-1", 1);
    office
        .smtp
        .receive("ada@example.com", [Reception::Recipient(451); 21]);
    house.edit("UPDATE outbox SET tries = 19");
    assert_eq!(office.deliver(), "0 sent, 1 retried, 0 refused, 0 obsolete");
    office.minutes_later(359);
    assert_eq!(office.deliver(), "0 sent, 0 retried, 0 refused, 0 obsolete");
    office.minutes_later(360);
    assert_eq!(office.deliver(), "0 sent, 0 retried, 1 refused, 0 obsolete");
    let standing = office.standing("restored:1");
    assert!(
        standing.starts_with("refused after 21: given up after 21 tries: 451"),
        "{standing}"
    );
}
