//! On which days a card is tried again.

use serde_json::Value;

use super::{Shop, bill_one, charged, left_out};
use crate::fakes::stripe::{CardScript, Outcome};
use crate::on_both;
use crate::support::House;

on_both!(
    a_soft_decline_is_tried_again_on_the_ladders_days_alone,
    money_on_the_third_step_pays,
    a_person_does_not_wait_but_asks_once,
);

fn broke() -> Outcome {
    Outcome::Declines("insufficient_funds".to_owned())
}

/// The days of November on which something was charged.
fn days_charged(shop: &Shop<'_>) -> Vec<u32> {
    let is_charged = |day: &u32| !charged(&shop.collect_on(*day)).is_empty();
    (2..=20).filter(is_charged).collect()
}

fn a_soft_decline_is_tried_again_on_the_ladders_days_alone(house: &House) {
    let shop = Shop::open(house);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::always(broke()));
    bill_one(house);
    // Due on the 2nd: days 0, 1, 3, 5, 8 and 12 after it.
    assert_eq!(days_charged(&shop), [2, 3, 5, 7, 10, 14]);
    let after = shop.collect_on(28);
    assert_eq!(left_out(&after["plan"]), ["ladder_exhausted 1"], "{after}");
    assert_eq!(shop.stripe.charged_in_all(), 0);
    shop.check();
}

fn money_on_the_third_step_pays(house: &House) {
    let shop = Shop::open(house);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card(
        "acc-2",
        CardScript::each([broke(), broke(), Outcome::Succeeds]),
    );
    let total = bill_one(house);
    assert_eq!(days_charged(&shop), [2, 3, 5]);
    assert_eq!(shop.stripe.charged_in_all(), total);
    shop.check();
}

fn a_person_does_not_wait_but_asks_once(house: &House) {
    let shop = Shop::open(house);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card(
        "acc-2",
        CardScript::each([broke(), broke(), broke(), broke(), Outcome::Succeeds]),
    );
    bill_one(house);
    for day in [2, 3] {
        assert_eq!(charged(&shop.collect_on(day)), ["card declined_soft 1"]);
    }
    shop.on(4);
    let waits = shop.collect(&[]);
    assert_eq!(left_out(&waits["plan"]), ["waits_until 1"], "{waits}");
    // One try for each time that somebody asks, not one after the other.
    let asked: [&[&str]; 2] = [&["--failed-since", "2026-11-02"], &["--method", "card"]];
    for more in asked {
        let answer = shop.collect(more);
        assert_eq!(
            charged(&answer),
            ["card declined_soft 1"],
            "{more:?} {answer}"
        );
    }
    let none: [&[&str]; 3] = [
        &["--failed-since", "2026-11-05"],
        &["--method", "credit"],
        &["--method", "sepa"],
    ];
    for more in none {
        let answer = shop.collect(more);
        assert_eq!(answer["outcome"], Value::Null, "{more:?} {answer}");
    }
    let wrong = house.try_run(&["collect", "--method", "paypal"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(
        wrong.stderr.contains("none of credit, sepa, card"),
        "{wrong:?}"
    );
    assert_eq!(
        charged(&shop.collect(&["--failed-since", "2026-11-04"])),
        ["card paid 1"]
    );
    shop.check();
}
