//! The questions that need no model have the same answers on every engine.

use anyhow::Result;
use serde_json::{Value, json};

use crate::scene::{ask, shops};

#[tokio::test]
async fn tables_are_listed_with_their_names() -> Result<()> {
    let (client, shops) = shops().await?;
    for (engine, id) in shops {
        let reply = ask(&client, &id, "Which tables are there?").await?;
        let expected = match engine {
            "postgresql" => "Found 4 table(s): Order Items, customers, sales.rates, stock.rates.",
            // It sorts without regard to case.
            "mysql" => "Found 2 table(s): customers, Order Items.",
            _ => "Found 2 table(s): Order Items, customers.",
        };
        assert_eq!(reply["answer"], expected, "{engine}");
        assert_eq!(reply["answer_source"], "sql");
        assert_eq!(reply["answer_confidence"], 0.99);
        assert_eq!(reply["visualization_hint"], "table");
        assert_eq!(reply["metrics"]["llm_calls"], 0);
        assert_eq!(reply["database"]["type"], engine);
        assert_eq!(reply["database"]["chosen_by"], "explicit");
        let names = reply["data"]["table_name"].to_string();
        assert!(names.contains("\"Order Items\""), "{names}");
        let sql = reply["sql"].as_str().unwrap_or_default();
        let catalogue = if engine == "clickhouse" {
            "system.tables"
        } else {
            "information_schema.tables"
        };
        assert!(sql.contains(catalogue), "{sql}");
    }
    Ok(())
}

#[tokio::test]
async fn the_columns_of_a_table_are_rows() -> Result<()> {
    let (client, shops) = shops().await?;
    for (engine, id) in shops {
        let reply = ask(&client, &id, "describe the Customers table").await?;
        let expected = "The `customers` table has 3 column(s): id, name, city.";
        assert_eq!(reply["answer"], expected, "{engine}");
        assert_eq!(reply["answer_confidence"], 0.98);
        assert_eq!(reply["data"]["column_name"], json!(["id", "name", "city"]));
        assert_eq!(
            reply["data"]["is_nullable"],
            json!(["NO", "NO", "YES"]),
            "{engine}"
        );
        let types = match engine {
            "postgresql" => json!(["integer", "text", "text"]),
            "mysql" => json!(["int(11)", "varchar(40)", "text"]),
            _ => json!(["UInt32", "String", "Nullable(String)"]),
        };
        assert_eq!(reply["data"]["data_type"], types);
    }
    Ok(())
}

#[tokio::test]
async fn rows_are_counted_under_names_that_need_quotes_too() -> Result<()> {
    let (client, shops) = shops().await?;
    for (engine, id) in shops {
        let reply = ask(&client, &id, "how many rows are there in customers?").await?;
        assert_eq!(
            reply["answer"], "Table `customers` has 120 row(s).",
            "{engine}"
        );
        assert_eq!(reply["sql"], "SELECT COUNT(*) AS row_count FROM customers");
        assert_eq!(reply["data"], json!({"row_count": [120]}));
        assert_eq!(reply["answer_confidence"], 0.96);
        let reply = ask(&client, &id, "row count of \"order items\"").await?;
        assert_eq!(
            reply["answer"], "Table `Order Items` has 2 row(s).",
            "{engine}"
        );
        let quoted = if engine == "postgresql" {
            "\"Order Items\""
        } else {
            "`Order Items`"
        };
        assert_eq!(
            reply["sql"],
            format!("SELECT COUNT(*) AS row_count FROM {quoted}")
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_sample_has_as_many_rows_as_were_asked_for_and_never_more_than_100() -> Result<()> {
    let (client, shops) = shops().await?;
    for (engine, id) in shops {
        for (question, rows) in [
            ("show first 5 rows of customers", 5),
            ("sample rows from customers", 3),
            ("show me the first 100000 rows of customers", 100),
        ] {
            let reply = ask(&client, &id, question).await?;
            let expected = format!("Returned {rows} row(s) from `customers`.");
            assert_eq!(reply["answer"], expected, "{engine}");
            assert_eq!(reply["data"]["id"].as_array().map(Vec::len), Some(rows));
            assert_eq!(reply["data"]["city"][0], Value::Null);
            assert_eq!(reply["truncated"], false);
        }
    }
    Ok(())
}
