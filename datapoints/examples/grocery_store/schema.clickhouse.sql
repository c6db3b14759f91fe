-- The grocery stores of schema.sql for ClickHouse: the same tables and values, in one database.
-- What `warehouse` holds stands beside the rest; types that ClickHouse lacks are text of the same value.
-- Load into an empty database, then load data.clickhouse.sql.

CREATE TABLE stores (
    store_id  Int32,
    name      String,
    city      String,
    area_m2   Float32 COMMENT 'Sales area in square metres.',
    opens     String,
    closes    String
) ENGINE = MergeTree ORDER BY store_id COMMENT 'The shops of the chain.';

CREATE TABLE categories (
    category_id Int32,
    name        String,
    parent_id   Nullable(Int32)
) ENGINE = MergeTree ORDER BY category_id COMMENT 'A tree of two levels; departments have no parent.';

CREATE TABLE products (
    product_id  Int32,
    category_id Int32,
    name        String,
    unitPrice   Decimal(8, 2) COMMENT 'Today''s price in EUR, tax included.',
    organic     Bool,
    attributes  String DEFAULT '{}'
) ENGINE = MergeTree ORDER BY product_id COMMENT 'Everything that was ever on offer.';

CREATE TABLE members (
    member_id  Int32,
    full_name  String,
    joined_on  Date,
    home_store Int32
) ENGINE = MergeTree ORDER BY member_id COMMENT 'Customers with a loyalty card.';

CREATE TABLE orders (
    order_id  Int32,
    store_id  Int32,
    member_id Nullable(Int32) COMMENT 'Null when no loyalty card was shown.',
    placed_at DateTime('UTC'),
    channel   String
) ENGINE = MergeTree ORDER BY order_id COMMENT 'Purchases of the last year.';

CREATE TABLE orderLines (
    order_id   Int32,
    lineNo     Int16,
    product_id Int32,
    quantity   Decimal(7, 3) COMMENT 'Pieces, or kilograms for loose goods.',
    price      Decimal(8, 2) COMMENT 'Per piece or kilogram, in EUR, at the time of the order.'
) ENGINE = MergeTree ORDER BY (order_id, lineNo) COMMENT 'What was bought; one row per product of an order.';

CREATE TABLE transactions (
    transaction_id String,
    order_id       Int32,
    paid_at        DateTime('UTC'),
    method         String,
    total          Decimal(10, 2),
    terminal       Nullable(String) COMMENT 'The card reader; null when it was not needed.'
) ENGINE = MergeTree ORDER BY transaction_id COMMENT 'Payments at the till; one per order.';

CREATE TABLE suppliers (
    supplier_id Int32,
    name        String,
    lead_time   String
) ENGINE = MergeTree ORDER BY supplier_id COMMENT 'Who delivers.';

CREATE TABLE stock_levels (
    store_id    Int32,
    product_id  Int32,
    on_hand     Int32 COMMENT 'Pieces or kilograms; negative after a miscount.',
    counted_at  DateTime('UTC')
) ENGINE = MergeTree ORDER BY (store_id, product_id) COMMENT 'What lay in a store when it was last counted.';

CREATE TABLE `Delivery Slots` (
    `Slot`        String COMMENT 'From and to, as PostgreSQL writes a range.',
    `Supplier Id` Int32,
    `Dock`        String
) ENGINE = MergeTree ORDER BY `Slot` COMMENT 'When a lorry of which supplier is expected.';

CREATE TABLE spoilage (
    spoiled_on Date,
    store_id   Int32,
    product_id Int32,
    quantity   Int32
) ENGINE = MergeTree ORDER BY (spoiled_on, store_id, product_id) COMMENT 'What was thrown away, by day.';

CREATE VIEW daily_sales AS
SELECT toDate(o.placed_at) AS day,
       o.store_id AS store_id,
       count(DISTINCT o.order_id) AS orders,
       CAST(round(sum(l.quantity * l.price), 2) AS Decimal(12, 2)) AS revenue
FROM orders AS o
JOIN orderLines AS l ON l.order_id = o.order_id
GROUP BY day, store_id;
