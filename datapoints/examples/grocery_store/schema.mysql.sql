-- The grocery stores of schema.sql for MariaDB: the same tables and values, in one database.
-- MariaDB has no schemas inside a database: what `warehouse` holds stands beside the rest. Types that it lacks are
-- text or JSON of the same value, and `spoilage` is not partitioned.
-- Load into an empty database, then load data.mysql.sql.

SET NAMES utf8mb4;
SET time_zone = '+00:00';

CREATE TABLE stores (
    store_id  integer PRIMARY KEY,
    name      varchar(60) NOT NULL UNIQUE,
    city      varchar(60) NOT NULL,
    area_m2   float NOT NULL COMMENT 'Sales area in square metres.',
    opens     time NOT NULL,
    closes    time NOT NULL
) COMMENT 'The shops of the chain.';

CREATE TABLE categories (
    category_id integer PRIMARY KEY,
    name        varchar(60) NOT NULL UNIQUE,
    parent_id   integer,
    FOREIGN KEY (parent_id) REFERENCES categories (category_id)
) COMMENT 'A tree of two levels; departments have no parent.';

CREATE TABLE products (
    product_id  integer PRIMARY KEY,
    category_id integer NOT NULL,
    name        varchar(80) NOT NULL,
    `unitPrice` decimal(8, 2) NOT NULL COMMENT 'Today''s price in EUR, tax included.' CHECK (`unitPrice` > 0),
    organic     boolean NOT NULL,
    attributes  json NOT NULL DEFAULT '{}',
    FOREIGN KEY (category_id) REFERENCES categories (category_id)
) COMMENT 'Everything that was ever on offer.';

CREATE TABLE members (
    member_id  integer PRIMARY KEY,
    full_name  varchar(80) NOT NULL,
    joined_on  date NOT NULL,
    home_store integer NOT NULL,
    FOREIGN KEY (home_store) REFERENCES stores (store_id)
) COMMENT 'Customers with a loyalty card.';

CREATE TABLE orders (
    order_id  integer PRIMARY KEY,
    store_id  integer NOT NULL,
    member_id integer COMMENT 'Null when no loyalty card was shown.',
    placed_at timestamp NOT NULL,
    channel   varchar(20) NOT NULL CHECK (channel IN ('till', 'self-checkout', 'online')),
    INDEX (placed_at),
    FOREIGN KEY (store_id) REFERENCES stores (store_id),
    FOREIGN KEY (member_id) REFERENCES members (member_id)
) COMMENT 'Purchases of the last year.';

CREATE TABLE `orderLines` (
    order_id   integer NOT NULL,
    `lineNo`   smallint NOT NULL,
    product_id integer NOT NULL,
    quantity   decimal(7, 3) NOT NULL COMMENT 'Pieces, or kilograms for loose goods.' CHECK (quantity > 0),
    price      decimal(8, 2) NOT NULL COMMENT 'Per piece or kilogram, in EUR, at the time of the order.',
    PRIMARY KEY (order_id, `lineNo`),
    FOREIGN KEY (order_id) REFERENCES orders (order_id),
    FOREIGN KEY (product_id) REFERENCES products (product_id)
) COMMENT 'What was bought; one row per product of an order.';

CREATE TABLE transactions (
    transaction_id varchar(20) PRIMARY KEY,
    order_id       integer NOT NULL UNIQUE,
    paid_at        timestamp NOT NULL,
    method         varchar(20) NOT NULL CHECK (method IN ('cash', 'card', 'voucher')),
    total          decimal(10, 2) NOT NULL,
    terminal       varchar(20) COMMENT 'The card reader; null when it was not needed.',
    FOREIGN KEY (order_id) REFERENCES orders (order_id)
) COMMENT 'Payments at the till; one per order.';

CREATE TABLE suppliers (
    supplier_id integer PRIMARY KEY,
    name        varchar(60) NOT NULL,
    lead_time   time NOT NULL
) COMMENT 'Who delivers.';

CREATE TABLE stock_levels (
    store_id    integer NOT NULL,
    product_id  integer NOT NULL,
    on_hand     integer NOT NULL COMMENT 'Pieces or kilograms; negative after a miscount.',
    counted_at  timestamp NOT NULL,
    PRIMARY KEY (store_id, product_id),
    FOREIGN KEY (store_id) REFERENCES stores (store_id),
    FOREIGN KEY (product_id) REFERENCES products (product_id)
) COMMENT 'What lay in a store when it was last counted.';

CREATE TABLE `Delivery Slots` (
    `Slot`        varchar(60) PRIMARY KEY COMMENT 'From and to, as PostgreSQL writes a range.',
    `Supplier Id` integer NOT NULL,
    `Dock`        char(2) NOT NULL,
    FOREIGN KEY (`Supplier Id`) REFERENCES suppliers (supplier_id)
) COMMENT 'When a lorry of which supplier is expected.';

CREATE TABLE spoilage (
    spoiled_on date NOT NULL,
    store_id   integer NOT NULL,
    product_id integer NOT NULL,
    quantity   integer NOT NULL,
    PRIMARY KEY (spoiled_on, store_id, product_id),
    FOREIGN KEY (store_id) REFERENCES stores (store_id),
    FOREIGN KEY (product_id) REFERENCES products (product_id)
) COMMENT 'What was thrown away, by day.';

CREATE VIEW daily_sales AS
SELECT CAST(o.placed_at AS date) AS day,
       o.store_id,
       count(DISTINCT o.order_id) AS orders,
       CAST(sum(l.quantity * l.price) AS decimal(12, 2)) AS revenue
FROM orders o
JOIN `orderLines` l USING (order_id)
GROUP BY 1, 2;
