//! Every command that asks the API, by both ways, in the three forms of output.

use anyhow::{Context, Result};
use datachat_tests::{CANARY, Options, Postgres, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::run::{WAYS, command, run_with, unused_folder};

/// A command that succeeds, and what it shows.
#[derive(Default)]
struct Case {
    arguments: Vec<&'static str>,
    /// On standard input.
    input: String,
    /// Parts of the table.
    table: Vec<&'static str>,
    /// Members of the JSON, by their pointers; none: standard output is empty.
    json: Vec<(&'static str, Value)>,
    /// Parts of the CSV; none: standard output is empty.
    csv: Vec<&'static str>,
    /// Part of standard error.
    note: &'static str,
}

fn case(arguments: &[&'static str]) -> Case {
    Case {
        arguments: arguments.to_vec(),
        ..Case::default()
    }
}

/// From the first to the last moment of a connection.
fn cases(url: &str) -> Vec<Case> {
    let warned = "(role_superuser)";
    vec![
        Case {
            input: format!("{url}\n"),
            table: vec!["name", "Shop", "**********", "a, b"],
            json: vec![
                ("/name", json!("Shop")),
                ("/database_type", json!("postgresql")),
                ("/description", json!("for tests")),
                ("/tags", json!(["a", "b"])),
                ("/is_default", json!(false)),
                ("/database_url", json!("**********")),
            ],
            csv: vec![
                "field,value\r\n",
                "\r\nname,Shop\r\n",
                "\r\ntags,\"a, b\"\r\n",
            ],
            note: warned,
            ..case(&[
                "databases",
                "add",
                "-",
                "--name",
                "Shop",
                "--description",
                "for tests",
                "--tag",
                "a",
                "--tag",
                "b",
            ])
        },
        Case {
            table: vec![" is the default."],
            ..case(&["databases", "set-default", "shop"])
        },
        Case {
            table: vec!["┆ Shop ┆", "postgresql", "role_superuser"],
            json: vec![("/0/name", json!("Shop")), ("/0/is_default", json!(true))],
            csv: vec![
                "connection_id,name,database_type,is_default,status,tags,warnings\r\n",
                ",Shop,postgresql,true,ok,\"a, b\",\"role_superuser, ",
            ],
            ..case(&["databases", "list"])
        },
        Case {
            table: vec!["healthy", "PostgreSQL"],
            json: vec![("/status", json!("healthy")), ("/error", json!(null))],
            csv: vec!["field,value\r\n", "\r\nstatus,healthy\r\n"],
            ..case(&["databases", "test", "SHOP"])
        },
        Case {
            input: url.to_owned(),
            table: vec!["│ ok ", "true"],
            json: vec![
                ("/ok", json!(true)),
                ("/server/product", json!("PostgreSQL")),
            ],
            csv: vec!["field,value\r\nok,true\r\n"],
            note: warned,
            ..case(&["databases", "test", "-", "--type", "Postgres"])
        },
        Case {
            table: vec!["│ n ", "│ 7 ", "┆ x,y ", "┆ [1] "],
            json: vec![
                ("/rows", json!([[7, "x,y", [1], null]])),
                ("/database/chosen_by", json!("default")),
            ],
            csv: vec!["n,t,j,z\r\n7,\"x,y\",[1],\r\n"],
            note: "1 row(s) from Shop",
            ..case(&[
                "query",
                "SELECT $1::int AS n, $2::text AS t, $3::json AS j, $4::text AS z",
                "--param",
                "7",
                "--param",
                "x,y",
                "--param",
                r#"{"type": "json", "value": [1]}"#,
                "--param",
                "null",
            ])
        },
        Case {
            input: "SELECT 8 AS eight".to_owned(),
            table: vec!["│ eight ", "│ 8 "],
            json: vec![
                ("/rows", json!([[8]])),
                ("/database/chosen_by", json!("explicit")),
            ],
            csv: vec!["eight\r\n8\r\n"],
            note: "1 row(s) from Shop",
            ..case(&["query", "-", "--target-database", "shop"])
        },
        Case {
            table: vec!["get_table_sample", "run_sql"],
            json: vec![
                ("/0/name", json!("context_answer")),
                ("/0/enabled", json!(true)),
            ],
            csv: vec![
                "name,category,requires_approval,enabled,description\r\n",
                "\r\nrun_sql,database,false,true,",
            ],
            ..case(&["tools", "list"])
        },
        Case {
            table: vec!["│ id ", "┆ integer ", "┆ false "],
            json: vec![
                ("/tool", json!("list_columns")),
                (
                    "/result/columns/0",
                    json!({"name": "id", "type": "integer", "nullable": false}),
                ),
                ("/database/name", json!("Shop")),
                ("/truncated", json!(false)),
            ],
            csv: vec!["name,type,nullable\r\nid,integer,false\r\nnote,json,true\r\n"],
            ..case(&[
                "tools",
                "run",
                "list_columns",
                "--arg",
                "table=orders",
                "--target-database",
                "Shop",
            ])
        },
        Case {
            table: vec![r#"┆ {"a": 12345678901234567890} "#],
            json: vec![("/result/row_count", json!(1)), ("/result/limit", json!(2))],
            csv: vec!["id,note\r\n1,\"{\"\"a\"\": 12345678901234567890}\"\r\n"],
            ..case(&[
                "tools",
                "run",
                "get_table_sample",
                "--arg",
                "table=orders",
                "--arg",
                "limit=2",
                "--approve",
            ])
        },
        Case {
            table: vec!["┆ connector ", "┆ tool ", "┆ ready ", "sha256:"],
            json: vec![
                ("/0/kind", json!("connector")),
                ("/0/state", json!("ready")),
            ],
            csv: vec![
                "name,version,kind,state,origin,digest,signer,folders,detail\r\n",
                ",connector,ready,shipped,sha256:",
            ],
            ..case(&["plugins", "list"])
        },
        Case {
            table: vec![" is deleted."],
            ..case(&["databases", "remove", "Shop"])
        },
    ]
}

#[tokio::test]
async fn every_command_does_the_same_here_and_over_http_in_each_form_of_output() -> Result<()> {
    let postgres = Postgres::start(Options::new(CANARY))?;
    postgres.psql(
        "postgres",
        r#"CREATE TABLE orders (id integer PRIMARY KEY, note json);
           INSERT INTO orders VALUES (1, '{"a": 12345678901234567890}')"#,
    )?;
    let server = TestServer::start(ServerOptions::new("commands")).await?;
    let url = postgres.superuser_url("postgres");
    for way in WAYS {
        for form in ["table", "json", "csv"] {
            for case in cases(&url) {
                let arguments = [&["--output", form], &case.arguments[..]].concat();
                let ran = run_with(command(&server, way)?, &arguments, &case.input)?;
                let place = format!("{way:?} {arguments:?}: {} {}", ran.text(), ran.err);
                assert_eq!(ran.code, Some(0), "{place}");
                assert!(ran.err.contains(case.note), "{place}");
                let says = case.json.is_empty();
                match form {
                    "table" => {
                        for part in &case.table {
                            assert!(ran.text().contains(part), "{part} in {place}");
                        }
                    }
                    // A sentence is no data.
                    _ if says => {
                        assert_eq!(ran.text(), "", "{place}");
                        assert!(ran.err.contains(case.table[0]), "{place}");
                    }
                    "json" => {
                        let shown = ran.json()?;
                        for (pointer, value) in &case.json {
                            let found = shown.pointer(pointer).context(place.clone())?;
                            assert_eq!(found, value, "{pointer} in {place}");
                        }
                    }
                    _ => {
                        for part in &case.csv {
                            assert!(ran.text().contains(part), "{part} in {place}");
                        }
                    }
                }
            }
        }
    }
    let left = server.client().get("/api/v1/databases").await?;
    assert_eq!(left.expect(200)?, json!([]));
    assert!(!unused_folder(&server).exists());
    Ok(())
}
