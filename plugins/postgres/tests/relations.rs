//! What a server and its databases say about themselves.

mod common;

use common::{open, query};
use datachat_postgres::relations::RelationPages;
use datachat_postgres::session::Session;
use datachat_sdk::connector::types::{Column, ForeignKey, Relation, RelationFilter, RelationKind};
use datachat_throwaway::{Auth, CANARY, Options, Postgres, Role};

const SCHEMA: &str = r#"
CREATE SCHEMA risk;
CREATE SCHEMA "Mixed Case";
CREATE TYPE risk.level AS ENUM ('low', 'high');
CREATE DOMAIN must AS text NOT NULL;
CREATE TABLE customers (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(20) NOT NULL DEFAULT 'no''body',
    balance numeric(10,2),
    twice numeric GENERATED ALWAYS AS (balance * 2) STORED,
    note must,
    gone int,
    level risk.level
);
ALTER TABLE customers DROP COLUMN gone;
COMMENT ON TABLE customers IS 'Who banks';
COMMENT ON COLUMN customers.name IS 'As printed';
CREATE TABLE "Mixed Case"."Customer Notes" ("Id" int, "customer" int REFERENCES customers,
    PRIMARY KEY ("customer", "Id"));
CREATE TABLE risk.scores (a int, b int,
    CONSTRAINT to_notes FOREIGN KEY (b, a) REFERENCES "Mixed Case"."Customer Notes" ("Id", customer));
CREATE VIEW risk.high AS SELECT * FROM risk.scores;
CREATE MATERIALIZED VIEW risk.summed AS SELECT sum(a) AS total FROM risk.scores;
CREATE TABLE risk.events (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE risk.events_2024 PARTITION OF risk.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE risk.empty (n int);
CREATE TABLE risk.full AS SELECT n FROM generate_series(1, 1000) n;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE risk.far (n int) SERVER nowhere;
CREATE TABLE none ();
ANALYZE risk.empty;
ANALYZE risk.full;
"#;

fn server() -> Postgres {
    let server = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("open", CANARY, Auth::Trust))
            .role(Role::new("boss", CANARY, Auth::Trust).with("SUPERUSER CREATEDB"))
            .database("bank"),
    )
    .expect("a server");
    server.psql("bank", SCHEMA).expect("the schema");
    server
}

fn relations(
    session: &mut Session<common::Plain>,
    filter: &RelationFilter,
    page: u32,
) -> Vec<Relation> {
    let mut pages = RelationPages::open(session, filter).expect("open");
    let mut relations = Vec::new();
    loop {
        let next = pages.next(session, page).expect("a page");
        if next.is_empty() {
            return relations;
        }
        assert!(next.len() <= page as usize);
        relations.extend(next);
    }
}

fn everything() -> RelationFilter {
    RelationFilter {
        schema: None,
        name: None,
        columns: true,
    }
}

#[test]
fn relations_of_all_schemas_come_with_columns_and_keys() {
    let server = server();
    let mut session = open(&server, "open", "", "bank").expect("open");
    let all = relations(&mut session, &everything(), 500);
    let names: Vec<_> = all
        .iter()
        .map(|relation| {
            (
                relation.schema.as_str(),
                relation.name.as_str(),
                relation.kind,
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("Mixed Case", "Customer Notes", RelationKind::Table),
            ("public", "customers", RelationKind::Table),
            ("public", "none", RelationKind::Table),
            ("risk", "empty", RelationKind::Table),
            ("risk", "events", RelationKind::PartitionedTable),
            ("risk", "events_2024", RelationKind::Partition),
            ("risk", "far", RelationKind::ForeignTable),
            ("risk", "full", RelationKind::Table),
            ("risk", "high", RelationKind::View),
            ("risk", "scores", RelationKind::Table),
            ("risk", "summed", RelationKind::MaterializedView),
        ]
    );

    let customers = &all[1];
    assert_eq!(customers.comment.as_deref(), Some("Who banks"));
    assert_eq!(customers.primary_key, ["id"]);
    let column =
        |name: &str, db_type: &str, nullable, default: Option<&str>, comment: Option<&str>| {
            Column {
                name: name.to_owned(),
                db_type: db_type.to_owned(),
                nullable,
                default_expression: default.map(str::to_owned),
                comment: comment.map(str::to_owned),
            }
        };
    assert_eq!(
        customers.columns,
        [
            column("id", "integer", false, None, None),
            column(
                "name",
                "character varying(20)",
                false,
                Some("'no''body'::character varying"),
                Some("As printed")
            ),
            column("balance", "numeric(10,2)", true, None, None),
            column(
                "twice",
                "numeric",
                true,
                Some("(balance * (2)::numeric)"),
                None
            ),
            column("note", "must", false, None, None),
            column("level", "risk.level", true, None, None),
        ]
    );

    let notes = &all[0];
    assert_eq!(notes.primary_key, ["customer", "Id"]);
    assert_eq!(notes.foreign_keys[0].referenced_relation, "customers");
    let scores = &all[9];
    assert_eq!(
        scores.foreign_keys,
        [ForeignKey {
            name: "to_notes".to_owned(),
            columns: vec!["b".to_owned(), "a".to_owned()],
            referenced_schema: "Mixed Case".to_owned(),
            referenced_relation: "Customer Notes".to_owned(),
            referenced_columns: vec!["Id".to_owned(), "customer".to_owned()],
        }]
    );
    assert!(all[2].columns.is_empty() && all[2].primary_key.is_empty());

    // Never counted is not the same as counted none.
    assert_eq!(all[3].row_estimate, Some(0));
    assert_eq!(all[7].row_estimate, Some(1000));
    assert_eq!(scores.row_estimate, None);
    assert_eq!(all[8].row_estimate, None);
}

#[test]
fn pages_of_any_size_give_the_same_and_leave_the_session_usable() {
    let server = server();
    let mut session = open(&server, "open", "", "bank").expect("open");
    let all = relations(&mut session, &everything(), 500);
    for page in [1, 2, 3, 11] {
        assert_eq!(relations(&mut session, &everything(), page), all);
    }
    // Left in the middle.
    let mut pages = RelationPages::open(&mut session, &everything()).expect("open");
    pages.next(&mut session, 1).expect("a page");
    assert_eq!(query(&mut session, "SELECT 1").expect("rows").len(), 1);
    assert_eq!(relations(&mut session, &everything(), 4), all);
    // Given up before it began.
    RelationPages::open(&mut session, &everything()).expect("open");
    assert_eq!(query(&mut session, "SELECT 1").expect("rows").len(), 1);
}

#[test]
fn filters_compare_the_schema_exactly_and_the_name_in_any_case() {
    let server = server();
    let mut session = open(&server, "open", "", "bank").expect("open");
    let mut names = |schema: Option<&str>, name: Option<&str>| -> Vec<String> {
        let filter = RelationFilter {
            schema: schema.map(str::to_owned),
            name: name.map(str::to_owned),
            columns: false,
        };
        relations(&mut session, &filter, 500)
            .into_iter()
            .map(|relation| {
                assert!(relation.columns.is_empty());
                relation.name
            })
            .collect()
    };
    assert_eq!(names(None, Some("CUSTOMER notes")), ["Customer Notes"]);
    assert_eq!(names(Some("Mixed Case"), None), ["Customer Notes"]);
    assert!(names(Some("mixed case"), None).is_empty());
    assert!(names(Some("pg_catalog"), None).is_empty());
    assert!(names(Some("risk'; DROP TABLE customers; --"), None).is_empty());
    assert!(names(None, Some("custom%")).is_empty());
}

#[test]
fn the_server_names_its_version_and_the_role_s_dangerous_rights() {
    let server = server();
    let mut session = open(&server, "open", "", "bank").expect("open");
    let info = session.server().expect("server");
    assert_eq!(info.product, "PostgreSQL");
    assert_eq!(
        server
            .psql("bank", "SHOW server_version")
            .expect("version")
            .split(' ')
            .next(),
        Some(info.version.as_str())
    );
    assert_eq!(
        (
            info.role.as_str(),
            info.database.as_deref(),
            info.default_schema.as_deref()
        ),
        ("open", Some("bank"), Some("public"))
    );
    assert_eq!(info.dangerous_rights, []);

    let codes = |session: &mut Session<common::Plain>| -> Vec<String> {
        let rights = session.server().expect("server").dangerous_rights;
        rights.into_iter().map(|right| right.code).collect()
    };
    server
        .psql(
            "bank",
            "GRANT pg_read_server_files TO open; ALTER ROLE open REPLICATION",
        )
        .expect("grant");
    assert_eq!(codes(&mut session), ["replication", "read_server_files"]);
    let mut boss = open(&server, "boss", "", "bank").expect("open");
    assert_eq!(codes(&mut boss), ["superuser", "createdb"]);
}
