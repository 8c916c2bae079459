-- The month run's whole world: accounts, catalog, usage, runs and invoices.
--
-- * Instants are BIGINT microseconds since 1970 UTC; periods are integers like
--   202610; dates are text like 2026-11-01: the same in both databases.
-- * account_id leads every key of what belongs to an account.
-- * The bulk tables (usage, lines, VAT groups, outcomes) carry no foreign keys:
--   a check per row would cost more than the month run itself. They are written
--   in the transaction of their invoice, and `quittance verify` checks them.
-- * Text that is grouped or compared sorts by byte, so that both databases and
--   Rust agree on the order.

-- One row. An import updates it first, a batch of the run takes a SHARE lock on
-- the table: so no usage appears in the middle of a batch, and imports queue.
CREATE TABLE billing_gate (
    id         SMALLINT PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL
);
INSERT INTO billing_gate (id, generation) VALUES (1, 0);

CREATE TABLE account (
    id              BIGINT PRIMARY KEY,
    external_id     TEXT COLLATE "C" NOT NULL UNIQUE,
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    created_at      BIGINT NOT NULL,
    profile_version INTEGER NOT NULL
);

-- Immutable versions: a changed address is a new row.
CREATE TABLE billing_profile (
    account_id    BIGINT NOT NULL REFERENCES account (id),
    version       INTEGER NOT NULL,
    digest        BYTEA NOT NULL,
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
);

-- Who issues, with its legal texts and the terms that are printed.
CREATE TABLE issuer (
    id      BIGINT PRIMARY KEY,
    digest  BYTEA NOT NULL UNIQUE,
    content TEXT NOT NULL
);

CREATE TABLE sku (
    id            BIGINT PRIMARY KEY,
    kind          TEXT COLLATE "C" NOT NULL CHECK (kind IN ('container', 'addon')),
    resource_type TEXT COLLATE "C" NOT NULL,
    plan          TEXT COLLATE "C" NOT NULL,
    UNIQUE (kind, resource_type, plan)
);

-- Immutable versions, valid until the next one of the same plan and currency.
CREATE TABLE price (
    id          BIGINT PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('container', 'addon')),
    plan        TEXT COLLATE "C" NOT NULL,
    name        TEXT NOT NULL,
    per_30_days TEXT NOT NULL,
    currency    TEXT NOT NULL,
    valid_from  BIGINT NOT NULL,
    UNIQUE (kind, plan, currency, valid_from)
);

-- The key holds all that the run's aggregate reads, in the order it groups by:
-- an index-only scan without a sort.
CREATE TABLE usage_interval (
    account_id BIGINT NOT NULL,
    sku_id     BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT,
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    app        TEXT COLLATE "C" NOT NULL,
    event_id   TEXT COLLATE "C" NOT NULL,
    CHECK (ended_at IS NULL OR ended_at >= started_at)
);
CREATE INDEX usage_interval_by_account
    ON usage_interval (account_id, app, sku_id, started_at) INCLUDE (ended_at, quantity);
-- An event counts once, whichever account it names.
CREATE UNIQUE INDEX usage_interval_event ON usage_interval (event_id);

-- Pieces of usage that arrived after their period was settled; negative
-- quantities take back what was billed too much.
CREATE TABLE usage_late (
    account_id   BIGINT NOT NULL,
    id           BIGINT NOT NULL,
    event_id     TEXT COLLATE "C" NOT NULL,
    period       INTEGER NOT NULL,
    app          TEXT COLLATE "C" NOT NULL,
    sku_id       BIGINT NOT NULL,
    quantity     INTEGER NOT NULL CHECK (quantity <> 0),
    from_at      BIGINT NOT NULL,
    until_at     BIGINT NOT NULL,
    -- The period of the invoice that took it in.
    taken_period INTEGER,
    CHECK (until_at > from_at),
    PRIMARY KEY (account_id, id)
);
CREATE INDEX usage_late_waiting ON usage_late (account_id, id) WHERE taken_period IS NULL;

CREATE TABLE allowance (
    account_id   BIGINT NOT NULL REFERENCES account (id),
    id           BIGINT NOT NULL,
    label        TEXT NOT NULL,
    -- Exactly one of the two.
    percent      TEXT,
    amount_minor BIGINT CHECK (amount_minor > 0),
    valid_from   INTEGER NOT NULL,
    valid_until  INTEGER,
    CHECK ((percent IS NULL) <> (amount_minor IS NULL)),
    PRIMARY KEY (account_id, id)
);

-- The period is the key: two runs planned at once never share one.
CREATE TABLE billing_run (
    id         BIGINT PRIMARY KEY,
    period     INTEGER NOT NULL UNIQUE CHECK (period = id),
    start_at   BIGINT NOT NULL,
    end_at     BIGINT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('planned', 'running', 'issued', 'closed')),
    paused     SMALLINT NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    planned_at BIGINT NOT NULL
);

-- A range is claimed inside its batch's own transaction: a crash frees it.
CREATE TABLE billing_run_range (
    run_id       BIGINT NOT NULL REFERENCES billing_run (id),
    range_no     BIGINT NOT NULL,
    account_from BIGINT NOT NULL,
    account_to   BIGINT NOT NULL,
    accounts     BIGINT NOT NULL,
    done         SMALLINT NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    PRIMARY KEY (run_id, range_no)
);
CREATE INDEX billing_run_range_pending ON billing_run_range (run_id, range_no) WHERE done = 0;

CREATE TABLE period_outcome (
    account_id     BIGINT NOT NULL,
    period         INTEGER NOT NULL,
    -- 1 invoiced, 2 nothing due, 3 parked.
    outcome        SMALLINT NOT NULL CHECK (outcome IN (1, 2, 3)),
    -- What the account owes for the period.
    total_minor    BIGINT NOT NULL DEFAULT 0,
    -- Why it is parked, and the total that a sanity bound held back.
    reason         TEXT,
    parked_minor   BIGINT,
    -- The total that a person accepted in spite of the bounds.
    released_minor BIGINT,
    PRIMARY KEY (account_id, period)
);
CREATE INDEX period_outcome_parked ON period_outcome (period, account_id) WHERE outcome = 3;

CREATE TABLE number_series (
    series         TEXT PRIMARY KEY,
    year           INTEGER NOT NULL,
    last_sequence  BIGINT NOT NULL,
    last_hash      BYTEA NOT NULL,
    last_issued_on TEXT
);

CREATE TABLE invoice (
    account_id      BIGINT NOT NULL,
    period          INTEGER NOT NULL,
    -- 1 the monthly invoice.
    kind            SMALLINT NOT NULL CHECK (kind = 1),
    series          TEXT COLLATE "C" NOT NULL,
    year            INTEGER NOT NULL,
    sequence        BIGINT NOT NULL CHECK (sequence > 0),
    issued_on       TEXT NOT NULL,
    due_on          TEXT NOT NULL,
    currency        TEXT NOT NULL,
    profile_version INTEGER NOT NULL,
    issuer_id       BIGINT NOT NULL,
    net_minor       BIGINT NOT NULL,
    vat_minor       BIGINT NOT NULL,
    total_minor     BIGINT NOT NULL,
    content_digest  BYTEA NOT NULL,
    hash            BYTEA NOT NULL,
    CHECK (net_minor + vat_minor = total_minor),
    CHECK (total_minor >= 0),
    PRIMARY KEY (account_id, period, kind)
);
CREATE UNIQUE INDEX invoice_number ON invoice (series, year, sequence);

CREATE TABLE invoice_line (
    account_id   BIGINT NOT NULL,
    period       INTEGER NOT NULL,
    kind         SMALLINT NOT NULL,
    line_no      INTEGER NOT NULL,
    -- 1 usage, 2 late usage, 3 free trial, 4 discount, 5 voucher.
    line_kind    SMALLINT NOT NULL CHECK (line_kind BETWEEN 1 AND 5),
    usage_period INTEGER NOT NULL,
    sku_id       BIGINT,
    price_id     BIGINT,
    minutes      BIGINT,
    allowance_id BIGINT,
    amount_minor BIGINT NOT NULL,
    app          TEXT COLLATE "C",
    PRIMARY KEY (account_id, period, kind, line_no)
);

CREATE TABLE invoice_vat (
    account_id   BIGINT NOT NULL,
    period       INTEGER NOT NULL,
    kind         SMALLINT NOT NULL,
    category     TEXT NOT NULL,
    rate         TEXT NOT NULL,
    base_minor   BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    PRIMARY KEY (account_id, period, kind, category, rate)
);
