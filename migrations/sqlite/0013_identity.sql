-- Who a customer is, and what happened to its account.

-- What a customer is shown of what happened to its account, counted from 1 within it.
CREATE TABLE account_event (
    account_id INTEGER NOT NULL REFERENCES account (id),
    id         INTEGER NOT NULL,
    -- Such as new_key.
    kind       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    -- What is particular about it: a JSON object.
    data       TEXT NOT NULL,
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- What a customer says of itself that no invoice prints. Who never did has no row.
CREATE TABLE account_settings (
    account_id       INTEGER PRIMARY KEY REFERENCES account (id),
    location         TEXT NOT NULL,
    email_newsletter INTEGER NOT NULL,
    -- A name of the IANA's database; NULL: the house's.
    time_zone        TEXT,
    theme            TEXT NOT NULL CHECK (theme IN ('light', 'dark')),
    CHECK (email_newsletter IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Whose name it is, however it is capitalized: a name is one account's.
CREATE INDEX billing_profile_username ON billing_profile (lower(username));
