use super::super::testing::{
    CANARY, ENVIRONMENT, add, bench, moved, named, names, new, retyped, url,
};
use super::*;

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
    bench.registry.delete(one, false).await.expect("deleted");
    assert_eq!(defaults().await, ["Environment Database"]);
    assert!(!bench.registry.get(two).await.expect("there").is_default);
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
            .delete(ENVIRONMENT_ID, false)
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
        description: None,
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
