-- Who of the house, and which of its machines, is let in by the finance API and by
-- ingestion. Secrets are kept as digests: whoever reads the database cannot use them.
CREATE TABLE operator_key (
    -- A UUID.
    id           TEXT PRIMARY KEY,
    -- Stands in the audit log: it is never given a second time, not even once revoked.
    name         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'approver', 'ingest')),
    digest       BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    -- NULL: until it is revoked.
    expires_at   INTEGER,
    -- Within a minute.
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;
