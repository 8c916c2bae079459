-- Signing in, the rest of it: other addresses and second factors.

-- What becomes the address of its profile once a mailed link is used.
ALTER TABLE account_settings ADD COLUMN unconfirmed_email TEXT;

-- What an account is asked for beside its password (TOTP, RFC 6238).
CREATE TABLE second_factor (
    account_id    INTEGER PRIMARY KEY REFERENCES account (id),
    id            TEXT NOT NULL,
    -- Which key of the vault's seals the secret.
    secret_key    TEXT NOT NULL,
    secret_sealed BLOB NOT NULL,
    -- NULL: no code of it was given yet, and none is asked for.
    enabled_at    INTEGER,
    -- Of the last code that was taken, in 30 seconds since 1970 UTC: none from before
    -- is taken any more.
    last_step     INTEGER
) STRICT, WITHOUT ROWID;

-- Codes that let in once whoever lost its second factor.
CREATE TABLE recovery_code (
    account_id INTEGER NOT NULL REFERENCES account (id),
    digest     BLOB NOT NULL,
    PRIMARY KEY (account_id, digest)
) STRICT, WITHOUT ROWID;

-- When its customer ended its free trial before its time.
ALTER TABLE account ADD COLUMN trial_ended_at INTEGER;

-- Who waits for an address, however it is capitalized.
CREATE INDEX account_settings_unconfirmed ON account_settings (lower(unconfirmed_email))
    WHERE unconfirmed_email IS NOT NULL;
