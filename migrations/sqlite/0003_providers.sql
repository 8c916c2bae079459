-- Providers: how customers pay, what is asked of providers and banks, and what
-- they answer. See docs/ARCHITECTURE.md.
--
-- * Whatever moves money has an id of 32 hex digits that is made and committed
--   before anything is sent; a provider is asked under it (its idempotency key).
-- * An IBAN stands here sealed (AES-GCM), with the id of the key that opens it.
--   No card's number ever comes near this database.
-- * A provider's event and a bank's fact are handled once: their keys are unique.

-- What a provider calls the account.
CREATE TABLE provider_customer (
    account_id INTEGER NOT NULL REFERENCES account (id),
    provider   TEXT NOT NULL CHECK (provider IN ('stripe')),
    reference  TEXT NOT NULL,
    PRIMARY KEY (account_id, provider)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX provider_customer_reference ON provider_customer (provider, reference);

-- A card or a mandate on file. A new card is a new row.
CREATE TABLE payment_method (
    account_id   INTEGER NOT NULL REFERENCES account (id),
    -- Counted from 1 per account.
    id           INTEGER NOT NULL,
    method       TEXT NOT NULL CHECK (method IN ('sepa', 'card')),
    state        TEXT NOT NULL CHECK (state IN ('usable', 'hard_declined', 'action_required', 'removed')),
    -- The refusal that made it so.
    decline_code TEXT,
    added_at     INTEGER NOT NULL,
    -- Of several that are usable, the one preferred last is charged.
    preferred_at INTEGER NOT NULL,
    -- When its state came.
    changed_at   INTEGER NOT NULL,
    CHECK ((state IN ('hard_declined', 'action_required')) = (decline_code IS NOT NULL)),
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- What the card's provider tells of it.
CREATE TABLE payment_card (
    account_id INTEGER NOT NULL,
    method_id  INTEGER NOT NULL,
    reference  TEXT NOT NULL UNIQUE,
    brand      TEXT NOT NULL,
    last4      TEXT NOT NULL,
    -- The last month in which it is good, such as 202810.
    expires    INTEGER NOT NULL,
    PRIMARY KEY (account_id, method_id),
    FOREIGN KEY (account_id, method_id) REFERENCES payment_method (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sepa_mandate (
    account_id     INTEGER NOT NULL,
    method_id      INTEGER NOT NULL,
    reference      TEXT NOT NULL UNIQUE,
    scheme         TEXT NOT NULL CHECK (scheme IN ('CORE', 'B2B')),
    one_off        INTEGER NOT NULL CHECK (one_off IN (0, 1)),
    debtor_name    TEXT NOT NULL,
    bic            TEXT,
    iban_key       TEXT NOT NULL,
    iban_sealed    BLOB NOT NULL,
    -- Counted from 1: raised when the account becomes another.
    iban_version   INTEGER NOT NULL DEFAULT 1,
    -- Enough for its owner to know it by, such as DE...3000.
    iban_masked    TEXT NOT NULL,
    -- The evidence of the signature: the text as it was shown, when, from where.
    signed_on      TEXT NOT NULL,
    signed_at      INTEGER NOT NULL,
    signed_from    TEXT NOT NULL,
    signed_text    TEXT NOT NULL,
    -- What the bank knows the mandate by since its latest collection; an
    -- amendment tells it what has changed.
    presented_creditor_name TEXT,
    presented_creditor_id   TEXT,
    account_changed INTEGER NOT NULL CHECK (account_changed IN (0, 1)),
    last_sequence  TEXT CHECK (last_sequence IN ('FRST', 'RCUR', 'FNAL', 'OOFF')),
    last_presented_on TEXT,
    PRIMARY KEY (account_id, method_id),
    FOREIGN KEY (account_id, method_id) REFERENCES payment_method (account_id, id)
) STRICT, WITHOUT ROWID;

-- Prepaid credit bought through a provider.
CREATE TABLE credit_purchase (
    account_id         INTEGER NOT NULL REFERENCES account (id),
    id                 TEXT NOT NULL CHECK (length(id) = 32),
    provider           TEXT NOT NULL CHECK (provider IN ('paypal')),
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    -- As payment_attempt.state; pending while the customer has to approve.
    state              TEXT NOT NULL CHECK (state IN
        ('created', 'submitted', 'pending', 'succeeded', 'declined', 'unknown', 'returned')),
    decline_code       TEXT,
    decline_class      TEXT CHECK (decline_class IN ('hard', 'soft', 'action_required')),
    decline_known      INTEGER CHECK (decline_known IN (0, 1)),
    -- What the customer approves, and what then took the money.
    order_reference    TEXT UNIQUE,
    provider_reference TEXT UNIQUE,
    created_at         INTEGER NOT NULL,
    decided_at         INTEGER,
    CHECK ((state IN ('declined', 'returned')) = (decline_code IS NOT NULL)),
    CHECK ((decline_code IS NULL) = (decline_class IS NULL)),
    CHECK ((decline_code IS NULL) = (decline_known IS NULL)),
    CHECK ((state IN ('created', 'submitted', 'pending', 'unknown')) = (decided_at IS NULL)),
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX credit_purchase_id ON credit_purchase (id);
CREATE INDEX credit_purchase_in_flight ON credit_purchase (account_id)
    WHERE state IN ('created', 'submitted', 'pending', 'unknown');

-- Money given back through the provider that took it.
CREATE TABLE refund (
    account_id         INTEGER NOT NULL REFERENCES account (id),
    id                 TEXT NOT NULL CHECK (length(id) = 32),
    -- The payment it gives back, of an invoice or of credit.
    attempt_id         TEXT,
    purchase_id        TEXT,
    -- goodwill: the invoice stays paid, at the house's cost; reopen: the invoice
    -- is owed again; unused_credit: bought credit is paid back.
    purpose            TEXT NOT NULL CHECK (purpose IN ('goodwill', 'reopen', 'unused_credit')),
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    state              TEXT NOT NULL CHECK (state IN
        ('created', 'submitted', 'pending', 'succeeded', 'declined', 'unknown', 'returned')),
    decline_code       TEXT,
    decline_class      TEXT CHECK (decline_class IN ('hard', 'soft', 'action_required')),
    decline_known      INTEGER CHECK (decline_known IN (0, 1)),
    provider_reference TEXT,
    actor              TEXT NOT NULL,
    reason             TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    decided_at         INTEGER,
    CHECK ((attempt_id IS NULL) <> (purchase_id IS NULL)),
    CHECK ((purpose = 'unused_credit') = (purchase_id IS NOT NULL)),
    CHECK ((state IN ('declined', 'returned')) = (decline_code IS NOT NULL)),
    CHECK ((decline_code IS NULL) = (decline_class IS NULL)),
    CHECK ((decline_code IS NULL) = (decline_known IS NULL)),
    CHECK ((state IN ('created', 'submitted', 'pending', 'unknown')) = (decided_at IS NULL)),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, attempt_id) REFERENCES payment_attempt (account_id, id),
    FOREIGN KEY (account_id, purchase_id) REFERENCES credit_purchase (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX refund_id ON refund (id);
CREATE INDEX refund_in_flight ON refund (account_id)
    WHERE state IN ('created', 'submitted', 'pending', 'unknown');

-- What an entry is the outcome of, beside an attempt.
ALTER TABLE ledger_entry ADD COLUMN purchase_id TEXT;
ALTER TABLE ledger_entry ADD COLUMN refund_id TEXT;
CREATE UNIQUE INDEX ledger_entry_buys ON ledger_entry (account_id, purchase_id) WHERE movement = 'credit_bought';
CREATE UNIQUE INDEX ledger_entry_refunds ON ledger_entry (account_id, refund_id, movement)
    WHERE refund_id IS NOT NULL;

-- What a person's action was about: an invoice, an attempt, a method.
ALTER TABLE audit_entry ADD COLUMN subject TEXT;

-- What people did that is about no single account: files, keys, events.
CREATE TABLE house_audit_entry (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason  TEXT NOT NULL
) STRICT;

-- What is to be told to customers and to the platform, written in the
-- transaction of what it tells, and delivered after it.
CREATE TABLE outbox (
    account_id   INTEGER NOT NULL REFERENCES account (id),
    -- Unique for what it tells, such as payment_failed:ATTEMPT.
    key          TEXT NOT NULL,
    topic        TEXT NOT NULL,
    payload      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    delivered_at INTEGER,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_waiting ON outbox (created_at) WHERE delivered_at IS NULL;

-- The events that providers sent, each handled once.
CREATE TABLE provider_event (
    provider    TEXT NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    handled_at  INTEGER,
    -- Why it is not handled.
    problem     TEXT,
    PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_event_open ON provider_event (received_at) WHERE handled_at IS NULL;

-- A file of direct debits for the bank.
CREATE TABLE sepa_batch (
    -- The message's id.
    id          TEXT PRIMARY KEY CHECK (length(id) <= 18),
    version     TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('made', 'released', 'canceled')),
    submit_on   TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    released_at INTEGER,
    debits      INTEGER NOT NULL CHECK (debits > 0),
    sum_minor   INTEGER NOT NULL CHECK (sum_minor > 0),
    -- Of the file's bytes.
    digest      BLOB NOT NULL,
    -- Who collects by it: what its mandates are known by once it is released.
    creditor_name TEXT NOT NULL,
    creditor_id   TEXT NOT NULL,
    CHECK ((state = 'released') = (released_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Where an attempt stands in it.
CREATE TABLE sepa_debit (
    account_id INTEGER NOT NULL,
    attempt_id TEXT NOT NULL,
    batch_id   TEXT NOT NULL REFERENCES sepa_batch (id),
    block_id   TEXT NOT NULL,
    sequence   TEXT NOT NULL CHECK (sequence IN ('FRST', 'RCUR', 'FNAL', 'OOFF')),
    collect_on TEXT NOT NULL,
    -- The account that the file names: see sepa_mandate.iban_version.
    iban_version INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (account_id, attempt_id),
    FOREIGN KEY (account_id, attempt_id) REFERENCES payment_attempt (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sepa_debit_of_block ON sepa_debit (batch_id, block_id);
-- Debits wait for the next file.
CREATE INDEX payment_attempt_waiting ON payment_attempt (account_id, id) WHERE method = 'sepa' AND state = 'created';
-- And what reconcile looks at.
CREATE INDEX payment_attempt_open ON payment_attempt (created_at)
    WHERE state IN ('created', 'submitted', 'pending', 'unknown');

-- The files that a bank answered with.
CREATE TABLE bank_file (
    digest      BLOB PRIMARY KEY,
    kind        TEXT NOT NULL,
    version     TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    entries     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every fact of them, by the key it has in whichever file it stands.
CREATE TABLE bank_fact (
    key          BLOB PRIMARY KEY,
    file         BLOB NOT NULL REFERENCES bank_file (digest),
    -- Where in the file.
    place        TEXT NOT NULL,
    kind         TEXT NOT NULL,
    amount_minor INTEGER,
    currency     TEXT,
    reason_code  TEXT,
    booked_on    TEXT,
    -- The debit it is about, where one was found.
    account_id   INTEGER,
    attempt_id   TEXT,
    -- booked: it changed something; known: it told nothing new; unmatched: a
    -- person has to look; closed: a person did.
    state        TEXT NOT NULL CHECK (state IN ('booked', 'known', 'unmatched', 'closed')),
    -- Why nobody but a person can tell what it is, and what the bank said.
    problem      TEXT,
    CHECK ((state IN ('unmatched', 'closed')) = (problem IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX bank_fact_unmatched ON bank_fact (file) WHERE state = 'unmatched';
-- A provider's event names what it calls the payment.
CREATE INDEX payment_attempt_reference ON payment_attempt (provider_reference) WHERE provider_reference IS NOT NULL;
