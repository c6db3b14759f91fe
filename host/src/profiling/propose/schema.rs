//! The Schema DataPoint of a table.

use serde_json::Value;

use super::ids::Ids;
use super::{OWNER, Proposal, Source};
use crate::knowledge::DataPoint;
use crate::knowledge::datapoint::{
    Cardinality, Column, Detail, Relationship, RelationshipType, Schema,
};
use crate::profiling::family::Family;
use crate::profiling::joins::is_key_name;
use crate::profiling::table::{ColumnProfile, Join, JoinBasis, KeyBasis, Seen, TableProfile};
use crate::profiling::words::{readable, words};

/// Columns that are described; keys and what leads to other tables come before the rest.
const COLUMNS: usize = 30;

/// The least characters of a purpose.
const PURPOSE: usize = 10;

/// From which null rate on somebody should know.
const MOSTLY_NULL: f64 = 0.5;

/// The proposal of a table.
pub fn propose(source: &Source, table: &TableProfile, ids: &mut Ids) -> Proposal {
    let name = match readable(&table.table_name) {
        name if name.is_empty() => table.table_name.trim().to_owned(),
        name => name,
    };
    let (purpose, is_told) = purpose(table, &name);
    let doubts = if is_told {
        "the purpose is the database's own comment"
    } else {
        "the database has no description of the table: say what it is for"
    };
    let schema = Schema {
        table_name: said(&table.table_name),
        schema: said(&table.schema_name),
        business_purpose: purpose,
        key_columns: columns(table),
        relationships: table.relationships.iter().map(relationship).collect(),
        common_queries: Vec::new(),
        gotchas: gotchas(table),
        freshness: freshness(table),
        row_count: table.row_count,
    };
    let has_key = |basis| table.candidate_keys.iter().any(|key| key.basis == basis);
    let mut confidence = 550;
    if has_key(KeyBasis::Declared) {
        confidence += 150;
    } else if has_key(KeyBasis::Sample) {
        confidence += 50;
    }
    if is_told {
        confidence += 200;
    }
    Proposal {
        point: DataPoint {
            id: ids.take("table", &[&table.schema_name, &table.table_name]),
            name: cut(&said(&name), 200),
            owner: OWNER.to_owned(),
            tags: vec!["generated".to_owned()],
            metadata: source.metadata(table, doubts),
            detail: Detail::Schema(schema),
        },
        confidence,
    }
}

/// A name as a text of a DataPoint, which has no blanks around it and is not empty.
fn said(name: &str) -> String {
    match name.trim() {
        "" => "(unnamed)".to_owned(),
        name => name.replace('\0', ""),
    }
}

/// What a table is for, and whether the database says so itself.
fn purpose(table: &TableProfile, name: &str) -> (String, bool) {
    if let Some(comment) = &table.comment {
        let comment = said(comment);
        if comment.chars().count() >= PURPOSE {
            return (comment, true);
        }
    }
    let key = match table.candidate_keys.first() {
        Some(key) => format!(", one per {}", key.columns.join(", ")),
        None => String::new(),
    };
    let mut targets: Vec<&str> = table
        .relationships
        .iter()
        .map(|join| join.target_table.as_str())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    let targets = match targets.as_slice() {
        [] => String::new(),
        targets => format!("; they refer to {}", targets.join(", ")),
    };
    let name = said(name);
    let text = format!("Rows of {name}{key}{targets}. Said by names and keys alone.");
    (text, false)
}

/// The columns that matter most, in the order of the table.
fn columns(table: &TableProfile) -> Vec<Column> {
    let is_key = |column: &ColumnProfile| {
        column.is_primary_key
            || table.refers(&column.name)
            || (is_key_name(&column.name) && table.is_unique(&column.name))
    };
    let mut places: Vec<usize> = (0..table.columns.len()).collect();
    places.sort_by_key(|at| !is_key(&table.columns[*at]));
    places.truncate(COLUMNS);
    places.sort_unstable();
    let columns = places.into_iter().map(|at| &table.columns[at]);
    columns
        .map(|column| Column {
            name: said(&column.name),
            data_type: said(&column.data_type),
            business_meaning: meaning(table, column),
            nullable: column.nullable,
            default_value: column
                .default_value
                .as_deref()
                .map(|value| value.trim().replace('\0', "")),
        })
        .collect()
}

/// What a column means, in words that its name, keys and type bear out.
fn meaning(table: &TableProfile, column: &ColumnProfile) -> String {
    if let Some(comment) = &column.comment {
        return said(comment);
    }
    let name = match readable(&column.name) {
        name if name.is_empty() => said(&column.name),
        name => name,
    };
    let alone = |join: &&Join| join.columns.len() == 1 && join.columns[0] == column.name;
    if let Some(join) = table.relationships.iter().find(alone) {
        let target = join.target_columns.join(", ");
        let how = match join.basis {
            JoinBasis::Declared => "",
            JoinBasis::Inferred => ", as its name says",
        };
        return format!("{name}: refers to {}.{target}{how}", join.target_table);
    }
    if table.is_unique(&column.name) && (column.is_primary_key || is_key_name(&column.name)) {
        return format!("{name}: identifies a row");
    }
    let range = match (&column.min, &column.max) {
        (Some(least), Some(most)) => {
            let where_seen = match column.range_basis {
                Some(Seen::Sample) => " in the sample",
                _ => "",
            };
            format!(" from {} to {}{where_seen}", plain(least), plain(most))
        }
        _ => String::new(),
    };
    match column.family {
        Family::Integer | Family::Number => format!("{name}: numbers{range}"),
        Family::Date => format!("{name}: days{range}"),
        Family::Timestamp => format!("{name}: times{range}"),
        Family::Boolean => format!("{name}: yes or no"),
        Family::Text | Family::Uuid | Family::Other => match column.distinct_estimate {
            Some(distinct) if column.sampled_distinct > 0 => {
                format!("{name}: about {distinct} different values")
            }
            _ => format!("{name}: values of the type {}", said(&column.data_type)),
        },
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn relationship(join: &Join) -> Relationship {
    let target_table = if join.target_schema.is_empty() {
        join.target_table.clone()
    } else {
        format!("{}.{}", join.target_schema, join.target_table)
    };
    Relationship {
        target_table: said(&target_table),
        join_column: said(&join.columns.join(", ")),
        cardinality: if join.is_one_to_one {
            Cardinality::OneToOne
        } else {
            Cardinality::ManyToOne
        },
        relationship_type: match join.basis {
            JoinBasis::Declared => RelationshipType::ForeignKey,
            JoinBasis::Inferred => RelationshipType::Logical,
        },
    }
}

fn gotchas(table: &TableProfile) -> Vec<String> {
    let mut gotchas: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.null_rate.is_some_and(|rate| rate >= MOSTLY_NULL))
        .map(|column| {
            let percent = column.null_rate.unwrap_or_default() * 100.0;
            format!(
                "{} is null in {percent:.0} % of the sampled rows",
                said(&column.name)
            )
        })
        .collect();
    if table.columns_skipped > 0 {
        gotchas.push(format!(
            "{} further columns were not looked at",
            table.columns_skipped
        ));
    }
    gotchas
}

/// Words of columns that say when a row was written, the best first.
const WRITTEN: [&str; 10] = [
    "updated",
    "modified",
    "changed",
    "loaded",
    "ingested",
    "inserted",
    "created",
    "recorded",
    "timestamp",
    "occurred",
];

/// The newest row, if a column says when rows were written.
pub fn freshness(table: &TableProfile) -> Option<String> {
    let rank = |column: &ColumnProfile| {
        let words = words(&column.name);
        WRITTEN
            .iter()
            .position(|word| words.iter().any(|known| known == word))
    };
    let newest = table
        .columns
        .iter()
        .filter(|column| column.family.is_temporal() && column.range_basis == Some(Seen::Table))
        .filter_map(|column| Some((rank(column)?, column)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, column)| column)?;
    let value = plain(newest.max.as_ref()?);
    Some(format!("the newest {} is {value}", said(&newest.name)))
}

/// The first characters of a text.
pub fn cut(text: &str, most: usize) -> String {
    text.chars()
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::source;
    use super::*;
    use crate::profiling::testing::{column, table};

    #[test]
    fn a_table_is_described_by_its_names_keys_and_ranges() {
        let created = ColumnProfile {
            min: Some(json!("2026-01-01")),
            max: Some(json!("2026-11-27")),
            range_basis: Some(Seen::Table),
            ..column("created_on", Family::Date)
        };
        let note = ColumnProfile {
            null_rate: Some(0.75),
            nullable: true,
            ..column("note", Family::Text)
        };
        let columns = [
            column("id", Family::Integer),
            column("customer_id", Family::Integer),
            created,
            note,
        ];
        let mut orders = table("orders", &columns).keyed(&["id"]);
        orders.relationships.push(Join {
            columns: vec!["customer_id".to_owned()],
            target_schema: "shop".to_owned(),
            target_table: "customers".to_owned(),
            target_columns: vec!["id".to_owned()],
            basis: JoinBasis::Inferred,
            is_one_to_one: false,
        });
        let proposal = propose(&source(), &orders, &mut Ids::default());
        let shown = proposal.point.to_json();
        assert_eq!(shown["datapoint_id"], "table_shop_orders");
        assert_eq!(
            shown["business_purpose"],
            "Rows of orders, one per id; they refer to customers. Said by names and keys alone."
        );
        let meanings: Vec<&str> = shown["key_columns"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|column| column["business_meaning"].as_str())
            .collect();
        assert_eq!(
            meanings,
            [
                "id: identifies a row",
                "customer id: refers to customers.id, as its name says",
                "created on: days from 2026-01-01 to 2026-11-27",
                "note: about 3 different values",
            ]
        );
        assert_eq!(
            shown["relationships"],
            json!([{"target_table": "shop.customers", "join_column": "customer_id",
                    "cardinality": "N:1", "relationship_type": "logical"}])
        );
        assert_eq!(shown["freshness"], "the newest created_on is 2026-11-27");
        assert_eq!(
            shown["gotchas"],
            json!(["note is null in 75 % of the sampled rows"])
        );
        assert_eq!(shown["row_count"], 10);
        assert_eq!(shown["metadata"]["grain"], "one row per id");
        assert_eq!(proposal.confidence, 700);
    }

    #[test]
    fn the_databases_own_words_come_first_and_what_is_unknown_is_said_to_be() {
        let mut orders = table("orders", &[column("x", Family::Text)]);
        orders.comment = Some("Every order that a customer placed".to_owned());
        let shown = propose(&source(), &orders, &mut Ids::default())
            .point
            .to_json();
        assert_eq!(
            shown["business_purpose"],
            "Every order that a customer placed"
        );
        assert_eq!(shown["freshness"], Value::Null);
        assert_eq!(
            shown["metadata"]["freshness"],
            "not known: no column says when a row was written"
        );
        assert_eq!(
            shown["metadata"]["grain"],
            "one row of shop.orders; no key is known"
        );
    }

    #[test]
    fn of_many_columns_keys_are_never_left_out() {
        let mut columns: Vec<ColumnProfile> = (0..60)
            .map(|n| column(&format!("c{n}"), Family::Text))
            .collect();
        columns.push(column("id", Family::Integer));
        let wide = table("wide", &columns).keyed(&["c59", "id"]);
        let shown = propose(&source(), &wide, &mut Ids::default())
            .point
            .to_json();
        let names: Vec<&Value> = shown["key_columns"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|column| &column["name"])
            .collect();
        assert_eq!(names.len(), COLUMNS);
        assert_eq!(names[COLUMNS - 2..], [&json!("c59"), &json!("id")]);
    }
}
