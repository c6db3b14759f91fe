-- The rows of data.sql, value for value, for ClickHouse. Dates count back from today in UTC.

-- A number from 0 to n - 1 that depends on its name and i alone.
CREATE OR REPLACE FUNCTION pick AS (name, i, n) ->
    toInt64(reinterpretAsUInt32(reverse(substring(MD5(concat(name, toString(i))), 1, 4))) % n);

INSERT INTO branches
SELECT number + 1,
       ['Vienna', 'Graz', 'Berlin', 'Hamburg', 'Munich', 'Zurich', 'Geneva', 'Milan', 'Rome', 'Paris',
        'Lyon', 'Madrid', 'Lisbon', 'Prague', 'Warsaw', 'Dublin', 'Oslo', 'Helsinki', 'Ghent', 'Utrecht'][number + 1],
       ['AT', 'AT', 'DE', 'DE', 'DE', 'CH', 'CH', 'IT', 'IT', 'FR',
        'FR', 'ES', 'PT', 'CZ', 'PL', 'IE', 'NO', 'FI', 'BE', 'NL'][number + 1],
       toDate(now('UTC')) - toIntervalDay(3000 + pick('branch', number + 1, 5000))
FROM numbers(20);

INSERT INTO customers
SELECT number + 1 AS i,
       concat(['Ada', 'Bruno', 'Chloé', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hana', 'Ivo', 'Jürgen',
               'Katarína', 'Luis', 'Mei', 'Noor', 'Óscar', 'Priya', 'Quentin', 'Rosa', 'Søren', 'Tomasz']
                  [1 + pick('given', i, 20)],
              ' ',
              ['Almeida', 'Bauer', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'García', 'Horvat', 'Ito', 'Jansen',
               'Kowalski', 'Lindqvist', 'Müller', 'Novák', 'O''Brien', 'Petrov', 'Rossi', 'Singh', 'Tanaka', 'Weiß']
                  [1 + pick('family', i, 20)]),
       concat('customer', toString(i), '@example.com'),
       ['AT', 'DE', 'CH', 'IT', 'FR', 'ES', 'PT', 'CZ', 'PL', 'IE'][1 + pick('country', i, 10)],
       ['retail', 'retail', 'retail', 'retail', 'retail', 'retail', 'premium', 'premium', 'business']
           [1 + pick('segment', i, 9)],
       toDate(now('UTC')) - toIntervalDay(800 + pick('joined', i, 3000)),
       if(pick('left', i, 25) = 0, toDate(now('UTC')) - toIntervalDay(pick('left on', i, 700)), NULL)
FROM numbers(12000);

INSERT INTO accounts
SELECT row_number() OVER (ORDER BY customer_id, n),
       customer_id,
       1 + pick('at', customer_id, 20),
       ['checking', 'savings', 'brokerage'][n],
       if(pick('currency', customer_id, 12) = 0, 'CHF', 'EUR'),
       joined_on + toIntervalDay(30 * (n - 1)),
       toDecimal64(pick(concat('balance', toString(n)), customer_id, 5000000) - 100000, 2) / 100
FROM (
    SELECT customer_id, joined_on, arrayJoin([1, 2, 3]) AS n
    FROM customers
)
WHERE n <= 1 + pick('accounts', customer_id, 3);

INSERT INTO transactions
SELECT i,
       1 + pick('account', i, (SELECT count() FROM accounts)),
       toDateTime(toDate(now('UTC')), 'UTC') - toIntervalSecond(60 + pick('booked', i, 730 * 86400)),
       toDecimal64(multiIf(
           kind = 'salary', 120000 + pick('amount', i, 600000),
           kind = 'fee', -(100 + pick('amount', i, 2000)),
           kind = 'transfer', pick('amount', i, 400000) - 250000,
           -(50 + pick('amount', i, 30000))), 2) / 100,
       kind,
       if(kind NOT IN ('cash', 'fee'),
          ['Acme Energy', 'Blue Bakery', 'City Transit', 'Delta Insurance', 'Evergreen Rent', 'Fjord Books',
           'Globe Mobile', 'Harbour Café', 'Initech', 'Juniper Health'][1 + pick('party', i, 10)],
          NULL),
       toUUID(UUIDNumToString(MD5(concat('reference', toString(i)))))
FROM (
    SELECT number + 1 AS i,
           ['card', 'card', 'card', 'card', 'card', 'transfer', 'transfer', 'cash', 'salary', 'fee']
               [1 + pick('kind', i, 10)] AS kind
    FROM numbers(160000)
);

INSERT INTO loans
SELECT number + 1 AS i,
       1 + pick('borrower', i, 12000),
       1000 * (1 + pick('principal', i, 400)),
       toDecimal64(150 + pick('rate', i, 850), 4) / 10000,
       concat(toString(1 + pick('term', i, 30)), if(pick('term', i, 30) = 0, ' year', ' years')),
       toDate(now('UTC')) - toIntervalDay(pick('granted', i, 2500)),
       ['performing', 'performing', 'performing', 'performing', 'late', 'repaid', 'repaid', 'defaulted']
           [1 + pick('status', i, 8)]
FROM numbers(4000);

INSERT INTO `Customer Notes`
SELECT number + 1 AS i,
       1 + pick('about', i, 12000),
       toDateTime(toDate(now('UTC')), 'UTC') - toIntervalSecond(60 + pick('written', i, 365 * 86400)),
       ['Prefers to be called in the evening.', 'Asked about a mortgage; "no hurry".', 'Moved house, papers follow.',
        'Complained about fees,\nwhich were refunded.', 'Wants statements on paper.'][1 + pick('note', i, 5)],
       [['call'], ['mortgage', 'lead'], ['address'], ['complaint', 'fees'], []][1 + pick('note', i, 5)]
FROM numbers(2500);

INSERT INTO credit_scores
SELECT customer_id,
       toStartOfQuarter(toDate(now('UTC'))) - toIntervalMonth(3 * q),
       300 + pick(concat('score', toString(q)), customer_id, 551),
       if(q < 2, 'v3', 'v2')
FROM (SELECT customer_id, arrayJoin([0, 1, 2, 3]) AS q FROM customers);

INSERT INTO fraudAlerts
SELECT row_number() OVER (ORDER BY transaction_id),
       transaction_id,
       booked_at + toIntervalSecond(5 + pick('delay', transaction_id, 3600)),
       ['low', 'low', 'low', 'medium', 'medium', 'high'][1 + pick('severity', transaction_id, 6)],
       multiIf(pick('resolved', transaction_id, 4) = 0, NULL, pick('resolved', transaction_id, 4) = 1, true, false),
       concat('{"rule": "R', toString(1 + pick('rule', transaction_id, 9)),
              '", "amount": ', toDecimalString(amount, 2), ', "signals": ["velocity", "', kind, '"]}')
FROM transactions
WHERE pick('suspicious', transaction_id, 100) = 0;

DROP FUNCTION pick;
