-- What customers add to their address and have printed on their invoices.

ALTER TABLE billing_profile ADD COLUMN address_line2 TEXT NOT NULL DEFAULT '';
-- Of countries whose addresses name one.
ALTER TABLE billing_profile ADD COLUMN address_state TEXT NOT NULL DEFAULT '';
-- Such as an order number.
ALTER TABLE billing_profile ADD COLUMN invoice_note TEXT NOT NULL DEFAULT '';
