//! Makes the model of a connection from its live catalogue and the DataPoints that it may see.
//!
//! Where DataPoints of two scopes define the same thing, by id or by name, the first one given counts. What a
//! DataPoint says about tables or columns that are not there is left out.

use std::collections::HashSet;
use std::sync::Arc;

use super::calculation;
use super::kind::kind_of;
use super::model::{Column, Join, Metric, Model, Source, Table, Template, TimeRule};
use super::words::stems;
use crate::knowledge::Scope;
use crate::knowledge::datapoint::{Business, Cardinality, DataPoint, Detail, Schema};
use crate::plugins::{Dialect, Relation, RelationKind};

/// Tables of a model; of larger catalogues a part.
const MOST_TABLES: usize = 5_000;

/// Builds a model; `points` come nearest scope first.
pub fn build(
    relations: &[Relation],
    default_schema: Option<&str>,
    points: &[(Scope, Arc<DataPoint>)],
    dialect: Dialect,
    database_type: &str,
) -> Model {
    let mut model = Model {
        dialect: Some(dialect),
        database_type: database_type.to_owned(),
        ..Model::default()
    };
    model.tables = relations
        .iter()
        .filter(|relation| relation.kind != RelationKind::Partition)
        .map(|relation| table(relation, default_schema, dialect))
        .collect();
    if model.tables.len() > MOST_TABLES {
        tracing::warn!(
            tables = model.tables.len(),
            "questions are planned over {MOST_TABLES} tables, those of the default schema first"
        );
        model.tables.sort_by_key(|table| !table.in_default_schema);
        model.tables.truncate(MOST_TABLES);
    }
    for relation in relations {
        foreign_keys(&mut model, relation);
    }
    let mut seen = Seen::default();
    let points: Vec<&(Scope, Arc<DataPoint>)> = points
        .iter()
        .filter(|(_, point)| seen.is_first(point))
        .collect();
    for (scope, point) in &points {
        if let Detail::Schema(schema) = &point.detail {
            describe(&mut model, source(*scope, point), schema);
        }
    }
    for (_, point) in &points {
        if let Detail::Schema(schema) = &point.detail {
            relationships(&mut model, schema);
        }
    }
    for (scope, point) in &points {
        match &point.detail {
            Detail::Business(business) => {
                metric(&mut model, source(*scope, point), point, business);
            }
            Detail::Query(_) => model.templates.push(Template {
                source: source(*scope, point),
                point: Arc::clone(point),
            }),
            Detail::Schema(_) | Detail::Process(_) => {}
        }
    }
    model
}

#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    names: HashSet<(&'static str, Vec<String>)>,
}

impl Seen {
    fn is_first(&mut self, point: &DataPoint) -> bool {
        let name = (point.kind().name(), stems(&point.name));
        let first = !self.ids.contains(&point.id) && !self.names.contains(&name);
        self.ids.insert(point.id.clone());
        self.names.insert(name);
        first
    }
}

fn source(scope: Scope, point: &DataPoint) -> Source {
    Source {
        id: point.id.clone(),
        name: point.name.clone(),
        kind: point.kind(),
        scope,
    }
}

fn table(relation: &Relation, default_schema: Option<&str>, dialect: Dialect) -> Table {
    Table {
        schema: relation.schema.clone(),
        name: relation.name.clone(),
        in_default_schema: relation.schema.is_empty()
            || default_schema == Some(relation.schema.as_str()),
        columns: relation
            .columns
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                kind: kind_of(&column.db_type, dialect),
                nullable: column.nullable,
            })
            .collect(),
        primary_key: relation.primary_key.clone(),
        is_view: matches!(
            relation.kind,
            RelationKind::View | RelationKind::MaterializedView
        ),
        row_estimate: relation.row_estimate,
        names: Vec::new(),
        source: None,
    }
}

fn foreign_keys(model: &mut Model, relation: &Relation) {
    let at = |schema: &str, name: &str| {
        let fits = |table: &Table| table.schema == schema && table.name == name;
        model.tables.iter().position(fits)
    };
    let Some(from) = at(&relation.schema, &relation.name) else {
        return;
    };
    let mut found = Vec::new();
    for key in &relation.foreign_keys {
        let Some(to) = at(&key.referenced_schema, &key.referenced_relation) else {
            continue;
        };
        let on: Vec<(String, String)> = key
            .columns
            .iter()
            .cloned()
            .zip(key.referenced_columns.iter().cloned())
            .collect();
        let optional = on.iter().any(|(column, _)| {
            let column = model.tables[from].column(column);
            column.is_none_or(|column| column.nullable)
        });
        if !on.is_empty() {
            found.push(Join {
                from,
                on,
                to,
                optional,
            });
        }
    }
    model.joins.extend(found);
}

fn describe(model: &mut Model, source: Source, schema: &Schema) {
    let Some(at) = model.table_of(&schema.schema, &schema.table_name) else {
        return;
    };
    let table = &mut model.tables[at];
    if table.source.is_none() {
        table.names.push(source.name.clone());
        table.source = Some(source);
    }
}

/// Joins that are declared from the many to the one. Catalogues that know foreign keys have most of them already.
fn relationships(model: &mut Model, schema: &Schema) {
    let Some(from) = model.table_of(&schema.schema, &schema.table_name) else {
        return;
    };
    for relationship in &schema.relationships {
        let to_one = matches!(
            relationship.cardinality,
            Cardinality::ManyToOne | Cardinality::OneToOne
        );
        let target = model.table_named(&relationship.target_table);
        let (true, Some(to)) = (to_one, target) else {
            continue;
        };
        let own = model.tables[from].column(&relationship.join_column);
        let Some(own) = own.map(|column| (column.name.clone(), column.nullable)) else {
            continue;
        };
        let Some(other) = joined_column(&model.tables[to], &own.0) else {
            continue;
        };
        let join = Join {
            from,
            on: vec![(own.0, other)],
            to,
            optional: own.1,
        };
        let known = model
            .joins
            .iter()
            .any(|known| (known.from, known.to, &known.on) == (join.from, join.to, &join.on));
        if !known {
            model.joins.push(join);
        }
    }
}

/// The column of the joined table: its key, or the one of the same name.
fn joined_column(table: &Table, own: &str) -> Option<String> {
    if let Some(same) = table.column(own) {
        return Some(same.name.clone());
    }
    if let [key] = table.primary_key.as_slice() {
        return Some(key.clone());
    }
    let first = table.columns.first()?;
    let is_key = stems(&first.name).last().is_some_and(|stem| stem == "id");
    is_key.then(|| first.name.clone())
}

fn metric(model: &mut Model, source: Source, point: &DataPoint, business: &Business) {
    let related: Vec<usize> = business
        .related_tables
        .iter()
        .filter_map(|name| model.table_named(name))
        .collect();
    let Some(found) = calculation::read(&business.calculation, &related, model) else {
        return;
    };
    // The one table from which all others are reached without multiplying its rows.
    let base = found.tables.iter().copied().find(|base| {
        let reachable = model.reachable(*base);
        found.tables.iter().all(|table| reachable.contains(table))
    });
    let Some(base) = base else { return };
    if let Some(table) = found.counts
        && let [first, second, rest @ ..] = stems(&source.name).as_slice()
        && ["number", "count"].contains(&first.as_str())
        && second == "of"
        && !rest.is_empty()
    {
        let names = &mut model.tables[table].names;
        names.push(rest.join(" "));
        names.extend(business.synonyms.iter().cloned());
    }
    let time = time_rule(model, point, &found.moments);
    model.metrics.push(Metric {
        source,
        synonyms: business.synonyms.clone(),
        unit: business.unit.clone(),
        calculation: found.expr,
        base,
        additive: found.additive,
        counts: found.counts,
        time,
    });
}

/// `metadata.time_column` declares it: `table.column`, or `none` for a figure that is a state of now.
fn time_rule(model: &Model, point: &DataPoint, moments: &[(usize, String)]) -> TimeRule {
    let declared = point
        .metadata
        .get("time_column")
        .and_then(serde_json::Value::as_str);
    match declared {
        Some("none") => TimeRule::State,
        Some(declared) => {
            let found = declared.rsplit_once('.').and_then(|(table, column)| {
                let table = model.table(table)?;
                let column = model.tables[table].column(column)?;
                Some(TimeRule::Column(table, column.name.clone()))
            });
            found.unwrap_or(TimeRule::Unsaid)
        }
        None => match moments {
            [(table, column)] => TimeRule::Column(*table, column.clone()),
            _ => TimeRule::Unsaid,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SHOP, metric as metric_json, point, points, relations, shop};
    use super::*;

    #[test]
    fn the_first_of_two_definitions_counts_and_prose_is_no_figure() {
        let (model, _) = shop(Dialect::Postgresql);
        let ids: Vec<&str> = model
            .metrics
            .iter()
            .map(|metric| metric.source.id.as_str())
            .collect();
        assert!(!ids.contains(&"term_churn_001"));
        let mut all = points();
        let global = metric_json(
            "metric_sales_001",
            "revenue",
            &[],
            "COUNT(orders.order_id)",
            &["orders"],
        );
        all.push(point(Scope::Global, &global));
        let model = build(
            &relations(),
            Some("public"),
            &all,
            Dialect::Postgresql,
            "postgresql",
        );
        assert!(
            model.metric("metric_sales_001").is_none(),
            "the shop has its own Revenue"
        );
        all.rotate_right(1);
        let model = build(
            &relations(),
            Some("public"),
            &all,
            Dialect::Postgresql,
            "postgresql",
        );
        assert!(model.metric("metric_sales_001").is_some());
        assert!(model.metric("metric_revenue_001").is_none());
    }

    #[test]
    fn a_metric_says_when_it_happens_or_that_it_is_a_state() {
        let (model, _) = shop(Dialect::Postgresql);
        let time = |id: &str| model.metric(id).expect(id).time.clone();
        assert_eq!(time("metric_customer_base_001"), TimeRule::State);
        let customers = model.table("customers").expect("customers");
        let left = TimeRule::Column(customers, "left_on".to_owned());
        assert_eq!(time("metric_lost_001"), left);
        assert_eq!(time("metric_revenue_001"), TimeRule::Unsaid);
    }

    #[test]
    fn where_the_catalogue_has_no_keys_declared_relationships_join() {
        let mut bare = relations();
        for relation in &mut bare {
            relation.foreign_keys.clear();
            relation.primary_key.clear();
            "shop".clone_into(&mut relation.schema);
        }
        let lines = serde_json::json!({
            "datapoint_id": "table_order_lines_001",
            "type": "Schema",
            "name": "Order lines",
            "table_name": "orderLines",
            // As it is called elsewhere.
            "schema": "public",
            "business_purpose": "What was bought with an order",
            "key_columns": [{"name": "price", "type": "numeric", "business_meaning": "Price", "nullable": false}],
            "relationships": [
                {"target_table": "orders", "join_column": "order_id", "cardinality": "N:1",
                 "relationship_type": "logical"},
                {"target_table": "products", "join_column": "order_id", "cardinality": "1:N",
                 "relationship_type": "logical"},
            ],
        });
        let model = build(
            &bare,
            Some("shop"),
            &[point(SHOP, &lines)],
            Dialect::Clickhouse,
            "clickhouse",
        );
        let (from, to) = (
            model.table("orderLines").expect("lines"),
            model.table("orders").expect("orders"),
        );
        let on = vec![("order_id".to_owned(), "order_id".to_owned())];
        let expected = Join {
            from,
            on,
            to,
            optional: false,
        };
        assert_eq!(model.joins, [expected]);
    }
}
