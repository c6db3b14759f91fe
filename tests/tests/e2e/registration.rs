//! What `POST /databases` accepts, and what it refuses, in which order. A refusal stores nothing.

use anyhow::{Context, Result};
use datachat_tests::{Answer, CANARY, Client};
use serde_json::{Value, json};

use crate::stage::{
    READER, Stage, itself, keys, listed_names, reader_url, registration, scalar, stage, text,
    unique,
};

const DATABASES: &str = "/api/v1/databases";

/// Posts a body with a name of its own unless it brings one; asserts that nothing of that name is stored.
async fn refused(client: &Client, changes: Value) -> Result<Answer> {
    let mut body = registration(&format!("postgresql://{READER}:{CANARY}@127.0.0.1:1/alpha"));
    let name = body["name"].clone();
    for (field, value) in changes.as_object().context("no object")? {
        body[field] = value.clone();
    }
    let answer = client.post(DATABASES, &body).await?;
    let names = listed_names(client).await?;
    let own = body["name"] == name;
    assert!(
        !own || !names.iter().any(|known| name == *known),
        "stored: {body}"
    );
    Ok(answer)
}

async fn accepted(client: &Client, body: &Value) -> Result<Value> {
    client.post(DATABASES, body).await?.expect(201)
}

fn url(stage: &Stage) -> String {
    reader_url(&stage.postgres, "alpha")
}

#[tokio::test]
async fn a_stored_connection_is_shown_whole_and_without_its_url() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let mut body = registration(&url(stage));
    body["description"] = json!("what it is for");
    body["tags"] = json!(["b", "a"]);
    let shown = accepted(&client, &body).await?;
    assert_eq!(
        keys(&shown),
        [
            "connection_id",
            "name",
            "database_url",
            "database_type",
            "is_active",
            "is_default",
            "tags",
            "description",
            "created_at",
            "last_profiled",
            "datapoint_count",
            "status",
            "warnings"
        ]
    );
    assert_eq!(shown["name"], body["name"]);
    assert_eq!(shown["database_url"], "**********");
    assert_eq!(shown["database_type"], "postgresql");
    assert_eq!(shown["is_active"], true);
    assert_eq!(shown["is_default"], false);
    assert_eq!(shown["tags"], json!(["b", "a"]));
    assert_eq!(shown["description"], "what it is for");
    assert_eq!(shown["last_profiled"], Value::Null);
    assert_eq!(shown["datapoint_count"], 0);
    assert_eq!(shown["status"], "ok");
    let created = text(&shown["created_at"])?;
    assert!(created.ends_with('Z'), "{created}");
    chrono::DateTime::parse_from_rfc3339(&created)?;
    let path = format!("{DATABASES}/{}", text(&shown["connection_id"])?);
    let again = client.get(&path).await?.expect(200)?;
    assert_eq!(itself(again), itself(shown));
    Ok(())
}

#[tokio::test]
async fn aliases_any_case_and_driver_suffixes_are_accepted() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let address = format!(
        "{READER}:{CANARY}@127.0.0.1:{}/alpha",
        stage.postgres.port()
    );
    for (database_type, scheme) in [
        ("postgres", "postgres"),
        ("PostgreSQL", "postgresql"),
        ("POSTGRES", "PostgreSQL"),
        ("postgresql", "postgresql+asyncpg"),
        ("postgresql", "postgres+psycopg2"),
    ] {
        let mut body = registration(&format!("{scheme}://{address}"));
        body["database_type"] = json!(database_type);
        let shown = accepted(&client, &body).await?;
        assert_eq!(
            shown["database_type"], "postgresql",
            "{database_type} {scheme}"
        );
        let id = text(&shown["connection_id"])?;
        assert_eq!(
            scalar(&client, &id, "SELECT marker FROM whoami").await?,
            "alpha"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_field_that_is_missing_empty_or_of_the_wrong_type_is_named() -> Result<()> {
    let client = stage().await?.client();
    for field in ["name", "database_url", "database_type"] {
        let mut body = registration("postgresql://h/d");
        if let Some(body) = body.as_object_mut() {
            body.remove(field);
        }
        let answer = client.post(DATABASES, &body).await?;
        let problem = answer.problem(422, "validation_failed")?;
        assert_eq!(problem["field"], field);
        assert_eq!(problem["errors"][0]["field"], field);
        for wrong in [json!(7), json!(["x"]), json!({}), json!(null), json!(true)] {
            let answer = refused(&client, json!({field: wrong})).await?;
            let problem = answer.problem(422, "validation_failed")?;
            assert_eq!(problem["field"], field, "{wrong}");
        }
    }
    for (field, wrong) in [
        ("name", json!("")),
        ("name", json!("   ")),
        ("tags", json!("one")),
        ("tags", json!([1])),
        ("description", json!(7)),
        ("is_default", json!("yes")),
        ("is_default", json!(1)),
    ] {
        let answer = refused(&client, json!({field: wrong})).await?;
        let problem = answer.problem(422, "validation_failed")?;
        let named = text(&problem["field"])?;
        assert!(named.starts_with(field), "{named} for {field}: {wrong}");
    }
    // All of them at once.
    let answer = client.post(DATABASES, &json!({"tags": 1})).await?;
    let problem = answer.problem(422, "validation_failed")?;
    let named: Vec<_> = problem["errors"]
        .as_array()
        .context("no errors")?
        .iter()
        .map(|error| error["field"].clone())
        .collect();
    for field in ["name", "database_url", "database_type", "tags"] {
        assert!(named.contains(&json!(field)), "{problem}");
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_field_is_refused_and_named() -> Result<()> {
    let client = stage().await?.client();
    let answer = refused(&client, json!({"isDefault": true})).await?;
    let problem = answer.problem(422, "unknown_field")?;
    assert_eq!(problem["field"], "isDefault");
    Ok(())
}

#[tokio::test]
async fn the_checks_come_in_the_order_of_the_contract() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let taken = registration(&url(stage));
    let id = accepted(&client, &taken).await?["connection_id"].clone();
    let upper = json!(text(&taken["name"])?.to_uppercase());

    // Each body has the fault of its line and all those below it.
    let mut body = json!({"name": "", "database_type": "nosuch", "database_url": "nothing"});
    refused(&client, body.clone())
        .await?
        .problem(422, "validation_failed")?;

    body["name"] = upper.clone();
    let problem = refused(&client, body.clone())
        .await?
        .problem(422, "unsupported_database_type")?;
    assert!(
        text(&problem["detail"])?.contains("postgresql"),
        "{problem}"
    );

    for kind in ["bigquery", "Redshift"] {
        body["database_type"] = json!(kind);
        let problem = refused(&client, body.clone())
            .await?
            .problem(422, "credentials_only")?;
        let path = format!("/api/v1/catalog/{}", kind.to_lowercase());
        assert!(text(&problem["hint"])?.contains(&path), "{problem}");
    }

    body["database_type"] = json!("postgresql");
    let problem = refused(&client, body.clone())
        .await?
        .problem(409, "duplicate_name")?;
    assert_eq!(problem["connection_id"], id);

    body["name"] = json!(unique("ordered"));
    refused(&client, body.clone())
        .await?
        .problem(400, "invalid_database_url")?;

    body["database_url"] = json!(format!("sundial://{READER}:{CANARY}@169.254.169.254/alpha"));
    refused(&client, body.clone())
        .await?
        .problem(400, "unsupported_url_scheme")?;

    body["database_url"] = json!(format!(
        "postgresql://{READER}:{CANARY}@169.254.169.254/alpha"
    ));
    refused(&client, body.clone())
        .await?
        .problem(403, "address_not_allowed")?;
    assert_eq!(
        listed_names(&client)
            .await?
            .iter()
            .filter(|name| upper == name.to_uppercase())
            .count(),
        1
    );
    Ok(())
}

#[tokio::test]
async fn a_url_that_can_t_be_used_is_refused_without_being_repeated() -> Result<()> {
    let client = stage().await?.client();
    for bad in [
        String::new(),
        "   ".to_owned(),
        "not a url".to_owned(),
        "postgresql://".to_owned(),
        "postgresql:///alpha".to_owned(),
        format!("postgresql://{READER}:{CANARY}@/alpha"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:0/alpha"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:65536/alpha"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:port/alpha"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:1/alpha?color=red"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:1/alpha?sslmode=maybe"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:1/alpha?connect_timeout=soon"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:1/alpha?{CANARY}=1"),
        format!("postgresql://{READER}:{CANARY}@127.0.0.1:1/alpha?sslrootcert=relative.pem"),
        // A password with raw separators: its rest must not be taken for host, path or option.
        format!("postgresql://{READER}:x/{CANARY}@127.0.0.1:1/alpha"),
        format!("postgresql://{READER}:x?{CANARY}@127.0.0.1:1/alpha"),
        format!("postgresql://{READER}:x#{CANARY}@127.0.0.1:1/alpha"),
        format!("postgresql://{READER}:%zz{CANARY}@127.0.0.1:1/alpha"),
        CANARY.to_owned(),
    ] {
        let answer = refused(&client, json!({"database_url": bad})).await?;
        answer
            .problem(400, "invalid_database_url")
            .with_context(|| bad.replace(CANARY, "<secret>"))?;
    }
    Ok(())
}

#[tokio::test]
async fn metadata_and_link_local_addresses_are_refused_in_every_spelling() -> Result<()> {
    let client = stage().await?.client();
    for host in [
        "169.254.169.254",
        "169.254.1.1",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "2852039166",
        "0xa9fea9fe",
        "169.254.43518",
        "0.0.0.0",
        "[::]",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let url = format!("postgresql://{READER}:{CANARY}@{host}:5432/alpha");
        let answer = refused(&client, json!({"database_url": url})).await?;
        // A number as a host is either read as the address that it stands for, or as no host at all.
        if host.starts_with("2852") || host.starts_with("0x") || host.ends_with("43518") {
            let code = text(&answer.json()["code"])?;
            let codes = [
                "address_not_allowed",
                "host_not_found",
                "invalid_database_url",
            ];
            assert!(codes.contains(&code.as_str()), "{host}: {code}");
        } else {
            answer.problem(403, "address_not_allowed").context(host)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_known_url_and_a_dangerous_role_are_warnings() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let codes = |shown: &Value| -> Vec<String> {
        let warnings = shown["warnings"].as_array().into_iter().flatten();
        warnings
            .filter_map(|w| w["code"].as_str().map(str::to_owned))
            .collect()
    };
    let database = "CREATE DATABASE warned";
    stage.postgres.psql("postgres", database)?;
    let plain = accepted(
        &client,
        &registration(&reader_url(&stage.postgres, "warned")),
    )
    .await?;
    assert_eq!(codes(&plain), [""; 0]);
    // Another spelling of the same thing.
    let (port, encoded) = (stage.postgres.port(), CANARY.replace('c', "%63"));
    let same = format!("postgres://{READER}:{encoded}@127.0.0.1:{port}/warned");
    let again = accepted(&client, &registration(&same)).await?;
    assert_eq!(codes(&again), ["same_url"]);
    let superuser = registration(&stage.postgres.superuser_url("warned"));
    let strong = accepted(&client, &superuser).await?;
    assert!(
        codes(&strong).contains(&"role_superuser".to_owned()),
        "{strong}"
    );
    // They stay with the connection.
    let path = format!("{DATABASES}/{}", text(&strong["connection_id"])?);
    assert_eq!(
        client.get(&path).await?.expect(200)?["warnings"],
        strong["warnings"]
    );
    Ok(())
}

#[tokio::test]
async fn a_test_reports_the_server_and_stores_nothing() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let path = format!("{DATABASES}/test");
    let mut body = registration(&stage.postgres.superuser_url("alpha"));
    let name = text(&body["name"])?;
    body["is_default"] = json!(true);
    let report = client.post(&path, &body).await?.expect(200)?;
    assert_eq!(
        keys(&report),
        ["ok", "database_type", "server", "latency_ms", "warnings"]
    );
    assert_eq!(report["ok"], true);
    assert_eq!(report["database_type"], "postgresql");
    assert_eq!(keys(&report["server"]), ["product", "version", "role"]);
    assert_eq!(report["server"]["product"], "PostgreSQL");
    // Without what a packager adds to it in brackets.
    let version = stage.postgres.psql("postgres", "SHOW server_version")?;
    let number = version.split(' ').next().context("no version")?;
    assert_eq!(report["server"]["version"], number);
    assert_eq!(report["server"]["role"], "postgres");
    assert!(report["latency_ms"].is_u64());
    assert!(report["warnings"].to_string().contains("role_superuser"));
    assert!(!listed_names(&client).await?.contains(&name));

    // Without a name; and the errors of POST.
    let url = reader_url(&stage.postgres, "alpha");
    let nameless = json!({"database_url": url, "database_type": "postgresql"});
    client.post(&path, &nameless).await?.expect(200)?;
    for (change, status, code) in [
        (
            json!({"database_type": "nosuch"}),
            422,
            "unsupported_database_type",
        ),
        (
            json!({"database_url": "nothing"}),
            400,
            "invalid_database_url",
        ),
        (
            json!({"database_url": "sundial://h/d"}),
            400,
            "unsupported_url_scheme",
        ),
        (json!({"unknown": 1}), 422, "unknown_field"),
        (
            json!({"database_url": "postgresql://169.254.169.254/d"}),
            403,
            "address_not_allowed",
        ),
    ] {
        let mut body = nameless.clone();
        for (field, value) in change.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        client.post(&path, &body).await?.problem(status, code)?;
    }
    Ok(())
}

#[tokio::test]
async fn of_many_registrations_of_one_name_one_is_stored() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let body = registration(&url(stage));
    let requests = (0..12).map(|_| client.post(DATABASES, &body));
    let mut stored = 0;
    for answer in futures_util::future::join_all(requests).await {
        let answer = answer?;
        if answer.status == 201 {
            stored += 1;
        } else {
            answer.problem(409, "duplicate_name")?;
        }
    }
    assert_eq!(stored, 1);
    Ok(())
}
