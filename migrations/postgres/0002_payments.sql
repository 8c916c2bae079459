-- Taking money: attempts to be paid, the ledger of every movement, and the record
-- of what people did to an account. See docs/ARCHITECTURE.md.
--
-- * account_id leads every key, as everywhere: an account's money is one range
--   of each table. Entries and audit entries are counted per account, under the
--   lock that whoever moves its money holds.
-- * What is paid and what credit is left are derived from the postings, never
--   stored. An issued invoice is no entry here: its own row is its ledger entry.
-- * Entries, postings and audit entries are only ever added. An attempt is
--   decided once its outcome is known; nothing else of it changes.
-- * These tables have foreign keys: a payment is no bulk row, and money booked
--   for an invoice that does not exist would be worse than a slow insert.

-- The id is the key that a provider is asked under (its idempotency key), so it
-- is made before anything is sent: 32 hex digits, 48 bits of milliseconds so that
-- ids sort by time, and 80 of chance so that no two hosts need to agree.
CREATE TABLE payment_attempt (
    account_id         BIGINT NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL CHECK (length(id) = 32),
    -- The invoice.
    period             INTEGER NOT NULL,
    kind               SMALLINT NOT NULL,
    method             TEXT COLLATE "C" NOT NULL CHECK (method IN ('credit', 'sepa', 'card')),
    -- The card or mandate; credit needs none.
    method_id          BIGINT,
    amount_minor       BIGINT NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    state              TEXT COLLATE "C" NOT NULL CHECK (state IN
        ('created', 'submitted', 'pending', 'succeeded', 'declined', 'unknown', 'returned')),
    -- Why there is no money: of a decline or a return, and only of those.
    decline_code       TEXT,
    decline_class      TEXT CHECK (decline_class IN ('hard', 'soft', 'action_required')),
    decline_known      SMALLINT CHECK (decline_known IN (0, 1)),
    -- What the provider calls it, once it said so.
    provider_reference TEXT,
    created_at         BIGINT NOT NULL,
    -- When its present outcome came; none while it is in flight.
    decided_at         BIGINT,
    CHECK ((method = 'credit') = (method_id IS NULL)),
    CHECK ((state IN ('declined', 'returned')) = (decline_code IS NOT NULL)),
    CHECK ((decline_code IS NULL) = (decline_class IS NULL)),
    CHECK ((decline_code IS NULL) = (decline_known IS NULL)),
    CHECK ((state IN ('created', 'submitted', 'pending', 'unknown')) = (decided_at IS NULL)),
    CHECK (decided_at >= created_at),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, period, kind) REFERENCES invoice (account_id, period, kind)
);
-- While the outcome of one is out, nothing else may be tried for its invoice:
-- the last guard against charging twice.
CREATE UNIQUE INDEX payment_attempt_in_flight ON payment_attempt (account_id, period, kind)
    WHERE state IN ('created', 'submitted', 'pending', 'unknown');
CREATE INDEX payment_attempt_of_invoice ON payment_attempt (account_id, period, kind);
-- A provider knows one namespace of idempotency keys, whichever account asks.
CREATE UNIQUE INDEX payment_attempt_id ON payment_attempt (id);

CREATE TABLE ledger_entry (
    account_id BIGINT NOT NULL REFERENCES account (id),
    -- Counted from 1 per account.
    id         BIGINT NOT NULL,
    movement   TEXT COLLATE "C" NOT NULL,
    currency   TEXT NOT NULL,
    at         BIGINT NOT NULL,
    -- The invoice whose debt moves, if one does.
    period     INTEGER,
    kind       SMALLINT,
    -- The attempt it is the outcome of, if it is.
    attempt_id TEXT COLLATE "C",
    -- Who did it and why, where a person did.
    actor      TEXT,
    reason     TEXT,
    CHECK ((period IS NULL) = (kind IS NULL)),
    CHECK ((actor IS NULL) = (reason IS NULL)),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, period, kind) REFERENCES invoice (account_id, period, kind),
    FOREIGN KEY (account_id, attempt_id) REFERENCES payment_attempt (account_id, id)
);
CREATE INDEX ledger_entry_of_invoice ON ledger_entry (account_id, period, kind) WHERE period IS NOT NULL;
-- An attempt is settled once, however often its success is told. (A chargeback
-- may come, be won, and come again.)
CREATE UNIQUE INDEX ledger_entry_settles ON ledger_entry (account_id, attempt_id)
    WHERE movement IN ('credit_used', 'card_captured', 'sepa_settled');

CREATE TABLE ledger_posting (
    account_id     BIGINT NOT NULL,
    entry_id       BIGINT NOT NULL,
    ledger_account TEXT COLLATE "C" NOT NULL,
    -- Debit positive, credit negative; an entry's postings sum to zero.
    amount_minor   BIGINT NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (account_id, entry_id, ledger_account),
    FOREIGN KEY (account_id, entry_id) REFERENCES ledger_entry (account_id, id)
);

-- What a person did to an account.
CREATE TABLE audit_entry (
    account_id BIGINT NOT NULL REFERENCES account (id),
    -- Counted from 1 per account.
    id         BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    reason     TEXT NOT NULL,
    -- What it moved, if it moved money.
    entry_id   BIGINT,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, entry_id) REFERENCES ledger_entry (account_id, id)
);
