-- Whom a customer invited to look at its invoices. What is kept of the link that was
-- mailed is a digest: whoever reads the database cannot use it.
CREATE TABLE accountant (
    account_id BIGINT NOT NULL REFERENCES account (id),
    -- A UUID.
    id         TEXT COLLATE "C" NOT NULL,
    email      TEXT NOT NULL,
    digest     BYTEA NOT NULL UNIQUE,
    invited_at BIGINT NOT NULL,
    -- Within a minute.
    seen_at    BIGINT,
    PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX accountant_email ON accountant (account_id, lower(email));
