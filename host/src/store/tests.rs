//! One suite for both kinds of system database, and what is particular to each.

use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use datachat_throwaway::{Options, Postgres};
use uuid::Uuid;

use super::*;
use crate::limits::Limits;
use crate::secret::Secret;

const PASSWORD: &str = "hunter2canary";

fn limits() -> Limits {
    Limits {
        store_connect_ms: 5_000,
        store_timeout_ms: 20_000,
        store_retry_ms: 1,
        ..Limits::default()
    }
}

/// An empty system database that any number of stores can be opened on.
struct Place {
    location: Location,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            location: Location::DataDir(folder.path().join("data")),
            _folder: Some(folder),
        }
    }

    fn postgres() -> Self {
        static SERVER: LazyLock<Postgres> =
            LazyLock::new(|| Postgres::start(Options::new(PASSWORD)).expect("PostgreSQL starts"));
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("system{}", MADE.fetch_add(1, Ordering::Relaxed));
        SERVER.create_database(&name).expect("a database");
        Self {
            location: Location::Url(Secret::new(SERVER.superuser_url(&name))),
            _folder: None,
        }
    }

    fn open(&self) -> Store {
        Store::open(&self.location, &limits()).expect("a location")
    }
}

fn row(name: &str, created_at: i64) -> ConnectionRow {
    ConnectionRow {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        database_type: "postgresql".to_owned(),
        url_token: format!("token of {name}"),
        tags: Vec::new(),
        description: None,
        warnings: "[]".to_owned(),
        is_default: false,
        created_at: DateTime::<Utc>::from_timestamp_micros(created_at).expect("in range"),
        revision: 1,
    }
}

fn default_row(name: &str) -> ConnectionRow {
    ConnectionRow {
        is_default: true,
        ..row(name, 1)
    }
}

async fn defaults(store: &Store) -> Vec<String> {
    let rows = store.connections().await.expect("read");
    let defaults = rows.into_iter().filter(|row| row.is_default);
    defaults.map(|row| row.name).collect()
}

/// Makes each claim a test on either kind of database.
macro_rules! on_both {
    ($($claim:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() { super::$claim(super::Place::sqlite()).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() { super::$claim(super::Place::postgres()).await; })*
        }
    };
}

#[path = "conversation_tests.rs"]
mod conversations;
#[path = "datapoint_tests.rs"]
mod datapoints;
#[path = "profile_tests.rs"]
mod profiles;

on_both! {
    a_row_comes_back_as_it_was_stored_also_to_another_server
    rows_come_newest_first
    servers_that_start_at_once_make_the_tables_once
    a_newer_database_is_left_alone
    of_rows_with_one_name_stored_at_once_one_stays
    defaults_that_are_set_at_once_leave_one
    an_unknown_default_changes_nothing
    an_update_writes_what_it_names
    an_update_of_an_older_revision_changes_nothing
    a_name_of_another_row_is_refused_by_an_update
    a_deleted_row_is_gone
    tokens_are_rewritten_all_together
    a_call_that_is_given_up_leaves_the_store_whole
}

async fn a_row_comes_back_as_it_was_stored_also_to_another_server(place: Place) {
    let stored = ConnectionRow {
        name: "Größe 'x' \"y\" \\ 😀".to_owned(),
        tags: vec!["a,b".to_owned(), String::new(), "\"'\\\0".to_owned()],
        description: Some(String::new()),
        warnings: r#"[{"code":"x"}]"#.to_owned(),
        is_default: true,
        ..row("", 1_763_800_000_123_456)
    };
    place
        .open()
        .insert_connection(&stored)
        .await
        .expect("stored");
    let other = place.open();
    let found = other.connection(stored.id).await.expect("read");
    assert_eq!(found.as_ref(), Some(&stored));
    assert_eq!(other.default_connection().await.expect("read"), found);
    let by_name = other
        .connection_named("gRÖSSE 'x' \"y\" \\ 😀")
        .await
        .expect("read");
    assert_eq!(by_name, None, "ß is no ss");
    let by_name = other
        .connection_named("grÖßE 'X' \"Y\" \\ 😀")
        .await
        .expect("read");
    assert_eq!(by_name, Some(stored.id));
    assert_eq!(other.connection(Uuid::new_v4()).await.expect("read"), None);
}

async fn rows_come_newest_first(place: Place) {
    let store = place.open();
    for (name, created_at) in [("b", 20), ("c", 30), ("a", -10)] {
        store
            .insert_connection(&row(name, created_at))
            .await
            .expect("stored");
    }
    let rows = store.connections().await.expect("read");
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["c", "b", "a"]);
}

async fn servers_that_start_at_once_make_the_tables_once(place: Place) {
    let servers: Vec<Store> = (0..6).map(|_| place.open()).collect();
    let starts = servers.iter().cloned().enumerate().map(|(at, store)| {
        tokio::spawn(async move { store.insert_connection(&row(&at.to_string(), 1)).await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.expect("no panic").expect("stored");
    }
    for store in servers {
        assert_eq!(store.connections().await.expect("read").len(), 6);
    }
}

async fn a_newer_database_is_left_alone(place: Place) {
    let store = place.open();
    store.ping().await.expect("made");
    let statement = "INSERT INTO datachat_migrations (version) VALUES (999)";
    on_pool!(store, pool => { sqlx::query(statement).execute(pool).await.expect("marked"); });
    let older = place.open();
    assert_eq!(older.connections().await, Err(StoreError::Newer));
    let insert = older.insert_connection(&row("x", 1)).await;
    assert_eq!(insert, Err(StoreError::Newer));
    assert_eq!(store.connections().await.expect("read").len(), 0);
}

async fn of_rows_with_one_name_stored_at_once_one_stays(place: Place) {
    let servers = [place.open(), place.open()];
    servers[0].ping().await.expect("up");
    let attempts: Vec<_> = (0..12)
        .map(|at| {
            let store = servers[at % 2].clone();
            let name = if at % 3 == 0 { "SHOP" } else { "shop" };
            tokio::spawn(async move {
                let row = row(name, 1);
                (row.id, store.insert_connection(&row).await)
            })
        })
        .collect();
    let mut stored = Vec::new();
    let mut refused = Vec::new();
    for attempt in attempts {
        match attempt.await.expect("no panic") {
            (id, Ok(())) => stored.push(id),
            (_, Err(StoreError::NameTaken { id })) => refused.push(id),
            (_, Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(stored.len(), 1);
    assert_eq!(refused, [stored[0]; 11]);
}

async fn defaults_that_are_set_at_once_leave_one(place: Place) {
    let servers = [place.open(), place.open()];
    let mut ids = Vec::new();
    for at in 0..4 {
        let row = row(&format!("c{at}"), at);
        servers[0].insert_connection(&row).await.expect("stored");
        ids.push(row.id);
    }
    let mut tasks = Vec::new();
    for round in 0..24 {
        let store = servers[round % 2].clone();
        let id = ids[round % 4];
        tasks.push(tokio::spawn(async move {
            if round % 6 == 5 {
                let new = default_row(&format!("new{round}"));
                store.insert_connection(&new).await.expect("stored");
            } else {
                assert!(store.set_default_connection(id).await.expect("set"));
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
        assert!(defaults(&servers[0]).await.len() <= 1);
    }
    assert_eq!(defaults(&servers[1]).await.len(), 1);
}

async fn an_unknown_default_changes_nothing(place: Place) {
    let store = place.open();
    store
        .insert_connection(&default_row("one"))
        .await
        .expect("stored");
    let unknown = Uuid::new_v4();
    assert!(
        !store
            .set_default_connection(unknown)
            .await
            .expect("answered")
    );
    assert_eq!(defaults(&store).await, ["one"]);
}

async fn an_update_writes_what_it_names(place: Place) {
    let store = place.open();
    let before = ConnectionRow {
        description: Some("about".to_owned()),
        ..default_row("one")
    };
    store.insert_connection(&before).await.expect("stored");
    let change = ConnectionChange {
        name: Some("ONE".to_owned()),
        description: Some(None),
        ..ConnectionChange::default()
    };
    let renamed = ConnectionRow {
        name: "ONE".to_owned(),
        description: None,
        ..before.clone()
    };
    let after = store
        .update_connection(before.id, 1, &change)
        .await
        .expect("changed");
    assert_eq!(after.as_ref(), Some(&renamed));
    assert_eq!(store.connection(before.id).await.expect("read"), after);
    let change = ConnectionChange {
        tags: Some(vec!["t".to_owned()]),
        target: Some(TargetChange {
            database_type: "mysql".to_owned(),
            url_token: "new".to_owned(),
            warnings: "[1]".to_owned(),
        }),
        ..ConnectionChange::default()
    };
    let moved = ConnectionRow {
        tags: vec!["t".to_owned()],
        database_type: "mysql".to_owned(),
        url_token: "new".to_owned(),
        warnings: "[1]".to_owned(),
        revision: 2,
        ..renamed
    };
    let after = store
        .update_connection(before.id, 1, &change)
        .await
        .expect("changed");
    assert_eq!(after.as_ref(), Some(&moved));
    assert_eq!(store.connection(before.id).await.expect("read"), after);
    let unknown = store.update_connection(Uuid::new_v4(), 1, &change).await;
    assert_eq!(unknown.expect("answered"), None);
}

async fn an_update_of_an_older_revision_changes_nothing(place: Place) {
    let store = place.open();
    let current = ConnectionRow {
        revision: 4,
        ..row("one", 1)
    };
    store.insert_connection(&current).await.expect("stored");
    let change = ConnectionChange {
        name: Some("two".to_owned()),
        ..ConnectionChange::default()
    };
    let outcome = store.update_connection(current.id, 3, &change).await;
    assert_eq!(outcome, Err(StoreError::Changed));
    let found = store.connection(current.id).await.expect("read");
    assert_eq!(found, Some(current));
}

async fn a_name_of_another_row_is_refused_by_an_update(place: Place) {
    let store = place.open();
    let (one, two) = (row("one", 1), row("two", 2));
    store.insert_connection(&one).await.expect("stored");
    store.insert_connection(&two).await.expect("stored");
    let change = ConnectionChange {
        name: Some("ONE".to_owned()),
        ..ConnectionChange::default()
    };
    let outcome = store.update_connection(two.id, 1, &change).await;
    assert_eq!(outcome, Err(StoreError::NameTaken { id: one.id }));
    assert_eq!(store.connection(two.id).await.expect("read"), Some(two));
}

async fn a_deleted_row_is_gone(place: Place) {
    let store = place.open();
    let one = default_row("one");
    store.insert_connection(&one).await.expect("stored");
    assert!(
        store
            .delete_connection(one.id, false)
            .await
            .expect("deleted")
    );
    assert!(
        !store
            .delete_connection(one.id, false)
            .await
            .expect("answered")
    );
    assert_eq!(store.connections().await.expect("read"), []);
    assert_eq!(store.default_connection().await.expect("read"), None);
    store
        .insert_connection(&row("one", 1))
        .await
        .expect("the name is free again");
}

async fn tokens_are_rewritten_all_together(place: Place) {
    let store = place.open();
    for name in ["a", "b", "c"] {
        store
            .insert_connection(&row(name, 1))
            .await
            .expect("stored");
    }
    let renew = |token: &str| (!token.ends_with('b')).then(|| token.to_uppercase());
    assert_eq!(store.rewrite_tokens(renew).await.expect("rewritten"), 2);
    let mut tokens: Vec<_> = store
        .connections()
        .await
        .expect("read")
        .into_iter()
        .map(|row| (row.url_token, row.revision))
        .collect();
    tokens.sort();
    let expected = ["TOKEN OF A", "TOKEN OF C", "token of b"].map(|t| (t.to_owned(), 1));
    assert_eq!(tokens, expected);
}

async fn a_call_that_is_given_up_leaves_the_store_whole(place: Place) {
    let store = place.open();
    store
        .insert_connection(&default_row("first"))
        .await
        .expect("stored");
    for at in 0..60 {
        let new = default_row(&format!("c{at}"));
        let patience = Duration::from_micros(at * 40);
        let _ = tokio::time::timeout(patience, store.insert_connection(&new)).await;
    }
    let rows = store.connections().await.expect("usable");
    assert_eq!(rows.iter().filter(|row| row.is_default).count(), 1);
    store
        .insert_connection(&default_row("last"))
        .await
        .expect("stored");
    assert_eq!(defaults(&store).await, ["last"]);
}

#[tokio::test]
async fn the_file_and_its_folder_are_for_the_owner_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let location = Location::DataDir(data.clone());
    let store = Store::open(&location, &limits()).expect("a location");
    store
        .insert_connection(&row("one", 1))
        .await
        .expect("stored");
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&data), 0o700);
    let mut seen = 0;
    for entry in std::fs::read_dir(&data).expect("readable") {
        let path = entry.expect("readable").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 1);
}

#[tokio::test]
async fn a_postgresql_that_comes_goes_and_comes_is_used_whenever_it_is_there() {
    let options = Options::new(PASSWORD).setting("synchronous_commit", "on");
    let mut server = Postgres::start(options).expect("PostgreSQL starts");
    let url = Secret::new(server.superuser_url("postgres"));
    let limits = Limits {
        store_connect_ms: 2_000,
        store_retry_ms: 200,
        ..Limits::default()
    };
    server.stop().expect("stopped");
    let store = Store::open(&Location::Url(url), &limits).expect("a location");
    assert_eq!(store.connections().await, Err(StoreError::Unavailable));
    let asked = Instant::now();
    assert_eq!(store.connections().await, Err(StoreError::Unavailable));
    assert!(
        asked.elapsed() < Duration::from_millis(50),
        "it fails at once"
    );

    let up = async |store: &Store| {
        let end = Instant::now() + Duration::from_secs(10);
        while store.ping().await.is_err() {
            assert!(Instant::now() < end, "it resumes by itself");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    server.launch().expect("started");
    up(&store).await;
    let one = row("one", 1);
    store.insert_connection(&one).await.expect("stored");

    server.kill_9().expect("killed");
    assert_eq!(store.connection(one.id).await, Err(StoreError::Unavailable));
    server.launch().expect("started");
    up(&store).await;
    assert_eq!(store.connection(one.id).await.expect("read"), Some(one));

    let drop_tables = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
    server.psql("postgres", drop_tables).expect("dropped");
    assert_eq!(store.connections().await, Err(StoreError::Unavailable));
    up(&store).await;
    assert_eq!(store.connections().await.expect("made again"), []);
}

#[tokio::test]
async fn a_server_that_never_answers_is_unavailable_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let limits = Limits {
        store_connect_ms: 200,
        ..Limits::default()
    };
    let url = format!("postgresql://u:{PASSWORD}@127.0.0.1:{port}/x");
    let store = Store::open(&Location::Url(Secret::new(url)), &limits).expect("a location");
    let asked = Instant::now();
    assert_eq!(store.ping().await, Err(StoreError::Unavailable));
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn only_postgresql_urls_are_locations_and_no_error_shows_one() {
    for url in [
        String::new(),
        "nothing".to_owned(),
        format!("mysql://u:{PASSWORD}@h/x"),
        format!("sqlite:///{PASSWORD}"),
        format!("postgresql://u:{PASSWORD}@h:99999/x"),
        format!("postgresql://u:{PASSWORD}@[h/x"),
    ] {
        let location = Location::Url(Secret::new(url.clone()));
        let Err(error) = Store::open(&location, &limits()) else {
            panic!("{url} was taken");
        };
        assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error}");
    }
    for scheme in ["postgres", "postgresql", "PostgreSQL+asyncpg"] {
        let url = Secret::new(format!("{scheme}://u:{PASSWORD}@h:5433/x"));
        let store = Store::open(&Location::Url(url), &limits());
        assert!(store.is_ok_and(|store| store.is_shared()), "{scheme}");
    }
}
