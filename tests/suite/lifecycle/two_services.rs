//! Two services over one database, started together: a month is billed, told and
//! charged once.

use std::collections::HashSet;
use std::process::{Child, Command};

use crate::fakes::smtp::Demands;
use crate::on_both;
use crate::outbox::Office;
use crate::support::{House, furnish};

on_both!(two_services_run_a_month_between_them);

/// Asks a service to end, and waits until it has; what it logged.
fn end(service: Child) -> String {
    let id = service.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(asked.success());
    let output = service.wait_with_output().unwrap();
    let logged = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{logged}");
    logged
}

fn two_services_run_a_month_between_them(house: &House) {
    let office = Office::unfurnished(house, Demands::default(), "none", "");
    furnish(house);
    let decided = ["--reason", "paid before", "--by", "ada"];
    house.run(&[&["credit", "grant", "acc-3", "500"][..], &decided].concat());
    house.set_now("2026-11-01T08:00:00Z");
    // A month ends, and both of them see it.
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let services = [house.spawn(&serve), house.spawn(&serve)];
    office.smtp.until_begun(3);
    let logs = services.map(end).concat();
    assert!(!logs.contains("ERROR"), "{logs}");
    let invoices = house.invoices("2026-10");
    let mut told: Vec<String> = invoices
        .iter()
        .map(|invoice| invoice["number"].as_str().unwrap().to_owned())
        .collect();
    told.sort();
    assert_eq!(told, ["Q-2026-000001", "Q-2026-000002", "Q-2026-000003"]);
    // Whatever a service had not come to when it was ended is done now, and nothing
    // again.
    house.run(&["tick"]);
    assert!(
        house
            .run(&["tick"])
            .stdout
            .lines()
            .all(|line| line.ends_with("nothing to do"))
    );
    let mails = office.smtp.received();
    let keys: HashSet<String> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(keys.len(), mails.len(), "one came twice");
    let count = |query| usize::try_from(house.watch().count(query)).unwrap();
    let sent = "SELECT COUNT(*) FROM outbox WHERE channel = 'mail' AND state = 'delivered'";
    assert_eq!(count(sent), mails.len());
    let left = "SELECT COUNT(*) FROM outbox WHERE state <> 'delivered'";
    assert_eq!(count(left), 0);
    let issued = house
        .watch()
        .texts("SELECT key FROM outbox WHERE topic = 'invoice_issued'");
    assert_eq!(issued, ["invoice_issued:202610:1"; 3]);
    assert_eq!(count("SELECT COUNT(*) FROM billing_run"), 1);
    let payments = house.run(&["payment", "list", "--json"]).json();
    assert_eq!(payments.as_array().unwrap().len(), 1, "{payments}");
    house.run(&["verify"]);
}
