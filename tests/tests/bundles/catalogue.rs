//! Schema DataPoints and the live databases know the same tables and columns.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use datachat_tests::stage::text;
use serde_json::{Value, json};

use crate::bundle::{self, texts};
use datachat_tests::examples::{DATABASES, ENGINES, Servers, ask, servers};

type Columns = BTreeSet<String>;

/// The live tables without partitions, which are the insides of a table.
async fn live(servers: &Servers, engine: &str, database: &str) -> Result<Vec<Value>> {
    let path = format!("/api/v1/databases/{}/schema", servers.id(engine, database)?);
    let mut schema = servers.client().get(&path).await?.expect(200)?;
    let mut tables = Vec::new();
    for table in schema["tables"].as_array_mut().context("no tables")? {
        if table["table_type"] != "partition" {
            tables.push(table.take());
        }
    }
    Ok(tables)
}

fn columns(array: &Value, name: &str) -> Result<Columns> {
    let array = array.as_array().context("no columns")?;
    array.iter().map(|column| text(&column[name])).collect()
}

#[tokio::test]
async fn every_live_table_and_column_is_described_and_nothing_else() -> Result<()> {
    let servers = servers().await?;
    for database in DATABASES {
        let mut described: BTreeMap<String, Columns> = BTreeMap::new();
        for datapoint in bundle::of(database)? {
            if datapoint.is("Schema") {
                let columns = columns(&datapoint.body["key_columns"], "name")?;
                let twice = described.insert(text(&datapoint.body["table_name"])?, columns);
                assert!(twice.is_none(), "{}", datapoint.id());
            }
        }
        for engine in ENGINES {
            let mut found = BTreeMap::new();
            for table in live(servers, engine, database).await? {
                let columns = columns(&table["columns"], "name")?;
                found.insert(text(&table["table_name"])?, columns);
            }
            assert_eq!(found, described, "{database} on {engine}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn schemas_types_nulls_keys_and_row_counts_are_those_of_postgresql() -> Result<()> {
    let servers = servers().await?;
    for database in DATABASES {
        let live = live(servers, "postgresql", database).await?;
        for datapoint in bundle::of(database)?
            .iter()
            .filter(|datapoint| datapoint.is("Schema"))
        {
            let body = &datapoint.body;
            let about = datapoint.id();
            let table = live
                .iter()
                .find(|table| table["table_name"] == body["table_name"])
                .context(about.to_owned())?;
            assert_eq!(body["schema"], table["schema_name"], "{about}");
            let mut keys = BTreeSet::new();
            for column in table["columns"].as_array().into_iter().flatten() {
                let name = &column["name"];
                let described = body["key_columns"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|described| described["name"] == *name)
                    .with_context(|| format!("{about} {name}"))?;
                assert_eq!(described["type"], column["data_type"], "{about} {name}");
                assert_eq!(
                    described["nullable"], column["is_nullable"],
                    "{about} {name}"
                );
                if column["is_foreign_key"] == true {
                    // With its schema if that is another one.
                    let target = text(&column["foreign_table"])?;
                    let target = target.rsplit('.').next().unwrap_or_default().to_owned();
                    keys.insert((text(name)?, target));
                }
            }
            let declared = body["relationships"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|relationship| relationship["relationship_type"] == "foreign_key")
                .map(|relationship| {
                    Ok((
                        text(&relationship["join_column"])?,
                        text(&relationship["target_table"])?,
                    ))
                })
                .collect::<Result<BTreeSet<_>>>()?;
            assert_eq!(declared, keys, "{about}");
            if let Some(rows) = body["row_count"].as_u64() {
                let schema = text(&body["schema"])?;
                let name = text(&body["table_name"])?;
                let sql = format!("SELECT CAST(count(*) AS text) FROM {schema}.\"{name}\"");
                let (_, found) = ask(servers, "postgresql", database, &sql, json!([])).await?;
                assert_eq!(found[0][0], format!("{rows}.0000"), "{about}");
            }
        }
    }
    Ok(())
}

#[test]
fn whatever_a_datapoint_refers_to_is_described() -> Result<()> {
    for database in DATABASES {
        let datapoints = bundle::of(database)?;
        let tables: BTreeSet<&str> = datapoints
            .iter()
            .filter_map(|datapoint| datapoint.body["table_name"].as_str())
            .collect();
        for datapoint in &datapoints {
            for field in ["related_tables", "target_tables"] {
                for table in texts(&datapoint.body[field])? {
                    assert!(
                        tables.contains(table.as_str()),
                        "{}: {table}",
                        datapoint.id()
                    );
                }
            }
            for relationship in datapoint.body["relationships"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let target = text(&relationship["target_table"])?;
                assert!(
                    tables.contains(target.as_str()),
                    "{}: {target}",
                    datapoint.id()
                );
            }
        }
    }
    Ok(())
}
