//! Two rounds at once take a step once.

use super::{Diary, round};
use crate::on_both;
use crate::support::House;

on_both!(two_rounds_at_once_take_a_step_once);

fn two_rounds_at_once_take_a_step_once(house: &House) {
    let diary = Diary::open(house);
    for day in ["2026-11-10", "2026-11-16", "2026-11-17"] {
        diary.on(day);
        let rounds: Vec<_> = (0..4)
            .map(|_| house.spawn(&["dunning", "round", "--json"]))
            .collect();
        for child in rounds {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(round(house), [""; 0]);
        diary.send_mails();
    }
    assert_eq!(
        diary.topics("mail"),
        ["suspension_warning", "suspension_warning", "suspended"]
    );
    assert_eq!(diary.topics("platform"), ["account.suspend"]);
}
