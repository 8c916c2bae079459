-- Signing in, the rest of it: other addresses and second factors.

-- What becomes the address of its profile once a mailed link is used.
ALTER TABLE account_settings ADD COLUMN unconfirmed_email TEXT;

-- What an account is asked for beside its password (TOTP, RFC 6238).
CREATE TABLE second_factor (
    account_id    BIGINT PRIMARY KEY REFERENCES account (id),
    id            TEXT COLLATE "C" NOT NULL,
    -- Which key of the vault's seals the secret.
    secret_key    TEXT COLLATE "C" NOT NULL,
    secret_sealed BYTEA NOT NULL,
    -- NULL: no code of it was given yet, and none is asked for.
    enabled_at    BIGINT,
    -- Of the last code that was taken, in 30 seconds since 1970 UTC: none from before
    -- is taken any more.
    last_step     BIGINT
);

-- Codes that let in once whoever lost its second factor.
CREATE TABLE recovery_code (
    account_id BIGINT NOT NULL REFERENCES account (id),
    digest     BYTEA NOT NULL,
    PRIMARY KEY (account_id, digest)
);

-- When its customer ended its free trial before its time.
ALTER TABLE account ADD COLUMN trial_ended_at BIGINT;

-- Who waits for an address, however it is capitalized.
CREATE INDEX account_settings_unconfirmed ON account_settings (lower(unconfirmed_email))
    WHERE unconfirmed_email IS NOT NULL;
