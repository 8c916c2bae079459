-- What the account API lets in, and what a customer keeps by it. Secrets are kept as
-- digests: whoever reads the database cannot use them.

-- An account's API tokens. One is exchanged for a bearer token of an hour, which
-- names it: what is deleted here opens nothing from then on.
CREATE TABLE api_token (
    account_id   INTEGER NOT NULL REFERENCES account (id),
    -- A UUID, as clients know it.
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    digest       BLOB NOT NULL UNIQUE,
    -- What it may do, by codes with a space between them; NULL: whatever the account may.
    scopes       TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ssh_key (
    account_id  INTEGER NOT NULL REFERENCES account (id),
    -- A UUID, as clients know it.
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    content     TEXT NOT NULL,
    -- MD5 of the key, as hex pairs with colons between them.
    fingerprint TEXT NOT NULL,
    -- A key says whose it is when code is pushed: it is of one account.
    digest      BLOB NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, name)
) STRICT, WITHOUT ROWID;
