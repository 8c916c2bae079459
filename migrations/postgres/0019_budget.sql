-- What a customer means to spend in a month, in minor units of its account's currency.
CREATE TABLE account_budget (
    account_id   BIGINT PRIMARY KEY REFERENCES account (id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    set_at       BIGINT NOT NULL,
    -- The month it was last told of, and the largest part of the budget that it was told.
    told_period  INTEGER,
    told_percent SMALLINT,
    CHECK ((told_period IS NULL) = (told_percent IS NULL))
);
