-- Which invoices have something open, and foreign keys that are checked for many
-- rows at once. See docs/ARCHITECTURE.md.
--
-- * What is paid stays derived from the postings. open_invoice is a list of where
--   to look: an invoice stands in it as long as something of it is open, written
--   by whoever issues invoices or books entries, in the same transaction. So
--   those who look for open invoices read these, and not every invoice ever
--   issued. More than is open cannot be taken off it; `verify` holds it against
--   the ledger.
-- * A foreign key is checked row by row, and locks the row that it refers to each
--   time: nearly half of what importing a bank's statement cost. The triggers
--   below refuse the same rows, a statement at a time. They need no lock, because
--   what is referred to is never deleted, and they refuse that it is.
CREATE TABLE open_invoice (
    account_id BIGINT NOT NULL,
    period     INTEGER NOT NULL,
    kind       SMALLINT NOT NULL,
    open_minor BIGINT NOT NULL CHECK (open_minor > 0),
    PRIMARY KEY (account_id, period, kind)
);
INSERT INTO open_invoice (account_id, period, kind, open_minor)
SELECT account_id, period, kind, open_minor FROM (
    SELECT i.account_id, i.period, i.kind, i.total_minor + (
        SELECT CAST(COALESCE(SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_entry e
        JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id
        WHERE e.account_id = i.account_id AND e.period = i.period AND e.kind = i.kind
        AND p.ledger_account = 'receivable') AS open_minor
    FROM invoice i) due WHERE open_minor > 0;

-- An account has few attempts, and they stand side by side under its key.
DROP INDEX payment_attempt_of_invoice;

-- The checks look each row up by its key, whatever the planner thinks of the
-- tables when it plans them: they may be empty then.
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_account_id_fkey,
    DROP CONSTRAINT ledger_entry_account_id_period_kind_fkey,
    DROP CONSTRAINT ledger_entry_account_id_attempt_id_fkey;
CREATE FUNCTION ledger_entry_refers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added n WHERE (SELECT a.id FROM account a WHERE a.id = n.account_id) IS NULL) THEN
        RAISE foreign_key_violation USING TABLE = 'ledger_entry', CONSTRAINT = 'ledger_entry_account',
            MESSAGE = 'a ledger entry is of an account that does not exist';
    END IF;
    IF EXISTS (SELECT 1 FROM added n WHERE n.attempt_id IS NOT NULL AND (SELECT t.id FROM payment_attempt t
        WHERE t.account_id = n.account_id AND t.id = n.attempt_id) IS NULL) THEN
        RAISE foreign_key_violation USING TABLE = 'ledger_entry', CONSTRAINT = 'ledger_entry_attempt',
            MESSAGE = 'a ledger entry is of a payment attempt that does not exist';
    END IF;
    IF EXISTS (SELECT 1 FROM added n WHERE n.period IS NOT NULL AND (SELECT i.kind FROM invoice i
        WHERE i.account_id = n.account_id AND i.period = n.period AND i.kind = n.kind) IS NULL) THEN
        RAISE foreign_key_violation USING TABLE = 'ledger_entry', CONSTRAINT = 'ledger_entry_invoice',
            MESSAGE = 'a ledger entry is of an invoice that does not exist';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_refers AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_refers();

ALTER TABLE ledger_posting DROP CONSTRAINT ledger_posting_account_id_entry_id_fkey;
CREATE FUNCTION ledger_posting_refers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added n WHERE (SELECT e.id FROM ledger_entry e
        WHERE e.account_id = n.account_id AND e.id = n.entry_id) IS NULL) THEN
        RAISE foreign_key_violation USING TABLE = 'ledger_posting', CONSTRAINT = 'ledger_posting_entry',
            MESSAGE = 'a posting is of a ledger entry that does not exist';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_posting_refers AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_posting_refers();

ALTER TABLE outbox DROP CONSTRAINT outbox_account_id_fkey;
CREATE FUNCTION outbox_refers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added n WHERE (SELECT a.id FROM account a WHERE a.id = n.account_id) IS NULL) THEN
        RAISE foreign_key_violation USING TABLE = 'outbox', CONSTRAINT = 'outbox_account',
            MESSAGE = 'a notice is of an account that does not exist';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_refers AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION outbox_refers();

ALTER TABLE bank_fact DROP CONSTRAINT bank_fact_file_fkey;
CREATE FUNCTION bank_fact_refers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT file FROM added) n
        WHERE (SELECT b.kind FROM bank_file b WHERE b.digest = n.file) IS NULL) THEN
        RAISE foreign_key_violation USING TABLE = 'bank_fact', CONSTRAINT = 'bank_fact_file',
            MESSAGE = 'a fact is of a file that does not exist';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bank_fact_refers AFTER INSERT ON bank_fact
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION bank_fact_refers();

-- What is referred to stays, under its key.
CREATE FUNCTION refuse_orphans() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    orphaned BOOLEAN := FALSE;
BEGIN
    IF TG_TABLE_NAME = 'account' THEN
        orphaned := EXISTS (SELECT 1 FROM gone g JOIN ledger_entry e ON e.account_id = g.id)
            OR EXISTS (SELECT 1 FROM gone g JOIN outbox o ON o.account_id = g.id);
    ELSIF TG_TABLE_NAME = 'invoice' THEN
        orphaned := EXISTS (SELECT 1 FROM gone g JOIN ledger_entry e
            ON e.account_id = g.account_id AND e.period = g.period AND e.kind = g.kind);
    ELSIF TG_TABLE_NAME = 'payment_attempt' THEN
        orphaned := EXISTS (SELECT 1 FROM gone g JOIN ledger_entry e
            ON e.account_id = g.account_id AND e.attempt_id = g.id);
    ELSIF TG_TABLE_NAME = 'ledger_entry' THEN
        orphaned := EXISTS (SELECT 1 FROM gone g JOIN ledger_posting p
            ON p.account_id = g.account_id AND p.entry_id = g.id);
    ELSIF TG_TABLE_NAME = 'bank_file' THEN
        orphaned := EXISTS (SELECT 1 FROM gone g JOIN bank_fact f ON f.file = g.digest);
    END IF;
    IF orphaned THEN
        RAISE foreign_key_violation USING TABLE = TG_TABLE_NAME,
            MESSAGE = 'something refers to what is to be deleted from ' || TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER account_stays AFTER DELETE ON account
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans();
CREATE TRIGGER invoice_stays AFTER DELETE ON invoice
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans();
CREATE TRIGGER payment_attempt_stays AFTER DELETE ON payment_attempt
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans();
CREATE TRIGGER ledger_entry_stays AFTER DELETE ON ledger_entry
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans();
CREATE TRIGGER bank_file_stays AFTER DELETE ON bank_file
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans();

CREATE FUNCTION refuse_new_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING TABLE = TG_TABLE_NAME, MESSAGE = 'a key of ' || TG_TABLE_NAME || ' never changes';
END $$;
CREATE TRIGGER account_key BEFORE UPDATE OF id ON account
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_new_key();
CREATE TRIGGER invoice_key BEFORE UPDATE OF account_id, period, kind ON invoice
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_new_key();
CREATE TRIGGER payment_attempt_key BEFORE UPDATE OF account_id, id ON payment_attempt
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_new_key();
CREATE TRIGGER ledger_entry_key BEFORE UPDATE OF account_id, id ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_new_key();
