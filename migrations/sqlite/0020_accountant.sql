-- Whom a customer invited to look at its invoices. What is kept of the link that was
-- mailed is a digest: whoever reads the database cannot use it.
CREATE TABLE accountant (
    account_id INTEGER NOT NULL REFERENCES account (id),
    -- A UUID.
    id         TEXT NOT NULL,
    email      TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    invited_at INTEGER NOT NULL,
    -- Within a minute.
    seen_at    INTEGER,
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX accountant_email ON accountant (account_id, lower(email));
