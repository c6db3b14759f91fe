use super::super::testing::{
    ENVIRONMENT, FakeRuntime, add, bench, bench_in, moved, named, names, new, retyped, seal, url,
};
use super::super::{ConnectionStatus, Unhealthy};
use super::*;

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
        .delete(first.connection_id, false)
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
