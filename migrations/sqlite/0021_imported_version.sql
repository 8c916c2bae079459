-- What the platform's last file said of the account: a version of its own where the
-- customer has changed what stands since. What a file says anew is told by it from what
-- only the customer changed.
ALTER TABLE account ADD COLUMN imported_version INTEGER NOT NULL DEFAULT 1;
UPDATE account SET imported_version = profile_version;
