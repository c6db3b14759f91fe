//! The catalog, over the API and by the command line, and its statements on a real server.

use anyhow::{Context, Result};
use datachat_tests::{CANARY, Options, Postgres, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::run_json;

#[tokio::test]
async fn every_type_is_described_and_an_available_ones_statements_list_what_is_there() -> Result<()>
{
    let postgres = Postgres::start(Options::new(CANARY).database("shop"))?;
    postgres.psql(
        "shop",
        "CREATE TABLE orders (id integer, \"Note\" text); CREATE SCHEMA sales;
         CREATE TABLE sales.rates (rate numeric(6,3)); CREATE TABLE sales.orders (x date)",
    )?;
    let server = TestServer::start(ServerOptions::new("catalog")).await?;
    let client = server.client();
    let id = server
        .register("shop", &postgres.superuser_url("shop"))
        .await?;

    let catalog = client.get("/api/v1/catalog").await?.expect(200)?;
    let entries = catalog["entries"].as_array().context("entries")?;
    let types: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["type"].as_str())
        .collect();
    assert!(types.is_sorted(), "{types:?}");
    for (name, status) in [
        ("bigquery", "credentials_only"),
        ("postgresql", "available"),
        ("redshift", "credentials_only"),
    ] {
        let entry = client
            .get(&format!("/api/v1/catalog/{name}"))
            .await?
            .expect(200)?;
        assert_eq!(entry["status"], status, "{name}");
        assert!(entries.contains(&entry), "{name}");
        assert_eq!(entry["plugin"].is_object(), status == "available", "{name}");
    }
    let by_alias = client.get("/api/v1/catalog/Postgres").await?.expect(200)?;
    assert_eq!(by_alias["type"], "postgresql");
    let unknown = client
        .get("/api/v1/catalog/oracle")
        .await?
        .problem(404, "not_found")?;
    assert!(
        unknown["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("postgresql"))
    );
    assert_eq!(run_json(&server, &["catalog"], 0)?, catalog["entries"]);
    assert_eq!(run_json(&server, &["catalog", "postgres"], 0)?, by_alias);

    let queries = &by_alias["queries"];
    let ask = async |query: &Value, table: &str, schema: Value| -> Result<Value> {
        let names = query["parameters"].as_array().context("parameters")?;
        let params: Vec<Value> = names
            .iter()
            .map(|name| {
                if name == "table" {
                    json!(table)
                } else {
                    schema.clone()
                }
            })
            .collect();
        let body = json!({"sql": query["sql"], "params": params, "target_database": id});
        let answer = client.post("/api/v1/query", &body).await?.expect(200)?;
        Ok(answer["rows"].clone())
    };
    let all = ask(&queries["list_tables"], "", Value::Null).await?;
    assert_eq!(
        all,
        json!([
            ["public", "orders"],
            ["sales", "orders"],
            ["sales", "rates"]
        ])
    );
    let some = ask(&queries["list_tables"], "", json!("sales")).await?;
    assert_eq!(some, json!([["sales", "orders"], ["sales", "rates"]]));
    let columns = ask(&queries["list_columns"], "orders", Value::Null).await?;
    assert_eq!(
        columns,
        json!([
            ["public", "orders", "id", "integer"],
            ["public", "orders", "Note", "text"],
            ["sales", "orders", "x", "date"]
        ])
    );
    let columns = ask(&queries["list_columns"], "orders", json!("sales")).await?;
    assert_eq!(columns, json!([["sales", "orders", "x", "date"]]));
    // A value is a value, whatever signs it has.
    let none = ask(&queries["list_columns"], "orders' OR '1' = '1", Value::Null).await?;
    assert_eq!(none, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_type_without_a_connector_is_refused_with_a_link_to_its_entry() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("catalog-only")).await?;
    for database_type in ["bigquery", "Redshift"] {
        let body = json!({
            "name": "x", "database_type": database_type, "database_url": "redshift://u:p@h/d",
        });
        let answer = server.client().post("/api/v1/databases", &body).await?;
        let problem = answer.problem(422, "credentials_only")?;
        let link = problem["hint"].as_str().context("a hint")?.to_owned();
        let entry = server.client().get(&link).await?.expect(200)?;
        assert_eq!(entry["type"], database_type.to_lowercase());
    }
    Ok(())
}
