-- The same rows on every machine, apart from dates, which count back from today.

\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';

-- A number from 0 to n - 1 that depends on its name and i alone.
CREATE FUNCTION pg_temp.pick(name text, i bigint, n bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || left(md5(name || i::text), 8))::bit(32)::bigint % n $$;

INSERT INTO stores
SELECT i,
       'Green Basket ' || city,
       city,
       (4000 + pg_temp.pick('area', i, 26000)) / 10.0,
       time '06:30' + make_interval(mins => 30 * pg_temp.pick('opens', i, 4)::integer),
       time '19:00' + make_interval(mins => 30 * pg_temp.pick('closes', i, 6)::integer)
FROM unnest(ARRAY['Aarhus', 'Bergen', 'Bruges', 'Cork', 'Dresden', 'Ghent', 'Girona', 'Graz', 'Kraków', 'Linz',
                  'Lyon', 'Malmö', 'Porto', 'Salzburg', 'Sopron', 'Tampere', 'Toruń', 'Trento', 'Uppsala', 'Zürich'])
     WITH ORDINALITY AS store (city, i);

INSERT INTO categories
SELECT i, name, NULL
FROM unnest(ARRAY['Produce', 'Bakery', 'Dairy', 'Drinks', 'Household']) WITH ORDINALITY AS department (name, i);

INSERT INTO categories
SELECT 5 + i, name, 1 + (i - 1) / 4
FROM unnest(ARRAY['Fruit', 'Vegetables', 'Herbs', 'Nuts',
                  'Bread', 'Rolls', 'Cakes', 'Biscuits',
                  'Milk', 'Cheese', 'Yoghurt', 'Butter',
                  'Water', 'Juice', 'Coffee', 'Tea',
                  'Cleaning', 'Paper', 'Candles', 'Pet food']) WITH ORDINALITY AS category (name, i);

INSERT INTO products
SELECT i,
       category_id,
       (ARRAY['Alpine', 'Golden', 'Farm', 'Old Town', 'Sunny', 'Nordic', 'Grandma''s', 'Daily', 'Fine', 'Wild'])
           [1 + pg_temp.pick('brand', i, 10)] || ' ' || name || ' No. ' || i,
       (29 + pg_temp.pick('price', i, 1970)) / 100.0,
       pg_temp.pick('organic', i, 4) = 0,
       jsonb_build_object('grams', 50 * (1 + pg_temp.pick('grams', i, 40)), 'shelf', 'S-' || pg_temp.pick('shelf', i, 60))
FROM generate_series(1, 1500) AS i
JOIN categories ON category_id = 6 + pg_temp.pick('category', i, 20);

INSERT INTO members
SELECT i,
       (ARRAY['Anna', 'Ben', 'Carla', 'David', 'Ewa', 'Filip', 'Giulia', 'Håkan', 'Inês', 'Jonas'])
           [1 + pg_temp.pick('given', i, 10)]
           || ' ' ||
       (ARRAY['Berg', 'Cruz', 'Dahl', 'Esposito', 'Fuchs', 'Greco', 'Huber', 'Ivanov', 'Jensen', 'Król'])
           [1 + pg_temp.pick('family', i, 10)],
       CURRENT_DATE - (370 + pg_temp.pick('joined', i, 2000))::integer,
       1 + pg_temp.pick('home', i, 20)
FROM generate_series(1, 6000) AS i;

INSERT INTO orders
SELECT i,
       1 + pg_temp.pick('store', i, 20),
       CASE WHEN pg_temp.pick('card', i, 3) > 0 THEN 1 + pg_temp.pick('member', i, 6000) END,
       CURRENT_DATE - make_interval(secs => 60 + pg_temp.pick('placed', i, 365 * 86400)),
       (ARRAY['till', 'till', 'till', 'self-checkout', 'self-checkout', 'online'])[1 + pg_temp.pick('channel', i, 6)]
FROM generate_series(1, 45000) AS i;

INSERT INTO "orderLines"
SELECT order_id,
       n,
       product_id,
       CASE WHEN category_id IN (6, 7)
            THEN (100 + pg_temp.pick('weight' || n, order_id, 2400)) / 1000.0
            ELSE 1 + pg_temp.pick('pieces' || n, order_id, 4) END,
       "unitPrice"
FROM orders, generate_series(1, 5) AS n
JOIN products ON true
WHERE n <= 1 + pg_temp.pick('lines', order_id, 5)
  AND product_id = 1 + pg_temp.pick('product' || n, order_id, 1500);

INSERT INTO transactions
SELECT 'T-' || lpad(order_id::text, 8, '0'),
       order_id,
       placed_at + make_interval(secs => 20 + pg_temp.pick('paying', order_id, 200)),
       method,
       total,
       CASE WHEN method = 'card' THEN 'POS-' || store_id || '-' || 1 + pg_temp.pick('terminal', order_id, 8) END
FROM (
    SELECT order_id,
           placed_at,
           store_id,
           CASE WHEN channel = 'online' THEN 'card'
                ELSE (ARRAY['card', 'card', 'card', 'cash', 'cash', 'voucher'])[1 + pg_temp.pick('method', order_id, 6)]
           END AS method,
           round(sum(quantity * price), 2) AS total
    FROM orders
    JOIN "orderLines" USING (order_id)
    GROUP BY order_id
) AS payment;

INSERT INTO warehouse.suppliers
SELECT i, 'Supplier ' || chr(64 + i), make_interval(hours => 12 * (1 + pg_temp.pick('lead', i, 8))::integer)
FROM generate_series(1, 26) AS i;

INSERT INTO warehouse.stock_levels
SELECT store_id,
       product_id,
       pg_temp.pick('stock' || store_id, product_id, 203) - 3,
       CURRENT_DATE - make_interval(secs => 60 + pg_temp.pick('counted' || store_id, product_id, 14 * 86400))
FROM stores, products;

INSERT INTO warehouse."Delivery Slots"
SELECT tstzrange(start, start + interval '45 minutes'),
       1 + pg_temp.pick('lorry', i, 26),
       'D' || 1 + pg_temp.pick('dock', i, 6)
FROM generate_series(1, 200) AS i,
     LATERAL (SELECT (CURRENT_DATE + make_interval(hours => i::integer))::timestamptz AS start) AS slot;

INSERT INTO warehouse.spoilage
SELECT CURRENT_DATE - d,
       store_id,
       1 + pg_temp.pick('spoiled' || d, store_id, 1500),
       1 + pg_temp.pick('lost' || d, store_id, 30)
FROM generate_series(1, 180) AS d, stores;

COMMIT;

ANALYZE;
