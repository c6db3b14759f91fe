-- The rows of data.sql, value for value, for MariaDB.

SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET @today = UTC_DATE();

-- A number from 0 to n - 1 that depends on its name and i alone.
CREATE FUNCTION pick(name varchar(40), i bigint, n bigint) RETURNS bigint
DETERMINISTIC NO SQL RETURN CONV(LEFT(MD5(CONCAT(name, i)), 8), 16, 10) MOD n;

START TRANSACTION;

INSERT INTO stores
SELECT seq,
       CONCAT('Green Basket ', city),
       city,
       (4000 + pick('area', seq, 26000)) / 10,
       TIME '06:30:00' + INTERVAL 30 * pick('opens', seq, 4) MINUTE,
       TIME '19:00:00' + INTERVAL 30 * pick('closes', seq, 6) MINUTE
FROM (
    SELECT seq,
           ELT(seq, 'Aarhus', 'Bergen', 'Bruges', 'Cork', 'Dresden', 'Ghent', 'Girona', 'Graz', 'Kraków', 'Linz',
                    'Lyon', 'Malmö', 'Porto', 'Salzburg', 'Sopron', 'Tampere', 'Toruń', 'Trento', 'Uppsala', 'Zürich')
               AS city
    FROM seq_1_to_20
) AS store;

INSERT INTO categories
SELECT seq, ELT(seq, 'Produce', 'Bakery', 'Dairy', 'Drinks', 'Household'), NULL
FROM seq_1_to_5;

INSERT INTO categories
SELECT 5 + seq,
       ELT(seq, 'Fruit', 'Vegetables', 'Herbs', 'Nuts',
                'Bread', 'Rolls', 'Cakes', 'Biscuits',
                'Milk', 'Cheese', 'Yoghurt', 'Butter',
                'Water', 'Juice', 'Coffee', 'Tea',
                'Cleaning', 'Paper', 'Candles', 'Pet food'),
       1 + (seq - 1) DIV 4
FROM seq_1_to_20;

INSERT INTO products
SELECT seq,
       category_id,
       CONCAT(ELT(1 + pick('brand', seq, 10),
                  'Alpine', 'Golden', 'Farm', 'Old Town', 'Sunny', 'Nordic', 'Grandma''s', 'Daily', 'Fine', 'Wild'),
              ' ', name, ' No. ', seq),
       (29 + pick('price', seq, 1970)) / 100,
       pick('organic', seq, 4) = 0,
       JSON_OBJECT('grams', 50 * (1 + pick('grams', seq, 40)), 'shelf', CONCAT('S-', pick('shelf', seq, 60)))
FROM seq_1_to_1500
JOIN categories ON category_id = 6 + pick('category', seq, 20);

INSERT INTO members
SELECT seq,
       CONCAT(ELT(1 + pick('given', seq, 10),
                  'Anna', 'Ben', 'Carla', 'David', 'Ewa', 'Filip', 'Giulia', 'Håkan', 'Inês', 'Jonas'),
              ' ',
              ELT(1 + pick('family', seq, 10),
                  'Berg', 'Cruz', 'Dahl', 'Esposito', 'Fuchs', 'Greco', 'Huber', 'Ivanov', 'Jensen', 'Król')),
       @today - INTERVAL 370 + pick('joined', seq, 2000) DAY,
       1 + pick('home', seq, 20)
FROM seq_1_to_6000;

INSERT INTO orders
SELECT seq,
       1 + pick('store', seq, 20),
       IF(pick('card', seq, 3) > 0, 1 + pick('member', seq, 6000), NULL),
       @today - INTERVAL 60 + pick('placed', seq, 365 * 86400) SECOND,
       ELT(1 + pick('channel', seq, 6), 'till', 'till', 'till', 'self-checkout', 'self-checkout', 'online')
FROM seq_1_to_45000;

INSERT INTO `orderLines`
SELECT order_id,
       n,
       product_id,
       IF(category_id IN (6, 7),
          (100 + pick(CONCAT('weight', n), order_id, 2400)) / 1000,
          1 + pick(CONCAT('pieces', n), order_id, 4)),
       `unitPrice`
FROM (
    SELECT order_id, seq AS n, 1 + pick(CONCAT('product', seq), order_id, 1500) AS product_id
    FROM orders, seq_1_to_5
    WHERE seq <= 1 + pick('lines', order_id, 5)
) AS line
JOIN products USING (product_id);

INSERT INTO transactions
SELECT CONCAT('T-', LPAD(order_id, 8, '0')),
       order_id,
       placed_at + INTERVAL 20 + pick('paying', order_id, 200) SECOND,
       method,
       total,
       IF(method = 'card', CONCAT('POS-', store_id, '-', 1 + pick('terminal', order_id, 8)), NULL)
FROM (
    SELECT order_id,
           placed_at,
           store_id,
           IF(channel = 'online', 'card',
              ELT(1 + pick('method', order_id, 6), 'card', 'card', 'card', 'cash', 'cash', 'voucher')) AS method,
           round(sum(quantity * price), 2) AS total
    FROM orders
    JOIN `orderLines` USING (order_id)
    GROUP BY order_id
) AS payment;

INSERT INTO suppliers
SELECT seq, CONCAT('Supplier ', CHAR(64 + seq)), SEC_TO_TIME(43200 * (1 + pick('lead', seq, 8)))
FROM seq_1_to_26;

INSERT INTO stock_levels
SELECT store_id,
       product_id,
       pick(CONCAT('stock', store_id), product_id, 203) - 3,
       @today - INTERVAL 60 + pick(CONCAT('counted', store_id), product_id, 14 * 86400) SECOND
FROM stores, products;

INSERT INTO `Delivery Slots`
SELECT CONCAT('["', @today + INTERVAL seq HOUR, '+00","', @today + INTERVAL seq * 60 + 45 MINUTE, '+00")'),
       1 + pick('lorry', seq, 26),
       CONCAT('D', 1 + pick('dock', seq, 6))
FROM seq_1_to_200;

INSERT INTO spoilage
SELECT @today - INTERVAL seq DAY,
       store_id,
       1 + pick(CONCAT('spoiled', seq), store_id, 1500),
       1 + pick(CONCAT('lost', seq), store_id, 30)
FROM seq_1_to_180, stores;

COMMIT;
DROP FUNCTION pick;

ANALYZE TABLE stores, categories, products, members, orders, `orderLines`, transactions, suppliers, stock_levels,
              `Delivery Slots`, spoilage;
