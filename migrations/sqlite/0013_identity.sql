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
CREATE INDEX billing_profile_email ON billing_profile (lower(email));

-- What an account is signed in to with. Who never set a password, nor tried one, has no row.
CREATE TABLE account_credential (
    account_id    INTEGER PRIMARY KEY REFERENCES account (id),
    -- Argon2id, in the PHC string format; NULL: there is no password.
    password_hash TEXT,
    -- Bearer tokens of a lower one open nothing any more.
    version       INTEGER NOT NULL,
    -- Wrong passwords and codes in a row.
    failures      INTEGER NOT NULL CHECK (failures >= 0),
    locked_at     INTEGER
) STRICT, WITHOUT ROWID;

-- Links that were mailed and work once: one of an account for each purpose.
CREATE TABLE account_link (
    account_id INTEGER NOT NULL REFERENCES account (id),
    purpose    TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    until      INTEGER NOT NULL,
    PRIMARY KEY (account_id, purpose)
) STRICT, WITHOUT ROWID;
