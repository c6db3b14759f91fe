//! What a session asks its server for no more than once, and what it does not keep for ever.

mod common;

use std::rc::Rc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{Plain, open, query, run, statement, target, text};
use datachat_mysql::relations::RelationPages;
use datachat_mysql::session::Session;
use datachat_sdk::connector::types::{RelationFilter, Value};
use datachat_throwaway::{CANARY, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};

fn server() -> &'static MariaDb {
    static SERVER: LazyLock<MariaDb> = LazyLock::new(|| {
        MariaDb::start(
            MariaDbOptions::default()
                .database("bank")
                .user(MariaDbUser::new("app", CANARY, MariaDbAuth::Native).grant("ALL ON bank.*")),
        )
        .expect("a server")
    });
    &SERVER
}

#[test]
fn what_a_session_does_takes_a_known_number_of_round_trips() {
    let transport = Plain::connect(server().port()).expect("connect");
    let writes = Rc::clone(&transport.writes);
    let target = target(server().port(), "app", Some("bank"));
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut session = Session::open(transport, &target, Some(CANARY), deadline).expect("open");
    assert_eq!(writes.get(), 2, "the login, and the setting up");

    let trips = |what: &mut dyn FnMut()| {
        let before = writes.get();
        what();
        writes.get() - before
    };
    let mut select = |limit: Option<u64>, timeout_ms| {
        trips(&mut || {
            let mut request = statement("SELECT ?", vec![Value::Integer(7)]);
            request.max_rows = limit;
            request.timeout_ms = timeout_ms;
            run(&mut session, request).expect("rows");
        })
    };
    assert_eq!(select(None, 1000), 1, "MariaDB prepares along the way");
    assert_eq!(select(None, 1000), 1);
    assert_eq!(select(Some(1), 2000), 1, "other limits go along");
    assert_eq!(select(Some(1), 2000), 1);
    assert_eq!(trips(&mut || session.reset().expect("reset")), 1);
    assert_eq!(trips(&mut || drop(session.server().expect("info"))), 1);
    let filter = RelationFilter {
        schema: None,
        name: None,
        columns: true,
    };
    assert_eq!(
        trips(&mut || drop(RelationPages::open(&mut session, &filter).expect("relations"))),
        1
    );
}

#[test]
fn a_statement_whose_table_has_changed_runs_with_its_new_columns() {
    let server = server();
    server
        .sql(
            "bank",
            "CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)",
        )
        .expect("table");
    let mut session = open(server, "app", CANARY, "bank").expect("open");
    let columns = |session: &mut Session<Plain>| {
        let batches = query(session, "SELECT * FROM changing").expect("rows");
        batches[0]
            .schema()
            .fields()
            .iter()
            .map(|field| field.metadata()["datachat.db_type"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(columns(&mut session), ["int"]);
    server
        .sql(
            "bank",
            "ALTER TABLE changing MODIFY a varchar(5), ADD b date",
        )
        .expect("changed");
    assert_eq!(columns(&mut session), ["varchar(5)", "date"]);
    server.sql("bank", "DROP TABLE changing").expect("gone");
    query(&mut session, "SELECT * FROM changing").expect_err("gone");
}

#[test]
fn statements_beyond_what_is_kept_are_closed_on_the_server() {
    let server = server();
    let mut session = open(server, "app", CANARY, "bank").expect("open");
    for n in 0..100 {
        text(&mut session, &format!("SELECT 'n{n}'")).expect("rows");
    }
    let kept: usize = server
        .sql("", "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'PREPARED_STMT_COUNT'")
        .expect("status")
        .parse()
        .expect("a number");
    // The other tests here have a few of their own.
    assert!(kept <= 70, "{kept}");
}
