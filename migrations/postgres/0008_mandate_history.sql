-- What the bank knows a mandate by changes when a file of it is released, and again
-- when the bank rejects a debit that told something new. A file that was made
-- before says of its mandates what was known then: it is told apart by a number.
ALTER TABLE sepa_mandate ADD COLUMN history_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE sepa_debit ADD COLUMN history_version BIGINT NOT NULL DEFAULT 1;
