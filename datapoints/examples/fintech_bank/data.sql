-- The same rows on every machine, apart from dates, which count back from today.

\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';

-- A number from 0 to n - 1 that depends on its name and i alone.
CREATE FUNCTION pg_temp.pick(name text, i bigint, n bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || left(md5(name || i::text), 8))::bit(32)::bigint % n $$;

INSERT INTO branches
SELECT i,
       city,
       country,
       CURRENT_DATE - (3000 + pg_temp.pick('branch', i, 5000))::integer
FROM unnest(
         ARRAY['Vienna', 'Graz', 'Berlin', 'Hamburg', 'Munich', 'Zurich', 'Geneva', 'Milan', 'Rome', 'Paris',
               'Lyon', 'Madrid', 'Lisbon', 'Prague', 'Warsaw', 'Dublin', 'Oslo', 'Helsinki', 'Ghent', 'Utrecht'],
         ARRAY['AT', 'AT', 'DE', 'DE', 'DE', 'CH', 'CH', 'IT', 'IT', 'FR',
               'FR', 'ES', 'PT', 'CZ', 'PL', 'IE', 'NO', 'FI', 'BE', 'NL']
     ) WITH ORDINALITY AS branch (city, country, i);

INSERT INTO customers
SELECT i,
       (ARRAY['Ada', 'Bruno', 'Chloé', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hana', 'Ivo', 'Jürgen',
              'Katarína', 'Luis', 'Mei', 'Noor', 'Óscar', 'Priya', 'Quentin', 'Rosa', 'Søren', 'Tomasz'])
           [1 + pg_temp.pick('given', i, 20)]
           || ' ' ||
       (ARRAY['Almeida', 'Bauer', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'García', 'Horvat', 'Ito', 'Jansen',
              'Kowalski', 'Lindqvist', 'Müller', 'Novák', 'O''Brien', 'Petrov', 'Rossi', 'Singh', 'Tanaka', 'Weiß'])
           [1 + pg_temp.pick('family', i, 20)],
       'customer' || i || '@example.com',
       (ARRAY['AT', 'DE', 'CH', 'IT', 'FR', 'ES', 'PT', 'CZ', 'PL', 'IE'])[1 + pg_temp.pick('country', i, 10)],
       (ARRAY['retail', 'retail', 'retail', 'retail', 'retail', 'retail', 'premium', 'premium', 'business'])
           [1 + pg_temp.pick('segment', i, 9)],
       CURRENT_DATE - (800 + pg_temp.pick('joined', i, 3000))::integer,
       CASE WHEN pg_temp.pick('left', i, 25) = 0
            THEN CURRENT_DATE - pg_temp.pick('left on', i, 700)::integer END
FROM generate_series(1, 12000) AS i;

INSERT INTO accounts
SELECT row_number() OVER (ORDER BY customer_id, n),
       customer_id,
       1 + pg_temp.pick('at', customer_id, 20),
       (ARRAY['checking', 'savings', 'brokerage'])[n]::account_kind,
       CASE WHEN pg_temp.pick('currency', customer_id, 12) = 0 THEN 'CHF' ELSE 'EUR' END,
       joined_on + (30 * (n - 1))::integer,
       (pg_temp.pick('balance' || n, customer_id, 5000000) - 100000) / 100.0
FROM customers, generate_series(1, 3) AS n
WHERE n <= 1 + pg_temp.pick('accounts', customer_id, 3);

INSERT INTO transactions
SELECT i,
       1 + pg_temp.pick('account', i, (SELECT count(*) FROM accounts)),
       CURRENT_DATE - make_interval(secs => 60 + pg_temp.pick('booked', i, 730 * 86400)),
       CASE kind
           WHEN 'salary' THEN (120000 + pg_temp.pick('amount', i, 600000)) / 100.0
           WHEN 'fee' THEN -(100 + pg_temp.pick('amount', i, 2000)) / 100.0
           WHEN 'transfer' THEN (pg_temp.pick('amount', i, 400000) - 250000) / 100.0
           ELSE -(50 + pg_temp.pick('amount', i, 30000)) / 100.0
       END,
       kind,
       CASE WHEN kind NOT IN ('cash', 'fee') THEN
           (ARRAY['Acme Energy', 'Blue Bakery', 'City Transit', 'Delta Insurance', 'Evergreen Rent', 'Fjord Books',
                  'Globe Mobile', 'Harbour Café', 'Initech', 'Juniper Health'])[1 + pg_temp.pick('party', i, 10)] END,
       md5('reference' || i)::uuid
FROM (
    SELECT i,
           (ARRAY['card', 'card', 'card', 'card', 'card', 'transfer', 'transfer', 'cash', 'salary', 'fee'])
               [1 + pg_temp.pick('kind', i, 10)] AS kind
    FROM generate_series(1, 160000) AS i
) AS booking;

INSERT INTO loans
SELECT i,
       1 + pg_temp.pick('borrower', i, 12000),
       1000 * (1 + pg_temp.pick('principal', i, 400)),
       (150 + pg_temp.pick('rate', i, 850)) / 10000.0,
       make_interval(months => 12 * (1 + pg_temp.pick('term', i, 30))::integer),
       CURRENT_DATE - pg_temp.pick('granted', i, 2500)::integer,
       (ARRAY['performing', 'performing', 'performing', 'performing', 'late', 'repaid', 'repaid', 'defaulted'])
           [1 + pg_temp.pick('status', i, 8)]
FROM generate_series(1, 4000) AS i;

INSERT INTO "Customer Notes"
SELECT i,
       1 + pg_temp.pick('about', i, 12000),
       CURRENT_DATE - make_interval(secs => 60 + pg_temp.pick('written', i, 365 * 86400)),
       (ARRAY['Prefers to be called in the evening.', 'Asked about a mortgage; "no hurry".',
              'Moved house, papers follow.', 'Complained about fees,
which were refunded.', 'Wants statements on paper.'])[1 + pg_temp.pick('note', i, 5)],
       string_to_array((ARRAY['call', 'mortgage,lead', 'address', 'complaint,fees', ''])[1 + pg_temp.pick('note', i, 5)], ',')
FROM generate_series(1, 2500) AS i;

INSERT INTO risk.credit_scores
SELECT customer_id,
       (date_trunc('quarter', CURRENT_DATE) - make_interval(months => 3 * q))::date,
       300 + pg_temp.pick('score' || q, customer_id, 551),
       CASE WHEN q < 2 THEN 'v3' ELSE 'v2' END
FROM customers, generate_series(0, 3) AS q;

INSERT INTO risk."fraudAlerts"
SELECT row_number() OVER (ORDER BY transaction_id),
       transaction_id,
       booked_at + make_interval(secs => 5 + pg_temp.pick('delay', transaction_id, 3600)),
       (ARRAY['low', 'low', 'low', 'medium', 'medium', 'high'])[1 + pg_temp.pick('severity', transaction_id, 6)]::risk.severity,
       CASE pg_temp.pick('resolved', transaction_id, 4) WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END,
       jsonb_build_object(
           'rule', 'R' || 1 + pg_temp.pick('rule', transaction_id, 9),
           'amount', amount,
           'signals', jsonb_build_array('velocity', kind)
       )
FROM transactions
WHERE pg_temp.pick('suspicious', transaction_id, 100) = 0;

REFRESH MATERIALIZED VIEW monthly_flows;
COMMIT;

ANALYZE;
