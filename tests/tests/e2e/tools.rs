//! The shipped tools, and every way in which a call fails.

use anyhow::{Context, Result};
use bytes::Bytes;
use datachat_tests::{Answer, Client, Postgres, ServerOptions, TestServer};
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::stage::{keys, own_postgres, reader_url, register, stage, text, tool};

const EXECUTE: &str = "/api/v1/tools/execute";

/// A database with names that are hard to find, and its URL.
async fn postgres() -> Result<&'static (Postgres, String)> {
    static URL: OnceCell<(Postgres, String)> = OnceCell::const_new();
    URL.get_or_try_init(|| async {
        let postgres = own_postgres()?;
        postgres.psql(
            "alpha",
            "CREATE TABLE customers (id integer, name text);
                 INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 120) n;
                 CREATE TABLE \"Customers\" (id integer, upper boolean);
                 CREATE TABLE \"Order Notes\" (\"No\" integer NOT NULL, \"no\" text);
                 INSERT INTO \"Order Notes\" VALUES (1, 'first'), (2, NULL);
                 CREATE SCHEMA risk; CREATE SCHEMA sales;
                 CREATE TABLE risk.orders (score integer);
                 CREATE TABLE risk.limits (cap integer);
                 CREATE TABLE risk.rates (rate numeric(6,3));
                 CREATE TABLE sales.rates (rate text);
                 GRANT USAGE ON SCHEMA risk, sales TO PUBLIC;
                 GRANT SELECT ON ALL TABLES IN SCHEMA public, risk, sales TO PUBLIC;
                 ANALYZE",
        )?;
        let url = reader_url(&postgres, "alpha");
        anyhow::Ok((postgres, url))
    })
    .await
}

/// A connection to that database.
async fn names() -> Result<(Client, String)> {
    let (_, url) = postgres().await?;
    let client = stage().await?.client();
    let id = register(&client, url).await?;
    Ok((client, id))
}

async fn result(client: &Client, id: &str, name: &str, arguments: Value) -> Result<Value> {
    let mut body = tool(client, id, name, arguments).await?.expect(200)?;
    let members = [
        "tool",
        "success",
        "result",
        "error",
        "database",
        "truncated",
    ];
    assert_eq!(keys(&body), members);
    assert_eq!(body["tool"], name);
    assert_eq!(body["success"], true);
    assert_eq!(body["error"], Value::Null);
    assert_eq!(body["database"]["id"], json!(id));
    Ok(body["result"].take())
}

#[tokio::test]
async fn the_shipped_tools_are_listed_with_their_schemas() -> Result<()> {
    let client = stage().await?.client();
    let list = client.get("/api/v1/tools").await?.expect(200)?;
    let tools = list.as_array().context("no array")?;
    for (name, asks) in [
        ("list_tables", false),
        ("list_columns", false),
        ("get_table_sample", false),
        ("run_sql", false),
        ("context_answer", false),
        ("datapoint_quality_report", false),
        ("profile_and_generate_datapoints", true),
    ] {
        let tool = tools
            .iter()
            .find(|tool| tool["name"] == name)
            .context(name)?;
        let members = [
            "name",
            "description",
            "category",
            "requires_approval",
            "enabled",
            "parameters_schema",
        ];
        assert_eq!(keys(tool), members);
        assert_eq!(tool["enabled"], true);
        assert_eq!(tool["requires_approval"], asks);
        assert_eq!(tool["parameters_schema"]["type"], "object");
        assert_eq!(tool["parameters_schema"]["additionalProperties"], false);
    }
    Ok(())
}

#[tokio::test]
async fn list_tables_shows_every_schema_or_the_one_asked_for() -> Result<()> {
    let (client, id) = names().await?;
    let all = result(&client, &id, "list_tables", json!({})).await?;
    let tables = all["tables"].as_array().context("no tables")?;
    assert_eq!(
        keys(&tables[0]),
        ["schema", "table", "row_count", "table_type"]
    );
    let names: Vec<_> = tables
        .iter()
        .map(|table| {
            Ok(format!(
                "{}.{}",
                text(&table["schema"])?,
                text(&table["table"])?
            ))
        })
        .collect::<Result<_>>()?;
    for expected in [
        "public.customers",
        "public.Customers",
        "public.Order Notes",
        "risk.orders",
    ] {
        assert!(names.contains(&expected.to_owned()), "{names:?}");
    }
    let customers = tables.iter().find(|table| table["table"] == "customers");
    assert_eq!(customers.context("no customers")?["row_count"], 120);
    let risk = result(&client, &id, "list_tables", json!({"schema": "risk"})).await?;
    let names: Vec<_> = risk["tables"]
        .as_array()
        .context("no tables")?
        .iter()
        .map(|t| t["table"].clone())
        .collect();
    assert_eq!(names, ["limits", "orders", "rates"]);
    Ok(())
}

#[tokio::test]
async fn list_columns_finds_a_table_by_exact_name_then_ignoring_case() -> Result<()> {
    let (client, id) = names().await?;
    let columns = async |table: &str| -> Result<Value> {
        let mut found = result(&client, &id, "list_columns", json!({"table": table})).await?;
        assert_eq!(keys(&found), ["table", "columns"]);
        Ok(found["columns"].take())
    };
    let id_column = json!({"name": "id", "type": "integer", "nullable": true});
    assert_eq!(columns("customers").await?[1]["name"], "name");
    assert_eq!(columns("customers").await?[0], id_column);
    assert_eq!(columns("Customers").await?[1]["name"], "upper");
    assert_eq!(
        columns("order notes").await?,
        json!([
            {"name": "No", "type": "integer", "nullable": false},
            {"name": "no", "type": "text", "nullable": true}
        ])
    );
    // Another schema: named in the table, or as an argument, or found because it is the only one.
    assert_eq!(columns("risk.orders").await?[0]["name"], "score");
    assert_eq!(columns("RISK.ORDERS").await?[0]["name"], "score");
    assert_eq!(columns("limits").await?[0]["name"], "cap");
    let arguments = json!({"table": "rates", "schema": "sales"});
    let found = result(&client, &id, "list_columns", arguments).await?;
    assert_eq!(found["columns"][0]["type"], "text");
    // The default schema goes before others.
    assert_eq!(columns("orders").await?[1]["name"], "marker");
    Ok(())
}

#[tokio::test]
async fn an_unknown_table_is_404_and_an_ambiguous_one_409_with_its_candidates() -> Result<()> {
    let (client, id) = names().await?;
    for name in ["list_columns", "get_table_sample"] {
        for table in [
            "nowhere",
            "risk.customers",
            "nowhere.orders",
            "",
            "\"; DROP TABLE x",
        ] {
            let answer = tool(&client, &id, name, json!({"table": table})).await?;
            let code = text(&answer.json()["code"])?;
            // An empty name may already be against the schema of the arguments.
            if table.is_empty() && code == "validation_failed" {
                continue;
            }
            let problem = answer.problem(404, "table_not_found").context(table)?;
            assert_eq!(problem["connection_id"], json!(id));
        }
        // Two that differ in case only, neither being the exact name; and one name in two schemas.
        for (table, candidates) in [
            ("CUSTOMERS", ["public.Customers", "public.customers"]),
            ("rates", ["risk.rates", "sales.rates"]),
        ] {
            let answer = tool(&client, &id, name, json!({"table": table})).await?;
            let problem = answer.problem(409, "ambiguous_table")?;
            let mut shown: Vec<String> = problem["candidates"]
                .as_array()
                .context("no candidates")?
                .iter()
                .map(|candidate| text(candidate).map(|text| text.replace('"', "")))
                .collect::<Result<_>>()?;
            shown.sort();
            assert_eq!(shown, candidates);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_sample_is_as_large_as_asked_within_1_and_100() -> Result<()> {
    let (client, id) = names().await?;
    for (limit, rows) in [
        (None, 5),
        (Some(3), 3),
        (Some(0), 1),
        (Some(-7), 1),
        (Some(100), 100),
        (Some(5000), 100),
    ] {
        let mut arguments = json!({"table": "customers"});
        if let Some(limit) = limit {
            arguments["limit"] = json!(limit);
        }
        let sample = result(&client, &id, "get_table_sample", arguments).await?;
        assert_eq!(sample["row_count"], rows, "{limit:?}");
        assert_eq!(sample["limit"], rows, "{limit:?}");
        assert_eq!(
            sample["rows"].as_array().map(Vec::len),
            Some(rows),
            "{limit:?}"
        );
    }
    let sample = result(
        &client,
        &id,
        "get_table_sample",
        json!({"table": "Order Notes"}),
    )
    .await?;
    assert_eq!(keys(&sample), ["columns", "rows", "row_count", "limit"]);
    assert_eq!(
        sample["rows"],
        json!([{"No": 1, "no": "first"}, {"No": 2, "no": null}])
    );
    Ok(())
}

#[tokio::test]
async fn run_sql_answers_with_every_key_of_its_shape() -> Result<()> {
    let (client, id) = names().await?;
    let sql = "SELECT 1 AS a, 'x' AS b, 2 AS a, 1.10::numeric AS d UNION ALL SELECT 3, NULL, 4, 2.00 ORDER BY 1";
    let answer = result(&client, &id, "run_sql", json!({"query": sql})).await?;
    assert_eq!(
        keys(&answer),
        [
            "answer",
            "sql",
            "data",
            "visualization_hint",
            "validation_errors",
            "validation_warnings",
            "retrieved_datapoints",
            "used_datapoints",
            "answer_source",
            "confidence"
        ]
    );
    assert_eq!(answer["sql"], sql);
    let data = json!({"a": [1, 3], "b": ["x", null], "a_2": [2, 4], "d": ["1.10", "2.00"]});
    assert_eq!(answer["data"], data);
    assert_eq!(answer["answer_source"], "sql");
    for empty in ["validation_errors", "validation_warnings"] {
        assert_eq!(answer[empty], json!([]));
    }
    Ok(())
}

#[tokio::test]
async fn run_sql_reads_only_and_reports_errors_as_a_query_does() -> Result<()> {
    let (client, id) = names().await?;
    for (sql, status, code) in [
        ("DELETE FROM customers", 403, "read_only_violation"),
        (
            "WITH d AS (DELETE FROM customers RETURNING 1) SELECT * FROM d",
            403,
            "read_only_violation",
        ),
        ("SELECT 1; SELECT 2", 400, "multiple_statements"),
        ("SELECT * FROM nowhere", 400, "undefined_object"),
        ("SELEC 1", 400, "syntax"),
        ("SELECT 1/0", 400, "data_exception"),
        ("", 400, "empty_sql"),
    ] {
        let answer = tool(&client, &id, "run_sql", json!({"query": sql})).await?;
        let code_seen = text(&answer.json()["code"])?;
        if sql.is_empty() && code_seen == "validation_failed" {
            continue;
        }
        let problem = answer.problem(status, code).context(sql)?;
        assert_eq!(problem["connection_id"], json!(id));
    }
    Ok(())
}

#[tokio::test]
async fn arguments_are_held_against_the_schema_without_coercion() -> Result<()> {
    let (client, id) = names().await?;
    for (name, arguments, field) in [
        (
            "get_table_sample",
            json!({"table": "customers", "limit": "5"}),
            "arguments.limit",
        ),
        (
            "get_table_sample",
            json!({"table": "customers", "limit": 1.5}),
            "arguments.limit",
        ),
        (
            "get_table_sample",
            json!({"table": "customers", "limit": true}),
            "arguments.limit",
        ),
        ("get_table_sample", json!({"table": 5}), "arguments.table"),
        ("get_table_sample", json!({}), "arguments.table"),
        (
            "list_columns",
            json!({"schema": "public"}),
            "arguments.table",
        ),
        (
            "list_columns",
            json!({"table": "customers", "shcema": "x"}),
            "arguments.shcema",
        ),
        (
            "run_sql",
            json!({"sql": "SELECT 1", "query": "SELECT 1"}),
            "arguments.sql",
        ),
        ("list_tables", json!({"schema": 1}), "arguments.schema"),
        ("list_tables", json!([]), "arguments"),
        ("list_tables", json!("public"), "arguments"),
    ] {
        let answer = tool(&client, &id, name, arguments.clone()).await?;
        let code = text(&answer.json()["code"])?;
        assert!(
            ["validation_failed", "unknown_field"].contains(&code.as_str()),
            "{code}"
        );
        let problem = answer
            .problem(422, &code)
            .with_context(|| arguments.to_string())?;
        assert_eq!(problem["field"], field, "{name} {arguments}");
    }
    Ok(())
}

#[tokio::test]
async fn target_then_tool_then_arguments_are_judged_in_this_order() -> Result<()> {
    let (client, id) = names().await?;
    let ask = async |target: &str, name: &str, arguments: Value| {
        let body = json!({"name": name, "arguments": arguments, "target_database": target});
        client.post(EXECUTE, &body).await
    };
    ask("nonsense", "nosuch", json!({"x": 1}))
        .await?
        .problem(400, "invalid_connection_id")?;
    let problem = ask(&id, "nosuch", json!({"x": 1}))
        .await?
        .problem(404, "unknown_tool")?;
    assert_eq!(problem["connection_id"], json!(id));
    ask(&id, "list_tables", json!({"x": 1}))
        .await?
        .expect(422)?;
    Ok(())
}

#[tokio::test]
async fn the_body_of_a_call_is_checked_and_notes_are_only_noted() -> Result<()> {
    let (client, id) = names().await?;
    let base = json!({"name": "list_tables", "arguments": {}, "target_database": id});
    for (change, code, field) in [
        (json!({"name": null}), "validation_failed", "name"),
        (json!({"name": 7}), "validation_failed", "name"),
        (json!({"approved": "yes"}), "validation_failed", "approved"),
        (json!({"user_id": 7}), "validation_failed", "user_id"),
        (json!({"target": "x"}), "unknown_field", "target"),
    ] {
        let mut body = base.clone();
        for (name, value) in change.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let problem = client.post(EXECUTE, &body).await?.problem(422, code)?;
        assert_eq!(problem["field"], field);
    }
    let mut body = base.clone();
    for (name, value) in [("user_id", "root"), ("correlation_id", "c-1")] {
        body[name] = json!(value);
    }
    body["approved"] = json!(true);
    client.post(EXECUTE, &body).await?.expect(200)?;
    // Without arguments: none.
    let bare = json!({"name": "list_tables", "target_database": id});
    client.post(EXECUTE, &bare).await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_result_that_was_cut_off_says_so() -> Result<()> {
    let (client, id) = names().await?;
    let sql = "SELECT n FROM generate_series(1, 20000) n";
    let body = tool(&client, &id, "run_sql", json!({"query": sql}))
        .await?
        .expect(200)?;
    assert_eq!(body["truncated"], true);
    let seen = body["result"]["data"]["n"]
        .as_array()
        .context("no data")?
        .len();
    assert!(seen < 20_000 && seen > 0, "{seen}");
    let few = tool(&client, &id, "run_sql", json!({"query": "SELECT 1"}))
        .await?
        .expect(200)?;
    assert_eq!(few["truncated"], false);
    Ok(())
}

#[tokio::test]
async fn values_that_no_number_of_json_readers_holds_pass_through_a_tool() -> Result<()> {
    let (client, id) = names().await?;
    let huge = format!("1{}", "0".repeat(400));
    let sql = "SELECT '1e400'::jsonb AS v";
    let answer = tool(&client, &id, "run_sql", json!({"query": sql})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(&huge), "{}", answer.text());
    Ok(())
}

#[tokio::test]
async fn arguments_that_name_a_member_twice_are_refused_before_the_tool_sees_them() -> Result<()> {
    let (client, id) = names().await?;
    for (arguments, message) in [
        (r#"{"table": "orders", "table": "customers"}"#, "twice"),
        (r#"{"table": "orders", "limit": 1e999}"#, "double's range"),
        ("[]", "must be an object"),
    ] {
        let body = format!(
            r#"{{"name": "get_table_sample", "arguments": {arguments}, "target_database": "{id}"}}"#
        );
        let answer = send(&client, EXECUTE, body).await?;
        let problem = answer.problem(422, "validation_failed")?;
        assert_eq!(problem["field"], "arguments");
        assert!(problem.to_string().contains(message), "{problem}");
    }
    Ok(())
}

#[tokio::test]
async fn the_operators_ceilings_hold_for_tools_too() -> Result<()> {
    let options = ServerOptions::new("tool-ceilings").variable("DATACHAT_QUERY_MAX_ROWS", "3");
    let server = TestServer::start(options).await?;
    let (_, url) = postgres().await?;
    let id = register(server.client(), url).await?;
    let arguments = json!({"query": "SELECT id FROM customers ORDER BY id"});
    let answer = tool(server.client(), &id, "run_sql", arguments).await?;
    let body = answer.expect(200)?;
    assert_eq!(body["result"]["data"], json!({"id": [1, 2, 3]}));
    assert_eq!(body["truncated"], true);
    Ok(())
}

/// Sends a body that is no `Value`.
async fn send(client: &Client, path: &str, body: String) -> Result<Answer> {
    let request = client.request(Method::POST, path, &[], Some(&json!({})))?;
    let (parts, _) = request.into_parts();
    let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
    client.answer(request).await
}
