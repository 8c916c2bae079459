//! What people decide.

use super::Diary;
use crate::on_both;
use crate::support::House;

on_both!(
    a_hold_keeps_steps_back_until_its_day,
    a_large_debt_is_deleted_with_approval_only,
    staff_suspends_and_no_payment_lifts_it,
    a_debtor_is_resumed_with_a_hold_only,
);

const BY: [&str; 4] = ["--reason", "they called", "--by", "ada"];

fn args<'a>(command: &[&'a str]) -> Vec<&'a str> {
    command.iter().chain(&BY).copied().collect()
}

/// What was audited, in order; each with who did it and why.
fn audited(diary: &Diary<'_>) -> Vec<String> {
    diary.house.watch().texts(
        "SELECT action FROM audit_entry WHERE actor = 'ada' AND reason = 'they called' ORDER BY id",
    )
}

fn a_hold_keeps_steps_back_until_its_day(house: &House) {
    let diary = Diary::open(house);
    diary.on("2026-11-09");
    let refused = house.refuse(&args(&[
        "dunning",
        "hold",
        "acc-2",
        "--until",
        "2026-11-09",
    ]));
    assert!(
        refused
            .stderr
            .contains("2026-11-09 is not later than today"),
        "{refused:?}"
    );
    let refused = house.refuse(&args(&[
        "dunning",
        "hold",
        "acc-9",
        "--until",
        "2026-12-09",
    ]));
    assert!(
        refused.stderr.contains("there is no account \"acc-9\""),
        "{refused:?}"
    );
    house.run(&args(&[
        "dunning",
        "hold",
        "acc-2",
        "--until",
        "2026-12-01",
    ]));
    assert_eq!(diary.rounds("2026-11-09", "2026-11-30"), [""; 0]);
    let debtor = diary.debtor();
    assert_eq!(debtor["blocked"], "held");
    assert_eq!(debtor["held_until"], "2026-12-01");
    let text = house.run(&["dunning", "list"]).stdout;
    assert!(text.contains("held until 2026-12-01"), "{text}");
    assert_eq!(
        diary.rounds("2026-12-01", "2026-12-08"),
        [
            "2026-12-01 suspension_warning_7 1",
            "2026-12-07 suspension_warning_1 1",
            "2026-12-08 suspension 1",
        ]
    );
    house.run(&args(&[
        "dunning",
        "hold",
        "acc-2",
        "--until",
        "2027-12-01",
    ]));
    house.run(&args(&[
        "dunning",
        "hold",
        "acc-2",
        "--until",
        "2028-12-01",
    ]));
    house.run(&args(&["dunning", "lift", "acc-2"]));
    let refused = house.refuse(&args(&["dunning", "lift", "acc-2"]));
    assert!(
        refused.stderr.contains("its steps are not held"),
        "{refused:?}"
    );
    assert_eq!(
        audited(&diary),
        [
            "hold_dunning",
            "hold_dunning",
            "hold_dunning",
            "lift_dunning_hold"
        ]
    );
}

fn a_large_debt_is_deleted_with_approval_only(house: &House) {
    let diary = Diary::open(house);
    let settings = include_str!("../../../deploy/quittance.toml");
    house.file(
        "quittance.toml",
        settings.replace("approval_above = \"500\"", "approval_above = \"0\""),
    );
    let refused = house.refuse(&args(&["dunning", "approve-deletion", "acc-2"]));
    assert!(
        refused.stderr.contains("not suspended for a debt yet"),
        "{refused:?}"
    );
    assert_eq!(diary.rounds("2026-11-02", "2027-02-28").len(), 6);
    assert_eq!(diary.debtor()["blocked"], "needs_approval");
    house.run(&args(&["dunning", "approve-deletion", "acc-2"]));
    let refused = house.refuse(&args(&["dunning", "approve-deletion", "acc-2"]));
    assert!(refused.stderr.contains("approved already"), "{refused:?}");
    assert_eq!(diary.round_on("2027-03-01"), ["deletion 1"]);
    assert_eq!(audited(&diary), ["approve_deletion"]);
}

fn staff_suspends_and_no_payment_lifts_it(house: &House) {
    let diary = Diary::open(house);
    house.run(&args(&["account", "suspend", "acc-2"]));
    let refused = house.refuse(&args(&["account", "suspend", "acc-2"]));
    assert!(refused.stderr.contains("suspended already"), "{refused:?}");
    diary.rounds("2026-11-02", "2026-11-20");
    // Two suspensions; the payment ends one, and the platform is not told to resume.
    assert_eq!(
        diary.topics("platform"),
        ["account.suspend", "account.suspend"]
    );
    diary.house.run(&[
        "invoice",
        "write-off",
        "Q-2026-000001",
        "--reason",
        "they called",
        "--by",
        "ada",
    ]);
    assert_eq!(
        diary.topics("platform"),
        ["account.suspend", "account.suspend"]
    );
    house.run(&args(&["account", "resume", "acc-2"]));
    assert_eq!(
        diary.topics("platform"),
        ["account.suspend", "account.suspend", "account.resume"]
    );
    let refused = house.refuse(&args(&["account", "resume", "acc-2"]));
    assert!(
        refused.stderr.contains("it is not suspended"),
        "{refused:?}"
    );
    assert_eq!(
        audited(&diary),
        ["suspend_account", "written_off", "resume_account"]
    );
}

fn a_debtor_is_resumed_with_a_hold_only(house: &House) {
    let diary = Diary::open(house);
    diary.rounds("2026-11-02", "2026-11-20");
    let refused = house.refuse(&args(&["account", "resume", "acc-2"]));
    assert!(refused.stderr.contains("say until when"), "{refused:?}");
    house.run(&args(&[
        "account",
        "resume",
        "acc-2",
        "--until",
        "2026-12-01",
    ]));
    assert_eq!(
        diary.topics("platform"),
        ["account.suspend", "account.resume"]
    );
    assert_eq!(diary.rounds("2026-11-21", "2026-11-30"), [""; 0]);
    // It goes on where it was: suspended at once, and warned of its deletion anew.
    assert_eq!(
        diary.rounds("2026-12-01", "2026-12-31"),
        [
            "2026-12-01 suspension 1",
            "2026-12-17 deletion_warning_14 1",
            "2026-12-24 deletion_warning_7 1",
            "2026-12-30 deletion_warning_1 1",
            "2026-12-31 deletion 1",
        ]
    );
}
