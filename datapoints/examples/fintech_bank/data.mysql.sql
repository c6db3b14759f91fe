-- The rows of data.sql, value for value, for MariaDB.

SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET @today = UTC_DATE();

-- A number from 0 to n - 1 that depends on its name and i alone.
CREATE FUNCTION pick(name varchar(40), i bigint, n bigint) RETURNS bigint
DETERMINISTIC NO SQL RETURN CONV(LEFT(MD5(CONCAT(name, i)), 8), 16, 10) MOD n;

START TRANSACTION;

INSERT INTO branches
SELECT seq,
       ELT(seq, 'Vienna', 'Graz', 'Berlin', 'Hamburg', 'Munich', 'Zurich', 'Geneva', 'Milan', 'Rome', 'Paris',
                'Lyon', 'Madrid', 'Lisbon', 'Prague', 'Warsaw', 'Dublin', 'Oslo', 'Helsinki', 'Ghent', 'Utrecht'),
       ELT(seq, 'AT', 'AT', 'DE', 'DE', 'DE', 'CH', 'CH', 'IT', 'IT', 'FR',
                'FR', 'ES', 'PT', 'CZ', 'PL', 'IE', 'NO', 'FI', 'BE', 'NL'),
       @today - INTERVAL 3000 + pick('branch', seq, 5000) DAY
FROM seq_1_to_20;

INSERT INTO customers
SELECT seq,
       CONCAT(ELT(1 + pick('given', seq, 20),
                  'Ada', 'Bruno', 'Chloé', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hana', 'Ivo', 'Jürgen',
                  'Katarína', 'Luis', 'Mei', 'Noor', 'Óscar', 'Priya', 'Quentin', 'Rosa', 'Søren', 'Tomasz'),
              ' ',
              ELT(1 + pick('family', seq, 20),
                  'Almeida', 'Bauer', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'García', 'Horvat', 'Ito', 'Jansen',
                  'Kowalski', 'Lindqvist', 'Müller', 'Novák', 'O''Brien', 'Petrov', 'Rossi', 'Singh', 'Tanaka', 'Weiß')),
       CONCAT('customer', seq, '@example.com'),
       ELT(1 + pick('country', seq, 10), 'AT', 'DE', 'CH', 'IT', 'FR', 'ES', 'PT', 'CZ', 'PL', 'IE'),
       ELT(1 + pick('segment', seq, 9),
           'retail', 'retail', 'retail', 'retail', 'retail', 'retail', 'premium', 'premium', 'business'),
       @today - INTERVAL 800 + pick('joined', seq, 3000) DAY,
       IF(pick('left', seq, 25) = 0, @today - INTERVAL pick('left on', seq, 700) DAY, NULL)
FROM seq_1_to_12000;

INSERT INTO accounts
SELECT row_number() OVER (ORDER BY customer_id, seq),
       customer_id,
       1 + pick('at', customer_id, 20),
       ELT(seq, 'checking', 'savings', 'brokerage'),
       IF(pick('currency', customer_id, 12) = 0, 'CHF', 'EUR'),
       joined_on + INTERVAL 30 * (seq - 1) DAY,
       (pick(CONCAT('balance', seq), customer_id, 5000000) - 100000) / 100
FROM customers, seq_1_to_3
WHERE seq <= 1 + pick('accounts', customer_id, 3);

SET @accounts = (SELECT count(*) FROM accounts);

INSERT INTO transactions
SELECT i,
       1 + pick('account', i, @accounts),
       @today - INTERVAL 60 + pick('booked', i, 730 * 86400) SECOND,
       CASE kind
           WHEN 'salary' THEN (120000 + pick('amount', i, 600000)) / 100
           WHEN 'fee' THEN -(100 + pick('amount', i, 2000)) / 100
           WHEN 'transfer' THEN (pick('amount', i, 400000) - 250000) / 100
           ELSE -(50 + pick('amount', i, 30000)) / 100
       END,
       kind,
       IF(kind NOT IN ('cash', 'fee'),
          ELT(1 + pick('party', i, 10),
              'Acme Energy', 'Blue Bakery', 'City Transit', 'Delta Insurance', 'Evergreen Rent', 'Fjord Books',
              'Globe Mobile', 'Harbour Café', 'Initech', 'Juniper Health'),
          NULL),
       REGEXP_REPLACE(MD5(CONCAT('reference', i)), '(.{8})(.{4})(.{4})(.{4})(.{12})', '\\1-\\2-\\3-\\4-\\5')
FROM (
    SELECT seq AS i,
           ELT(1 + pick('kind', seq, 10),
               'card', 'card', 'card', 'card', 'card', 'transfer', 'transfer', 'cash', 'salary', 'fee') AS kind
    FROM seq_1_to_160000
) AS booking;

INSERT INTO loans
SELECT seq,
       1 + pick('borrower', seq, 12000),
       1000 * (1 + pick('principal', seq, 400)),
       (150 + pick('rate', seq, 850)) / 10000,
       CONCAT(1 + pick('term', seq, 30), IF(pick('term', seq, 30) = 0, ' year', ' years')),
       @today - INTERVAL pick('granted', seq, 2500) DAY,
       ELT(1 + pick('status', seq, 8),
           'performing', 'performing', 'performing', 'performing', 'late', 'repaid', 'repaid', 'defaulted')
FROM seq_1_to_4000;

INSERT INTO `Customer Notes`
SELECT seq,
       1 + pick('about', seq, 12000),
       @today - INTERVAL 60 + pick('written', seq, 365 * 86400) SECOND,
       ELT(1 + pick('note', seq, 5),
           'Prefers to be called in the evening.', 'Asked about a mortgage; "no hurry".',
           'Moved house, papers follow.', 'Complained about fees,\nwhich were refunded.', 'Wants statements on paper.'),
       ELT(1 + pick('note', seq, 5), '["call"]', '["mortgage", "lead"]', '["address"]', '["complaint", "fees"]', '[]')
FROM seq_1_to_2500;

INSERT INTO credit_scores
SELECT customer_id,
       MAKEDATE(YEAR(@today), 1) + INTERVAL 3 * (QUARTER(@today) - 1 - seq) MONTH,
       300 + pick(CONCAT('score', seq), customer_id, 551),
       IF(seq < 2, 'v3', 'v2')
FROM customers, seq_0_to_3;

INSERT INTO `fraudAlerts`
SELECT row_number() OVER (ORDER BY transaction_id),
       transaction_id,
       booked_at + INTERVAL 5 + pick('delay', transaction_id, 3600) SECOND,
       ELT(1 + pick('severity', transaction_id, 6), 'low', 'low', 'low', 'medium', 'medium', 'high'),
       CASE pick('resolved', transaction_id, 4) WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END,
       JSON_OBJECT('rule', CONCAT('R', 1 + pick('rule', transaction_id, 9)),
                   'amount', amount,
                   'signals', JSON_ARRAY('velocity', kind))
FROM transactions
WHERE pick('suspicious', transaction_id, 100) = 0;

COMMIT;
DROP FUNCTION pick;

ANALYZE TABLE branches, customers, accounts, transactions, loans, `Customer Notes`, credit_scores, `fraudAlerts`;
