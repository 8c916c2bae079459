//! What anyone can see: invoices, what was told, what Stripe did. Read as the lists of
//! the commands show it; nothing that decides is asked.

use std::collections::HashSet;
use std::path::Path;

use chrono::NaiveDate;
use quittance::domain::calendar::Instant;
use quittance::domain::ids::AccountId;
use quittance::mail::message::MessageKey;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

/// An invoice as it is listed.
#[derive(Debug, Clone)]
pub struct InvoiceRow {
    pub account: i64,
    pub period: i32,
    pub year: i32,
    pub sequence: i64,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub total_minor: i64,
}

/// A mail or an order to the platform.
#[derive(Debug, Clone)]
pub struct Told {
    pub account: i64,
    pub key: String,
    pub topic: String,
    pub payload: Value,
}

/// A payment as it is listed, with the invoice's period.
#[derive(Debug, Clone)]
pub struct CreditUse {
    pub account: i64,
    pub period: i32,
    pub amount_minor: i64,
}

/// A mail or an order as it is listed.
#[derive(Debug)]
pub struct Message {
    pub account: i64,
    pub state: String,
    /// The key that it carries outside.
    pub id: String,
}

/// Credit that was bought: how often and how much was booked of a purchase.
#[derive(Debug, Clone)]
pub struct CreditBought {
    pub purchase: String,
    pub times: i64,
    pub amount_minor: i64,
}

pub struct Facts {
    conn: SqliteConnection,
    told: HashSet<(i64, String, String)>,
    used: HashSet<String>,
}

type Result<T> = std::result::Result<T, sqlx::Error>;

impl Facts {
    pub async fn of(file: &Path) -> Result<Self> {
        let conn = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await?;
        Ok(Self {
            conn,
            told: HashSet::new(),
            used: HashSet::new(),
        })
    }

    pub async fn accounts(&mut self) -> Result<Vec<(i64, String)>> {
        sqlx::query_as("SELECT id, external_id FROM account ORDER BY id")
            .fetch_all(&mut self.conn)
            .await
    }

    /// The invoices of a day and later, in the order of their numbers.
    pub async fn invoices(&mut self, since: NaiveDate) -> Result<Vec<InvoiceRow>> {
        type Row = (i64, i32, i32, i64, String, String, i64);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT account_id, period, year, sequence, issued_on, due_on, total_minor FROM invoice \
             WHERE issued_on >= $1 ORDER BY year, sequence",
        )
        .bind(since.to_string())
        .fetch_all(&mut self.conn)
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(
                |(account, period, year, sequence, issued_on, due_on, total_minor)| InvoiceRow {
                    account,
                    period,
                    year,
                    sequence,
                    issued_on: issued_on.parse().unwrap(),
                    due_on: due_on.parse().unwrap(),
                    total_minor,
                },
            )
            .collect())
    }

    /// What was told since an instant and is not known yet, in order.
    pub async fn told(&mut self, since_us: i64) -> Result<Vec<Told>> {
        type Row = (i64, String, String, String, String);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT account_id, key, channel, topic, payload FROM outbox WHERE created_at >= $1 \
             ORDER BY created_at, account_id, channel, key",
        )
        .bind(since_us)
        .fetch_all(&mut self.conn)
        .await?;
        let mut new = Vec::new();
        for (account, key, channel, topic, payload) in rows {
            if self.told.insert((account, key.clone(), channel)) {
                new.push(Told {
                    account,
                    key,
                    topic,
                    payload: serde_json::from_str(&payload).unwrap(),
                });
            }
        }
        Ok(new)
    }

    /// Credit that paid something since an instant.
    pub async fn credit_uses(&mut self, since_us: i64) -> Result<Vec<CreditUse>> {
        let rows: Vec<(String, i64, i32, i64)> = sqlx::query_as(
            "SELECT id, account_id, period, amount_minor FROM payment_attempt \
             WHERE method = 'credit' AND state = 'succeeded' AND created_at >= $1 ORDER BY id",
        )
        .bind(since_us)
        .fetch_all(&mut self.conn)
        .await?;
        let mut new = Vec::new();
        for (id, account, period, amount_minor) in rows {
            if self.used.insert(id) {
                new.push(CreditUse {
                    account,
                    period,
                    amount_minor,
                });
            }
        }
        Ok(new)
    }

    /// Credit that was bought, by its purchase.
    pub async fn credit_bought(&mut self) -> Result<Vec<CreditBought>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT e.purchase_id, COUNT(*), CAST(-SUM(p.amount_minor) AS BIGINT) FROM ledger_entry e \
             JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
             WHERE e.movement = 'credit_bought' AND p.ledger_account = 'customer_credit' \
             GROUP BY e.purchase_id ORDER BY e.purchase_id",
        )
        .fetch_all(&mut self.conn)
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(purchase, times, amount_minor)| CreditBought {
                purchase,
                times,
                amount_minor,
            })
            .collect())
    }

    /// Bought credit that went back to its payers through PayPal.
    pub async fn credit_paid_back(&mut self) -> Result<i64> {
        sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
             JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
             WHERE e.movement IN ('credit_paid_back', 'credit_pay_back_failed') \
             AND e.purchase_id IS NOT NULL AND p.ledger_account = 'customer_credit'",
        )
        .fetch_one(&mut self.conn)
        .await
    }

    /// Steps of deletions that the platform was asked for and did not say are done: the
    /// account, the deletion and the step.
    pub async fn steps_asked(&mut self) -> Result<Vec<(String, i64, String)>> {
        sqlx::query_as(
            "SELECT a.external_id, s.no, s.step FROM account_deletion_step s \
             JOIN account a ON a.id = s.account_id JOIN outbox o ON o.account_id = s.account_id \
             AND o.channel = 'platform' AND o.key = 'deletion:' || s.no || ':' || s.step \
             WHERE s.confirmed_at IS NULL AND o.state = 'delivered' ORDER BY s.account_id, s.position",
        )
        .fetch_all(&mut self.conn)
        .await
    }

    /// What was given up of each invoice, without what came after all.
    pub async fn written_off(&mut self) -> Result<Vec<(i64, i32, i64)>> {
        sqlx::query_as(
            "SELECT e.account_id, e.period, CAST(SUM(p.amount_minor) AS BIGINT) FROM ledger_entry e \
             JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
             WHERE p.ledger_account = 'write_off' GROUP BY e.account_id, e.period",
        )
        .fetch_all(&mut self.conn)
        .await
    }

    /// Invoices of which a payment is out.
    pub async fn in_flight(&mut self) -> Result<HashSet<(i64, i32)>> {
        let rows: Vec<(i64, i32)> = sqlx::query_as(
            "SELECT account_id, period FROM payment_attempt \
             WHERE state IN ('created', 'submitted', 'pending', 'unknown')",
        )
        .fetch_all(&mut self.conn)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// Invoices whose debit waits for a file, or for its file to go to the bank.
    pub async fn debits_to_come(&mut self) -> Result<Vec<(i64, i32)>> {
        sqlx::query_as(
            "SELECT account_id, period FROM payment_attempt WHERE state = 'created' AND method = 'sepa'",
        )
        .fetch_all(&mut self.conn)
        .await
    }

    /// What the bank told that waits for a person.
    pub async fn unmatched_facts(&mut self) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT COALESCE(problem, 'no problem') FROM bank_fact WHERE state = 'unmatched'",
        )
        .fetch_all(&mut self.conn)
        .await
    }

    /// Payments with refunds: the amount, and the sum of those that were not refused.
    pub async fn refunded(&mut self) -> Result<Vec<(String, i64, i64)>> {
        sqlx::query_as(
            "SELECT t.id, t.amount_minor, CAST(SUM(r.amount_minor) AS BIGINT) FROM refund r \
             JOIN payment_attempt t ON t.account_id = r.account_id AND t.id = r.attempt_id \
             WHERE r.state NOT IN ('declined', 'returned') GROUP BY t.id, t.amount_minor ORDER BY t.id",
        )
        .fetch_all(&mut self.conn)
        .await
    }

    /// Invoices of whose payments a refund is on its way.
    pub async fn refunds_out(&mut self) -> Result<HashSet<(i64, i32)>> {
        let rows: Vec<(i64, i32)> = sqlx::query_as(
            "SELECT t.account_id, t.period FROM refund r \
             JOIN payment_attempt t ON t.account_id = r.account_id AND t.id = r.attempt_id \
             WHERE r.state IN ('created', 'submitted', 'pending', 'unknown')",
        )
        .fetch_all(&mut self.conn)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// What a refund is for.
    pub async fn purpose_of(&mut self, refund: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT purpose FROM refund WHERE id = $1")
            .bind(refund)
            .fetch_optional(&mut self.conn)
            .await
    }

    /// Accounts whose steps were held before an instant until after a day.
    pub async fn held(&mut self, placed_before_us: i64, on: NaiveDate) -> Result<HashSet<i64>> {
        let rows: Vec<i64> = sqlx::query_scalar(
            "SELECT account_id FROM dunning_hold \
             WHERE lifted_at IS NULL AND placed_at < $1 AND until_on > $2",
        )
        .bind(placed_before_us)
        .bind(on.to_string())
        .fetch_all(&mut self.conn)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// Accounts of which a deletion was ever approved.
    pub async fn approved(&mut self) -> Result<HashSet<i64>> {
        let rows: Vec<i64> = sqlx::query_scalar("SELECT account_id FROM deletion_approval")
            .fetch_all(&mut self.conn)
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// The sum of all postings, and of one account of the ledger.
    pub async fn ledger(&mut self, account: &str) -> Result<(i64, i64)> {
        sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN \
             ledger_account = $1 THEN amount_minor ELSE 0 END), 0) AS BIGINT) FROM ledger_posting",
        )
        .bind(account)
        .fetch_one(&mut self.conn)
        .await
    }

    /// What the books say was paid of each invoice.
    pub async fn paid(&mut self) -> Result<Vec<(i64, i32, i64)>> {
        sqlx::query_as(
            "SELECT e.account_id, e.period, CAST(-SUM(p.amount_minor) AS BIGINT) FROM ledger_entry e \
             JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
             WHERE p.ledger_account = 'receivable' AND e.period IS NOT NULL GROUP BY e.account_id, e.period",
        )
        .fetch_all(&mut self.conn)
        .await
    }

    /// Events that wait for a person.
    pub async fn event_problems(&mut self) -> Result<Vec<String>> {
        sqlx::query_scalar("SELECT kind || ': ' || COALESCE(problem, 'never') FROM provider_event WHERE handled_at IS NULL")
            .fetch_all(&mut self.conn)
            .await
    }

    /// Accounts that are to be warned, and are not yet.
    pub async fn unwarned(&mut self) -> Result<HashSet<i64>> {
        let rows: Vec<i64> = sqlx::query_scalar(
            "SELECT account_id FROM outbox WHERE channel = 'mail' AND state = 'waiting' \
             AND topic IN ('suspension_warning', 'deletion_warning')",
        )
        .fetch_all(&mut self.conn)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// All that was told, with what became of it.
    pub async fn messages(&mut self) -> Result<Vec<Message>> {
        let rows: Vec<(i64, String, i64, String)> =
            sqlx::query_as("SELECT account_id, key, created_at, state FROM outbox ORDER BY 1, 2")
                .fetch_all(&mut self.conn)
                .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(account, key, created_at, state)| Message {
                account,
                id: MessageKey::of_row(AccountId(account), &key, Instant(created_at))
                    .as_str()
                    .to_owned(),
                state,
            })
            .collect())
    }

    /// The mail server takes what waits, and the platform its orders.
    pub async fn deliver(&mut self, channel: &str) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE outbox SET state = 'delivered', ended_at = created_at \
             WHERE channel = $1 AND state = 'waiting'",
        )
        .bind(channel)
        .execute(&mut self.conn)
        .await?;
        Ok(done.rows_affected())
    }
}
