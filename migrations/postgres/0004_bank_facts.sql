-- What the import of the bank's answers has to find again. See docs/ARCHITECTURE.md.
--
-- * A fact about a whole block or file leads to no single attempt: it keeps what
--   it is about, and how many debits the bank said. A credit of a batch may be
--   read before the rejects that explain its sum; it waits as unmatched, and is
--   looked at again when a debit of it was rejected.
-- * A second credit of one debit is other money, whatever its key: so the facts
--   of an attempt are looked up.
ALTER TABLE bank_fact ADD COLUMN message_id TEXT COLLATE "C";
ALTER TABLE bank_fact ADD COLUMN block_id TEXT COLLATE "C";
ALTER TABLE bank_fact ADD COLUMN debits BIGINT;
-- What the bank kept or charged for it.
ALTER TABLE bank_fact ADD COLUMN charges_minor BIGINT;
CREATE INDEX bank_fact_of_attempt ON bank_fact (account_id, attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX bank_fact_of_block ON bank_fact (block_id, message_id)
    WHERE block_id IS NOT NULL OR message_id IS NOT NULL;
