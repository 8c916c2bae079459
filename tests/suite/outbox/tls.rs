//! TLS as it is set, and logins.

use super::Office;
use crate::fakes::smtp::{Demands, SmtpFake};
use crate::on_both;
use crate::support::House;

on_both!(
    encryption_that_is_demanded_is_demanded,
    a_certificate_is_checked,
    a_wrong_password_stops_and_loses_nothing,
);

fn ca() -> String {
    format!("ca_file = \"{}\"", SmtpFake::ca_file().display())
}

fn encryption_that_is_demanded_is_demanded(house: &House) {
    // The server offers none, as one in between would.
    let office = Office::with(house, Demands::default(), "starttls", "");
    office.restored("acc-1", 1);
    let problem = office.deliver_stopped();
    assert!(problem.contains("STARTTLS"), "{problem}");
    // And a server without TLS is none with.
    office.settings(office.smtp.port(), "tls", "timeout_seconds = 2");
    office.deliver_stopped();
    assert_eq!(office.smtp.count(), 0);
    assert!(office.rows("waiting")[0]["tries"] == 0);
    office.settings(office.smtp.port(), "none", "");
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
}

fn a_certificate_is_checked(house: &House) {
    for (security, starttls) in [("starttls", true), ("tls", false)] {
        let house = house.sibling();
        let demands = Demands {
            starttls,
            tls: !starttls,
            login: None,
        };
        let office = Office::with(&house, demands, security, "");
        office.restored("acc-1", 1);
        office.restored("acc-2", 1);
        let problem = office.deliver_stopped();
        assert!(problem.contains("certificate"), "{security}: {problem}");
        assert_eq!(office.smtp.count(), 0);
        office.settings(office.smtp.port(), security, &ca());
        assert_eq!(office.deliver(), "2 sent, 0 retried, 0 refused, 0 obsolete");
    }
}

fn a_wrong_password_stops_and_loses_nothing(house: &House) {
    let demands = Demands {
        starttls: true,
        tls: false,
        login: Some(("billing", "right")),
    };
    let login = format!("{}\nuser = \"billing\"\npassword = \"file:password\"", ca());
    house.file("password", "wrong");
    let office = Office::with(house, demands, "starttls", &login);
    for account in ["acc-1", "acc-2", "acc-3"] {
        office.restored(account, 1);
    }
    let before = office.smtp.connections();
    let problem = office.deliver_stopped();
    assert!(problem.contains("535"), "{problem}");
    assert!(!problem.contains("wrong"), "{problem}");
    // Asked once: more would lock the account.
    assert_eq!(office.smtp.connections() - before, 1);
    assert_eq!(office.rows("waiting").len(), 3);
    house.file("password", "right");
    assert_eq!(office.deliver(), "3 sent, 0 retried, 0 refused, 0 obsolete");
    let sent = house.run(&["mail", "test", "you@example.com", "--language", "fr"]);
    assert!(sent.stdout.contains("you@example.com"), "{sent:?}");
    std::fs::remove_file(house.path("password")).unwrap();
    let answer = house.refuse(&["outbox", "deliver"]);
    assert!(answer.stderr.contains("mail.password"), "{answer:?}");
}
