//! Claims about reading, and DataPoints for the tests of the modules beside.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A complete DataPoint of a kind, as JSON.
pub(in crate::knowledge) fn complete(kind: Kind) -> Value {
    let mut json = json!({
        "datapoint_id": format!("{}_orders", kind.name().to_lowercase()),
        "type": kind.name(),
        "name": "Orders",
        "owner": "data-team@example.com",
        "tags": ["sales"],
        "metadata": {
            "grain": "one order",
            "exclusions": "none",
            "confidence_notes": "checked",
            "freshness": "T-1",
            "lifecycle": {
                "version": "1.0.0",
                "reviewer": "ann",
                "changed_by": "bob",
                "changed_reason": "made",
            },
        },
    });
    let detail = match kind {
        Kind::Schema => json!({
            "table_name": "orders",
            "schema": "public",
            "business_purpose": "Every order that was placed",
            "key_columns": [
                {"name": "id", "type": "bigint", "business_meaning": "The order", "nullable": false},
                {"name": "state", "type": "text", "business_meaning": "How far it is", "nullable": true,
                 "default_value": "new"},
            ],
            "relationships": [
                {"target_table": "customers", "join_column": "customer_id", "cardinality": "N:1",
                 "relationship_type": "logical"},
            ],
            "common_queries": ["SUM(amount)"],
            "gotchas": ["Test orders are in it"],
            "freshness": "T-1",
            "row_count": 12,
        }),
        Kind::Business => json!({
            "calculation": "SUM(orders.amount)",
            "synonyms": ["sales"],
            "business_rules": ["without refunds"],
            "related_tables": ["public.orders"],
            "unit": "USD",
            "aggregation": "SUM",
        }),
        Kind::Process => json!({
            "schedule": "0 2 * * *",
            "data_freshness": "T-1 by 3:00 UTC",
            "target_tables": ["public.orders"],
            "dependencies": ["raw.orders"],
            "sla": "one hour",
            "monitoring_url": "https://example.com/etl",
        }),
        Kind::Query => json!({
            "sql_template": "SELECT id FROM orders WHERE state = {state} LIMIT {n}",
            "description": "Orders of a state",
            "parameters": {
                "n": {"type": "integer", "required": false, "default": 10, "description": "how many"},
                "state": {"type": "enum", "required": true, "values": ["new", "paid"]},
            },
            "backend_variants": {"mysql": "SELECT id FROM `orders` WHERE state = {state} LIMIT {n}"},
            "validation": {"expected_columns": ["id"], "max_rows": 100},
            "related_tables": ["public.orders"],
        }),
    };
    let (Value::Object(all), Value::Object(detail)) = (&mut json, detail) else {
        unreachable!("both are objects");
    };
    all.extend(detail);
    json
}

/// The same with a change, read.
pub(in crate::knowledge) fn point(kind: Kind, change: impl Fn(&mut Value)) -> DataPoint {
    let mut json = complete(kind);
    change(&mut json);
    read(&json.to_string()).expect("right")
}

/// What is wrong with a complete one after a change.
fn wrong(kind: Kind, change: impl Fn(&mut Value)) -> Vec<(String, &'static str)> {
    let mut json = complete(kind);
    change(&mut json);
    problems(&json.to_string())
}

fn problems(text: &str) -> Vec<(String, &'static str)> {
    let problems = read_all(text).expect_err(text);
    problems
        .into_iter()
        .map(|problem| (problem.field, problem.code))
        .collect()
}

fn one(field: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.to_owned(), code)]
}

#[test]
fn a_datapoint_says_what_it_was_read_from() {
    for kind in Kind::ALL {
        let json = complete(kind);
        let point = read(&json.to_string()).expect("right");
        assert_eq!(point.kind(), kind);
        assert_eq!(point.to_json(), json);
        let order: Vec<&String> = json.as_object().expect("an object").keys().collect();
        let shown = point.to_json();
        assert_eq!(
            shown
                .as_object()
                .expect("an object")
                .keys()
                .collect::<Vec<_>>(),
            order
        );
    }
}

#[test]
fn optional_fields_may_be_absent_or_null() {
    for (kind, optional) in [
        (
            Kind::Schema,
            &[
                "tags",
                "metadata",
                "relationships",
                "common_queries",
                "gotchas",
                "freshness",
                "row_count",
            ][..],
        ),
        (
            Kind::Business,
            &[
                "synonyms",
                "business_rules",
                "related_tables",
                "unit",
                "aggregation",
            ],
        ),
        (Kind::Process, &["dependencies", "sla", "monitoring_url"]),
        (
            Kind::Query,
            &[
                "backend_variants",
                "validation",
                "related_tables",
                "parameters",
            ],
        ),
    ] {
        let absent = point(kind, |json| {
            for name in optional {
                json.as_object_mut().expect("an object").remove(*name);
            }
        });
        let null = point(kind, |json| {
            for name in optional {
                json[*name] = Value::Null;
            }
        });
        assert_eq!(absent, null);
    }
}

#[test]
fn required_fields_are_required_each_by_its_name() {
    for (kind, required) in [
        (
            Kind::Schema,
            &[
                "datapoint_id",
                "type",
                "name",
                "owner",
                "table_name",
                "schema",
                "business_purpose",
                "key_columns",
            ][..],
        ),
        (Kind::Business, &["calculation"]),
        (
            Kind::Process,
            &["schedule", "data_freshness", "target_tables"],
        ),
        (Kind::Query, &["sql_template", "description"]),
    ] {
        for name in required {
            let found = wrong(kind, |json| {
                json.as_object_mut().expect("an object").remove(*name);
            });
            assert_eq!(found, one(name, "missing"), "{kind:?} {name}");
        }
    }
    let found = wrong(Kind::Schema, |json| json["key_columns"][1] = json!({}));
    let names = ["name", "type", "business_meaning", "nullable"];
    let expected = names.map(|name| (format!("key_columns[1].{name}"), "missing"));
    assert_eq!(found, expected);
}

#[test]
fn unknown_fields_are_refused_with_their_path_wherever_they_are() {
    for (kind, path) in [
        (Kind::Schema, "colour"),
        (Kind::Schema, "sql_template"),
        (Kind::Schema, "key_columns[0].colour"),
        (Kind::Schema, "relationships[0].colour"),
        (Kind::Query, "parameters.n.colour"),
        (Kind::Query, "validation.colour"),
    ] {
        let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        let (parent, name) = pointer.rsplit_once('/').expect("a path");
        let found = wrong(kind, |json| {
            let parent = json.pointer_mut(parent).expect("there");
            parent[name] = json!(1);
        });
        assert_eq!(found, one(path, "unknown_field"));
    }
    assert!(wrong_free(
        |json| json["metadata"]["anything"] = json!({"a": [1]})
    ));
}

fn wrong_free(change: impl Fn(&mut Value)) -> bool {
    let mut json = complete(Kind::Schema);
    change(&mut json);
    read(&json.to_string()).is_ok()
}

#[test]
fn every_constraint_holds() {
    for (kind, field, value, code) in [
        (Kind::Schema, "datapoint_id", json!("orders"), "pattern"),
        (
            Kind::Schema,
            "datapoint_id",
            json!("table_Orders"),
            "pattern",
        ),
        (
            Kind::Schema,
            "datapoint_id",
            json!("table__orders"),
            "pattern",
        ),
        (
            Kind::Schema,
            "datapoint_id",
            json!("table_orders_"),
            "pattern",
        ),
        (Kind::Schema, "datapoint_id", json!("t1_orders"), "pattern"),
        (
            Kind::Schema,
            "datapoint_id",
            json!(format!("a_{}", "b".repeat(99))),
            "length",
        ),
        (Kind::Schema, "datapoint_id", json!(7), "type"),
        (Kind::Schema, "type", json!("schema"), "value"),
        (Kind::Schema, "name", json!("  "), "length"),
        (Kind::Schema, "name", json!("n".repeat(201)), "length"),
        (Kind::Schema, "name", json!("a\u{0}b"), "length"),
        (Kind::Schema, "owner", json!("somebody"), "value"),
        (Kind::Schema, "owner", json!("a@localhost"), "value"),
        (Kind::Schema, "tags", json!("sales"), "type"),
        (Kind::Schema, "metadata", json!([]), "type"),
        (
            Kind::Schema,
            "business_purpose",
            json!("too short"),
            "length",
        ),
        (Kind::Schema, "key_columns", json!([]), "length"),
        (Kind::Schema, "row_count", json!(-1), "range"),
        (Kind::Schema, "row_count", json!(1.5), "type"),
        (Kind::Business, "aggregation", json!("sum"), "value"),
        (Kind::Process, "target_tables", json!([]), "length"),
        (Kind::Query, "sql_template", json!("SELECT 1"), "length"),
        (Kind::Query, "description", json!("short"), "length"),
    ] {
        let found = wrong(kind, |json| json[field] = value.clone());
        assert!(
            found
                .iter()
                .any(|(path, found)| path == field && *found == code),
            "{field} {value}: {found:?}"
        );
    }
    let longest = format!("a_{}", "b".repeat(98));
    assert_eq!(
        point(Kind::Schema, |json| json["datapoint_id"] = json!(longest)).id,
        longest
    );
    let found = wrong(Kind::Schema, |json| {
        json["relationships"][0]["cardinality"] = json!("1-N");
    });
    assert_eq!(found, one("relationships[0].cardinality", "value"));
    let found = wrong(Kind::Schema, |json| json["tags"] = json!(["a", "", 3]));
    let expected = [
        ("tags[1]".to_owned(), "length"),
        ("tags[2]".to_owned(), "type"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_default_is_of_its_parameters_type() {
    let default = |parameter: Value| {
        let found = wrong_or_none(|json| json["parameters"]["n"] = parameter.clone());
        found.first().map(|(path, code)| (path.clone(), *code))
    };
    for parameter in [
        json!({"type": "integer", "default": 1}),
        json!({"type": "float", "default": 1}),
        json!({"type": "float", "default": 1.5}),
        json!({"type": "boolean", "default": false}),
        json!({"type": "timestamp", "default": "2026-01-31"}),
        json!({"type": "timestamp", "default": "2026-01-31T10:00:00+02:00"}),
        json!({"type": "enum", "values": ["a"], "default": "a"}),
        json!({"type": "string", "default": ""}),
    ] {
        assert_eq!(default(parameter.clone()), None, "{parameter}");
    }
    for parameter in [
        json!({"type": "integer", "default": 1.5}),
        json!({"type": "integer", "default": "1"}),
        json!({"type": "integer", "default": 18_446_744_073_709_551_615_u64}),
        json!({"type": "boolean", "default": 1}),
        json!({"type": "timestamp", "default": "yesterday"}),
        json!({"type": "enum", "values": ["a"], "default": "b"}),
    ] {
        let expected = ("parameters.n.default".to_owned(), "type");
        assert_eq!(default(parameter.clone()), Some(expected), "{parameter}");
    }
    let none = default(json!({"type": "enum"}));
    assert_eq!(none, Some(("parameters.n.values".to_owned(), "missing")));
}

fn wrong_or_none(change: impl Fn(&mut Value)) -> Vec<(String, &'static str)> {
    let mut json = complete(Kind::Query);
    change(&mut json);
    let problems = read(&json.to_string()).err().unwrap_or_default();
    problems
        .into_iter()
        .map(|problem| (problem.field, problem.code))
        .collect()
}

#[test]
fn datapoints_written_for_the_original_load() {
    for text in [
        r#"{"datapoint_id": "table_fact_sales_001", "type": "Schema", "name": "Fact Sales Table",
            "table_name": "analytics.fact_sales", "schema": "analytics",
            "business_purpose": "Central fact table for all sales transactions",
            "key_columns": [{"name": "amount", "type": "DECIMAL(18,2)", "business_meaning": "Value in USD",
                             "nullable": false, "default_value": null}],
            "relationships": [{"target_table": "dim_region", "join_column": "region_id", "cardinality": "N:1"}],
            "common_queries": ["SUM(amount)"], "gotchas": [], "freshness": "T-1", "row_count": null,
            "owner": "Data-Team@Company.com"}"#,
        r#"{"datapoint_id": "metric_revenue_001", "type": "Business", "name": " Revenue ",
            "calculation": "SUM(fact_sales.amount) WHERE status = 'completed'", "synonyms": ["sales"],
            "related_tables": ["fact_sales"], "unit": null, "aggregation": null, "owner": "finance@company.com"}"#,
        r#"{"datapoint_id": "proc_daily_etl_001", "type": "Process", "name": "Daily Sales ETL",
            "schedule": "0 2 * * *", "data_freshness": "T-1", "target_tables": ["analytics.fact_sales"],
            "sla": null, "owner": "data-eng@company.com", "metadata": {"source_tier": "managed"}}"#,
        r#"{"datapoint_id": "query_top_customers_001", "type": "Query", "name": "Top Customers",
            "sql_template": "SELECT customer_id FROM t WHERE at >= {start_time} LIMIT {limit}",
            "parameters": {"limit": {"type": "integer", "default": 10}, "start_time": {"type": "timestamp", "required": true,
                           "values": null}},
            "description": "Customers by revenue", "backend_variants": null, "validation": null,
            "owner": "sales-team@company.com"}"#,
    ] {
        let point = read(text).expect("right");
        assert_eq!(point.owner, point.owner.to_lowercase());
        assert_eq!(point.name, point.name.trim());
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_line() {
    let text = "{\n \"datapoint_id\": \"x\",\n \"type\": \"Business\",\n \"name\": \"\",\n\n \"owner\": 3,\n \"calculation\": \"a\",\n \"colour\": 1\n}";
    let problems = read(text).expect_err("wrong");
    let told: Vec<_> = problems
        .iter()
        .map(|problem| (problem.field.as_str(), problem.line))
        .collect();
    let expected = [
        ("datapoint_id", Some(2)),
        ("name", Some(4)),
        ("owner", Some(6)),
        ("colour", Some(8)),
    ];
    assert_eq!(told, expected);
}

#[test]
fn text_that_is_no_json_is_told_with_its_line() {
    let problems = read("{\n \"name\": \"a\",\n").expect_err("wrong");
    assert_eq!(
        (problems[0].code, problems[0].line),
        ("invalid_json", Some(3))
    );
    for text in ["", "null", "7", "\"x\"", "[1]"] {
        assert!(read_all(text).is_err(), "{text}");
    }
}

#[test]
fn a_name_that_is_given_twice_is_refused_also_in_metadata() {
    let twice = r#""metadata": {"connection_id": "a", "connection_id": "b"}"#;
    let text = complete(Kind::Business).to_string();
    let text = text.replacen('{', &format!("{{{twice}, "), 1);
    let found = problems(&text);
    assert!(
        found.contains(&("metadata".to_owned(), "repeated")),
        "{found:?}"
    );
}

#[test]
fn a_file_may_hold_several_and_says_which_is_wrong() {
    let mut second = complete(Kind::Query);
    second["name"] = json!("");
    let text = json!([complete(Kind::Schema), second, complete(Kind::Process)]).to_string();
    assert_eq!(problems(&text), one("[1].name", "length"));
    let text = json!([complete(Kind::Schema), complete(Kind::Process)]).to_string();
    assert_eq!(read_all(&text).expect("right").len(), 2);
    assert_eq!(read_all("[]").expect("right").len(), 0);
}

#[test]
fn the_number_of_problems_is_bounded() {
    let text = json!({"tags": vec![1; 10_000]}).to_string();
    assert_eq!(problems(&text).len(), 100);
}

#[test]
fn a_hash_depends_on_what_is_said_and_not_on_who_changed_it() {
    let base = point(Kind::Schema, |_| ());
    let later = point(Kind::Schema, |json| {
        json["metadata"]["lifecycle"]["version"] = json!("9.0.0");
    });
    let other = point(Kind::Schema, |json| json["gotchas"] = json!(["Another"]));
    assert_eq!(base.content_hash(), later.content_hash());
    assert_ne!(base.content_hash(), other.content_hash());
    assert_eq!(base.content_hash().len(), 64);
}

fn any_text() -> impl Strategy<Value = String> {
    "[ -~äß€😀\"\\\\\n]{0,12}"
}

proptest! {
    #[test]
    fn what_was_read_is_read_again_the_same(
        name in any_text(),
        tags in proptest::collection::vec(any_text(), 0..4),
        note in any_text(),
        rows in proptest::option::of(0_i64..i64::MAX),
        kind in 0..4_usize,
    ) {
        let mut json = complete(Kind::ALL[kind]);
        json["name"] = json!(name);
        json["tags"] = json!(tags);
        json["metadata"]["note"] = json!(note);
        if kind == 0 {
            json["row_count"] = json!(rows);
        }
        if let Ok(point) = read(&json.to_string()) {
            let again = read(&point.to_json().to_string()).expect("right");
            prop_assert_eq!(again.content_hash(), point.content_hash());
            prop_assert_eq!(again, point);
        } else {
            prop_assert!(name.trim().is_empty() || tags.iter().any(|tag| tag.trim().is_empty()));
        }
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[\\[\\]{}\":,a-c0-2 ]{0,60}") {
        let _ = read_all(&text);
    }

    #[test]
    fn an_id_is_taken_if_it_fits_the_pattern(id in "[a-c1_]{0,8}") {
        let words: Vec<&str> = id.split('_').collect();
        let fits = words.len() > 1
            && words.iter().all(|word| !word.is_empty())
            && words[0].bytes().all(|byte| byte.is_ascii_lowercase());
        let mut json = complete(Kind::Schema);
        json["datapoint_id"] = json!(id);
        prop_assert_eq!(read(&json.to_string()).is_ok(), fits);
    }
}
