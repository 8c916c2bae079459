-- Whose card will soon not be good any more is asked every day: a few of all.
CREATE INDEX payment_card_by_expiry ON payment_card (expires);
