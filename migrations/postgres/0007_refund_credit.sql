-- What a refund gives back out of its customer's credit. See docs/ARCHITECTURE.md.
--
-- * A payment beyond the debt becomes credit; what is given back of it later is
--   given back out of that credit first, or its customer had both. As long as
--   the outcome is out, that much of the credit pays nothing else.
-- * All of a purchase is credit.
ALTER TABLE refund ADD COLUMN credit_minor BIGINT NOT NULL DEFAULT 0
    CHECK (credit_minor >= 0 AND credit_minor <= amount_minor);
UPDATE refund SET credit_minor = amount_minor WHERE purchase_id IS NOT NULL;
-- Whether it was recorded as declined before its provider told that it gave the
-- money back after all. By then its credit may be spent: that may fall below zero.
ALTER TABLE refund ADD COLUMN was_declined SMALLINT NOT NULL DEFAULT 0 CHECK (was_declined IN (0, 1));
-- A provider's event names what it calls the refund: it is booked once, whoever
-- made it.
CREATE UNIQUE INDEX refund_reference ON refund (provider_reference) WHERE provider_reference IS NOT NULL;
