-- A chain of grocery stores: what is sold, to whom, paid how, and a second schema for what lies on the shelves.
-- Load into an empty database, then load data.sql.

\set ON_ERROR_STOP on
BEGIN;

CREATE SCHEMA warehouse;
COMMENT ON SCHEMA warehouse IS 'Stock, deliveries and what had to be thrown away.';

CREATE TABLE stores (
    store_id  integer PRIMARY KEY,
    name      text NOT NULL UNIQUE,
    city      text NOT NULL,
    area_m2   real NOT NULL,
    opens     time NOT NULL,
    closes    time NOT NULL
);
COMMENT ON TABLE stores IS 'The shops of the chain.';
COMMENT ON COLUMN stores.area_m2 IS 'Sales area in square metres.';

CREATE TABLE categories (
    category_id integer PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    parent_id   integer REFERENCES categories
);
COMMENT ON TABLE categories IS 'A tree of two levels; departments have no parent.';

CREATE TABLE products (
    product_id  integer PRIMARY KEY,
    category_id integer NOT NULL REFERENCES categories,
    name        text NOT NULL,
    "unitPrice" numeric(8, 2) NOT NULL CHECK ("unitPrice" > 0),
    organic     boolean NOT NULL,
    attributes  jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE products IS 'Everything that was ever on offer.';
COMMENT ON COLUMN products."unitPrice" IS 'Today''s price in EUR, tax included.';

CREATE TABLE members (
    member_id  integer PRIMARY KEY,
    full_name  text NOT NULL,
    joined_on  date NOT NULL,
    home_store integer NOT NULL REFERENCES stores
);
COMMENT ON TABLE members IS 'Customers with a loyalty card.';

CREATE TABLE orders (
    order_id  integer PRIMARY KEY,
    store_id  integer NOT NULL REFERENCES stores,
    member_id integer REFERENCES members,
    placed_at timestamptz NOT NULL,
    channel   text NOT NULL CHECK (channel IN ('till', 'self-checkout', 'online'))
);
CREATE INDEX ON orders (placed_at);
COMMENT ON TABLE orders IS 'Purchases of the last year.';
COMMENT ON COLUMN orders.member_id IS 'Null when no loyalty card was shown.';

CREATE TABLE "orderLines" (
    order_id   integer NOT NULL REFERENCES orders,
    "lineNo"   smallint NOT NULL,
    product_id integer NOT NULL REFERENCES products,
    quantity   numeric(7, 3) NOT NULL CHECK (quantity > 0),
    price      numeric(8, 2) NOT NULL,
    PRIMARY KEY (order_id, "lineNo")
);
CREATE INDEX ON "orderLines" (product_id);
COMMENT ON TABLE "orderLines" IS 'What was bought; one row per product of an order.';
COMMENT ON COLUMN "orderLines".quantity IS 'Pieces, or kilograms for loose goods.';
COMMENT ON COLUMN "orderLines".price IS 'Per piece or kilogram, in EUR, at the time of the order.';

CREATE TABLE transactions (
    transaction_id text PRIMARY KEY,
    order_id       integer NOT NULL UNIQUE REFERENCES orders,
    paid_at        timestamptz NOT NULL,
    method         text NOT NULL CHECK (method IN ('cash', 'card', 'voucher')),
    total          numeric(10, 2) NOT NULL,
    terminal       text
);
COMMENT ON TABLE transactions IS 'Payments at the till; one per order.';
COMMENT ON COLUMN transactions.terminal IS 'The card reader; null when it was not needed.';

CREATE TABLE warehouse.suppliers (
    supplier_id integer PRIMARY KEY,
    name        text NOT NULL,
    lead_time   interval NOT NULL
);
COMMENT ON TABLE warehouse.suppliers IS 'Who delivers.';

CREATE TABLE warehouse.stock_levels (
    store_id    integer NOT NULL REFERENCES public.stores,
    product_id  integer NOT NULL REFERENCES public.products,
    on_hand     integer NOT NULL,
    counted_at  timestamptz NOT NULL,
    PRIMARY KEY (store_id, product_id)
);
COMMENT ON TABLE warehouse.stock_levels IS 'What lay in a store when it was last counted.';
COMMENT ON COLUMN warehouse.stock_levels.on_hand IS 'Pieces or kilograms; negative after a miscount.';

CREATE TABLE warehouse."Delivery Slots" (
    "Slot"        tstzrange PRIMARY KEY,
    "Supplier Id" integer NOT NULL REFERENCES warehouse.suppliers,
    "Dock"        char(2) NOT NULL
);
COMMENT ON TABLE warehouse."Delivery Slots" IS 'When a lorry of which supplier is expected.';

CREATE TABLE warehouse.spoilage (
    spoiled_on date NOT NULL,
    store_id   integer NOT NULL REFERENCES public.stores,
    product_id integer NOT NULL REFERENCES public.products,
    quantity   integer NOT NULL,
    PRIMARY KEY (spoiled_on, store_id, product_id)
) PARTITION BY RANGE (spoiled_on);
COMMENT ON TABLE warehouse.spoilage IS 'What was thrown away, by day.';
CREATE TABLE warehouse.spoilage_default PARTITION OF warehouse.spoilage DEFAULT;

CREATE VIEW daily_sales AS
SELECT (o.placed_at AT TIME ZONE 'UTC')::date AS day,
       o.store_id,
       count(DISTINCT o.order_id) AS orders,
       sum(l.quantity * l.price)::numeric(12, 2) AS revenue
FROM orders o
JOIN "orderLines" l USING (order_id)
GROUP BY 1, 2;
COMMENT ON VIEW daily_sales IS 'Orders and revenue in EUR, by day and store.';

COMMIT;
