//! What a file of a bundle must hold, and what a bundle must hold.

use datachat_tests::examples::DATABASES;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::bundle::{self, DataPoint, TYPES};

/// Fields of a type that must be there and not be empty.
fn required(kind: &str) -> &'static [&'static str] {
    match kind {
        "Schema" => &[
            "table_name",
            "schema",
            "business_purpose",
            "key_columns",
            "freshness",
        ],
        "Business" => &["calculation", "synonyms", "business_rules", "unit"],
        "Process" => &["schedule", "data_freshness", "target_tables", "sla"],
        "Query" => &[
            "sql_template",
            "description",
            "validation",
            "related_tables",
        ],
        _ => &[],
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(array) => !array.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Null => false,
        _ => true,
    }
}

/// `^[a-z]+(_[a-z0-9]+)+$`, at most 100 characters.
fn is_id(id: &str) -> bool {
    let mut parts = id.split('_');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let all = |part: &str, allowed: fn(u8) -> bool| !part.is_empty() && part.bytes().all(allowed);
    id.len() <= 100
        && all(first, |byte| byte.is_ascii_lowercase())
        && !rest.is_empty()
        && rest.iter().all(|part| {
            all(part, |byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit()
            })
        })
}

#[test]
fn a_file_is_named_by_its_id_and_lies_in_the_folder_of_its_type() -> Result<()> {
    for (bundle, datapoints) in bundle::all()? {
        let mut ids = BTreeSet::new();
        for datapoint in &datapoints {
            let id = datapoint.id();
            assert!(is_id(id), "{id}");
            assert!(ids.insert(id), "{id} is in {bundle} twice");
            let stem = datapoint.path.file_stem().and_then(|stem| stem.to_str());
            assert_eq!(stem, Some(id));
            let folder = datapoint
                .path
                .parent()
                .and_then(|folder| folder.file_name());
            let folder = folder.and_then(|folder| folder.to_str());
            let kind = datapoint.body["type"].as_str();
            assert!(
                TYPES
                    .iter()
                    .any(|row| Some(row.0) == kind && Some(row.1) == folder),
                "{id}"
            );
        }
    }
    Ok(())
}

#[test]
fn every_file_holds_what_the_strict_contracts_ask_for() -> Result<()> {
    for (bundle, datapoints) in bundle::all()? {
        for DataPoint { path, body } in &datapoints {
            let kind = body["type"].as_str().unwrap_or_default();
            let general = ["name", "owner", "tags"];
            for field in general.iter().chain(required(kind)) {
                assert!(is_filled(&body[*field]), "{}: {field}", path.display());
            }
            let mut metadata = vec![
                "grain",
                "exclusions",
                "confidence_notes",
                "freshness",
                "lifecycle",
            ];
            if kind == "Business" {
                metadata.push("units");
                // What the group defines for all databases belongs to no table.
                let related = is_filled(&body["related_tables"]);
                assert_eq!(related, bundle != "shared", "{}", path.display());
            }
            for field in metadata {
                assert!(
                    is_filled(&body["metadata"][field]),
                    "{}: {field}",
                    path.display()
                );
            }
            for field in [
                "version",
                "reviewer",
                "changed_by",
                "changed_reason",
                "changed_at",
            ] {
                let lifecycle = &body["metadata"]["lifecycle"];
                assert!(is_filled(&lifecycle[field]), "{}: {field}", path.display());
            }
            for field in ["business_purpose", "description", "sql_template"] {
                let long = body[field].as_str().is_none_or(|text| text.len() >= 10);
                assert!(long, "{}: {field}", path.display());
            }
            let owner = body["owner"].as_str().unwrap_or_default();
            assert!(owner.ends_with("@example.com"), "{}", path.display());
        }
    }
    Ok(())
}

#[test]
fn only_what_is_shared_names_a_scope() -> Result<()> {
    for (bundle, datapoints) in bundle::all()? {
        for datapoint in &datapoints {
            let metadata = datapoint.body["metadata"]
                .as_object()
                .context("no metadata")?;
            let scope = metadata.get("scope").and_then(Value::as_str);
            assert_eq!(
                scope,
                (bundle == "shared").then_some("global"),
                "{}",
                datapoint.id()
            );
            for key in ["connection_id", "shared"] {
                assert!(!metadata.contains_key(key), "{}", datapoint.id());
            }
        }
    }
    Ok(())
}

#[test]
fn a_bundle_is_large_enough_and_every_metric_can_be_asked_for_in_other_words() -> Result<()> {
    for database in DATABASES {
        let datapoints = bundle::of(database)?;
        let count = |kind| {
            datapoints
                .iter()
                .filter(|datapoint| datapoint.is(kind))
                .count()
        };
        assert!(count("Business") >= 6 && count("Process") >= 3 && count("Query") >= 8);
        let mut words: BTreeMap<String, &str> = BTreeMap::new();
        for datapoint in datapoints
            .iter()
            .filter(|datapoint| datapoint.is("Business"))
        {
            let mut names = bundle::texts(&datapoint.body["synonyms"])?;
            assert!(names.len() >= 2, "{}", datapoint.id());
            names.push(datachat_tests::stage::text(&datapoint.body["name"])?);
            for name in names {
                let other = words.insert(name.to_lowercase(), datapoint.id());
                assert_eq!(other, None, "{name} names {}, too", datapoint.id());
            }
        }
    }
    Ok(())
}

#[test]
fn some_ids_and_names_are_in_several_bundles_and_mean_something_else() -> Result<()> {
    let bundles = bundle::all()?;
    let holders = |id: &str| -> Vec<&Value> {
        bundles
            .iter()
            .filter_map(|(_, datapoints)| datapoints.iter().find(|datapoint| datapoint.id() == id))
            .map(|datapoint| &datapoint.body)
            .collect()
    };
    for (id, count) in [
        ("table_transactions_001", 2),
        ("metric_revenue_001", 2),
        ("metric_active_customers_001", 3),
        ("metric_transaction_count_001", 3),
    ] {
        let holders = holders(id);
        assert_eq!(holders.len(), count, "{id}");
        let means: BTreeSet<String> = holders
            .iter()
            .map(|body| {
                let body = [
                    &body["calculation"],
                    &body["business_purpose"],
                    &body["metadata"]["exclusions"],
                ];
                format!("{body:?}")
            })
            .collect();
        assert_eq!(means.len(), count, "{id}");
    }
    Ok(())
}
