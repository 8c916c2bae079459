//! Nobody pays: warned, suspended, warned, deleted.

use serde_json::json;

use super::Diary;
use crate::on_both;
use crate::support::House;

on_both!(nobody_pays);

fn nobody_pays(house: &House) {
    let diary = Diary::open(house);
    let debtor = diary.debtor();
    assert_eq!(debtor["account"], "acc-2");
    assert_eq!(debtor["owed_minor"], diary.total_minor);
    assert_eq!(debtor["next_step"], "suspension_warning_7");
    assert_eq!(debtor["next_step_on"], "2026-11-10");
    let days = diary.rounds("2026-11-02", "2026-12-31");
    assert_eq!(
        days,
        [
            "2026-11-10 suspension_warning_7 1",
            "2026-11-16 suspension_warning_1 1",
            "2026-11-17 suspension 1",
            "2026-12-03 deletion_warning_14 1",
            "2026-12-10 deletion_warning_7 1",
            "2026-12-16 deletion_warning_1 1",
            "2026-12-17 deletion 1",
        ]
    );
    let number = "Q-2026-000001";
    assert_eq!(
        diary.told("mail"),
        [
            (
                "suspension_warning",
                json!({"invoice": number, "days_before": 7, "suspension_on": "2026-11-17"})
            ),
            (
                "suspension_warning",
                json!({"invoice": number, "days_before": 1, "suspension_on": "2026-11-17"})
            ),
            (
                "suspended",
                json!({"invoice": number, "deletion_on": "2026-12-17"})
            ),
            (
                "deletion_warning",
                json!({"invoice": number, "days_before": 14, "deletion_on": "2026-12-17"})
            ),
            (
                "deletion_warning",
                json!({"invoice": number, "days_before": 7, "deletion_on": "2026-12-17"})
            ),
            (
                "deletion_warning",
                json!({"invoice": number, "days_before": 1, "deletion_on": "2026-12-17"})
            ),
            ("deletion_begun", json!({"cause": "unpaid"})),
        ]
        .map(|(topic, payload)| (topic.to_owned(), payload))
    );
    assert_eq!(
        diary.told("platform"),
        [
            ("account.suspend", json!({"reason": "unpaid"})),
            (
                "account.deletion.step",
                json!({"deletion": 1, "step": "deployments"})
            ),
        ]
        .map(|(topic, payload)| (topic.to_owned(), payload))
    );
    // Its data is on its way out: it is no debtor of the list any more.
    let list = house.run(&["dunning", "list", "--json"]).json();
    assert_eq!(list, json!([]));
    house.run(&["verify"]);
}
