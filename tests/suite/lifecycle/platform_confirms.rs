//! What the platform says of the steps of a deletion: each counts once, in its
//! order, and from the platform alone.

use serde_json::json;

use super::leaving::{BY, Leaver, Listening, STEPS, step_done};
use crate::on_both;
use crate::support::{House, THREE_ACCOUNTS};

on_both!(
    a_step_counts_once_and_in_its_order,
    what_is_wrong_is_said_with_its_place,
    only_the_platform_is_believed,
    a_deletion_for_a_debt_goes_the_same_road,
);

/// acc-2 owes nothing, and its erasing has begun.
fn begun(house: &House) -> Leaver<'_> {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    leaver.october();
    house.set_now("2026-11-10T09:00:00Z");
    leaver.leave(&[]);
    leaver
}

fn orders(leaver: &Leaver<'_>) -> i64 {
    leaver.count("SELECT COUNT(*) FROM outbox WHERE topic = 'account.deletion.step'")
}

fn a_step_counts_once_and_in_its_order(house: &House) {
    let leaver = begun(house);
    let served = Listening::start(house);
    for (at, step) in STEPS.into_iter().enumerate() {
        let asked = i64::try_from(at).unwrap() + 1;
        assert_eq!(orders(&leaver), asked, "{step}");
        for later in &STEPS[at + 1..] {
            let (status, said) = served.step_done("acc-2", 1, later);
            assert_eq!(status, 409, "{later}");
            assert_eq!(
                said,
                format!("data.step: {later} was not asked for yet: {step} comes first\n")
            );
        }
        assert_eq!(orders(&leaver), asked, "nothing is skipped");
        let first = served.step_done("acc-2", 1, step);
        assert_eq!(first, (200, "recorded\n".to_owned()));
        for before in &STEPS[..=at] {
            let again = served.step_done("acc-2", 1, before);
            assert_eq!(again, (200, "recorded before\n".to_owned()), "{before}");
        }
    }
    assert_eq!(orders(&leaver), 6);
    assert_eq!(
        leaver.count("SELECT COUNT(*) FROM outbox WHERE topic = 'deleted'"),
        1
    );
    let steps = leaver.standing()["steps"].clone();
    assert!(
        steps
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["confirmed_at"] == "2026-11-10T09:00:00Z"),
        "{steps}"
    );
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    let late = served.step_done("acc-2", 1, "aliases");
    assert_eq!(late, (200, "recorded before\n".to_owned()));
    house.run(&["verify"]);
}

fn what_is_wrong_is_said_with_its_place(house: &House) {
    let leaver = begun(house);
    // acc-1 has asked, and has not confirmed.
    house.run(&[&["account", "delete", "acc-1"][..], &BY[..]].concat());
    let served = Listening::start(house);
    // (what the platform says, status, what it is told)
    let table = [
        (
            step_done("acc-9", 1, "deployments"),
            404,
            "data.account is \"acc-9\"",
        ),
        (
            step_done("acc-1", 1, "deployments"),
            404,
            "data.deletion is 1",
        ),
        (
            step_done("acc-2", 2, "deployments"),
            404,
            "data.deletion is 2",
        ),
        (
            step_done("acc-2", 1, "backups"),
            422,
            "data.step is \"backups\"",
        ),
        (
            json!({"type": "account.deletion.step_done", "data": {"account": "acc-2"}}),
            422,
            "data: missing field",
        ),
        (
            json!({"type": "account.renamed", "data": {}}),
            422,
            "type is \"account.renamed\"",
        ),
        (json!([]), 422, "the body cannot be read"),
        (
            step_done("acc-2", 1, "domains"),
            409,
            "deployments comes first",
        ),
    ];
    for (body, status, words) in table {
        let (got, said) = served.say(&body);
        assert_eq!(got, status, "{body}: {said}");
        assert!(said.contains(words), "{body}: {said}");
    }
    assert_eq!(orders(&leaver), 1);
    assert_eq!(leaver.standing()["state"], "erasing");
}

fn only_the_platform_is_believed(house: &House) {
    let leaver = begun(house);
    let served = Listening::start(house);
    let body = step_done("acc-2", 1, "deployments");
    let right = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let ours = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let now_s = served.now_s();
    assert_eq!(served.tell(&body, now_s, ours).0, 400, "our own secret");
    assert_eq!(served.tell(&body, now_s - 301, right).0, 400, "late");
    assert_eq!(served.tell(&body, now_s + 301, right).0, 400, "early");
    assert_eq!(orders(&leaver), 1);
    assert_eq!(served.tell(&body, now_s - 299, right).0, 200);
    assert_eq!(orders(&leaver), 2);
    drop(served);
    // Without a secret of the platform's, nothing is taken.
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let line = "webhook_secret = \"env:PLATFORM_WEBHOOK_SECRET\"\n";
    assert!(settings.contains(line));
    house.file("quittance.toml", settings.replace(line, ""));
    let served = Listening::start(house);
    assert_eq!(served.say(&body).0, 404);
}

fn a_deletion_for_a_debt_goes_the_same_road(house: &House) {
    let leaver = Leaver::unfurnished(house, "");
    house.import_accounts(THREE_ACCOUNTS);
    house.import_usage(
        "u1,acc-2,blog,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n",
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
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    let standing = leaver.standing();
    assert_eq!(
        (&standing["cause"], &standing["state"]),
        (&json!("unpaid"), &json!("done"))
    );
    // What it owes is owed, and may still be paid; nobody is left to be told.
    let total = house.invoices("2026-10")[0]["total_minor"]
        .as_i64()
        .unwrap();
    leaver.grant(total);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM open_invoice"), 0);
    assert!(
        !leaver
            .topics("platform")
            .contains(&"account.resume".to_owned())
    );
    assert!(!leaver.topics("mail").contains(&"restored".to_owned()));
    let mails = leaver.smtp.count();
    leaver.deliver();
    assert_eq!(leaver.smtp.count(), mails);
    let resume = house.refuse(&[
        "account", "resume", "acc-2", "--by", "ada", "--reason", "it paid",
    ]);
    assert!(resume.stderr.contains("it is on its way out"), "{resume:?}");
    house.run(&["verify"]);
}
