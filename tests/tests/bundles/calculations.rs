//! Calculations of metrics are expressions over the tables that they name.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use datachat_tests::stage::text;
use serde_json::json;

use crate::bundle::{self, DataPoint, texts};
use datachat_tests::examples::{DATABASES, ask, servers};

/// The tables that an expression's columns belong to, in their order.
fn tables(calculation: &str) -> Vec<String> {
    let name =
        |character: char| character.is_alphanumeric() || character == '_' || character == '"';
    let mut tables = Vec::new();
    for (at, _) in calculation.match_indices('.') {
        let before = &calculation[..at];
        let start = before
            .rfind(|character| !name(character))
            .map_or(0, |found| found + 1);
        let table = before[start..].trim_matches('"').to_owned();
        // Not the point of a number.
        if table.starts_with(|first: char| !first.is_ascii_digit()) && !tables.contains(&table) {
            tables.push(table);
        }
    }
    tables
}

/// The Schema DataPoint of a table.
fn described<'a>(datapoints: &'a [DataPoint], table: &str) -> Result<&'a DataPoint> {
    datapoints
        .iter()
        .find(|datapoint| datapoint.body["table_name"] == table)
        .with_context(|| format!("{table} is not described"))
}

/// A FROM clause over one table, or over two with a declared relationship.
fn from(datapoints: &[DataPoint], tables: &[String]) -> Result<String> {
    let named = |table: &str| -> Result<String> {
        let schema = text(&described(datapoints, table)?.body["schema"])?;
        Ok(format!("{schema}.\"{table}\" AS \"{table}\""))
    };
    match tables {
        [one] => named(one),
        [one, other] => {
            let relationships = [(one, other), (other, one)];
            for (child, parent) in relationships {
                let body = &described(datapoints, child)?.body;
                for relationship in body["relationships"].as_array().into_iter().flatten() {
                    if relationship["target_table"] == *parent {
                        let column = text(&relationship["join_column"])?;
                        return Ok(format!(
                            "{} JOIN {} USING (\"{column}\")",
                            named(child)?,
                            named(parent)?
                        ));
                    }
                }
            }
            bail!("{one} and {other} are not related")
        }
        _ => bail!("a calculation over {} tables", tables.len()),
    }
}

#[tokio::test]
async fn every_calculation_of_a_database_gives_one_number_over_its_related_tables() -> Result<()> {
    let servers = servers().await?;
    for database in DATABASES {
        let datapoints = bundle::of(database)?;
        for datapoint in datapoints
            .iter()
            .filter(|datapoint| datapoint.is("Business"))
        {
            let calculation = text(&datapoint.body["calculation"])?;
            let used = tables(&calculation);
            let related: BTreeSet<String> = texts(&datapoint.body["related_tables"])?
                .into_iter()
                .collect();
            assert!(
                used.iter().all(|table| related.contains(table)),
                "{}",
                datapoint.id()
            );
            let sql = format!(
                "SELECT {calculation} AS n FROM {}",
                from(&datapoints, &used)?
            );
            let (_, rows) = ask(servers, "postgresql", database, &sql, json!([])).await?;
            let number: f64 = rows[0][0].parse().with_context(|| sql.clone())?;
            assert!(number != 0.0, "{sql}");
        }
    }
    Ok(())
}

#[test]
fn the_tables_of_a_calculation_are_found_with_and_without_quotes() {
    let calculation =
        r#"SUM("orderLines".quantity * 1.0) / COUNT(products."unitPrice" + "orderLines".price)"#;
    assert_eq!(tables(calculation), ["orderLines", "products"]);
}
