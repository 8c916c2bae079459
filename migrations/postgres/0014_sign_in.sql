-- Signing in, the rest of it: other addresses, second factors, sign-ups, and what is accepted.

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

-- What an account accepted: versions of contracts, by the ids that the settings name.
CREATE TABLE contract_acceptance (
    account_id  BIGINT NOT NULL REFERENCES account (id),
    contract_id TEXT COLLATE "C" NOT NULL,
    version     TEXT COLLATE "C" NOT NULL,
    -- The language that it was read in.
    locale      TEXT COLLATE "C" NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, contract_id)
);

-- Whom an account names about the health data that an app hosts.
CREATE TABLE hds_contact (
    account_id      BIGINT NOT NULL REFERENCES account (id),
    app             TEXT COLLATE "C" NOT NULL,
    id              TEXT COLLATE "C" NOT NULL,
    org_type        TEXT COLLATE "C" NOT NULL CHECK (org_type IN ('company', 'non-profit', 'administration')),
    name            TEXT NOT NULL,
    email           TEXT NOT NULL,
    phone_number    TEXT NOT NULL,
    company         TEXT NOT NULL,
    address_line1   TEXT NOT NULL,
    address_line2   TEXT NOT NULL,
    address_city    TEXT NOT NULL,
    address_zip     TEXT NOT NULL,
    address_country TEXT COLLATE "C" NOT NULL,
    notes           TEXT NOT NULL,
    updated_at      BIGINT NOT NULL,
    -- When its customer was last asked to look at it again.
    reminded_at     BIGINT,
    PRIMARY KEY (account_id, app)
);
CREATE INDEX hds_contact_due ON hds_contact (COALESCE(reminded_at, updated_at));
