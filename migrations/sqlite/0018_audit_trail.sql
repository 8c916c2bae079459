-- The audit trail of every account is read together, the latest first.
CREATE INDEX audit_entry_by_time ON audit_entry (at, account_id, id);
