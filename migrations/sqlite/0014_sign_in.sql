-- Signing in, the rest of it: other addresses and second factors.

-- What becomes the address of its profile once a mailed link is used.
ALTER TABLE account_settings ADD COLUMN unconfirmed_email TEXT;
