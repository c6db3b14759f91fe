//! What a session asks its server for no more than once, and what it does not keep for ever.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use common::{Plain, open, query, run, statement, target, text};
use datachat_postgres::session::Session;
use datachat_sdk::connector::types::Value;
use datachat_throwaway::{Auth, CANARY, Options, Postgres, Role};

/// One server for all tests here; each uses types of its own.
fn server() -> &'static Postgres {
    static SERVER: LazyLock<Postgres> = LazyLock::new(|| {
        Postgres::start(
            Options::new(CANARY)
                .role(Role::new("open", CANARY, Auth::Trust))
                .database("bank"),
        )
        .expect("a server")
    });
    &SERVER
}

/// A session, and how often it has written.
fn counted(server: &Postgres) -> (Session<Plain>, Rc<Cell<usize>>) {
    let transport = Plain::connect(server.port()).expect("connect");
    let writes = Rc::clone(&transport.writes);
    let target = target(server.port(), "open", "bank");
    let deadline = Instant::now() + Duration::from_secs(10);
    let session = Session::open(transport, &target, None, deadline).expect("open");
    (session, writes)
}

#[test]
fn a_prepared_statement_takes_one_round_trip() {
    let server = server();
    let (mut session, writes) = counted(server);
    let mut trips = |limit: Option<u64>, timeout_ms| {
        let before = writes.get();
        let mut request = statement("SELECT $1::int4", vec![Value::Integer(7)]);
        request.max_rows = limit;
        request.timeout_ms = timeout_ms;
        run(&mut session, request).expect("rows");
        writes.get() - before
    };
    assert_eq!(trips(None, 1000), 2);
    assert_eq!(trips(None, 1000), 1);
    assert_eq!(trips(Some(1), 2000), 1);
    assert_eq!(trips(Some(2), 0), 1);
}

#[test]
fn types_of_the_database_s_own_are_looked_up_once() {
    let server = server();
    server
        .psql(
            "bank",
            "CREATE TYPE \"Mood\" AS ENUM ('sad', 'it''s \"ok\"');
             CREATE DOMAIN euros AS numeric(10,2);
             CREATE TYPE pair AS (\"Left\" int, moods \"Mood\"[], price euros);
             CREATE TYPE span AS RANGE (subtype = euros);",
        )
        .expect("types");
    let (mut session, writes) = counted(server);
    let sql = "SELECT 'sad'::\"Mood\", 1.5::euros, row(1, '{sad,NULL}', 2)::pair, \
               array[row(NULL, NULL, NULL)::pair], '[1,2)'::span";
    let batches = query(&mut session, sql).expect("rows");
    let schema = batches[0].schema();
    let names: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.metadata()["datachat.db_type"].as_str())
        .collect();
    // PostgreSQL describes a domain as what it restricts.
    assert_eq!(
        names,
        ["\"Mood\"", "numeric(10,2)", "pair", "pair[]", "span"]
    );
    assert_eq!(batches[0].column(0).as_string::<i32>().value(0), "sad");
    let pair = batches[0].column(2).as_struct();
    assert_eq!(pair.column_names(), ["Left", "moods", "price"]);
    assert_eq!(pair.column(0).as_primitive::<Int32Type>().value(0), 1);
    let moods = pair.column(1).as_struct().column(0).as_list::<i32>();
    let moods = moods.value(0);
    assert_eq!(moods.as_string::<i32>().value(0), "sad");
    assert!(arrow_array::Array::is_null(&moods, 1));

    let before = writes.get();
    query(&mut session, "SELECT 'sad'::\"Mood\" AS again, NULL::pair").expect("rows");
    assert_eq!(writes.get() - before, 2, "nothing was looked up again");
}

#[test]
fn a_composite_that_changed_is_looked_up_again() {
    let server = server();
    server
        .psql("bank", "CREATE TYPE shape AS (a int)")
        .expect("type");
    let mut session = open(server, "open", "", "bank").expect("open");
    let sql = "SELECT row(1)::shape";
    query(&mut session, sql).expect("rows");
    server
        .psql("bank", "ALTER TYPE shape ADD ATTRIBUTE b text")
        .expect("attribute");
    let sql = "SELECT row(1, 'x')::shape";
    // The first time may fail with what was known; the second knows better.
    let batches = query(&mut session, sql)
        .or_else(|_| query(&mut session, sql))
        .expect("rows");
    assert_eq!(batches[0].column(0).as_struct().num_columns(), 2);
}

#[test]
fn statements_beyond_what_is_kept_are_closed_on_the_server() {
    let server = server();
    let mut session = open(server, "open", "", "bank").expect("open");
    for n in 0..100 {
        text(&mut session, &format!("SELECT 'n{n}'")).expect("rows");
    }
    let kept: usize = text(
        &mut session,
        "SELECT count(*)::text FROM pg_prepared_statements WHERE statement LIKE 'SELECT ''n%'",
    )
    .expect("rows")
    .parse()
    .expect("a number");
    assert!(kept <= 64, "{kept}");
}
