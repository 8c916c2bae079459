-- What becomes of accounts that do not pay or leave, and how anyone is told.
--
-- * A step of dunning happens once per invoice and round; a round ends when the
--   account is restored.
-- * Suspended is who has a suspension that is not ended; the state is derived
--   from it, never stored beside.
-- * What is told is one row per channel, so that a mail server that is down holds
--   up no order to the platform.

-- Health data makes a deletion a person's decision.
ALTER TABLE account ADD COLUMN has_health_data SMALLINT NOT NULL DEFAULT 0 CHECK (has_health_data IN (0, 1));

CREATE TABLE dunning_step (
    account_id BIGINT NOT NULL,
    -- The invoice that led to it.
    period     INTEGER NOT NULL,
    kind       SMALLINT NOT NULL,
    -- 0 until the account was first restored for this invoice, then 1, and so on.
    round      INTEGER NOT NULL CHECK (round >= 0),
    -- Such as suspension_warning_7.
    step       TEXT COLLATE "C" NOT NULL,
    -- The day in the issuer's zone, and the instant.
    taken_on   TEXT NOT NULL,
    taken_at   BIGINT NOT NULL,
    PRIMARY KEY (account_id, period, kind, round, step),
    FOREIGN KEY (account_id, period, kind) REFERENCES invoice (account_id, period, kind)
);

CREATE TABLE account_suspension (
    account_id   BIGINT NOT NULL REFERENCES account (id),
    -- Counted from 1 per account.
    no           BIGINT NOT NULL,
    cause        TEXT COLLATE "C" NOT NULL CHECK (cause IN ('unpaid', 'staff')),
    -- The invoice that is not paid.
    period       INTEGER,
    kind         SMALLINT,
    suspended_at BIGINT NOT NULL,
    restored_at  BIGINT,
    CHECK ((cause = 'unpaid') = (period IS NOT NULL)),
    CHECK ((period IS NULL) = (kind IS NULL)),
    CHECK (restored_at >= suspended_at),
    PRIMARY KEY (account_id, no),
    FOREIGN KEY (account_id, period, kind) REFERENCES invoice (account_id, period, kind)
);
-- One of each cause at a time.
CREATE UNIQUE INDEX account_suspension_open ON account_suspension (account_id, cause) WHERE restored_at IS NULL;
CREATE INDEX account_suspension_of_invoice ON account_suspension (account_id, period, kind) WHERE period IS NOT NULL;

-- A person keeps the steps back until a day. Who and why stands in audit_entry.
CREATE TABLE dunning_hold (
    account_id BIGINT NOT NULL REFERENCES account (id),
    -- Counted from 1 per account.
    no         BIGINT NOT NULL,
    -- The first day without it.
    until_on   TEXT NOT NULL,
    placed_at  BIGINT NOT NULL,
    lifted_at  BIGINT,
    PRIMARY KEY (account_id, no)
);
CREATE UNIQUE INDEX dunning_hold_open ON dunning_hold (account_id) WHERE lifted_at IS NULL;

-- A person in finance approved that the data of an account is deleted for a debt.
CREATE TABLE deletion_approval (
    account_id  BIGINT NOT NULL,
    period      INTEGER NOT NULL,
    kind        SMALLINT NOT NULL,
    round       INTEGER NOT NULL,
    approved_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, period, kind, round),
    FOREIGN KEY (account_id, period, kind) REFERENCES invoice (account_id, period, kind)
);

-- An account on its way out: asked for by its customer, or for a debt.
CREATE TABLE account_deletion (
    account_id   BIGINT NOT NULL REFERENCES account (id),
    -- Counted from 1 per account.
    no           BIGINT NOT NULL,
    cause        TEXT COLLATE "C" NOT NULL CHECK (cause IN ('request', 'unpaid')),
    -- asked: its link is mailed; settling: the final invoice is out; erasing: the
    -- platform works off the steps; done; withdrawn.
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('asked', 'settling', 'erasing', 'done', 'withdrawn')),
    -- Of the link's token, which is used once; the token itself is not kept.
    token_digest BYTEA,
    token_until  BIGINT,
    asked_at     BIGINT NOT NULL,
    confirmed_at BIGINT,
    ended_at     BIGINT,
    CHECK ((state IN ('done', 'withdrawn')) = (ended_at IS NOT NULL)),
    CHECK ((token_digest IS NULL) = (token_until IS NULL)),
    PRIMARY KEY (account_id, no)
);
CREATE UNIQUE INDEX account_deletion_open ON account_deletion (account_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX account_deletion_token ON account_deletion (token_digest) WHERE token_digest IS NOT NULL;
CREATE INDEX account_deletion_by_state ON account_deletion (state, account_id) WHERE ended_at IS NULL;

-- What the platform removes, one after the other.
CREATE TABLE account_deletion_step (
    account_id   BIGINT NOT NULL,
    no           BIGINT NOT NULL,
    -- From 1, in the order they are done.
    position     INTEGER NOT NULL,
    step         TEXT COLLATE "C" NOT NULL CHECK (step IN
        ('deployments', 'activity', 'aliases', 'domains', 'certificates', 'billing_subscription')),
    asked_at     BIGINT,
    -- When the platform said that it is done.
    confirmed_at BIGINT,
    CHECK (confirmed_at IS NULL OR asked_at IS NOT NULL),
    PRIMARY KEY (account_id, no, position),
    UNIQUE (account_id, no, step),
    FOREIGN KEY (account_id, no) REFERENCES account_deletion (account_id, no)
);

-- The outbox, with what delivering it needs. What was written before anything was
-- delivered is history: telling it now would mail months of it.
ALTER TABLE outbox RENAME TO outbox_untold;
DROP INDEX outbox_waiting;
ALTER TABLE outbox_untold RENAME CONSTRAINT outbox_pkey TO outbox_untold_pkey;
CREATE TABLE outbox (
    account_id  BIGINT NOT NULL,
    -- Unique for what it tells, such as payment_failed:ATTEMPT.
    key         TEXT COLLATE "C" NOT NULL,
    channel     TEXT COLLATE "C" NOT NULL CHECK (channel IN ('mail', 'platform')),
    topic       TEXT COLLATE "C" NOT NULL,
    payload     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    -- waiting; delivered: the other side has it; refused: it does not take it, a
    -- person has to look; obsolete: what it tells is not so any more.
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'delivered', 'refused', 'obsolete')),
    tries       INTEGER NOT NULL DEFAULT 0,
    -- Not before this: after a failure, and while someone is at it.
    next_try_at BIGINT NOT NULL,
    -- Why the last try failed.
    problem     TEXT,
    ended_at    BIGINT,
    CHECK ((state = 'waiting') = (ended_at IS NULL)),
    PRIMARY KEY (account_id, key, channel)
);
INSERT INTO outbox (account_id, key, channel, topic, payload, created_at, state, next_try_at, ended_at)
    SELECT account_id, key, 'mail', topic, payload, created_at, 'obsolete', created_at, created_at FROM outbox_untold;
DROP TABLE outbox_untold;
-- As before: that its account exists is checked for many rows at once.
CREATE TRIGGER outbox_refers AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION outbox_refers();
CREATE INDEX outbox_waiting ON outbox (channel, next_try_at) WHERE state = 'waiting';
-- What waits for one account, in its order.
CREATE INDEX outbox_waiting_of_account ON outbox (account_id, channel, created_at) WHERE state = 'waiting';
CREATE INDEX outbox_refused ON outbox (ended_at) WHERE state = 'refused';

-- When every invoice of a closed run was announced to its customer. Those of
-- before are history.
ALTER TABLE billing_run ADD COLUMN announced_at BIGINT;
UPDATE billing_run SET announced_at = planned_at;
