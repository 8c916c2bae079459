-- Who of the house, and which of its machines, is let in by the finance API and by
-- ingestion. Secrets are kept as digests: whoever reads the database cannot use them.
CREATE TABLE operator_key (
    -- A UUID.
    id           TEXT COLLATE "C" PRIMARY KEY,
    -- Stands in the audit log: it is never given a second time, not even once revoked.
    name         TEXT COLLATE "C" NOT NULL UNIQUE,
    role         TEXT COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'operator', 'approver', 'ingest')),
    digest       BYTEA NOT NULL UNIQUE,
    created_at   BIGINT NOT NULL,
    -- NULL: until it is revoked.
    expires_at   BIGINT,
    -- Within a minute.
    last_used_at BIGINT,
    revoked_at   BIGINT
);
