use super::super::testing::{Bench, ENVIRONMENT, FakeRuntime, bench, bench_in, new, url};
use super::super::{Credentials, NewConnection, RegistryOptions};
use super::*;
use crate::limits::Limits;
use crate::store::{Location, Store};
use std::sync::Arc;

async fn add(bench: &Bench, name: &str, is_default: bool) -> Uuid {
    let new = NewConnection {
        is_default,
        ..new(name, "postgresql", &url(&format!("{name}.example")))
    };
    bench
        .registry
        .create(new)
        .await
        .expect("stored")
        .connection_id
}

/// Whose database it is, and why.
async fn chosen(bench: &Bench, target: Option<&str>) -> Result<(String, ChosenBy), ResolveError> {
    let located = bench.registry.locate(target).await?;
    Ok((located.target.host, located.chosen_by))
}

/// A registry whose system database was seen, and is then taken away.
async fn bench_without_store(environment_url: Option<&str>, default: bool) -> (Bench, Uuid) {
    let bench = bench(environment_url).await;
    let id = add(&bench, "one", default).await;
    bench.registry.status().await;
    bench.store.close().await;
    (bench, id)
}

#[tokio::test]
async fn a_row_and_the_environment_database_are_found_by_id() {
    let bench = bench(Some(ENVIRONMENT)).await;
    let one = add(&bench, "one", false).await;
    add(&bench, "two", true).await;
    let spellings = [
        one.to_string(),
        one.to_string().to_uppercase(),
        one.simple().to_string(),
        one.braced().to_string(),
        one.urn().to_string(),
    ];
    for spelling in spellings {
        let outcome = chosen(&bench, Some(&spelling)).await.expect("found");
        assert_eq!(outcome, ("one.example".to_owned(), ChosenBy::Explicit));
    }
    let outcome = chosen(&bench, Some("00000000-0000-0000-0000-00000000dada")).await;
    assert_eq!(
        outcome.expect("found"),
        ("env.example".to_owned(), ChosenBy::Explicit)
    );
}

#[tokio::test]
async fn without_a_target_the_default_answers_before_the_environment_database() {
    let bench = bench(Some(ENVIRONMENT)).await;
    add(&bench, "one", false).await;
    let outcome = chosen(&bench, None).await.expect("found");
    assert_eq!(outcome, ("env.example".to_owned(), ChosenBy::Environment));
    add(&bench, "two", true).await;
    let outcome = chosen(&bench, None).await.expect("found");
    assert_eq!(outcome, ("two.example".to_owned(), ChosenBy::Default));
}

#[tokio::test]
async fn without_target_default_and_environment_the_system_is_not_initialized() {
    let bench = bench(None).await;
    add(&bench, "one", false).await;
    let error = chosen(&bench, None).await.expect_err("no database");
    assert!(matches!(error, ResolveError::NotInitialized), "{error:?}");
}

#[tokio::test]
async fn what_is_no_uuid_never_picks_the_default() {
    let bench = bench(Some(ENVIRONMENT)).await;
    add(&bench, "one", true).await;
    for target in ["", " ", "\t", "one", "null", "1234", "not-a-uuid"] {
        let error = chosen(&bench, Some(target)).await.expect_err(target);
        assert!(
            matches!(error, ResolveError::InvalidId),
            "{target}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_or_deleted_id_is_not_found() {
    let bench = bench(None).await;
    let one = add(&bench, "one", true).await;
    bench.registry.delete(one, false).await.expect("deleted");
    for id in [one, Uuid::from_u128(7), ENVIRONMENT_ID] {
        let error = chosen(&bench, Some(&id.to_string()))
            .await
            .expect_err("gone");
        assert!(matches!(error, ResolveError::NotFound { id: named } if named == id));
    }
    assert_eq!(
        ResolveError::NotFound { id: one }.to_string(),
        format!("Database connection not found: {one}")
    );
}

#[tokio::test]
async fn with_the_registry_down_only_the_environment_id_is_answered() {
    let (bench, one) = bench_without_store(Some(ENVIRONMENT), true).await;
    for target in [Some(one.to_string()), None] {
        let error = chosen(&bench, target.as_deref()).await.expect_err("down");
        assert!(
            matches!(error, ResolveError::Unavailable(Unavailable::Store)),
            "{error:?}"
        );
    }
    let outcome = chosen(&bench, Some(&ENVIRONMENT_ID.to_string())).await;
    assert_eq!(
        outcome.expect("needs no registry"),
        ("env.example".to_owned(), ChosenBy::Explicit)
    );
}

#[tokio::test]
async fn with_the_registry_down_and_known_to_have_no_default_the_environment_answers() {
    let (bench, one) = bench_without_store(Some(ENVIRONMENT), false).await;
    let outcome = chosen(&bench, None).await.expect("known");
    assert_eq!(outcome, ("env.example".to_owned(), ChosenBy::Environment));
    let error = chosen(&bench, Some(&one.to_string()))
        .await
        .expect_err("down");
    assert!(matches!(error, ResolveError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn of_a_shared_registry_that_is_down_it_is_never_known_that_there_is_no_default() {
    let limits = Arc::new(Limits {
        store_connect_ms: 100,
        store_timeout_ms: 200,
        ..Limits::default()
    });
    let nowhere = Secret::new("postgresql://u:p@127.0.0.1:1/x".to_owned());
    let registry = Registry::open(RegistryOptions {
        store: Store::open(&Location::Url(nowhere), &limits).expect("a URL"),
        credentials: Credentials::load(Some(&Secret::new(fernet::Fernet::generate_key())), None),
        plugins: FakeRuntime::new(),
        environment_url: Some(Secret::new(ENVIRONMENT.to_owned())),
        limits,
    })
    .await;
    // This server made sure of it; another may have chosen a default since.
    registry.inner.last_known_default.wrote(Some(false));
    let error = registry.locate(None).await.expect_err("not known");
    assert!(matches!(error, ResolveError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn with_the_registry_never_seen_nothing_is_assumed_of_the_default() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("datachat.db")).expect("in the way of the file");
    let bench = bench_in(folder, FakeRuntime::new(), Some(ENVIRONMENT)).await;
    let error = chosen(&bench, None).await.expect_err("unknown");
    assert!(matches!(error, ResolveError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn without_a_key_stored_connections_are_unavailable_and_the_environment_is_not() {
    let bench = bench(Some(ENVIRONMENT)).await;
    let one = add(&bench, "one", false).await;
    let registry = Registry::open(RegistryOptions {
        store: bench.store.clone(),
        credentials: Credentials::load(None, None),
        plugins: bench.runtime.clone(),
        environment_url: Some(Secret::new(ENVIRONMENT.to_owned())),
        limits: Arc::new(Limits::default()),
    })
    .await;
    let error = registry
        .locate(Some(&one.to_string()))
        .await
        .expect_err("no key");
    assert!(
        matches!(error, ResolveError::Unavailable(Unavailable::KeyMissing)),
        "{error:?}"
    );
    let by_id = registry.locate(Some(&ENVIRONMENT_ID.to_string())).await;
    assert_eq!(by_id.expect("needs no key").target.host, "env.example");
    let unnamed = registry.locate(None).await.expect("there is no default");
    assert_eq!(unnamed.target.host, "env.example");
}

#[tokio::test]
async fn an_unreadable_default_is_an_error_and_not_a_reason_to_take_another() {
    let bench = bench(Some(ENVIRONMENT)).await;
    let one = add(&bench, "one", true).await;
    bench
        .store
        .rewrite_tokens(|_| Some("gAAAAA".to_owned()))
        .await
        .expect("spoilt");
    for target in [None, Some(one.to_string())] {
        let error = chosen(&bench, target.as_deref()).await.expect_err("sealed");
        assert!(
            matches!(error, ResolveError::CredentialsUnreadable { id, .. } if id == one),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_default_whose_connector_is_missing_is_an_error_of_its_own() {
    let first = bench(Some(ENVIRONMENT)).await;
    let one = add(&first, "one", true).await;
    let bench = bench_in(first.folder, FakeRuntime::only_mysql(), Some(ENVIRONMENT)).await;
    for target in [None, Some(one.to_string())] {
        let error = chosen(&bench, target.as_deref())
            .await
            .expect_err("no connector");
        assert!(
            matches!(&error, ResolveError::ConnectorMissing { id, database_type } if *id == one && database_type == "postgresql"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_malformed_environment_url_stops_nothing_and_says_why_without_showing_it() {
    let bench = bench(Some("postgresql://env:hunter2@h:99999/x")).await;
    let one = add(&bench, "one", false).await;
    assert!(chosen(&bench, Some(&one.to_string())).await.is_ok());
    for target in [None, Some(ENVIRONMENT_ID.to_string())] {
        let error = chosen(&bench, target.as_deref())
            .await
            .expect_err("malformed");
        assert!(
            matches!(error, ResolveError::CredentialsUnreadable { id, .. } if id == ENVIRONMENT_ID),
            "{error:?}"
        );
        assert!(error.to_string().contains("port"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let status = bench.registry.status().await;
    assert!(status.environment_problem.is_some());
}

#[tokio::test]
async fn a_new_url_is_a_new_revision_and_a_new_name_is_not() {
    let bench = bench(None).await;
    let one = add(&bench, "one", false).await;
    let revision = async || {
        let located = bench.registry.locate(Some(&one.to_string())).await;
        located.expect("found").key.revision
    };
    let before = revision().await;
    let renamed = super::super::ConnectionPatch {
        name: Some("uno".to_owned()),
        ..Default::default()
    };
    bench.registry.update(one, renamed).await.expect("renamed");
    assert_eq!(revision().await, before);
    let moved = super::super::ConnectionPatch {
        database_url: Some(Secret::new(
            "postgresql://ann:pw@new.example/shop".to_owned(),
        )),
        ..Default::default()
    };
    bench.registry.update(one, moved).await.expect("moved");
    assert_eq!(revision().await, before + 1);
    assert_eq!(*bench.runtime.forgotten.lock().expect("free"), [one]);
}

#[test]
fn an_answer_that_was_read_before_a_write_is_not_believed_after_it() {
    let known = LastKnownDefault::new();
    assert!(!known.is_none());
    let generation = known.generation();
    known.wrote(Some(true));
    known.read(generation, false);
    assert!(!known.is_none());
    known.read(known.generation(), false);
    assert!(known.is_none());
}

#[test]
fn a_store_can_be_opened_while_its_database_is_down() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let limits = Limits {
            store_connect_ms: 100,
            ..Limits::default()
        };
        let url = Secret::new("postgresql+asyncpg://u:hunter2@127.0.0.1:1/x".to_owned());
        let store = Store::open(&Location::Url(url), &limits).expect("lazy");
        let error = store.ping().await.expect_err("nothing listens on port 1");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    });
}
