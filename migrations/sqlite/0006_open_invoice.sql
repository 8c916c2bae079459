-- Which invoices have something open. See docs/ARCHITECTURE.md.
--
-- What is paid stays derived from the postings. open_invoice is a list of where to
-- look: an invoice stands in it as long as something of it is open, written by
-- whoever issues invoices or books entries, in the same transaction. So those who
-- look for open invoices read these, and not every invoice ever issued. More than
-- is open cannot be taken off it; `verify` holds it against the ledger.
CREATE TABLE open_invoice (
    account_id INTEGER NOT NULL,
    period     INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    open_minor INTEGER NOT NULL CHECK (open_minor > 0),
    PRIMARY KEY (account_id, period, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO open_invoice (account_id, period, kind, open_minor)
SELECT account_id, period, kind, open_minor FROM (
    SELECT i.account_id, i.period, i.kind, i.total_minor + (
        SELECT COALESCE(SUM(p.amount_minor), 0) FROM ledger_entry e
        JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id
        WHERE e.account_id = i.account_id AND e.period = i.period AND e.kind = i.kind
        AND p.ledger_account = 'receivable') AS open_minor
    FROM invoice i) due WHERE open_minor > 0;

-- An account has few attempts, and they stand side by side under its key.
DROP INDEX payment_attempt_of_invoice;
