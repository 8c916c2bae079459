//! A machine that was off catches up: each step once, in order, none skipped.

use super::{Diary, round};
use crate::on_both;
use crate::support::House;

on_both!(
    off_for_three_days,
    a_mail_that_is_not_sent_keeps_the_suspension_back
);

fn off_for_three_days(house: &House) {
    let diary = Diary::open(house);
    // Off from the 9th to the 12th: the warning of the 10th comes on the 13th, and keeps its word.
    assert_eq!(diary.rounds("2026-11-02", "2026-11-08"), [""; 0]);
    assert_eq!(diary.round_on("2026-11-13"), ["suspension_warning_7 1"]);
    assert_eq!(diary.round_on("2026-11-13"), [""; 0], "the same day again");
    let told = diary.told("mail");
    assert_eq!(told[0].1["suspension_on"], "2026-11-20");
    assert_eq!(
        diary.rounds("2026-11-14", "2026-11-30"),
        [
            "2026-11-19 suspension_warning_1 1",
            "2026-11-20 suspension 1"
        ]
    );
}

fn a_mail_that_is_not_sent_keeps_the_suspension_back(house: &House) {
    let diary = Diary::open(house);
    diary.rounds("2026-11-02", "2026-11-15");
    diary.on("2026-11-16");
    assert_eq!(round(house), ["suspension_warning_1 1"]);
    diary.on("2026-11-20");
    assert_eq!(round(house), [""; 0]);
    assert_eq!(diary.debtor()["blocked"], "warning_unsent");
    diary.send_mails();
    assert_eq!(round(house), ["suspension 1"]);
}
