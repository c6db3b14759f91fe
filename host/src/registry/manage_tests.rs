use std::sync::Arc;

use super::super::testing::{Bench, FakeRuntime, bench, bench_in};
use super::super::{ConnectionStatus, Credentials, RegistryOptions};
use super::*;
use crate::limits::Limits;

const ENVIRONMENT: &str = "postgresql://env:pw@env.example/envdb";
const CANARY: &str = "hunter2canary";

fn new(name: &str, database_type: &str, url: &str) -> NewConnection {
    NewConnection {
        name: name.to_owned(),
        database_url: Secret::new(url.to_owned()),
        database_type: database_type.to_owned(),
        tags: vec!["a".to_owned(), "b \"c\"".to_owned()],
        description: Some("about it".to_owned()),
        is_default: false,
    }
}

fn url(host: &str) -> String {
    format!("postgresql://ann:{CANARY}@{host}/shop")
}

async fn add(bench: &Bench, name: &str) -> ConnectionView {
    let new = new(name, "postgresql", &url(&format!("{name}.example")));
    bench.registry.create(new).await.expect("stored")
}

async fn names(bench: &Bench) -> Vec<String> {
    let (views, _) = bench.registry.list(None, None).await.expect("listed");
    views.into_iter().map(|view| view.name).collect()
}

fn named(name: &str) -> ConnectionPatch {
    ConnectionPatch {
        name: Some(name.to_owned()),
        ..ConnectionPatch::default()
    }
}

fn moved(url: &str) -> ConnectionPatch {
    ConnectionPatch {
        database_url: Some(Secret::new(url.to_owned())),
        ..ConnectionPatch::default()
    }
}

fn retyped(database_type: &str) -> ConnectionPatch {
    ConnectionPatch {
        database_type: Some(database_type.to_owned()),
        ..ConnectionPatch::default()
    }
}

/// Makes the row's token one that no key opens.
async fn seal(bench: &Bench, name: &str) {
    let rows = bench.store.connections().await.expect("read");
    let token = rows
        .into_iter()
        .find(|row| row.name == name)
        .expect("there")
        .url_token;
    bench
        .store
        .rewrite_tokens(|other| (other == token).then(|| "gAAAAA".to_owned()))
        .await
        .expect("spoilt");
}

#[tokio::test]
async fn a_stored_connection_is_shown_with_all_fields_and_without_its_url() {
    let bench = bench(None).await;
    let created = bench
        .registry
        .create(new("  Shop ", "Postgres", &url("db.example")))
        .await
        .expect("stored");
    let json = serde_json::to_value(&created).expect("JSON");
    let keys: Vec<&str> = json
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
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
    assert_eq!(json["name"], "Shop");
    assert_eq!(json["database_url"], "**********");
    assert_eq!(json["database_type"], "postgresql");
    assert_eq!(json["is_default"], false);
    assert_eq!(json["tags"], serde_json::json!(["a", "b \"c\""]));
    assert_eq!(json["description"], "about it");
    assert_eq!(json["status"], "ok");
    assert_eq!(json["warnings"], serde_json::json!([]));
    let created_at = json["created_at"].as_str().expect("text");
    assert!(
        created_at.ends_with('Z') && created_at.len() == 27,
        "{created_at}"
    );
    let read = bench
        .registry
        .get(created.connection_id)
        .await
        .expect("there");
    assert_eq!(read, created);
    assert_eq!(created.connection_id.get_version_num(), 4);
}

#[tokio::test]
async fn the_url_is_not_in_the_file_in_plain() {
    let bench = bench(None).await;
    add(&bench, "shop").await;
    bench.store.close().await;
    for entry in std::fs::read_dir(bench.folder.path()).expect("readable") {
        let bytes = std::fs::read(entry.expect("readable").path()).expect("readable");
        let canary = CANARY.as_bytes();
        assert!(!bytes.windows(canary.len()).any(|window| window == canary));
    }
}

/// One request for each row of the contract's table, each wrong in everything that is checked later too.
#[tokio::test]
async fn the_first_mistake_in_the_order_of_the_contract_is_the_answer_and_nothing_is_stored() {
    let bench = bench(None).await;
    let taken = add(&bench, "Taken").await.connection_id;
    let create = async |name: &str, ty: &str, url: &str| {
        let error = bench
            .registry
            .create(new(name, ty, url))
            .await
            .expect_err(url);
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
        error
    };
    let error = create(" ", "oracle", "").await;
    assert!(matches!(
        error,
        RegistryError::Validation { field: "name", .. }
    ));
    let error = create("taken", "oracle", "").await;
    let RegistryError::UnsupportedDatabaseType { accepted } = error else {
        panic!("{error:?}");
    };
    assert_eq!(accepted, ["mariadb", "mysql", "postgres", "postgresql"]);
    let error = create("taken", "BigQuery", "").await;
    assert!(
        matches!(error, RegistryError::CredentialsOnly { database_type } if database_type == "bigquery")
    );
    let error = create("tAKEN", "postgresql", "").await;
    assert!(
        matches!(error, RegistryError::DuplicateName { connection_id } if connection_id == taken)
    );
    let error = create("x", "postgresql", "").await;
    assert!(matches!(error, RegistryError::InvalidDatabaseUrl { .. }));
    let bad_port = format!("oracle://ann:{CANARY}@down.example:99999/x");
    let error = create("x", "postgresql", &bad_port).await;
    assert!(matches!(error, RegistryError::InvalidDatabaseUrl { .. }));
    let bad_scheme = format!("oracle://ann:{CANARY}@down.example/x");
    let error = create("x", "postgresql", &bad_scheme).await;
    assert!(matches!(error, RegistryError::UnsupportedUrlScheme { .. }));
    let mismatch = format!("mysql://ann:{CANARY}@metadata.example/x");
    let error = create("x", "postgresql", &mismatch).await;
    assert!(
        error.to_string().contains("does not match URL scheme"),
        "{error}"
    );
    let bad_option = format!("{}?sslmode=bad", url("metadata.example"));
    let error = create("x", "postgresql", &bad_option).await;
    assert!(matches!(error, RegistryError::InvalidDatabaseUrl { .. }));
    let error = create("x", "postgresql", &url("metadata.example")).await;
    assert!(matches!(
        error,
        RegistryError::Connect(PluginError::AddressNotAllowed { .. })
    ));
    let probed = bench.runtime.probed.lock().expect("free").clone();
    assert_eq!(probed, ["taken.example"], "nothing else was connected to");
    let error = create("x", "postgresql", &url("down.example")).await;
    assert_eq!(
        error.to_string(),
        "Failed to connect to database: connection refused"
    );
    assert_eq!(names(&bench).await, ["Taken"]);
}

#[tokio::test]
async fn a_connection_is_not_stored_while_the_registry_is_unavailable() {
    let bench = bench(None).await;
    bench.store.close().await;
    let good = new("x", "postgresql", &url("db.example"));
    let error = bench.registry.create(good).await.expect_err("down");
    assert!(matches!(
        error,
        RegistryError::Unavailable(Unavailable::Store)
    ));
    let bad = new("x", "postgresql", &url("down.example"));
    let error = bench.registry.create(bad).await.expect_err("down");
    assert!(
        matches!(error, RegistryError::Connect(_)),
        "comes first: {error:?}"
    );
}

#[tokio::test]
async fn a_known_url_and_a_powerful_role_are_warnings() {
    let bench = bench(None).await;
    let first = bench
        .registry
        .create(new("first", "postgresql", &url("root.example")))
        .await
        .expect("stored");
    let codes = |view: &ConnectionView| {
        let codes = view.warnings.iter().map(|warning| warning.code.clone());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes(&first), ["role_superuser"]);
    let second = bench
        .registry
        .create(new("second", "postgresql", &url("ROOT.example:5432")))
        .await
        .expect("stored");
    assert_eq!(codes(&second), ["same_url", "role_superuser"]);
    assert_eq!(
        second.warnings[0].message,
        "The connection \"first\" has the same URL."
    );
    bench
        .registry
        .delete(first.connection_id)
        .await
        .expect("deleted");
    let second = bench
        .registry
        .get(second.connection_id)
        .await
        .expect("there");
    assert_eq!(codes(&second), ["role_superuser"]);
}

#[tokio::test]
async fn only_an_asked_for_default_is_one_and_there_is_at_most_one() {
    let bench = bench(Some(ENVIRONMENT)).await;
    let defaults = async || {
        let (views, _) = bench.registry.list(None, None).await.expect("listed");
        let defaults = views.into_iter().filter(|view| view.is_default);
        defaults.map(|view| view.name).collect::<Vec<_>>()
    };
    let one = add(&bench, "one").await.connection_id;
    assert_eq!(defaults().await, ["Environment Database"]);
    let two = NewConnection {
        is_default: true,
        ..new("two", "postgresql", &url("two.example"))
    };
    let two = bench
        .registry
        .create(two)
        .await
        .expect("stored")
        .connection_id;
    assert_eq!(defaults().await, ["two"]);
    bench.registry.set_default(one).await.expect("set");
    assert_eq!(defaults().await, ["one"]);
    bench.registry.set_default(one).await.expect("set again");
    assert_eq!(defaults().await, ["one"]);
    let unknown = Uuid::from_u128(7);
    let error = bench
        .registry
        .set_default(unknown)
        .await
        .expect_err("unknown");
    assert!(matches!(error, RegistryError::NotFound { .. }));
    assert_eq!(defaults().await, ["one"]);
    bench.registry.delete(one).await.expect("deleted");
    assert_eq!(defaults().await, ["Environment Database"]);
    assert!(!bench.registry.get(two).await.expect("there").is_default);
}

#[tokio::test]
async fn the_list_is_newest_first_and_ends_with_the_environment_database() {
    let bench = bench(Some(ENVIRONMENT)).await;
    for name in ["one", "two", "three"] {
        add(&bench, name).await;
    }
    let all = ["three", "two", "one", "Environment Database"];
    assert_eq!(names(&bench).await, all);
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = bench.registry.list(Some(2), cursor.as_deref()).await;
        let (views, next) = page.expect("a page");
        seen.extend(views.into_iter().map(|view| view.name));
        cursor = next;
        if cursor.is_none() {
            break;
        }
        // What comes or goes elsewhere moves nothing into or out of the pages that follow.
        add(&bench, &format!("new{}", seen.len())).await;
    }
    assert_eq!(seen, all);
    let error = bench
        .registry
        .list(Some(2), Some("x"))
        .await
        .expect_err("no cursor");
    assert!(matches!(error, RegistryError::InvalidCursor));
}

#[tokio::test]
async fn the_environment_database_is_unlisted_when_a_row_has_its_url_and_still_there() {
    let bench = bench(Some(ENVIRONMENT)).await;
    let twin = format!("{}?sslmode=prefer", ENVIRONMENT.replace("env.", "ENV."));
    let twin = new("twin", "postgresql", &twin);
    bench.registry.create(twin).await.expect("stored");
    assert_eq!(names(&bench).await, ["twin"]);
    let environment = bench.registry.get(ENVIRONMENT_ID).await.expect("there");
    assert_eq!(environment.name, "Environment Database");
    assert_eq!(environment.tags, ["env"]);
    assert_eq!(environment.database_type, "postgresql");
    assert!(environment.is_default);
    assert_eq!(environment.created_at, None);
}

#[tokio::test]
async fn the_environment_database_cant_be_changed() {
    let bench = bench(Some(ENVIRONMENT)).await;
    let update = bench.registry.update(ENVIRONMENT_ID, named("x")).await;
    let errors = [
        update.expect_err("fixed"),
        bench
            .registry
            .set_default(ENVIRONMENT_ID)
            .await
            .expect_err("fixed"),
        bench
            .registry
            .delete(ENVIRONMENT_ID)
            .await
            .expect_err("fixed"),
    ];
    for error in errors {
        assert!(matches!(error, RegistryError::EnvironmentDatabase));
        assert!(
            error.to_string().starts_with("Environment Database "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn with_the_registry_unavailable_the_list_is_the_environment_database() {
    let bench = bench(Some(ENVIRONMENT)).await;
    add(&bench, "one").await;
    bench.store.close().await;
    assert_eq!(names(&bench).await, ["Environment Database"]);
    assert!(bench.registry.get(ENVIRONMENT_ID).await.is_ok());
    let status = bench.registry.status().await;
    assert_eq!(status.unavailable, Some(Unavailable::Store));
    assert!(!status.has_system_database && status.has_databases);
}

#[tokio::test]
async fn a_malformed_environment_url_is_shown_as_unusable() {
    for (url, status, database_type) in [
        (
            "postgresql://:x",
            ConnectionStatus::CredentialsUnreadable,
            "unknown",
        ),
        (
            "oracle://u:p@h/x",
            ConnectionStatus::ConnectorMissing,
            "oracle",
        ),
    ] {
        let bench = bench(Some(url)).await;
        let view = bench.registry.get(ENVIRONMENT_ID).await.expect("shown");
        assert_eq!(view.status, status, "{url}");
        assert_eq!(view.database_type, database_type, "{url}");
        assert_eq!(view.warnings.len(), 1, "{url}");
        let health = bench
            .registry
            .health(ENVIRONMENT_ID)
            .await
            .expect("an answer");
        assert!(health.outcome.is_err(), "{url}");
    }
}

#[tokio::test]
async fn an_unreadable_row_is_flagged_harms_no_other_and_is_mended_by_a_url() {
    let bench = bench(None).await;
    let good = add(&bench, "good").await.connection_id;
    let bad = add(&bench, "bad").await.connection_id;
    seal(&bench, "bad").await;
    let (views, _) = bench.registry.list(None, None).await.expect("listed");
    let statuses: Vec<_> = views.iter().map(|v| (v.name.as_str(), v.status)).collect();
    assert_eq!(
        statuses,
        [
            ("bad", ConnectionStatus::CredentialsUnreadable),
            ("good", ConnectionStatus::Ok)
        ]
    );
    assert!(
        bench
            .registry
            .health(good)
            .await
            .expect("there")
            .outcome
            .is_ok()
    );
    let sick = bench.registry.health(bad).await.expect("there").outcome;
    assert!(matches!(sick, Err(Unhealthy::CredentialsUnreadable(_))));
    let error = bench
        .registry
        .update(bad, retyped("postgres"))
        .await
        .expect_err("sealed");
    assert!(matches!(error, RegistryError::CredentialsUnreadable { id } if id == bad));
    let renamed = bench
        .registry
        .update(bad, named("worse"))
        .await
        .expect("renamed");
    assert_eq!(renamed.status, ConnectionStatus::CredentialsUnreadable);
    let mended = bench.registry.update(bad, moved(&url("new.example"))).await;
    assert_eq!(mended.expect("mended").status, ConnectionStatus::Ok);
}

#[tokio::test]
async fn a_row_without_its_connector_says_so() {
    let first = bench(None).await;
    let id = add(&first, "one").await.connection_id;
    let bench = bench_in(first.folder, FakeRuntime::only_mysql(), None).await;
    let view = bench.registry.get(id).await.expect("there");
    assert_eq!(view.status, ConnectionStatus::ConnectorMissing);
    let sick = bench.registry.health(id).await.expect("there").outcome;
    assert!(matches!(sick, Err(Unhealthy::ConnectorMissing(ty)) if ty == "postgresql"));
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let bench = bench(None).await;
    let before = add(&bench, "one").await;
    let id = before.connection_id;
    let error = bench.registry.update(id, ConnectionPatch::default()).await;
    assert!(matches!(error, Err(RegistryError::EmptyUpdate)));
    let cleared = ConnectionPatch {
        description: Some(None),
        ..ConnectionPatch::default()
    };
    let after = bench.registry.update(id, cleared).await.expect("changed");
    let expected = ConnectionView {
        description: None,
        ..before.clone()
    };
    assert_eq!(after, expected);
    let tagged = ConnectionPatch {
        tags: Some(Vec::new()),
        name: Some("ONE".to_owned()),
        ..ConnectionPatch::default()
    };
    let after = bench
        .registry
        .update(id, tagged)
        .await
        .expect("own name in another case");
    assert_eq!((after.name.as_str(), after.tags.len()), ("ONE", 0));
    assert!(bench.runtime.forgotten.lock().expect("free").is_empty());
    let other = add(&bench, "two").await.connection_id;
    let error = bench
        .registry
        .update(other, named("one"))
        .await
        .expect_err("taken");
    assert!(matches!(error, RegistryError::DuplicateName { connection_id } if connection_id == id));
    let error = bench
        .registry
        .update(Uuid::from_u128(7), named("x"))
        .await
        .expect_err("unknown");
    assert!(matches!(error, RegistryError::NotFound { .. }));
}

#[tokio::test]
async fn a_patched_url_or_type_is_checked_like_a_new_one() {
    let bench = bench(None).await;
    let id = add(&bench, "one").await.connection_id;
    let mysql = format!("mysql://ann:{CANARY}@my.example/x");
    let after = bench
        .registry
        .update(id, moved(&mysql))
        .await
        .expect("inferred");
    assert_eq!(after.database_type, "mysql");
    let error = bench
        .registry
        .update(id, retyped("postgresql"))
        .await
        .expect_err("mismatch");
    assert!(matches!(error, RegistryError::DatabaseTypeMismatch { .. }));
    let after = bench
        .registry
        .update(id, retyped("MariaDB"))
        .await
        .expect("an alias");
    assert_eq!(after.database_type, "mysql");
    let both = ConnectionPatch {
        database_type: Some("postgresql".to_owned()),
        ..moved(&mysql)
    };
    let error = bench.registry.update(id, both).await.expect_err("mismatch");
    assert!(matches!(error, RegistryError::DatabaseTypeMismatch { .. }));
    let error = bench
        .registry
        .update(id, moved(&url("down.example")))
        .await
        .expect_err("down");
    assert!(matches!(error, RegistryError::Connect(_)));
    let located = bench
        .registry
        .locate(Some(&id.to_string()))
        .await
        .expect("there");
    assert_eq!(located.target.host, "my.example");
}

#[tokio::test]
async fn a_test_reports_like_a_creation_and_stores_nothing() {
    let bench = bench(None).await;
    add(&bench, "one").await;
    let candidate = |name: Option<&str>, host: &str| Candidate {
        name: name.map(str::to_owned),
        database_url: Secret::new(url(host)),
        database_type: "postgres".to_owned(),
    };
    let report = bench
        .registry
        .test(candidate(None, "root.example"))
        .await
        .expect("reached");
    assert_eq!(
        serde_json::to_value(&report).expect("JSON"),
        serde_json::json!({
            "ok": true,
            "database_type": "postgresql",
            "server": {"product": "PostgreSQL", "version": "15.0", "role": "ann"},
            "latency_ms": 3,
            "warnings": [{"code": "role_superuser", "message": "The role is a superuser."}],
        })
    );
    let report = bench
        .registry
        .test(candidate(Some("x"), "one.example"))
        .await
        .expect("reached");
    assert_eq!(report.warnings[0].code, "same_url");
    let error = bench
        .registry
        .test(candidate(Some("One"), "x.example"))
        .await
        .expect_err("taken");
    assert!(matches!(error, RegistryError::DuplicateName { .. }));
    let error = bench
        .registry
        .test(candidate(None, "down.example"))
        .await
        .expect_err("down");
    assert!(matches!(error, RegistryError::Connect(_)));
    assert_eq!(names(&bench).await, ["one"]);
}

#[tokio::test]
async fn rotation_encrypts_every_readable_row_with_the_new_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = super::super::credentials::generate_key();
    let new_key = super::super::credentials::generate_key();
    let base = bench_in(folder, FakeRuntime::new(), None).await;
    let with_keys = async |keys: String| {
        Registry::open(RegistryOptions {
            store: base.store.clone(),
            credentials: Credentials::load(Some(&Secret::new(keys)), None),
            plugins: base.runtime.clone(),
            environment_url: None,
            limits: Arc::new(Limits::default()),
        })
        .await
    };
    let registry = with_keys(old.reveal().clone()).await;
    for name in ["one", "two", "lost"] {
        let connection = new(name, "postgresql", &url(&format!("{name}.example")));
        registry.create(connection).await.expect("stored");
    }
    seal(&base, "lost").await;
    let both = format!("{},{}", new_key.reveal(), old.reveal());
    let rotation = with_keys(both).await.rotate_keys().await.expect("rotated");
    assert_eq!((rotation.rotated, rotation.unreadable), (2, 1));
    let registry = with_keys(new_key.reveal().clone()).await;
    let (views, _) = registry.list(None, None).await.expect("listed");
    let readable = views
        .iter()
        .filter(|view| view.status == ConnectionStatus::Ok);
    assert_eq!(readable.count(), 2);
}

#[tokio::test]
async fn rotation_of_a_key_file_leaves_every_row_readable() {
    let bench = bench(None).await;
    let id = add(&bench, "one").await.connection_id;
    let key_file = bench.folder.path().join("credentials.key");
    let before = std::fs::read_to_string(&key_file).expect("there");
    for _ in 0..3 {
        let rotation = bench.registry.rotate_keys().await.expect("rotated");
        assert_eq!((rotation.rotated, rotation.unreadable), (1, 0));
    }
    let after = std::fs::read_to_string(&key_file).expect("there");
    assert!(!after.contains(before.trim()));
    let view = bench.registry.get(id).await.expect("there");
    assert_eq!(view.status, ConnectionStatus::Ok);
}

#[tokio::test]
async fn names_are_trimmed_bounded_and_printable() {
    let bench = bench(None).await;
    for name in ["", "  ", "a\nb", "a\0b", &"x".repeat(201)] {
        let error = bench
            .registry
            .create(new(name, "postgresql", &url("h")))
            .await;
        assert!(
            matches!(error, Err(RegistryError::Validation { field: "name", .. })),
            "{name:?}"
        );
    }
    let longest = "ü".repeat(200);
    let created = bench
        .registry
        .create(new(&longest, "postgresql", &url("h")))
        .await;
    assert_eq!(created.expect("200 characters").name, longest);
    let described = NewConnection {
        description: Some("a\0b".to_owned()),
        ..new("x", "postgresql", &url("h"))
    };
    let error = bench
        .registry
        .create(described)
        .await
        .expect_err("not storable");
    assert!(matches!(
        error,
        RegistryError::Validation {
            field: "description",
            ..
        }
    ));
}
