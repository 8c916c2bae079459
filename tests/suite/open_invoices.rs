//! The list of open invoices: it follows the ledger, whoever books, is read
//! without reading every invoice, and guards against paying too much.

use quittance::domain::ids::AccountId;
use quittance::store::{IfMissing, Store};
use quittance::{on, store::rows::InvoiceKey};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::runtime::Runtime;

use crate::collect::{bill, major, totals};
use crate::on_both;
use crate::support::House;

on_both!(
    the_list_follows_what_is_paid_and_given_up,
    more_than_is_open_is_refused,
    verify_sees_a_list_that_is_wrong,
    a_page_reads_what_is_open_and_nothing_else,
    a_debt_is_given_up_in_its_own_currency,
    what_refers_to_nothing_is_refused,
);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Account, month and what is open of every invoice in the list, read in pages of
/// two.
fn listed(house: &House) -> Vec<(i64, i32, i64)> {
    runtime().block_on(async {
        let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
        let mut tx = store.snapshot().await.unwrap();
        let mut all = Vec::new();
        let mut after: Option<InvoiceKey> = None;
        loop {
            let page = on!(&mut tx, conn, q => q::open_invoices(conn, after, 2).await).unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2, "{page:?}");
            after = Some(last.key);
            all.extend(page.iter().map(|open| {
                let AccountId(account) = open.key.account;
                let open_minor = open.total_minor - open.allocated_minor;
                (account, open.key.period.to_number(), open_minor)
            }));
        }
        tx.rollback().await.unwrap();
        store.close().await;
        all
    })
}

fn grant(house: &House, account: &str, minor: i64) {
    let amount = major(minor);
    house.run(&[
        "credit", "grant", account, &amount, "--reason", "outage", "--by", "ada",
    ]);
}

fn the_list_follows_what_is_paid_and_given_up(house: &House) {
    bill(house, &["acc-2", "acc-3"]);
    let all = listed(house);
    assert_eq!(all.len(), 6, "{all:?}");
    let owed: i64 = all.iter().map(|(_, _, open)| open).sum();
    let total = "SELECT CAST(SUM(total_minor) AS BIGINT) FROM invoice";
    assert_eq!(owed, house.watch().count(total));
    house.run(&["verify"]);
    let totals = totals(house);
    let (two, three) = (all[0].0, all[3].0);
    assert_ne!(two, three);
    // The oldest is paid in full; then a cent short of the second pays nothing.
    grant(house, "acc-2", totals[0] + totals[1] - 1);
    let left = listed(house);
    assert_eq!(left.len(), 5, "{left:?}");
    assert_eq!(left[0], (two, 202609, totals[1]));
    house.run(&["verify"]);
    // Told to, it pays a part.
    let settings = include_str!("../../deploy/quittance.toml");
    let settings = settings.replace("partial_credit = false", "partial_credit = true");
    house.file("quittance.toml", settings);
    house.run(&["collect", "--yes"]);
    assert_eq!(listed(house)[0], (two, 202609, 1));
    house.run(&["verify"]);
    house.run(&[
        "invoice",
        "write-off",
        "Q-2026-000003",
        "--by",
        "ada",
        "--reason",
        "a cent",
    ]);
    let left = listed(house);
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(
        left.iter()
            .all(|(account, month, _)| (*account, *month) != (two, 202609))
    );
    house.run(&["verify"]);
}

fn more_than_is_open_is_refused(house: &House) {
    bill(house, &["acc-2"]);
    let totals = totals(house);
    let rows = |house: &House| house.watch().rows_as_text("ledger_posting");
    let before = rows(house);
    house.edit("UPDATE open_invoice SET open_minor = open_minor - 1 WHERE period = 202608");
    let amount = major(totals[0]);
    let answer = house.refuse(&[
        "credit", "grant", "acc-2", &amount, "--reason", "outage", "--by", "ada",
    ]);
    assert!(
        answer.stderr.contains("open_invoice.open_minor"),
        "{answer:?}"
    );
    assert_eq!(rows(house), before);
    // Listed with more, it is paid what the ledger says is due, and no more.
    house.edit("UPDATE open_invoice SET open_minor = open_minor + 2 WHERE period = 202608");
    grant(house, "acc-2", totals[0]);
    assert_eq!(listed(house)[0].2, 1);
    let paid = house.run(&["collect", "--yes", "--json"]).json();
    assert_eq!(paid["plan"]["charged"], Value::Array(Vec::new()), "{paid}");
}

fn verify_sees_a_list_that_is_wrong(house: &House) {
    bill(house, &["acc-2"]);
    let totals = totals(house);
    grant(house, "acc-2", totals[0]);
    house.run(&["verify"]);
    let key = "SELECT account_id, 202608, 1, 5 FROM invoice WHERE period = 202608";
    let another = "SELECT account_id, 202601, 1, 5 FROM invoice WHERE period = 202608";
    let back = format!(
        "INSERT INTO open_invoice (account_id, period, kind, open_minor) \
         SELECT account_id, period, kind, {} FROM invoice WHERE period = 202609",
        totals[1]
    );
    // An edit, the edit that takes it back, and what is said.
    let edits = [
        (
            "UPDATE open_invoice SET open_minor = open_minor + 1 WHERE period = 202609".to_owned(),
            "UPDATE open_invoice SET open_minor = open_minor - 1 WHERE period = 202609".to_owned(),
            "Q-2026-2: the list of open invoices has it with another amount",
        ),
        (
            "DELETE FROM open_invoice WHERE period = 202609".to_owned(),
            back,
            "Q-2026-2: the list of open invoices has it with another amount",
        ),
        (
            format!("INSERT INTO open_invoice (account_id, period, kind, open_minor) {key}"),
            "DELETE FROM open_invoice WHERE period = 202608".to_owned(),
            "Q-2026-1: the list of open invoices has it with another amount",
        ),
        (
            format!("INSERT INTO open_invoice (account_id, period, kind, open_minor) {another}"),
            "DELETE FROM open_invoice WHERE period = 202601".to_owned(),
            "in 202601: it is listed as open, but there is no such invoice",
        ),
    ];
    for (edit, back, said) in edits {
        house.edit(&edit);
        let answer = house.refuse(&["verify"]);
        assert!(answer.stdout.contains(said), "{edit}: {answer:?}");
        house.edit(&back);
        house.run(&["verify"]);
    }
}

/// Accounts with three invoices each, all of them paid but for one of every
/// thousandth account.
const ACCOUNTS: i64 = 20_000;
const OPEN_EVERY: i64 = 1_000;

fn a_page_reads_what_is_open_and_nothing_else(house: &House) {
    house.import_catalog();
    let blob = if house.is_sqlite() {
        "zeroblob(32)"
    } else {
        "CAST('x' AS BYTEA)"
    };
    let each = format!(
        "WITH RECURSIVE each (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM each WHERE n < {ACCOUNTS})"
    );
    for edit in [
        format!(
            "INSERT INTO account (id, external_id, currency, created_at, profile_version) {each} \
             SELECT n, 'acc-' || CAST(n AS TEXT), 'EUR', 1, 1 FROM each"
        ),
        format!(
            "INSERT INTO invoice (account_id, period, kind, series, year, sequence, issued_on, due_on, currency, \
             profile_version, issuer_id, net_minor, vat_minor, total_minor, content_digest, hash) {each} \
             SELECT n, month, 1, 'Q', 2026, n * 3 + month % 3, '2026-11-02', '2026-11-02', 'EUR', 1, 1, 10, 2, 12, \
             {blob}, {blob} FROM each, (SELECT 202608 AS month UNION SELECT 202609 UNION SELECT 202610) months"
        ),
        format!(
            "INSERT INTO open_invoice (account_id, period, kind, open_minor) \
             SELECT account_id, period, kind, 12 FROM invoice WHERE account_id % {OPEN_EVERY} = 0 \
             AND period = 202610"
        ),
    ] {
        house.edit(&edit);
    }
    let open = usize::try_from(ACCOUNTS / OPEN_EVERY).unwrap();
    assert_eq!(listed(house).len(), open);
    let accounts: Vec<String> = (1..=ACCOUNTS / OPEN_EVERY)
        .map(|n| (n * OPEN_EVERY).to_string())
        .collect();
    let accounts = accounts.join(",");
    // The queries with what they are asked for.
    let page = [("$1", "5000"), ("$2", "0"), ("$3", "0"), ("$4", "500")];
    let ranges = [
        ("$1", "0"),
        ("$2", "99999999"),
        ("$3", "0"),
        ("$4", "999999"),
        ("$5", "500"),
    ];
    let due = [("$1", accounts.as_str()), ("$2", "0"), ("$3", "999999")];
    let fill = |sql: &str, values: &[(&str, &str)], list: (&str, &str)| {
        values.iter().fold(sql.to_owned(), |sql, (name, value)| {
            let value = if value.contains(',') {
                format!("{}{value}{}", list.0, list.1)
            } else {
                (*value).to_owned()
            };
            sql.replace(name, &value)
        })
    };
    runtime().block_on(async {
        if house.is_sqlite() {
            use quittance::store::sqlite::queries as q;
            let mut conn = sqlx::SqliteConnection::connect(house.url()).await.unwrap();
            sqlx::query("ANALYZE").execute(&mut conn).await.unwrap();
            let sql = q::accounts_sql(true);
            assert!(sql.contains("FROM open_invoice "), "{sql}");
            for sql in [
                fill(q::open_invoices_sql(), &page, ("", "")),
                fill(&q::due_invoices_sql(true), &due, ("'[", "]'")),
            ] {
                let plan = format!("EXPLAIN QUERY PLAN {sql}");
                let rows = sqlx::query(AssertSqlSafe(plan)).fetch_all(&mut conn).await;
                let plan: Vec<String> = rows.unwrap().iter().map(|row| row.get("detail")).collect();
                assert!(
                    plan.iter()
                        .any(|step| step.starts_with("SEARCH i ") && step.contains("kind=?")),
                    "{plan:#?}"
                );
                let is_list =
                    |step: &String| step.contains(" o ") || step.contains(" open_invoice ");
                assert!(plan.iter().any(is_list), "{plan:#?}");
                for step in &plan {
                    // Only the list's page itself, and what it was asked for.
                    let of = step.strip_prefix("SCAN ").unwrap_or("o");
                    let of = of.split_whitespace().next();
                    assert!(matches!(of, Some("o" | "due" | "json_each")), "{plan:#?}");
                }
            }
        } else {
            use quittance::store::postgres::queries as q;
            let mut conn = sqlx::PgConnection::connect(house.url()).await.unwrap();
            sqlx::query("ANALYZE").execute(&mut conn).await.unwrap();
            for sql in [
                fill(q::accounts_sql(true), &ranges, ("", "")),
                fill(q::open_invoices_sql(), &page, ("", "")),
                fill(&q::due_invoices_sql(true), &due, ("'{", "}'")),
            ] {
                let plan = format!("EXPLAIN (ANALYZE, FORMAT JSON) {sql}");
                let row = sqlx::query(AssertSqlSafe(plan)).fetch_one(&mut conn).await;
                let plan: Value = row.unwrap().get(0);
                let read = rows_read(&plan[0]["Plan"], "invoice");
                let most = u64::try_from(open).unwrap();
                assert!(read <= most, "{read} invoices: {plan:#}");
                let listed = rows_read(&plan[0]["Plan"], "open_invoice");
                assert!(
                    listed > 0 && listed <= most,
                    "{listed} of the list: {plan:#}"
                );
            }
        }
    });
}

/// How many rows a plan read of a table, those it dropped included.
fn rows_read(plan: &Value, table: &str) -> u64 {
    // Newer servers tell averages, such as 20.00.
    let number = |name: &str| match plan[name].as_f64() {
        Some(number) => format!("{number:.0}").parse().unwrap(),
        None => 0_u64,
    };
    let own = if plan["Relation Name"] == table {
        let dropped = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        (number("Actual Rows") + dropped) * number("Actual Loops")
    } else {
        0
    };
    let below = plan["Plans"].as_array().into_iter().flatten();
    own + below.map(|plan| rows_read(plan, table)).sum::<u64>()
}

fn a_debt_is_given_up_in_its_own_currency(house: &House) {
    bill(house, &["acc-2"]);
    // It was billed in euros; later ones would be in dollars.
    house.edit("UPDATE account SET currency = 'USD' WHERE external_id = 'acc-2'");
    let answer = house.run(&[
        "invoice",
        "write-off",
        "Q-2026-000001",
        "--by",
        "ada",
        "--reason",
        "gone",
    ]);
    assert!(answer.stdout.contains("EUR"), "{answer:?}");
    let booked =
        "SELECT COUNT(*) FROM ledger_entry WHERE movement = 'written_off' AND currency = 'EUR'";
    assert_eq!(house.watch().count(booked), 1);
    house.edit("UPDATE account SET currency = 'EUR' WHERE external_id = 'acc-2'");
    house.run(&["verify"]);
}

/// PostgreSQL checks these a statement at a time, SQLite a row at a time.
fn what_refers_to_nothing_is_refused(house: &House) {
    bill(house, &["acc-2"]);
    grant(house, "acc-2", totals(house)[0]);
    let account = "(SELECT id FROM account WHERE external_id = 'acc-2')";
    let blob = if house.is_sqlite() {
        "x'01'"
    } else {
        "'\\x01'"
    };
    let entry = |account: &str, period: &str, kind: &str, attempt: &str| {
        format!(
            "INSERT INTO ledger_entry (account_id, id, movement, currency, at, period, kind, attempt_id) \
             SELECT {account}, 77, 'credit_granted', 'EUR', 1, {period}, {kind}, {attempt}"
        )
    };
    let refused = [
        entry("987654", "NULL", "NULL", "NULL"),
        entry(account, "202601", "1", "NULL"),
        entry(account, "NULL", "NULL", "'01a0c4506c0000000000000000000000'"),
        format!("INSERT INTO ledger_posting (account_id, entry_id, ledger_account, amount_minor) SELECT {account}, 78, 'receivable', 1"),
        "INSERT INTO outbox (account_id, key, channel, topic, payload, created_at, state, next_try_at) VALUES (987654, 'k', 'mail', 't', '{}', 1, 'waiting', 1)".to_owned(),
        format!("INSERT INTO bank_fact (key, file, place, kind, state) VALUES ({blob}, {blob}, 'line 1', 'settled', 'known')"),
        format!("DELETE FROM ledger_entry WHERE account_id = {account}"),
        format!("DELETE FROM account WHERE id = {account}"),
        "DELETE FROM invoice WHERE period = 202608".to_owned(),
        "DELETE FROM payment_attempt WHERE method = 'credit'".to_owned(),
        "UPDATE ledger_entry SET id = id + 50".to_owned(),
    ];
    runtime().block_on(async {
        for statement in refused {
            let sql = AssertSqlSafe(statement.clone());
            let done = if house.is_sqlite() {
                let mut conn = sqlx::SqliteConnection::connect(house.url()).await.unwrap();
                sqlx::query(sql).execute(&mut conn).await.map(drop)
            } else {
                let mut conn = sqlx::PgConnection::connect(house.url()).await.unwrap();
                sqlx::query(sql).execute(&mut conn).await.map(drop)
            };
            let error = done.expect_err(&statement);
            let error = error.as_database_error().unwrap();
            assert!(error.is_foreign_key_violation(), "{statement}: {error}");
        }
    });
    house.run(&["verify"]);
}
