//! The service is told to stop.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{BODY, EVENTS, OWED, PAID, PUT_OFF, address, connect, half_a_report, paying, set};
use crate::api::furnish_api;
use crate::finance::key;
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    a_request_in_flight_is_answered_whole,
    who_does_not_go_on_is_not_waited_for,
    a_request_that_does_not_end_is_waited_for_so_long,
    money_that_moves_is_waited_for,
    money_that_moves_for_too_long_is_found_again,
);

fn tell_to_stop(served: &mut Served) {
    let id = served.process().id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(told.success());
}

/// Waits for its end; what it logged.
#[track_caller]
fn end(served: &mut Served) -> String {
    let child = served.process();
    let status = child.wait().unwrap();
    let mut logged = String::new();
    let mut log = child.stderr.take().unwrap();
    log.read_to_string(&mut logged).unwrap();
    assert_eq!(status.code(), Some(0), "{logged}");
    logged
}

/// Waits until it heard that it is to stop.
fn until_stopping(served: &Served) {
    loop {
        let reply = served.send(served.request("GET", "/readyz"));
        if reply.status == 503 {
            let told = json!({ "status": "not ready", "reason": "the service is stopping" });
            assert_eq!(reply.json(), told);
            return;
        }
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

fn a_request_in_flight_is_answered_whole(house: &House) {
    furnish_api(house, 10_000);
    let secret = key(house, "platform", "ingest", &[]);
    let mut served = Served::start(house);
    let mut slow = half_a_report(&served, &secret);
    tell_to_stop(&mut served);
    until_stopping(&served);
    // Nothing new is begun, and it is said to be alive.
    for path in [EVENTS, "/v1/users/self", "/finance/v1/self", "/nothing"] {
        let reply = served.send(served.request("POST", path));
        assert_eq!(reply.status, 503, "{path}: {reply:?}");
        assert_eq!(reply.json(), json!({ "error": PUT_OFF }));
    }
    for path in ["/healthz", "/metrics"] {
        assert_eq!(served.send(served.request("GET", path)).status, 200);
    }
    assert_eq!(served.process().try_wait().unwrap(), None);
    slow.write_all(&BODY.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(
        answer.ends_with("{\"accepted\":0,\"duplicates\":0}"),
        "{answer}"
    );
    let logged = end(&mut served);
    assert!(!logged.contains("ERROR"), "{logged}");
    assert!(!logged.contains("not answered"), "{logged}");
    TcpStream::connect(address(&served)).unwrap_err();
}

/// Half a head, as the first and as the second request; a connection that is kept open;
/// one that never says anything.
fn who_does_not_go_on_is_not_waited_for(house: &House) {
    furnish_api(house, 10_000);
    set(house, "shutdown_seconds = 30", "shutdown_seconds = 600");
    let mut served = Served::start(house);
    let half = b"GET /healthz HTTP/1.1\r\nHost:";
    let mut first = connect(&served);
    first.write_all(half).unwrap();
    let _silent = connect(&served);
    let mut others = [connect(&served), connect(&served)];
    for other in &mut others {
        other
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: q\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        while !answer.ends_with("ok\n") {
            let mut some = [0; 512];
            let read = other.read(&mut some).unwrap();
            answer.push_str(std::str::from_utf8(&some[..read]).unwrap());
        }
    }
    others[0].write_all(half).unwrap();
    // They were accepted in their order: all of them are known to it.
    let told_at = Instant::now();
    tell_to_stop(&mut served);
    let logged = end(&mut served);
    // A head may take ten seconds otherwise.
    assert!(told_at.elapsed() < Duration::from_secs(9), "{logged}");
    assert!(!logged.contains("not answered"), "{logged}");
}

fn a_request_that_does_not_end_is_waited_for_so_long(house: &House) {
    furnish_api(house, 10_000);
    set(house, "shutdown_seconds = 30", "shutdown_seconds = 1");
    let secret = key(house, "platform", "ingest", &[]);
    let mut served = Served::start(house);
    let mut slow = half_a_report(&served, &secret);
    tell_to_stop(&mut served);
    let logged = end(&mut served);
    assert!(logged.contains("requests are not answered"), "{logged}");
    assert!(!logged.contains("money is being moved"), "{logged}");
    let mut answer = Vec::new();
    assert_eq!(slow.read_to_end(&mut answer).unwrap_or_default(), 0);
}

fn money_that_moves_is_waited_for(house: &House) {
    let (mut served, stripe) = paying(house, 600);
    tell_to_stop(&mut served);
    until_stopping(&served);
    assert_eq!(house.watch().count(PAID), 0);
    stripe.hold_charges(false);
    let logged = end(&mut served);
    assert!(!logged.contains("ERROR"), "{logged}");
    assert_eq!(house.watch().count(PAID), 3);
    house.run(&["verify"]);
    stripe.assert_contract_kept();
}

fn money_that_moves_for_too_long_is_found_again(house: &House) {
    let (mut served, stripe) = paying(house, 1);
    tell_to_stop(&mut served);
    let logged = end(&mut served);
    assert!(logged.contains("money is being moved"), "{logged}");
    assert_eq!(house.watch().count(PAID), 0);
    stripe.hold_charges(false);
    house.run(&["reconcile"]);
    house.run(&["collect", "--yes"]);
    assert_eq!(house.watch().count(PAID), 3);
    assert_eq!(stripe.charged_in_all(), house.watch().count(OWED));
    house.run(&["verify"]);
    stripe.assert_contract_kept();
}
