-- The month run's whole world: accounts, catalog, usage, runs and invoices.
--
-- * Instants are INTEGER microseconds since 1970 UTC; periods are integers like
--   202610; dates are text like 2026-11-01: the same in both databases.
-- * account_id leads every key of what belongs to an account.
-- * The bulk tables (usage, lines, VAT groups, outcomes) carry no foreign keys:
--   a check per row would cost more than the month run itself. They are written
--   in the transaction of their invoice, and `quittance verify` checks them.
-- * The tables are STRICT: a value of another type is an error, not a guess.

-- One row. Every import raises the generation; the run's writer computes a batch
-- again when its readers saw an older one.
CREATE TABLE billing_gate (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL
) STRICT;
INSERT INTO billing_gate (id, generation) VALUES (1, 0);

CREATE TABLE account (
    id              INTEGER PRIMARY KEY,
    external_id     TEXT NOT NULL UNIQUE,
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    created_at      INTEGER NOT NULL,
    profile_version INTEGER NOT NULL
) STRICT;

-- Immutable versions: a changed address is a new row.
CREATE TABLE billing_profile (
    account_id    INTEGER NOT NULL REFERENCES account (id),
    version       INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    username      TEXT NOT NULL,
    email         TEXT NOT NULL,
    full_name     TEXT NOT NULL,
    company       TEXT NOT NULL,
    country       TEXT NOT NULL,
    address_line1 TEXT NOT NULL,
    postal_code   TEXT NOT NULL,
    city          TEXT NOT NULL,
    vat_number    TEXT NOT NULL,
    language      TEXT NOT NULL,
    PRIMARY KEY (account_id, version)
) STRICT, WITHOUT ROWID;

-- Who issues, with its legal texts and the terms that are printed.
CREATE TABLE issuer (
    id      INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    content TEXT NOT NULL
) STRICT;

CREATE TABLE sku (
    id            INTEGER PRIMARY KEY,
    kind          TEXT NOT NULL CHECK (kind IN ('container', 'addon')),
    resource_type TEXT NOT NULL,
    plan          TEXT NOT NULL,
    UNIQUE (kind, resource_type, plan)
) STRICT;

-- Immutable versions, valid until the next one of the same plan and currency.
CREATE TABLE price (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('container', 'addon')),
    plan        TEXT NOT NULL,
    name        TEXT NOT NULL,
    per_30_days TEXT NOT NULL,
    currency    TEXT NOT NULL,
    valid_from  INTEGER NOT NULL,
    UNIQUE (kind, plan, currency, valid_from)
) STRICT;

-- The table is clustered in the order the run's aggregate groups by: a scan
-- without a sort. The event id makes the key unique.
CREATE TABLE usage_interval (
    account_id INTEGER NOT NULL,
    sku_id     INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    app        TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    CHECK (ended_at IS NULL OR ended_at >= started_at),
    PRIMARY KEY (account_id, app, sku_id, started_at, event_id)
) STRICT, WITHOUT ROWID;
-- An event counts once, whichever account it names.
CREATE UNIQUE INDEX usage_interval_event ON usage_interval (event_id);

-- Pieces of usage that arrived after their period was settled; negative
-- quantities take back what was billed too much.
CREATE TABLE usage_late (
    account_id   INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    event_id     TEXT NOT NULL,
    period       INTEGER NOT NULL,
    app          TEXT NOT NULL,
    sku_id       INTEGER NOT NULL,
    quantity     INTEGER NOT NULL CHECK (quantity <> 0),
    from_at      INTEGER NOT NULL,
    until_at     INTEGER NOT NULL,
    -- The period of the invoice that took it in.
    taken_period INTEGER,
    CHECK (until_at > from_at),
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_late_waiting ON usage_late (account_id, id) WHERE taken_period IS NULL;

CREATE TABLE allowance (
    account_id   INTEGER NOT NULL REFERENCES account (id),
    id           INTEGER NOT NULL,
    label        TEXT NOT NULL,
    -- Exactly one of the two.
    percent      TEXT,
    amount_minor INTEGER CHECK (amount_minor > 0),
    valid_from   INTEGER NOT NULL,
    valid_until  INTEGER,
    CHECK ((percent IS NULL) <> (amount_minor IS NULL)),
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- The period is the key: two runs planned at once never share one.
CREATE TABLE billing_run (
    id         INTEGER PRIMARY KEY,
    period     INTEGER NOT NULL UNIQUE CHECK (period = id),
    start_at   INTEGER NOT NULL,
    end_at     INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('planned', 'running', 'issued', 'closed')),
    paused     INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    planned_at INTEGER NOT NULL
) STRICT;

-- A range is claimed inside its batch's own transaction: a crash frees it.
CREATE TABLE billing_run_range (
    run_id       INTEGER NOT NULL REFERENCES billing_run (id),
    range_no     INTEGER NOT NULL,
    account_from INTEGER NOT NULL,
    account_to   INTEGER NOT NULL,
    accounts     INTEGER NOT NULL,
    done         INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    PRIMARY KEY (run_id, range_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX billing_run_range_pending ON billing_run_range (run_id, range_no) WHERE done = 0;

CREATE TABLE period_outcome (
    account_id     INTEGER NOT NULL,
    period         INTEGER NOT NULL,
    -- 1 invoiced, 2 nothing due, 3 parked.
    outcome        INTEGER NOT NULL CHECK (outcome IN (1, 2, 3)),
    -- What the account owes for the period.
    total_minor    INTEGER NOT NULL DEFAULT 0,
    -- Why it is parked, and the total that a sanity bound held back.
    reason         TEXT,
    parked_minor   INTEGER,
    -- The total that a person accepted in spite of the bounds.
    released_minor INTEGER,
    PRIMARY KEY (account_id, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX period_outcome_parked ON period_outcome (period, account_id) WHERE outcome = 3;

CREATE TABLE number_series (
    series         TEXT PRIMARY KEY,
    year           INTEGER NOT NULL,
    last_sequence  INTEGER NOT NULL,
    last_hash      BLOB NOT NULL,
    last_issued_on TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE invoice (
    account_id      INTEGER NOT NULL,
    period          INTEGER NOT NULL,
    -- 1 the monthly invoice.
    kind            INTEGER NOT NULL CHECK (kind = 1),
    series          TEXT NOT NULL,
    year            INTEGER NOT NULL,
    sequence        INTEGER NOT NULL CHECK (sequence > 0),
    issued_on       TEXT NOT NULL,
    due_on          TEXT NOT NULL,
    currency        TEXT NOT NULL,
    profile_version INTEGER NOT NULL,
    issuer_id       INTEGER NOT NULL,
    net_minor       INTEGER NOT NULL,
    vat_minor       INTEGER NOT NULL,
    total_minor     INTEGER NOT NULL,
    content_digest  BLOB NOT NULL,
    hash            BLOB NOT NULL,
    CHECK (net_minor + vat_minor = total_minor),
    CHECK (total_minor >= 0),
    PRIMARY KEY (account_id, period, kind)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX invoice_number ON invoice (series, year, sequence);

CREATE TABLE invoice_line (
    account_id   INTEGER NOT NULL,
    period       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    line_no      INTEGER NOT NULL,
    -- 1 usage, 2 late usage, 3 free trial, 4 discount, 5 voucher.
    line_kind    INTEGER NOT NULL CHECK (line_kind BETWEEN 1 AND 5),
    usage_period INTEGER NOT NULL,
    sku_id       INTEGER,
    price_id     INTEGER,
    minutes      INTEGER,
    allowance_id INTEGER,
    amount_minor INTEGER NOT NULL,
    app          TEXT,
    PRIMARY KEY (account_id, period, kind, line_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoice_vat (
    account_id   INTEGER NOT NULL,
    period       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    category     TEXT NOT NULL,
    rate         TEXT NOT NULL,
    base_minor   INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (account_id, period, kind, category, rate)
) STRICT, WITHOUT ROWID;
