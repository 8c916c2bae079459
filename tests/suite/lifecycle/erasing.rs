//! What an account may not do any more while it is being erased, and what the erasing
//! waits for.

use serde_json::json;

use super::leaving::{BY, Leaver};
use crate::fakes::paypal::{CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID};
use crate::fakes::smtp::Reception;
use crate::on_both;
use crate::support::direct_debit::{IBAN, KEY_A, SECTIONS, signed_args};
use crate::support::{House, THREE_ACCOUNTS};

on_both!(
    nothing_is_put_on_file_or_sold_any_more,
    a_last_mail_that_is_refused_keeps_nobody,
    a_month_that_is_not_billed_keeps_it,
    a_withdrawal_comes_too_late,
);

fn nothing_is_put_on_file_or_sold_any_more(house: &House) {
    house.file("a.key", KEY_A);
    house.file("id", CLIENT_ID);
    house.file("secret", CLIENT_SECRET);
    // Nobody listens there: whoever is asked fails otherwise.
    let paypal = format!(
        "[paypal]\nclient_id = \"file:id\"\nclient_secret = \"file:secret\"\nwebhook_id = \"{WEBHOOK_ID}\"\n\
         return_url = \"https://console.example/approved\"\ncancel_url = \"https://console.example/\"\n\
         api_url = \"http://127.0.0.1:9\"\ntries = 1\n"
    );
    let leaver = Leaver::unfurnished(house, &format!("{SECTIONS}{paypal}"));
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    leaver.leave(&[]);
    assert_eq!(leaver.standing()["state"], "erasing");
    let iban = house.file("iban", IBAN);
    let mandate = house.refuse(&signed_args("acc-2", &iban, &[]));
    assert!(
        mandate
            .stderr
            .contains("the account is being deleted: nothing is put on file any more"),
        "{mandate:?}"
    );
    let credit = house.refuse(&["credit", "buy", "acc-2", "25"]);
    assert!(
        credit
            .stderr
            .contains("the account is being deleted: no credit is sold to it any more"),
        "{credit:?}"
    );
    // Others may.
    house.run(&signed_args("acc-1", &iban, &[]));
    for table in ["payment_method", "credit_purchase"] {
        let rows = house.watch().rows_as_text(table);
        let mandates = usize::from(table == "payment_method");
        assert_eq!(rows.lines().count(), mandates, "{table}: {rows}");
    }
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    house.run(&["verify"]);
}

fn a_last_mail_that_is_refused_keeps_nobody(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    leaver.leave(&[]);
    leaver.deliver();
    leaver.work_off("acc-2", 1);
    // There is no such mailbox any more.
    leaver
        .smtp
        .receive("jan@example.com", [Reception::Recipient(550)]);
    let mails = leaver.smtp.count();
    let told = house.try_run(&["tick", "--job", "deliver", "--json"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert_eq!(
        told.json()[0]["problems"],
        json!(["1 message refused: see `quittance outbox list`"])
    );
    assert_eq!(
        leaver.advance(),
        [
            "1 account: erased",
            "1 account: the mail that told so was refused"
        ]
    );
    assert_eq!(leaver.standing()["state"], "done");
    assert_eq!(leaver.smtp.count(), mails);
    let erased = "SELECT subject FROM audit_entry WHERE action = 'account_erased'";
    assert_eq!(
        house.watch().texts(erased),
        ["deletion 1, its mail was refused"]
    );
    // Nothing is left to be sent again, and nobody to send it to.
    leaver.deliver();
    assert_eq!(leaver.smtp.count(), mails);
    assert!(!house.watch().rows_as_text("outbox").contains("jan@"));
    house.run(&["verify"]);
}

fn a_month_that_is_not_billed_keeps_it(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    house.import_usage(
        "u1,acc-2,blog,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n\
         u2,acc-2,blog,container,web,S,1,2026-12-03T00:00:00Z,2026-12-08T00:00:00Z\n",
    );
    house.run(&["run", "2026-10"]);
    let mut last = Vec::new();
    for day in [
        "11-10", "11-16", "11-17", "12-03", "12-10", "12-16", "12-17",
    ] {
        house.set_now(&format!("2026-{day}T09:00:00Z"));
        last = super::round(house);
        leaver.deliver();
    }
    assert_eq!(last, ["deletion 1"]);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    let unbilled = ["a month that it used something in, and that is not billed yet or held back"];
    // The rest of the month, and until its run.
    for now in ["2026-12-17T09:00:00Z", "2027-01-01T09:00:00Z"] {
        house.set_now(now);
        assert_eq!(leaver.advance(), [""; 0], "{now}");
        assert_eq!(leaver.waits_for(), unbilled, "{now}");
    }
    house.run(&["tick", "--job", "month_run"]);
    let december = house.invoices("2026-12");
    assert_eq!(december.len(), 1);
    assert_eq!(december[0]["net_minor"], 120);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    let document = house.run(&["invoice", "show", "Q-2027-000001"]).stdout;
    assert!(document.contains("Jan Kowalski"), "{document}");
    house.run(&["verify"]);
}

fn a_withdrawal_comes_too_late(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    leaver.leave(&[]);
    let told = leaver.topics("platform");
    let refuse = |state: &str| {
        assert_eq!(leaver.standing()["state"], state);
        let withdraw = [&["account", "withdraw-deletion", "acc-2"][..], &BY[..]].concat();
        let refused = house.refuse(&withdraw);
        assert!(
            refused
                .stderr
                .contains("its data is being deleted: that is not taken back"),
            "{refused:?}"
        );
        assert_eq!(leaver.standing()["state"], state);
        let withdrawn = "SELECT COUNT(*) FROM audit_entry WHERE action = 'deletion_withdrawn'";
        assert_eq!(leaver.count(withdrawn), 0);
    };
    refuse("erasing");
    assert_eq!(leaver.topics("platform"), told);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    refuse("done");
    house.run(&["verify"]);
}
