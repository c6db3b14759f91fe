-- The rows of data.sql, value for value, for ClickHouse. Dates count back from today in UTC.

-- A number from 0 to n - 1 that depends on its name and i alone.
CREATE OR REPLACE FUNCTION pick AS (name, i, n) ->
    toInt64(reinterpretAsUInt32(reverse(substring(MD5(concat(name, toString(i))), 1, 4))) % n);

INSERT INTO stores
SELECT number + 1 AS i,
       concat('Green Basket ', city),
       ['Aarhus', 'Bergen', 'Bruges', 'Cork', 'Dresden', 'Ghent', 'Girona', 'Graz', 'Kraków', 'Linz',
        'Lyon', 'Malmö', 'Porto', 'Salzburg', 'Sopron', 'Tampere', 'Toruń', 'Trento', 'Uppsala', 'Zürich'][i] AS city,
       (4000 + pick('area', i, 26000)) / 10,
       formatDateTime(toDateTime('2000-01-01 06:30:00', 'UTC') + toIntervalMinute(30 * pick('opens', i, 4)), '%T'),
       formatDateTime(toDateTime('2000-01-01 19:00:00', 'UTC') + toIntervalMinute(30 * pick('closes', i, 6)), '%T')
FROM numbers(20);

INSERT INTO categories
SELECT number + 1, ['Produce', 'Bakery', 'Dairy', 'Drinks', 'Household'][number + 1], NULL
FROM numbers(5);

INSERT INTO categories
SELECT 6 + number,
       ['Fruit', 'Vegetables', 'Herbs', 'Nuts',
        'Bread', 'Rolls', 'Cakes', 'Biscuits',
        'Milk', 'Cheese', 'Yoghurt', 'Butter',
        'Water', 'Juice', 'Coffee', 'Tea',
        'Cleaning', 'Paper', 'Candles', 'Pet food'][number + 1],
       1 + intDiv(number, 4)
FROM numbers(20);

INSERT INTO products
SELECT i,
       category_id,
       concat(['Alpine', 'Golden', 'Farm', 'Old Town', 'Sunny', 'Nordic', 'Grandma''s', 'Daily', 'Fine', 'Wild']
                  [1 + pick('brand', i, 10)],
              ' ', name, ' No. ', toString(i)),
       toDecimal64(29 + pick('price', i, 1970), 2) / 100,
       pick('organic', i, 4) = 0,
       concat('{"grams": ', toString(50 * (1 + pick('grams', i, 40))),
              ', "shelf": "S-', toString(pick('shelf', i, 60)), '"}')
FROM (SELECT number + 1 AS i, 6 + pick('category', number + 1, 20) AS category_id FROM numbers(1500)) AS product
JOIN categories USING (category_id);

INSERT INTO members
SELECT number + 1 AS i,
       concat(['Anna', 'Ben', 'Carla', 'David', 'Ewa', 'Filip', 'Giulia', 'Håkan', 'Inês', 'Jonas']
                  [1 + pick('given', i, 10)],
              ' ',
              ['Berg', 'Cruz', 'Dahl', 'Esposito', 'Fuchs', 'Greco', 'Huber', 'Ivanov', 'Jensen', 'Król']
                  [1 + pick('family', i, 10)]),
       toDate(now('UTC')) - toIntervalDay(370 + pick('joined', i, 2000)),
       1 + pick('home', i, 20)
FROM numbers(6000);

INSERT INTO orders
SELECT number + 1 AS i,
       1 + pick('store', i, 20),
       if(pick('card', i, 3) > 0, 1 + pick('member', i, 6000), NULL),
       toDateTime(toDate(now('UTC')), 'UTC') - toIntervalSecond(60 + pick('placed', i, 365 * 86400)),
       ['till', 'till', 'till', 'self-checkout', 'self-checkout', 'online'][1 + pick('channel', i, 6)]
FROM numbers(45000);

INSERT INTO orderLines
SELECT order_id,
       n,
       product_id,
       if(category_id IN (6, 7),
          toDecimal64(100 + pick(concat('weight', toString(n)), order_id, 2400), 3) / 1000,
          toDecimal64(1 + pick(concat('pieces', toString(n)), order_id, 4), 3)),
       unitPrice
FROM (
    SELECT order_id, n, toInt32(1 + pick(concat('product', toString(n)), order_id, 1500)) AS product_id
    FROM (SELECT order_id, arrayJoin([1, 2, 3, 4, 5]) AS n FROM orders)
    WHERE n <= 1 + pick('lines', order_id, 5)
) AS line
JOIN products USING (product_id);

INSERT INTO transactions
SELECT concat('T-', leftPad(toString(order_id), 8, '0')),
       order_id,
       placed_at + toIntervalSecond(20 + pick('paying', order_id, 200)),
       multiIf(channel = 'online', 'card',
               ['card', 'card', 'card', 'cash', 'cash', 'voucher'][1 + pick('method', order_id, 6)]) AS method,
       total,
       if(method = 'card',
          concat('POS-', toString(store_id), '-', toString(1 + pick('terminal', order_id, 8))),
          NULL)
FROM orders
JOIN (
    SELECT order_id, round(sum(quantity * price), 2) AS total
    FROM orderLines
    GROUP BY order_id
) AS payment USING (order_id);

INSERT INTO suppliers
SELECT number + 1 AS i,
       concat('Supplier ', char(64 + i)),
       concat(leftPad(toString(12 * (1 + pick('lead', i, 8))), 2, '0'), ':00:00')
FROM numbers(26);

INSERT INTO stock_levels
SELECT store_id,
       product_id,
       pick(concat('stock', toString(store_id)), product_id, 203) - 3,
       toDateTime(toDate(now('UTC')), 'UTC')
           - toIntervalSecond(60 + pick(concat('counted', toString(store_id)), product_id, 14 * 86400))
FROM stores
CROSS JOIN products;

INSERT INTO `Delivery Slots`
SELECT concat('["', toString(start), '+00","', toString(start + toIntervalMinute(45)), '+00")'),
       1 + pick('lorry', i, 26),
       concat('D', toString(1 + pick('dock', i, 6)))
FROM (
    SELECT number + 1 AS i, toDateTime(toDate(now('UTC')), 'UTC') + toIntervalHour(number + 1) AS start
    FROM numbers(200)
);

INSERT INTO spoilage
SELECT toDate(now('UTC')) - toIntervalDay(d),
       store_id,
       1 + pick(concat('spoiled', toString(d)), store_id, 1500),
       1 + pick(concat('lost', toString(d)), store_id, 30)
FROM (SELECT store_id, arrayJoin(range(1, 181)) AS d FROM stores);

DROP FUNCTION pick;
