//! `/readyz`, as a load balancer asks it.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{House, Reply, Served};

on_both!(
    a_service_with_its_database_is_ready,
    a_database_of_another_version_is_not,
    a_database_that_does_not_answer_is_not_waited_for,
);

fn ask(served: &Served) -> Reply {
    served.send(served.request("GET", "/readyz"))
}

#[track_caller]
fn is_ready(served: &Served) {
    let reply = ask(served);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json(), json!({ "status": "ready" }));
}

#[track_caller]
fn is_not(reply: &Reply) -> String {
    assert_eq!(reply.status, 503, "{reply:?}");
    let said = reply.json();
    assert_eq!(said["status"], "not ready", "{said}");
    let Value::String(reason) = &said["reason"] else {
        panic!("no reason: {said}");
    };
    reason.clone()
}

fn a_service_with_its_database_is_ready(house: &House) {
    let served = Served::start(house);
    is_ready(&served);
    assert_eq!(ask(&served).headers["cache-control"], "no-store");
    let alive = served.send(served.request("GET", "/healthz"));
    assert_eq!((alive.status, alive.text.as_str()), (200, "ok\n"));
}

fn a_database_of_another_version_is_not(house: &House) {
    let served = Served::start(house);
    // (what happens to it, how it comes right again)
    let table = [
        (
            "INSERT INTO _sqlx_migrations SELECT 9999, 'of a later version', installed_on, success, checksum, \
             execution_time FROM _sqlx_migrations WHERE version = 1",
            "DELETE FROM _sqlx_migrations WHERE version = 9999",
        ),
        (
            "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 2",
            "UPDATE _sqlx_migrations SET version = 2 WHERE version = 9999",
        ),
        (
            "UPDATE _sqlx_migrations SET success = FALSE WHERE version = 3",
            "UPDATE _sqlx_migrations SET success = TRUE WHERE version = 3",
        ),
    ];
    for (happens, right_again) in table {
        house.edit(happens);
        let reason = is_not(&ask(&served));
        assert!(reason.contains("schema"), "{happens}: {reason}");
        house.edit(right_again);
        is_ready(&served);
    }
    let other = if house.is_sqlite() {
        "X'00'"
    } else {
        "'\\x00'"
    };
    house.edit(&format!(
        "UPDATE _sqlx_migrations SET checksum = {other} WHERE version = 4"
    ));
    assert!(is_not(&ask(&served)).contains("schema"));
}

/// However often it is asked meanwhile: no question stays with the database.
fn a_database_that_does_not_answer_is_not_waited_for(house: &House) {
    let served = Served::start(house);
    let mut watch = house.watch();
    let (happens, right_again) = if house.is_sqlite() {
        (
            "ALTER TABLE _sqlx_migrations RENAME TO hidden",
            "ALTER TABLE hidden RENAME TO _sqlx_migrations",
        )
    } else {
        (
            "BEGIN; LOCK TABLE _sqlx_migrations IN ACCESS EXCLUSIVE MODE",
            "ROLLBACK",
        )
    };
    watch.execute(happens);
    let often = || served.send_all((0..25).map(|_| served.request("GET", "/readyz")).collect());
    for reply in often().into_iter().chain(often()) {
        let reason = is_not(&reply);
        let shown = [house.url(), "postgres", "sqlite", "_sqlx"];
        assert!(shown.iter().all(|word| !reason.contains(word)), "{reason}");
        assert!(reason.starts_with("the database "), "{reason}");
    }
    // Nobody waits for it, and no connection stays where it was asked.
    while !house.is_sqlite() && house.watch().someone_waits() {
        std::thread::yield_now();
    }
    watch.execute(right_again);
    while ask(&served).status != 200 {
        std::thread::yield_now();
    }
    is_ready(&served);
}
