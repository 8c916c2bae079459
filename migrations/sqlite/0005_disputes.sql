-- Disputes get a name of their own, and what nobody may book gets its reason. See
-- docs/ARCHITECTURE.md.
--
-- * A payment can be disputed more than once, and what a provider tells may be read
--   late: so what was booked for which dispute is recorded, and booked once each.
-- * What was booked before disputes had names keeps its entries: each opening
--   becomes a dispute without a name, which takes that of the next one of its
--   payment and amount that is read.
CREATE TABLE payment_dispute (
    account_id         INTEGER NOT NULL REFERENCES account (id),
    -- Raised per account, under the lock of its money.
    id                 INTEGER NOT NULL,
    provider           TEXT NOT NULL CHECK (provider IN ('stripe', 'paypal')),
    -- What the provider calls it; none while only its reversal was told.
    reference          TEXT,
    -- What PayPal calls the reversal that carried it out.
    reversal_reference TEXT,
    -- The payment, of an invoice or of credit.
    attempt_id         TEXT,
    purchase_id        TEXT,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    -- What the provider took for it.
    fee_minor          INTEGER NOT NULL CHECK (fee_minor >= 0),
    -- announced: nothing moved yet; won without opened_at: nothing ever did.
    state              TEXT NOT NULL CHECK (state IN ('announced', 'open', 'won', 'lost')),
    announced_at       INTEGER NOT NULL,
    -- When it was booked that the money was taken back.
    opened_at          INTEGER,
    -- When it was read that it is decided.
    closed_at          INTEGER,
    CHECK ((attempt_id IS NULL) <> (purchase_id IS NULL)),
    CHECK ((provider = 'stripe') = (attempt_id IS NOT NULL)),
    CHECK (state <> 'announced' OR opened_at IS NULL),
    CHECK (state NOT IN ('open', 'lost') OR opened_at IS NOT NULL),
    CHECK ((state IN ('won', 'lost')) = (closed_at IS NOT NULL)),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, attempt_id) REFERENCES payment_attempt (account_id, id),
    FOREIGN KEY (account_id, purchase_id) REFERENCES credit_purchase (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payment_dispute_reference ON payment_dispute (provider, reference)
    WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX payment_dispute_reversal ON payment_dispute (provider, reversal_reference)
    WHERE reversal_reference IS NOT NULL;
CREATE INDEX payment_dispute_of_attempt ON payment_dispute (account_id, attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX payment_dispute_of_purchase ON payment_dispute (account_id, purchase_id) WHERE purchase_id IS NOT NULL;
-- What reconcile reads again.
CREATE INDEX payment_dispute_undecided ON payment_dispute (account_id, id) WHERE state IN ('announced', 'open');

-- The dispute that an entry is of.
ALTER TABLE ledger_entry ADD COLUMN dispute_id INTEGER;
UPDATE ledger_entry SET dispute_id = id WHERE movement = 'chargeback_opened';
UPDATE ledger_entry SET dispute_id = (SELECT MAX(o.id) FROM ledger_entry o
    WHERE o.account_id = ledger_entry.account_id AND o.movement = 'chargeback_opened'
    AND (o.attempt_id = ledger_entry.attempt_id OR o.purchase_id = ledger_entry.purchase_id)
    AND o.id < ledger_entry.id) WHERE movement = 'chargeback_won';
INSERT INTO payment_dispute (account_id, id, provider, attempt_id, purchase_id, amount_minor, currency, fee_minor,
    state, announced_at, opened_at, closed_at)
    SELECT e.account_id, e.id, CASE WHEN e.purchase_id IS NULL THEN 'stripe' ELSE 'paypal' END, e.attempt_id,
    e.purchase_id, p.amount_minor, e.currency, COALESCE(f.amount_minor, 0),
    CASE WHEN w.id IS NULL THEN 'open' ELSE 'won' END, e.at, e.at, w.at
    FROM ledger_entry e
    JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id
    AND p.ledger_account IN ('receivable', 'customer_credit')
    LEFT JOIN ledger_posting f ON f.account_id = e.account_id AND f.entry_id = e.id
    AND f.ledger_account = 'provider_fees'
    LEFT JOIN ledger_entry w ON w.account_id = e.account_id AND w.dispute_id = e.id AND w.movement = 'chargeback_won'
    WHERE e.movement = 'chargeback_opened';
-- Each dispute is booked once in each direction.
CREATE UNIQUE INDEX ledger_entry_disputes ON ledger_entry (account_id, dispute_id, movement)
    WHERE dispute_id IS NOT NULL;

-- What the provider said of it that cannot be booked, until something else is
-- recorded: a person has to look.
ALTER TABLE payment_attempt ADD COLUMN problem TEXT;
ALTER TABLE credit_purchase ADD COLUMN problem TEXT;
