-- A retail bank: customers, accounts, what moves on them, and a second schema that watches over it.
-- Load into an empty database, then load data.sql.

\set ON_ERROR_STOP on
BEGIN;

CREATE SCHEMA risk;
COMMENT ON SCHEMA risk IS 'What the risk department computes about customers and transactions.';

CREATE TYPE account_kind AS ENUM ('checking', 'savings', 'brokerage');
CREATE TYPE risk.severity AS ENUM ('low', 'medium', 'high');

CREATE TABLE branches (
    branch_id   integer PRIMARY KEY,
    city        text NOT NULL,
    country     char(2) NOT NULL,
    opened_on   date NOT NULL
);
COMMENT ON TABLE branches IS 'Where the bank has a counter.';
COMMENT ON COLUMN branches.country IS 'ISO 3166 code of two letters.';

CREATE TABLE customers (
    customer_id integer PRIMARY KEY,
    full_name   text NOT NULL,
    email       text NOT NULL UNIQUE,
    country     char(2) NOT NULL,
    segment     text NOT NULL DEFAULT 'retail' CHECK (segment IN ('retail', 'premium', 'business')),
    joined_on   date NOT NULL,
    left_on     date,
    CHECK (left_on IS NULL OR left_on >= joined_on)
);
COMMENT ON TABLE customers IS 'Everyone who has or had an account.';
COMMENT ON COLUMN customers.segment IS 'How the customer is served: retail, premium or business.';
COMMENT ON COLUMN customers.left_on IS 'Null while the customer is with the bank.';

CREATE TABLE accounts (
    account_id  integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    branch_id   integer NOT NULL REFERENCES branches,
    kind        account_kind NOT NULL,
    currency    char(3) NOT NULL DEFAULT 'EUR',
    opened_on   date NOT NULL,
    balance     numeric(14, 2) NOT NULL
);
COMMENT ON TABLE accounts IS 'One row per account; a customer has one to three.';
COMMENT ON COLUMN accounts.balance IS 'In the account''s currency, as of today.';

CREATE TABLE transactions (
    transaction_id bigint PRIMARY KEY,
    account_id     integer NOT NULL REFERENCES accounts,
    booked_at      timestamptz NOT NULL,
    amount         numeric(12, 2) NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('card', 'transfer', 'cash', 'salary', 'fee')),
    counterparty   text,
    reference      uuid NOT NULL
);
CREATE INDEX ON transactions (account_id, booked_at);
COMMENT ON TABLE transactions IS 'Money that moved on an account over the last two years.';
COMMENT ON COLUMN transactions.amount IS 'In the account''s currency; negative when money left the account.';
COMMENT ON COLUMN transactions.counterparty IS 'Who was paid or paid; null for cash and fees.';

CREATE TABLE loans (
    loan_id     integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    principal   numeric(12, 2) NOT NULL,
    rate        numeric(6, 4) NOT NULL,
    term        interval NOT NULL,
    started_on  date NOT NULL,
    status      text NOT NULL CHECK (status IN ('performing', 'late', 'defaulted', 'repaid'))
);
COMMENT ON TABLE loans IS 'Loans that were ever granted.';
COMMENT ON COLUMN loans.rate IS 'Yearly interest; 0.0425 is 4.25 %.';

CREATE TABLE "Customer Notes" (
    "Note Id"    integer PRIMARY KEY,
    "customerId" integer NOT NULL REFERENCES customers,
    "Written At" timestamptz NOT NULL,
    "Text"       text NOT NULL,
    tags         text[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE "Customer Notes" IS 'Written by advisers; from an older system, hence the names.';

CREATE TABLE risk.credit_scores (
    customer_id    integer NOT NULL REFERENCES public.customers,
    scored_on      date NOT NULL,
    score          smallint NOT NULL CHECK (score BETWEEN 300 AND 850),
    "modelVersion" text NOT NULL,
    PRIMARY KEY (customer_id, scored_on)
);
COMMENT ON TABLE risk.credit_scores IS 'One score per customer and quarter.';
COMMENT ON COLUMN risk.credit_scores.score IS '300 (worst) to 850 (best).';

CREATE TABLE risk."fraudAlerts" (
    "alertId"      integer PRIMARY KEY,
    transaction_id bigint NOT NULL REFERENCES public.transactions,
    "raisedAt"     timestamptz NOT NULL,
    severity       risk.severity NOT NULL,
    resolved       boolean,
    evidence       jsonb NOT NULL
);
COMMENT ON TABLE risk."fraudAlerts" IS 'Transactions that a rule found suspicious.';
COMMENT ON COLUMN risk."fraudAlerts".resolved IS 'Null until somebody has looked at it.';

CREATE VIEW risk.exposure_by_country AS
SELECT c.country,
       count(*) AS open_loans,
       sum(l.principal) AS principal
FROM public.loans l
JOIN public.customers c USING (customer_id)
WHERE l.status <> 'repaid'
GROUP BY c.country;
COMMENT ON VIEW risk.exposure_by_country IS 'What is still lent, by the customers'' country.';

CREATE MATERIALIZED VIEW monthly_flows AS
SELECT date_trunc('month', booked_at AT TIME ZONE 'UTC')::date AS month,
       kind,
       count(*) AS transactions,
       sum(amount) AS amount
FROM transactions
GROUP BY 1, 2
WITH NO DATA;
COMMENT ON MATERIALIZED VIEW monthly_flows IS 'Refreshed at the end of data.sql.';

COMMIT;
