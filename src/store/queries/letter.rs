//! What a mail tells of, read for many at once.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use super::decode::at;
use super::{Conn, Db, ROWS_PER_INSERT, Result};
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::store::rows::{InvoiceKey, InvoiceStanding, MailAddress};

/// Whom the mails of these accounts go to.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn mail_addresses(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, MailAddress>> {
    let mut found = HashMap::with_capacity(accounts.len());
    for chunk in accounts.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "SELECT a.id, a.external_id, p.email, p.full_name, p.language, p.erased_at FROM account a \
             JOIN billing_profile p ON p.account_id = a.id AND p.version = a.profile_version \
             WHERE a.id IN (",
        );
        let mut ids = query.separated(", ");
        for account in chunk {
            ids.push_bind(account.0);
        }
        query.push(")");
        let rows: Vec<(i64, String, String, String, String, Option<i64>)> =
            query.build_query_as().fetch_all(&mut *conn).await?;
        for (id, external_id, email, full_name, language, erased_at) in rows {
            let language = at("billing_profile", "language").parse(id, &language)?;
            let address = MailAddress {
                external_id,
                email,
                full_name,
                language,
                is_erased: erased_at.is_some(),
            };
            found.insert(AccountId(id), address);
        }
    }
    Ok(found)
}

/// How these invoices stand; one that is not there is left away.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn invoice_standings(
    conn: &mut Conn,
    numbers: &[InvoiceNumber],
) -> Result<HashMap<InvoiceNumber, InvoiceStanding>> {
    type Row = (
        i64,
        i32,
        i16,
        String,
        i32,
        i64,
        String,
        String,
        String,
        i64,
        i64,
    );
    let mut found = HashMap::with_capacity(numbers.len());
    for chunk in numbers.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "SELECT i.account_id, i.period, i.kind, i.series, i.year, i.sequence, i.issued_on, i.due_on, \
             i.currency, i.total_minor, (SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) \
             FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
             AND p.ledger_account = 'receivable' WHERE e.account_id = i.account_id AND e.period = i.period \
             AND e.kind = i.kind) FROM invoice i WHERE (i.series, i.year, i.sequence) IN (",
        );
        query.push_values(chunk, |mut values, number| {
            values
                .push_bind(number.series.as_str())
                .push_bind(number.year)
                .push_bind(number.sequence);
        });
        query.push(")");
        let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
        for row in rows {
            let (account, period, kind, series, year, sequence) =
                (row.0, row.1, row.2, row.3, row.4, row.5);
            let number = InvoiceNumber {
                series: at("invoice", "series").parse(account, &series)?,
                year,
                sequence,
            };
            let standing = InvoiceStanding {
                key: InvoiceKey {
                    account: AccountId(account),
                    period: at("invoice", "period").period(&number, period)?,
                    kind,
                },
                issued_on: at("invoice", "issued_on").parse(&number, &row.6)?,
                due_on: at("invoice", "due_on").parse(&number, &row.7)?,
                currency: at("invoice", "currency").parse(&number, &row.8)?,
                total_minor: row.9,
                allocated_minor: row.10,
                number: number.clone(),
            };
            found.insert(number, standing);
        }
    }
    Ok(found)
}
