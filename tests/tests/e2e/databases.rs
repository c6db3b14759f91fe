//! Connections after they are stored: changed, made the default, listed, looked into, deleted.

use anyhow::{Context, Result};
use datachat_tests::{CANARY, Client, ServerOptions, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{
    READER, direct, itself, keys, own_postgres, query, reader_url, register, registration, scalar,
    stage, text, unique,
};

const DATABASES: &str = "/api/v1/databases";

fn path(id: &str) -> String {
    format!("{DATABASES}/{id}")
}

/// A connection as the server shows it, less what it says of others.
async fn show(client: &Client, id: &str) -> Result<Value> {
    Ok(itself(client.get(&path(id)).await?.expect(200)?))
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let mut body = registration(&reader_url(&stage.postgres, "alpha"));
    body["description"] = json!("before");
    body["tags"] = json!(["one"]);
    let before = client.post(DATABASES, &body).await?.expect(201)?;
    let id = text(&before["connection_id"])?;

    let name = unique("patched");
    let mut expected = itself(before);
    for (patch, field, value) in [
        (json!({"name": name}), "name", json!(name)),
        (
            json!({"tags": ["two", "three"]}),
            "tags",
            json!(["two", "three"]),
        ),
        (json!({"tags": []}), "tags", json!([])),
        (
            json!({"description": "after"}),
            "description",
            json!("after"),
        ),
        (json!({"description": null}), "description", Value::Null),
        // Null means "as it is" everywhere else.
        (
            json!({"name": null, "tags": ["four"], "database_url": null}),
            "tags",
            json!(["four"]),
        ),
        (
            json!({"name": name.to_uppercase()}),
            "name",
            json!(name.to_uppercase()),
        ),
    ] {
        let shown = client.patch(&path(&id), &patch).await?.expect(200)?;
        expected[field] = value;
        assert_eq!(itself(shown), expected, "after {patch}");
        assert_eq!(show(&client, &id).await?, expected, "after {patch}");
    }
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

#[tokio::test]
async fn a_patch_that_changes_nothing_is_refused() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    for nothing in [
        json!({}),
        json!({"name": null}),
        json!({"tags": null, "database_url": null}),
    ] {
        let problem = client
            .patch(&path(&id), &nothing)
            .await?
            .problem(400, "empty_update")?;
        assert!(
            text(&problem["detail"])?.contains("At least one field"),
            "{problem}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_patch_is_checked_like_a_registration_and_a_refused_one_changes_nothing() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let taken = registration(&reader_url(&stage.postgres, "alpha"));
    client.post(DATABASES, &taken).await?.expect(201)?;
    let taken = text(&taken["name"])?;
    let id = stage.register(&client, "alpha").await?;
    let before = show(&client, &id).await?;
    let at =
        |rest: &str| json!({"database_url": format!("postgresql://{rest}"), "name": unique("not")});
    let port = stage.postgres.port();
    for (patch, status, code) in [
        (json!({"name": ""}), 422, "validation_failed"),
        (json!({"name": 1}), 422, "validation_failed"),
        (json!({"is_default": true}), 422, "unknown_field"),
        (json!({"connection_id": id}), 422, "unknown_field"),
        (json!({"name": taken.to_uppercase()}), 409, "duplicate_name"),
        (
            json!({"database_type": "nosuch"}),
            422,
            "unsupported_database_type",
        ),
        (json!({"database_url": ""}), 400, "invalid_database_url"),
        (
            json!({"database_url": "sundial://h/d"}),
            400,
            "unsupported_url_scheme",
        ),
        (at("169.254.169.254/d"), 403, "address_not_allowed"),
        (
            at(&format!("{READER}:{CANARY}@127.0.0.1:{port}/nowhere")),
            400,
            "database_missing",
        ),
        (
            at(&format!("{READER}:{CANARY}x@127.0.0.1:{port}/beta")),
            400,
            "authentication_failed",
        ),
    ] {
        let answer = client.patch(&path(&id), &patch).await?;
        answer.problem(status, code)?;
        assert_eq!(show(&client, &id).await?, before);
    }
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

#[tokio::test]
async fn an_id_that_is_unknown_or_none_is_told_by_every_endpoint() -> Result<()> {
    let client = stage().await?.client();
    for (id, status, code, phrase) in [
        (
            Uuid::new_v4().to_string(),
            404,
            "connection_not_found",
            "Connection not found: ",
        ),
        (
            "nonsense".to_owned(),
            400,
            "invalid_connection_id",
            "Invalid connection ID.",
        ),
    ] {
        for answer in [
            client.get(&path(&id)).await?,
            client.patch(&path(&id), &json!({"name": "x"})).await?,
            client
                .put(&format!("{}/default", path(&id)), &json!({}))
                .await?,
            client.delete(&path(&id)).await?,
            client.get(&format!("{}/schema", path(&id))).await?,
            client.get(&format!("{}/health", path(&id))).await?,
        ] {
            let problem = answer.problem(status, code)?;
            let detail = text(&problem["detail"])?;
            assert!(detail.starts_with(phrase), "{detail}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_deleted_connection_is_gone_everywhere_and_its_name_free() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let body = registration(&reader_url(&stage.postgres, "alpha"));
    let stored = client.post(DATABASES, &body).await?.expect(201)?;
    let id = text(&stored["connection_id"])?;
    client.delete(&path(&id)).await?.expect(204)?;
    client
        .get(&path(&id))
        .await?
        .problem(404, "connection_not_found")?;
    client
        .delete(&path(&id))
        .await?
        .problem(404, "connection_not_found")?;
    query(&client, &id, "SELECT 1")
        .await?
        .problem(404, "connection_not_found")?;
    let again = client.post(DATABASES, &body).await?.expect(201)?;
    assert_ne!(again["connection_id"], json!(id));
    Ok(())
}

#[tokio::test]
async fn there_is_at_most_one_default_and_deleting_it_leaves_none() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("default")).await?;
    let client = server.client();
    let mut ids = Vec::new();
    for number in 0..6 {
        let database = if number % 2 == 0 { "alpha" } else { "beta" };
        ids.push(register(client, &reader_url(&stage.postgres, database)).await?);
    }
    assert_eq!(defaults(client).await?, [""; 0]);

    let default = |id: &str| format!("{}/default", path(id));
    client
        .put(&default(&ids[0]), &json!({}))
        .await?
        .expect(204)?;
    assert_eq!(defaults(client).await?, [ids[0].clone()]);
    let yes = json!({"is_default": true});
    client.put(&default(&ids[1]), &yes).await?.expect(204)?;
    assert_eq!(defaults(client).await?, [ids[1].clone()]);
    // Again: nothing changes.
    client.put(&default(&ids[1]), &yes).await?.expect(204)?;
    let no = json!({"is_default": false});
    client
        .put(&default(&ids[1]), &no)
        .await?
        .problem(400, "invalid_default")?;
    let text = json!({"is_default": "true"});
    client
        .put(&default(&ids[1]), &text)
        .await?
        .problem(422, "validation_failed")?;
    let other = json!({"default": true});
    client
        .put(&default(&ids[1]), &other)
        .await?
        .problem(422, "unknown_field")?;
    assert_eq!(defaults(client).await?, [ids[1].clone()]);

    // All at once: some order, one winner.
    let empty = json!({});
    let paths: Vec<String> = ids.iter().cycle().take(24).map(|id| default(id)).collect();
    let requests = paths.iter().map(|path| client.put(path, &empty));
    for answer in futures_util::future::join_all(requests).await {
        answer?.expect(204)?;
    }
    let [winner] = defaults(client)
        .await?
        .try_into()
        .ok()
        .context("not one default")?;

    client.delete(&path(&winner)).await?.expect(204)?;
    assert_eq!(defaults(client).await?, [""; 0]);
    let answer = client
        .post("/api/v1/query", &json!({"sql": "SELECT 1"}))
        .await?;
    answer.problem(400, "system_not_initialized")?;

    // Asked for on registration, it takes the place of the one before.
    let mut body = registration(&reader_url(&stage.postgres, "alpha"));
    body["is_default"] = json!(true);
    for _ in 0..2 {
        body["name"] = json!(unique("default"));
        let stored = client.post(DATABASES, &body).await?.expect(201)?;
        assert_eq!(stored["is_default"], true);
        let id = stored["connection_id"].as_str().context("no id")?;
        assert_eq!(defaults(client).await?, [id.to_owned()]);
    }
    Ok(())
}

async fn defaults(client: &Client) -> Result<Vec<String>> {
    let list = client.get(DATABASES).await?.expect(200)?;
    list.as_array()
        .context("no array")?
        .iter()
        .filter(|row| row["is_default"] == true)
        .map(|row| text(&row["connection_id"]))
        .collect()
}

#[tokio::test]
async fn the_list_is_newest_first_and_can_be_read_in_pages() -> Result<()> {
    let stage = stage().await?;
    let url = reader_url(&stage.postgres, "alpha");
    let server = TestServer::start(
        ServerOptions::new("pages").variable("DATABASE_URL", &reader_url(&stage.postgres, "beta")),
    )
    .await?;
    let client = server.client();
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.insert(0, register(client, &url).await?);
    }
    expected.push(crate::stage::ENVIRONMENT_ID.to_owned());
    let ids = |list: &Value| -> Result<Vec<String>> {
        let rows = list.as_array().context("no array")?;
        rows.iter().map(|row| text(&row["connection_id"])).collect()
    };
    let whole = client.get(DATABASES).await?.expect(200)?;
    assert_eq!(ids(&whole)?, expected);

    for limit in [1, 3, 8, 1000] {
        let mut seen = Vec::new();
        let mut next = format!("{DATABASES}?limit={limit}");
        loop {
            let answer = client.get(&next).await?;
            let page = ids(&answer.expect(200)?)?;
            assert!(page.len() <= limit, "{limit}");
            seen.extend(page);
            let link = answer.header("link");
            if link.is_empty() {
                break;
            }
            assert!(link.ends_with(">; rel=\"next\""), "{link}");
            link.trim_start_matches('<')
                .split('>')
                .next()
                .context("no link")?
                .clone_into(&mut next);
            assert!(seen.len() <= expected.len(), "the pages don't end");
        }
        assert_eq!(seen, expected, "in pages of {limit}");
    }
    for bad in ["0", "1001", "-1", "many", ""] {
        let answer = client.get(&format!("{DATABASES}?limit={bad}")).await?;
        answer.problem(422, "validation_failed").context(bad)?;
    }
    let answer = client
        .get(&format!("{DATABASES}?limit=2&cursor=nonsense"))
        .await?;
    answer.problem(400, "invalid_cursor")?;
    // Unknown query parameters are ignored.
    let answer = client.get(&format!("{DATABASES}?colour=red")).await?;
    assert_eq!(ids(&answer.expect(200)?)?, expected);
    Ok(())
}

#[tokio::test]
async fn the_schema_shows_every_table_of_every_schema_with_its_keys() -> Result<()> {
    let postgres = own_postgres()?;
    postgres.psql(
        "alpha",
        "CREATE SCHEMA \"Mixed Case\";
         CREATE TABLE \"Mixed Case\".\"Order Lines\" (
             \"Line No\" bigint PRIMARY KEY,
             order_id integer NOT NULL REFERENCES public.orders (id),
             amount numeric(12,2),
             at timestamptz NOT NULL DEFAULT now());
         INSERT INTO \"Mixed Case\".\"Order Lines\" VALUES (1, 1, 2.50);
         CREATE TABLE \"Mixed Case\".nothing ();
         CREATE VIEW \"Mixed Case\".seen AS SELECT 1 AS one;
         CREATE MATERIALIZED VIEW \"Mixed Case\".kept AS SELECT 1 AS one",
    )?;
    let stage = stage().await?;
    let client = stage.client();
    let id = register(&client, &reader_url(&postgres, "alpha")).await?;
    let schema = client
        .get(&format!("{}/schema", path(&id)))
        .await?
        .expect(200)?;
    assert_eq!(
        keys(&schema),
        ["connection_id", "database_type", "fetched_at", "tables"]
    );
    assert_eq!(schema["connection_id"], json!(id));
    assert_eq!(schema["database_type"], "postgresql");
    let tables = schema["tables"].as_array().context("no tables")?;
    let names: Vec<_> = tables
        .iter()
        .map(|table| (text(&table["schema_name"]), text(&table["table_name"])))
        .map(|(schema, table)| Ok(format!("{}.{}", schema?, table?)))
        .collect::<Result<_>>()?;
    assert_eq!(
        names,
        [
            "Mixed Case.Order Lines",
            "Mixed Case.kept",
            "Mixed Case.nothing",
            "Mixed Case.seen",
            "public.orders",
            "public.whoami"
        ]
    );
    let kinds: Vec<_> = tables
        .iter()
        .map(|table| table["table_type"].clone())
        .collect();
    assert_eq!(
        kinds,
        [
            "table",
            "materialized_view",
            "table",
            "view",
            "table",
            "table"
        ]
    );
    // Analysed, and never analysed.
    assert_eq!(tables[4]["row_count"], 50);
    assert_eq!(tables[0]["row_count"], Value::Null);
    let lines = &tables[0]["columns"];
    assert_eq!(
        lines[0],
        json!({"name": "Line No", "data_type": "bigint", "is_nullable": false,
               "is_primary_key": true, "is_foreign_key": false,
               "foreign_table": null, "foreign_column": null})
    );
    assert_eq!(
        lines[1],
        json!({"name": "order_id", "data_type": "integer", "is_nullable": false,
               "is_primary_key": false, "is_foreign_key": true,
               "foreign_table": "public.orders", "foreign_column": "id"})
    );
    assert_eq!(lines[2]["data_type"], "numeric(12,2)");
    assert_eq!(lines[2]["is_nullable"], true);
    assert_eq!(tables[2]["columns"], json!([]));
    Ok(())
}

#[tokio::test]
async fn health_says_how_the_database_is_and_is_itself_an_answer() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    let health = client
        .get(&format!("{}/health", path(&id)))
        .await?
        .expect(200)?;
    let members = [
        "connection_id",
        "status",
        "latency_ms",
        "server",
        "checked_at",
        "error",
    ];
    assert_eq!(keys(&health), members);
    assert_eq!(health["connection_id"], json!(id));
    assert_eq!(health["status"], "healthy");
    assert!(health["latency_ms"].is_u64());
    assert_eq!(health["server"]["product"], "PostgreSQL");
    assert_eq!(health["server"]["role"], READER);
    assert_eq!(health["error"], Value::Null);
    assert!(text(&health["checked_at"])?.ends_with('Z'));

    let aside = direct(&stage.postgres, "postgres").await?;
    aside.batch_execute("CREATE DATABASE fading").await?;
    let id = stage.register(&client, "fading").await?;
    aside
        .batch_execute("DROP DATABASE fading WITH (FORCE)")
        .await?;
    let health = client
        .get(&format!("{}/health", path(&id)))
        .await?
        .expect(200)?;
    assert_eq!(keys(&health), members);
    assert_eq!(health["status"], "unhealthy");
    assert_eq!(health["error"]["code"], "database_missing");
    assert_eq!(health["error"]["connection_id"], json!(id));
    assert_eq!(health["server"], Value::Null);
    Ok(())
}
