//! The example connector and the example tool: installed, used, upgraded, broken, rolled back and removed
//! while other clients query PostgreSQL without one failed request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result};
use datachat_tests::components::{built, install, variant};
use datachat_tests::{Answer, CANARY, Client, Options, Postgres, ServerOptions, TestServer};
use serde_json::{Value, json};

const CLIENTS: usize = 32;

const ORDERS: &str = "\
id,customer,amount,placed,note
1,ada,10.50,2024-01-01,first
2,bob,,2024-01-03,
3,ada,7.25,2024-02-01,\"a, b\"
4,eve,100,2024-02-29,last
";

fn component(name: &str) -> Result<Vec<u8>> {
    Ok(std::fs::read(built(&format!(
        "plugins-examples/{name}.wasm"
    ))?)?)
}

/// A folder of files, granted to the connector, and a connection to it.
async fn register_files(server: &TestServer) -> Result<String> {
    let folder = server.folder().join("files");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("orders.csv"), ORDERS)?;
    let grants = json!({"folders": {"shop": folder}});
    let granted = server
        .client()
        .put("/api/v1/plugins/csv/grants", &grants)
        .await?;
    granted.expect(200)?;
    let body = json!({"name": "files", "database_type": "csv", "database_url": "csv://shop"});
    let connection = server
        .client()
        .post("/api/v1/databases", &body)
        .await?
        .expect(201)?;
    let id = connection["connection_id"].as_str().context("an id")?;
    Ok(id.to_owned())
}

async fn query(client: &Client, id: &str, sql: &str) -> Result<Answer> {
    let body = json!({"sql": sql, "target_database": id});
    client.post("/api/v1/query", &body).await
}

async fn stats(client: &Client, id: &str, arguments: Value) -> Result<Answer> {
    let body = json!({"name": "column_stats", "arguments": arguments, "target_database": id});
    client.post("/api/v1/tools/execute", &body).await
}

#[tokio::test]
async fn files_are_queried_and_the_same_tool_works_on_them_and_on_postgresql() -> Result<()> {
    let postgres = Postgres::start(Options::new(CANARY).database("shop"))?;
    postgres.psql(
        "shop",
        "CREATE TABLE \"Orders\" (id bigint, amount numeric(6,2), placed timestamptz, note text, j json);
         INSERT INTO \"Orders\" VALUES
           (1, 10.50, '2024-01-01 10:00+00', 'x', '{}'), (2, NULL, '2024-01-02', 'x', '[]'),
           (3, 7.25, '2024-03-01', NULL, NULL), (4, 100, NULL, 'y', NULL);
         CREATE TABLE empty (n integer)",
    )?;
    let server = TestServer::start(ServerOptions::new("examples")).await?;
    let client = server.client();
    install(client, component("csv")?, "", &[])
        .await?
        .expect(201)?;
    install(client, component("column-stats")?, "name=column-stats", &[])
        .await?
        .expect(201)?;
    let entry = client.get("/api/v1/catalog/csv").await?.expect(200)?;
    assert_eq!(
        (&entry["status"], &entry["default_port"]),
        (&json!("available"), &Value::Null)
    );
    let files = register_files(&server).await?;
    let shop = server
        .register("shop", &postgres.superuser_url("shop"))
        .await?;

    let sql = "SELECT customer, count(*) AS n, sum(amount) AS total FROM orders GROUP BY customer ORDER BY customer";
    let answer = query(client, &files, sql).await?.expect(200)?;
    assert_eq!(
        answer["rows"],
        json!([["ada", 2, 17.75], ["bob", 1, null], ["eve", 1, 100.0]])
    );
    assert_eq!(answer["database"]["type"], "csv");
    for (sql, status, code) in [
        ("DELETE FROM orders", 403, "read_only_violation"),
        ("SELECT * FROM orders -- x", 400, "syntax"),
        (
            "SELECT * FROM orders o JOIN orders p ON o.id = p.id",
            400,
            "unsupported",
        ),
        ("SELECT upper(customer) FROM orders", 400, "unsupported"),
        ("SELECT missing FROM orders", 400, "undefined_object"),
        ("SELECT * FROM nowhere", 400, "undefined_object"),
    ] {
        let answer = query(client, &files, sql).await?;
        answer
            .problem(status, code)
            .with_context(|| sql.to_owned())?;
    }
    let schema = client
        .get(&format!("/api/v1/databases/{files}/schema"))
        .await?
        .expect(200)?;
    assert_eq!(schema["tables"][0]["table_name"], "orders");
    assert_eq!(schema["tables"][0]["columns"][3]["data_type"], "date");

    let answer = stats(
        client,
        &files,
        json!({"table": "orders", "column": "Amount", "buckets": 2}),
    );
    let answer = answer.await?.expect(200)?["result"].clone();
    assert_eq!(answer["rows"], 4);
    assert_eq!(
        (&answer["nulls"], &answer["distinct"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(
        (&answer["min"], &answer["max"]),
        (&json!(7.25), &json!(100.0))
    );
    let counts: Vec<&Value> = answer["histogram"]
        .as_array()
        .context("buckets")?
        .iter()
        .map(|b| &b["count"])
        .collect();
    assert_eq!(counts, [&json!(2), &json!(1)]);

    let answer = stats(
        client,
        &shop,
        json!({"table": "orders", "column": "amount", "buckets": 2}),
    );
    let answer = answer.await?.expect(200)?["result"].clone();
    assert_eq!(answer["table"], "public.Orders");
    assert_eq!(
        (&answer["min"], &answer["max"]),
        (&json!("7.25"), &json!("100.00"))
    );
    assert_eq!(answer["histogram"][0]["count"], 2);
    let answer = stats(
        client,
        &shop,
        json!({"table": "Orders", "column": "placed"}),
    );
    let answer = answer.await?.expect(200)?["result"].clone();
    assert_eq!(
        (&answer["nulls"], &answer["histogram_rows"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(answer["histogram"][0]["from"], "2024-01-01T10:00:00Z");
    let answer = stats(client, &shop, json!({"table": "Orders", "column": "j"}));
    let answer = answer.await?.expect(200)?["result"].clone();
    assert_eq!(
        (&answer["distinct"], &answer["min"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(answer["nulls"], 2);
    let answer = stats(client, &shop, json!({"table": "empty", "column": "n"}));
    let answer = answer.await?.expect(200)?["result"].clone();
    assert_eq!(
        (&answer["rows"], &answer["histogram"]),
        (&json!(0), &json!([]))
    );
    for (arguments, status, code) in [
        (
            json!({"table": "nowhere", "column": "x"}),
            404,
            "table_not_found",
        ),
        (
            json!({"table": "orders", "column": "missing"}),
            422,
            "validation_failed",
        ),
        (
            json!({"table": "orders", "column": "id", "buckets": 0}),
            422,
            "validation_failed",
        ),
        (json!({"table": "orders"}), 422, "validation_failed"),
        (
            json!({"table": "orders", "column": "id", "x": 1}),
            422,
            "unknown_field",
        ),
    ] {
        stats(client, &shop, arguments.clone())
            .await?
            .problem(status, code)
            .with_context(|| arguments.to_string())?;
    }
    Ok(())
}

/// Clients that query PostgreSQL again and again until they are told to stop.
struct Crowd {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Crowd {
    fn gather(server: &TestServer, id: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(AtomicU64::new(0));
        let tasks = (0..CLIENTS)
            .map(|number| {
                let (client, id) = (server.client().afresh(), id.to_owned());
                let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        let sql =
                            format!("SELECT {number} AS n, count(*) FROM generate_series(1, 100)");
                        let answer = query(&client, &id, &sql).await?.expect(200)?;
                        assert_eq!(answer["rows"], json!([[number, 100]]));
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        Self {
            stop,
            answers,
            tasks,
        }
    }

    /// Waits until the crowd has had some more answers.
    async fn goes_on(&self) {
        let wanted = self.answers.load(Ordering::Relaxed) + CLIENTS as u64;
        while self.answers.load(Ordering::Relaxed) < wanted {
            assert!(
                !self.tasks.iter().any(tokio::task::JoinHandle::is_finished),
                "a client got no answer"
            );
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    async fn disperse(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await??;
        }
        Ok(self.answers.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_come_break_and_go_while_others_query() -> Result<()> {
    let postgres = Postgres::start(Options::new(CANARY))?;
    let server = TestServer::start(ServerOptions::new("examples-churn")).await?;
    let client = server.client();
    let shop = server
        .register("shop", &postgres.superuser_url("postgres"))
        .await?;
    let crowd = Crowd::gather(&server, &shop);
    crowd.goes_on().await;

    let (csv, tool) = (component("csv")?, component("column-stats")?);
    install(client, csv.clone(), "", &[]).await?.expect(201)?;
    install(client, tool.clone(), "name=column-stats", &[])
        .await?
        .expect(201)?;
    let files = register_files(&server).await?;
    let works = async || -> Result<()> {
        let answer = query(client, &files, "SELECT count(*) FROM orders")
            .await?
            .expect(200)?;
        assert_eq!(answer["rows"], json!([[4]]));
        let arguments = json!({"table": "orders", "column": "id"});
        let answer = stats(client, &files, arguments).await?.expect(200)?;
        assert_eq!(answer["result"]["distinct"], 4);
        Ok(())
    };
    works().await?;
    crowd.goes_on().await;

    // Upgraded: the same components under other digests.
    let upgraded = install(client, variant(&csv, "2"), "", &[])
        .await?
        .expect(200)?;
    install(client, variant(&tool, "2"), "name=column-stats", &[])
        .await?
        .expect(200)?;
    works().await?;
    crowd.goes_on().await;

    // Broken: cut in half, and something that is no plugin. Nothing changes.
    let half = csv[..csv.len() / 2].to_vec();
    install(client, half, "", &[])
        .await?
        .problem(422, "plugin_refused")?;
    let nothing = b"\0asm\x0d\0\x01\0".to_vec();
    install(client, nothing, "name=csv", &[])
        .await?
        .problem(422, "plugin_refused")?;
    let listed = client.get("/api/v1/plugins").await?.expect(200)?;
    let list = listed["plugins"].as_array().context("a list")?;
    let now = list
        .iter()
        .find(|plugin| plugin["name"] == "csv")
        .context("listed")?;
    assert_eq!(now["digest"], upgraded["digest"]);
    works().await?;

    // Rolled back, and removed.
    install(client, csv, "", &[]).await?.expect(200)?;
    works().await?;
    crowd.goes_on().await;
    for name in ["csv", "column-stats"] {
        let removed = client.delete(&format!("/api/v1/plugins/{name}")).await?;
        removed.expect(204)?;
    }
    let gone = query(client, &files, "SELECT count(*) FROM orders").await?;
    gone.problem(503, "connector_unavailable")?;
    let arguments = json!({"table": "orders", "column": "id"});
    stats(client, &shop, arguments)
        .await?
        .problem(404, "unknown_tool")?;
    crowd.goes_on().await;
    let answers = crowd.disperse().await?;
    eprintln!("{answers} answers of {CLIENTS} clients meanwhile, none failed");
    Ok(())
}
