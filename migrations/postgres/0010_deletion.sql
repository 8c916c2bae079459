-- Accounts that leave on their customer's request. See docs/ARCHITECTURE.md.
--
-- * The final invoice is the monthly invoice of a month that has not ended. The
--   deletion keeps which month that was: its outcome belongs to no run yet, and
--   usage of it that is told later is late.
-- * What a customer gives up with its credit is said when it asks, and booked when
--   the erasing begins.
-- * An invoice keeps its customer's identity as long as the law asks. Then the
--   version of the profile is emptied; its digest stays, so that the chain of the
--   invoices that refer to it can still be checked.
ALTER TABLE account_deletion ADD COLUMN gives_up_credit SMALLINT NOT NULL DEFAULT 0 CHECK (gives_up_credit IN (0, 1));
ALTER TABLE account_deletion ADD COLUMN final_period INTEGER;
CREATE INDEX account_deletion_final ON account_deletion (account_id, final_period) WHERE final_period IS NOT NULL;
-- Who is gone: what retention lets go is looked for among these.
CREATE INDEX account_deletion_done ON account_deletion (account_id) WHERE state = 'done';

ALTER TABLE billing_profile ADD COLUMN erased_at BIGINT;
