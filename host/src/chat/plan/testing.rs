//! A small shop to ask about: what the tests of this module share.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::build;
use super::lexicon::Lexicon;
use super::model::{Model, Value};
use crate::knowledge::Scope;
use crate::knowledge::datapoint::{self, DataPoint};
use crate::plugins::{Column, Dialect, ForeignKey, Relation, RelationKind};

pub const SHOP: Scope = Scope::Connection(Uuid::from_u128(1));

/// A relation; columns are `name type`, with `?` at the end where they may be NULL.
pub fn relation(schema: &str, name: &str, key: &[&str], columns: &[&str]) -> Relation {
    Relation {
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind: RelationKind::Table,
        comment: None,
        row_estimate: None,
        columns: columns
            .iter()
            .map(|column| {
                let (name, db_type) = column.split_once(' ').expect("a type");
                Column {
                    name: name.to_owned(),
                    db_type: db_type.trim_end_matches('?').to_owned(),
                    nullable: db_type.ends_with('?'),
                    default_expression: None,
                    comment: None,
                }
            })
            .collect(),
        primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        foreign_keys: Vec::new(),
    }
}

fn leads(mut relation: Relation, column: &str, to: &str, key: &str) -> Relation {
    relation.foreign_keys.push(ForeignKey {
        name: format!("{}_{column}", relation.name),
        columns: vec![column.to_owned()],
        referenced_schema: "public".to_owned(),
        referenced_relation: to.to_owned(),
        referenced_columns: vec![key.to_owned()],
    });
    relation
}

/// Customers of cities buy: orders have lines, lines have products, some orders have a courier.
pub fn relations() -> Vec<Relation> {
    let customers = relation(
        "public",
        "customers",
        &["customer_id"],
        &[
            "customer_id integer",
            "full_name text",
            "city text",
            "segment text",
            "joined_on date",
            "left_on date?",
        ],
    );
    let couriers = relation(
        "public",
        "couriers",
        &["courier_id"],
        &["courier_id integer", "name text"],
    );
    let orders = relation(
        "public",
        "orders",
        &["order_id"],
        &[
            "order_id integer",
            "customer_id integer",
            "courier_id integer?",
            "placed_at timestamp with time zone",
            "channel text",
            "gift boolean?",
        ],
    );
    let products = relation(
        "public",
        "products",
        &["product_id"],
        &[
            "product_id integer",
            "title text",
            "unitPrice numeric(8,2)",
            "organic boolean",
        ],
    );
    let lines = relation(
        "public",
        "orderLines",
        &["order_id", "line_no"],
        &[
            "order_id integer",
            "line_no integer",
            "product_id integer",
            "quantity numeric(7,3)",
            "price numeric(8,2)",
        ],
    );
    vec![
        customers,
        couriers,
        leads(
            leads(orders, "customer_id", "customers", "customer_id"),
            "courier_id",
            "couriers",
            "courier_id",
        ),
        products,
        leads(
            leads(lines, "order_id", "orders", "order_id"),
            "product_id",
            "products",
            "product_id",
        ),
    ]
}

/// A DataPoint of the shop.
pub fn point(scope: Scope, body: &Json) -> (Scope, Arc<DataPoint>) {
    let mut whole = json!({
        "owner": "shop@example.com",
        "tags": [],
        "metadata": {},
    });
    if let (Some(whole), Some(body)) = (whole.as_object_mut(), body.as_object()) {
        whole.extend(body.clone());
    }
    let point = datapoint::read(&whole.to_string()).expect("a DataPoint");
    (scope, Arc::new(point))
}

pub fn metric(id: &str, name: &str, synonyms: &[&str], calculation: &str, tables: &[&str]) -> Json {
    json!({
        "datapoint_id": id,
        "type": "Business",
        "name": name,
        "synonyms": synonyms,
        "calculation": calculation,
        "related_tables": tables,
    })
}

pub fn points() -> Vec<(Scope, Arc<DataPoint>)> {
    let mut revenue = metric(
        "metric_revenue_001",
        "Revenue",
        &["sales", "turnover"],
        "SUM(\"orderLines\".quantity * \"orderLines\".price)",
        &["orderLines", "orders"],
    );
    revenue["unit"] = json!("EUR");
    let orders = metric(
        "metric_orders_001",
        "Number of orders",
        &["purchases"],
        "COUNT(orders.order_id)",
        &["orders"],
    );
    let online = metric(
        "metric_online_001",
        "Online orders",
        &[],
        "SUM(CASE WHEN orders.channel = 'online' THEN 1 ELSE 0 END)",
        &["orders"],
    );
    let organic = metric(
        "metric_organic_share_001",
        "Organic ratio",
        &[],
        "SUM(CASE WHEN products.organic THEN \"orderLines\".price ELSE 0 END) / SUM(\"orderLines\".price)",
        &["orderLines", "products"],
    );
    let mut base = metric(
        "metric_customer_base_001",
        "Customer base",
        &["active customers"],
        "SUM(CASE WHEN customers.left_on IS NULL THEN 1 ELSE 0 END)",
        &["customers"],
    );
    base["metadata"] = json!({"time_column": "none"});
    let lost = metric(
        "metric_lost_001",
        "Lost customers",
        &[],
        "COUNT(customers.left_on)",
        &["customers"],
    );
    let prose = metric(
        "term_churn_001",
        "Churn",
        &[],
        "Customers lost within a period, divided by those at its beginning.",
        &["customers"],
    );
    let table = json!({
        "datapoint_id": "table_order_lines_001",
        "type": "Schema",
        "name": "Order lines",
        "table_name": "orderLines",
        "schema": "public",
        "business_purpose": "What was bought with an order",
        "key_columns": [{
            "name": "price", "type": "numeric", "business_meaning": "Per piece, in EUR", "nullable": false,
        }],
    });
    let history = json!({
        "datapoint_id": "query_history_001",
        "type": "Query",
        "name": "Purchase history of a customer",
        "description": "The latest orders that one customer has placed.",
        "sql_template":
            "SELECT o.order_id FROM orders o WHERE o.customer_id = {customer_id} ORDER BY o.order_id LIMIT {limit}",
        "parameters": {
            "customer_id": {"type": "integer", "required": true, "description": "Key of the customer"},
            "limit": {"type": "integer", "required": false, "default": 20, "description": "How many rows"},
        },
    });
    let recent = json!({
        "datapoint_id": "query_recent_001",
        "type": "Query",
        "name": "Recent orders by channel",
        "description": "How many orders each channel had in the last days.",
        "sql_template":
            "SELECT o.channel, COUNT(*) AS n FROM orders o WHERE o.placed_at >= CURRENT_DATE - {days} \
             AND o.channel = {channel} GROUP BY o.channel",
        "parameters": {
            "days": {"type": "integer", "required": false, "default": 30, "description": "How many days back"},
            "channel": {"type": "enum", "required": false, "default": "online", "values": ["online", "till"],
                "description": "Where it was ordered"},
        },
    });
    [
        revenue, orders, online, organic, base, lost, prose, table, history, recent,
    ]
    .iter()
    .map(|body| point(SHOP, body))
    .collect()
}

/// The shop as a model of a dialect, with its words.
pub fn shop(dialect: Dialect) -> (Model, Lexicon) {
    let name = match dialect {
        Dialect::Mysql => "mysql",
        Dialect::Clickhouse => "clickhouse",
        _ => "postgresql",
    };
    let mut model = build(&relations(), Some("public"), &points(), dialect, name);
    for (table, column, texts) in [
        ("customers", "city", &["Berlin", "Paris", "New York"][..]),
        ("customers", "segment", &["business", "retail"]),
        ("orders", "channel", &["online", "till"]),
        ("couriers", "name", &["Swift", "Berlin"]),
    ] {
        let at = model.table(table).expect(table);
        model.values.extend(texts.iter().map(|text| Value {
            table: at,
            column: column.to_owned(),
            text: (*text).to_owned(),
        }));
    }
    let lexicon = Lexicon::new(&model);
    (model, lexicon)
}
