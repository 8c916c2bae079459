//! Requests and clients that take too long.

use std::io::{Read as _, Write as _};

use super::{BODY, OWED, PAID, connect, half_a_report, paying, put_off};
use crate::finance::key;
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    money_goes_on_though_the_answer_is_late,
    reports_are_not_cut_off,
);

/// The answer is put off; the card is charged, once.
fn money_goes_on_though_the_answer_is_late(house: &House) {
    let (served, stripe) = paying(house, 30);
    assert_eq!(house.watch().count(PAID), 0);
    stripe.hold_charges(false);
    while house.watch().count(PAID) < 3 {
        std::thread::yield_now();
    }
    drop(served);
    assert_eq!(stripe.charged_in_all(), house.watch().count(OWED));
    house.run(&["verify"]);
    stripe.assert_contract_kept();
}

/// They have a time of their own: one that began before another request was put off
/// is taken after it.
fn reports_are_not_cut_off(house: &House) {
    let (served, stripe) = paying(house, 30);
    let secret = key(house, "platform", "ingest", &[]);
    let mut slow = half_a_report(&served, &secret);
    put_off(house, &served, &stripe, "acc-1");
    slow.write_all(&BODY.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

/// A connection is no place to wait in: not before the first request, and not in the
/// middle of its head.
#[test]
fn a_head_that_does_not_come_ends_its_connection() {
    let house = House::sqlite();
    let served = Served::start(&house);
    let mut half = connect(&served);
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost:").unwrap();
    for mut client in [connect(&served), half] {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), "");
    }
    assert_eq!(served.send(served.request("GET", "/healthz")).status, 200);
}
