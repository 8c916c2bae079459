-- How many payments came to which outcome lately, without reading those of all time.
CREATE INDEX payment_attempt_decided ON payment_attempt (decided_at, method, state) WHERE decided_at IS NOT NULL;
