-- The retail bank of schema.sql for ClickHouse: the same tables and values, in one database.
-- What `risk` holds stands beside the rest; types that ClickHouse lacks are text of the same value, and the
-- materialized view is a view.
-- Load into an empty database, then load data.clickhouse.sql.

CREATE TABLE branches (
    branch_id   Int32,
    city        String,
    country     String COMMENT 'ISO 3166 code of two letters.',
    opened_on   Date
) ENGINE = MergeTree ORDER BY branch_id COMMENT 'Where the bank has a counter.';

CREATE TABLE customers (
    customer_id Int32,
    full_name   String,
    email       String,
    country     String,
    segment     String DEFAULT 'retail' COMMENT 'How the customer is served: retail, premium or business.',
    joined_on   Date,
    left_on     Nullable(Date) COMMENT 'Null while the customer is with the bank.'
) ENGINE = MergeTree ORDER BY customer_id COMMENT 'Everyone who has or had an account.';

CREATE TABLE accounts (
    account_id  Int32,
    customer_id Int32,
    branch_id   Int32,
    kind        Enum8('checking' = 1, 'savings' = 2, 'brokerage' = 3),
    currency    String DEFAULT 'EUR',
    opened_on   Date,
    balance     Decimal(14, 2) COMMENT 'In the account''s currency, as of today.'
) ENGINE = MergeTree ORDER BY account_id COMMENT 'One row per account; a customer has one to three.';

CREATE TABLE transactions (
    transaction_id Int64,
    account_id     Int32,
    booked_at      DateTime('UTC'),
    amount         Decimal(12, 2) COMMENT 'In the account''s currency; negative when money left the account.',
    kind           String,
    counterparty   Nullable(String) COMMENT 'Who was paid or paid; null for cash and fees.',
    reference      UUID
) ENGINE = MergeTree ORDER BY (account_id, booked_at) COMMENT 'Money that moved on an account over the last two years.';

CREATE TABLE loans (
    loan_id     Int32,
    customer_id Int32,
    principal   Decimal(12, 2),
    rate        Decimal(6, 4) COMMENT 'Yearly interest; 0.0425 is 4.25 %.',
    term        String,
    started_on  Date,
    status      String
) ENGINE = MergeTree ORDER BY loan_id COMMENT 'Loans that were ever granted.';

CREATE TABLE `Customer Notes` (
    `Note Id`    Int32,
    customerId   Int32,
    `Written At` DateTime('UTC'),
    `Text`       String,
    tags         Array(String)
) ENGINE = MergeTree ORDER BY `Note Id` COMMENT 'Written by advisers; from an older system, hence the names.';

CREATE TABLE credit_scores (
    customer_id  Int32,
    scored_on    Date,
    score        Int16 COMMENT '300 (worst) to 850 (best).',
    modelVersion String
) ENGINE = MergeTree ORDER BY (customer_id, scored_on) COMMENT 'One score per customer and quarter.';

CREATE TABLE fraudAlerts (
    alertId        Int32,
    transaction_id Int64,
    raisedAt       DateTime('UTC'),
    severity       Enum8('low' = 1, 'medium' = 2, 'high' = 3),
    resolved       Nullable(Bool) COMMENT 'Null until somebody has looked at it.',
    evidence       String
) ENGINE = MergeTree ORDER BY alertId COMMENT 'Transactions that a rule found suspicious.';

CREATE VIEW exposure_by_country AS
SELECT c.country AS country,
       count(*) AS open_loans,
       sum(l.principal) AS principal
FROM loans AS l
JOIN customers AS c ON c.customer_id = l.customer_id
WHERE l.status <> 'repaid'
GROUP BY c.country;

CREATE VIEW monthly_flows AS
SELECT toStartOfMonth(booked_at) AS month,
       kind,
       count(*) AS transactions,
       sum(t.amount) AS amount
FROM transactions AS t
GROUP BY month, kind;
