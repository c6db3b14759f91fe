-- The retail bank of schema.sql for MariaDB: the same tables and values, in one database.
-- MariaDB has no schemas inside a database: what `risk` holds stands beside the rest. Types that it lacks are
-- text or JSON of the same value, and the materialized view is a view.
-- Load into an empty database, then load data.mysql.sql.

SET NAMES utf8mb4;
SET time_zone = '+00:00';

CREATE TABLE branches (
    branch_id   integer PRIMARY KEY,
    city        varchar(60) NOT NULL,
    country     char(2) NOT NULL COMMENT 'ISO 3166 code of two letters.',
    opened_on   date NOT NULL
) COMMENT 'Where the bank has a counter.';

CREATE TABLE customers (
    customer_id integer PRIMARY KEY,
    full_name   varchar(80) NOT NULL,
    email       varchar(80) NOT NULL UNIQUE,
    country     char(2) NOT NULL,
    segment     varchar(20) NOT NULL DEFAULT 'retail' COMMENT 'How the customer is served: retail, premium or business.'
                CHECK (segment IN ('retail', 'premium', 'business')),
    joined_on   date NOT NULL,
    left_on     date COMMENT 'Null while the customer is with the bank.',
    CHECK (left_on IS NULL OR left_on >= joined_on)
) COMMENT 'Everyone who has or had an account.';

CREATE TABLE accounts (
    account_id  integer PRIMARY KEY,
    customer_id integer NOT NULL,
    branch_id   integer NOT NULL,
    kind        enum('checking', 'savings', 'brokerage') NOT NULL,
    currency    char(3) NOT NULL DEFAULT 'EUR',
    opened_on   date NOT NULL,
    balance     decimal(14, 2) NOT NULL COMMENT 'In the account''s currency, as of today.',
    FOREIGN KEY (customer_id) REFERENCES customers (customer_id),
    FOREIGN KEY (branch_id) REFERENCES branches (branch_id)
) COMMENT 'One row per account; a customer has one to three.';

CREATE TABLE transactions (
    transaction_id bigint PRIMARY KEY,
    account_id     integer NOT NULL,
    booked_at      timestamp NOT NULL,
    amount         decimal(12, 2) NOT NULL COMMENT 'In the account''s currency; negative when money left the account.',
    kind           varchar(20) NOT NULL CHECK (kind IN ('card', 'transfer', 'cash', 'salary', 'fee')),
    counterparty   varchar(60) COMMENT 'Who was paid or paid; null for cash and fees.',
    reference      char(36) NOT NULL,
    INDEX (account_id, booked_at),
    FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) COMMENT 'Money that moved on an account over the last two years.';

CREATE TABLE loans (
    loan_id     integer PRIMARY KEY,
    customer_id integer NOT NULL,
    principal   decimal(12, 2) NOT NULL,
    rate        decimal(6, 4) NOT NULL COMMENT 'Yearly interest; 0.0425 is 4.25 %.',
    term        varchar(20) NOT NULL,
    started_on  date NOT NULL,
    status      varchar(20) NOT NULL CHECK (status IN ('performing', 'late', 'defaulted', 'repaid')),
    FOREIGN KEY (customer_id) REFERENCES customers (customer_id)
) COMMENT 'Loans that were ever granted.';

CREATE TABLE `Customer Notes` (
    `Note Id`    integer PRIMARY KEY,
    `customerId` integer NOT NULL,
    `Written At` timestamp NOT NULL,
    `Text`       text NOT NULL,
    tags         json NOT NULL DEFAULT '[]',
    FOREIGN KEY (`customerId`) REFERENCES customers (customer_id)
) COMMENT 'Written by advisers; from an older system, hence the names.';

CREATE TABLE credit_scores (
    customer_id    integer NOT NULL,
    scored_on      date NOT NULL,
    score          smallint NOT NULL COMMENT '300 (worst) to 850 (best).' CHECK (score BETWEEN 300 AND 850),
    `modelVersion` varchar(10) NOT NULL,
    PRIMARY KEY (customer_id, scored_on),
    FOREIGN KEY (customer_id) REFERENCES customers (customer_id)
) COMMENT 'One score per customer and quarter.';

CREATE TABLE `fraudAlerts` (
    `alertId`      integer PRIMARY KEY,
    transaction_id bigint NOT NULL,
    `raisedAt`     timestamp NOT NULL,
    severity       enum('low', 'medium', 'high') NOT NULL,
    resolved       boolean COMMENT 'Null until somebody has looked at it.',
    evidence       json NOT NULL,
    FOREIGN KEY (transaction_id) REFERENCES transactions (transaction_id)
) COMMENT 'Transactions that a rule found suspicious.';

CREATE VIEW exposure_by_country AS
SELECT c.country,
       count(*) AS open_loans,
       sum(l.principal) AS principal
FROM loans l
JOIN customers c USING (customer_id)
WHERE l.status <> 'repaid'
GROUP BY c.country;

CREATE VIEW monthly_flows AS
SELECT CAST(DATE_FORMAT(booked_at, '%Y-%m-01') AS date) AS month,
       kind,
       count(*) AS transactions,
       sum(amount) AS amount
FROM transactions
GROUP BY 1, 2;
