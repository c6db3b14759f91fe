//! What a session says of tables, views, columns and keys, against a real server.

mod common;

use std::sync::LazyLock;

use common::{open, open_target, target};
use datachat_mysql::relations::RelationPages;
use datachat_mysql::session::Session;
use datachat_sdk::connector::types::{Relation, RelationFilter, RelationKind};
use datachat_sdk::net::Transport;
use datachat_throwaway::{CANARY, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};

const SCHEMA: &str = "
    CREATE TABLE customers (
      id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
      name varchar(40) NOT NULL DEFAULT 'it''s' COMMENT 'as on the door',
      born date NULL,
      mood enum('sad','ok') NULL DEFAULT 'ok',
      loud varchar(41) AS (CONCAT(name, '!')) VIRTUAL
    ) COMMENT 'who buys';
    CREATE TABLE `Order Items` (
      `Order` int NOT NULL, line int NOT NULL, customer int unsigned NULL, price decimal(10,2) NULL,
      PRIMARY KEY (line, `Order`),
      CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers (id)
    );
    CREATE TABLE notes (`Order` int, line int, note text,
      CONSTRAINT of_item FOREIGN KEY (line, `Order`) REFERENCES `Order Items` (line, `Order`));
    CREATE TABLE NOTES (n int);
    CREATE VIEW expensive AS SELECT * FROM `Order Items` WHERE price > 100;
    CREATE SEQUENCE numbers;
    INSERT INTO customers (name) VALUES ('a'), ('b');
    ANALYZE TABLE customers;";

fn server() -> &'static MariaDb {
    static SERVER: LazyLock<MariaDb> = LazyLock::new(|| {
        let server = MariaDb::start(
            MariaDbOptions::default()
                .database("shop")
                .database("other")
                .database("hidden")
                .user(
                    MariaDbUser::new("app", CANARY, MariaDbAuth::Native)
                        .grant("SELECT ON shop.*")
                        .grant("SELECT ON other.*"),
                ),
        )
        .expect("a server");
        server.sql("shop", SCHEMA).expect("a schema");
        server
            .sql("other", "CREATE TABLE t (n int)")
            .expect("a table");
        server
            .sql("hidden", "CREATE TABLE t (n int)")
            .expect("a table");
        server
    });
    &SERVER
}

fn all<T: Transport>(
    session: &mut Session<T>,
    filter: &RelationFilter,
    page: u32,
) -> Vec<Relation> {
    let mut pages = RelationPages::open(session, filter).expect("relations");
    let mut relations = Vec::new();
    loop {
        let next = pages.next(page).expect("a page");
        if next.is_empty() {
            return relations;
        }
        assert!(next.len() <= page as usize);
        relations.extend(next);
    }
}

fn filter(schema: Option<&str>, name: Option<&str>, columns: bool) -> RelationFilter {
    RelationFilter {
        schema: schema.map(str::to_owned),
        name: name.map(str::to_owned),
        columns,
    }
}

fn names(relations: &[Relation]) -> Vec<String> {
    relations
        .iter()
        .map(|relation| format!("{}.{}", relation.schema, relation.name))
        .collect()
}

#[test]
fn tables_and_views_are_listed_with_columns_and_keys_to_a_user_who_may_only_read() {
    let mut session = open(server(), "app", CANARY, "shop").expect("open");
    let relations = all(&mut session, &filter(None, None, true), 2);
    assert_eq!(
        names(&relations),
        [
            "shop.NOTES",
            "shop.Order Items",
            "shop.customers",
            "shop.expensive",
            "shop.notes"
        ]
    );
    let customers = &relations[2];
    assert_eq!(customers.kind, RelationKind::Table);
    assert_eq!(customers.comment.as_deref(), Some("who buys"));
    assert_eq!(customers.row_estimate, Some(2));
    assert_eq!(customers.primary_key, ["id"]);
    let columns: Vec<_> = customers
        .columns
        .iter()
        .map(|column| {
            (
                column.name.as_str(),
                column.db_type.as_str(),
                column.nullable,
                column.default_expression.as_deref(),
                column.comment.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("id", "int(10) unsigned", false, None, None),
            (
                "name",
                "varchar(40)",
                false,
                Some("'it''s'"),
                Some("as on the door")
            ),
            ("born", "date", true, None, None),
            ("mood", "enum('sad','ok')", true, Some("'ok'"), None),
            (
                "loud",
                "varchar(41)",
                true,
                Some("concat(`name`,'!')"),
                None
            ),
        ]
    );
    let items = &relations[1];
    assert_eq!(items.primary_key, ["line", "Order"]);
    assert_eq!(items.foreign_keys[0].name, "of_customer");
    assert_eq!(items.foreign_keys[0].columns, ["customer"]);
    assert_eq!(items.foreign_keys[0].referenced_relation, "customers");
    assert_eq!(items.foreign_keys[0].referenced_schema, "shop");
    let notes = &relations[4];
    assert_eq!(notes.foreign_keys[0].columns, ["line", "Order"]);
    assert_eq!(notes.foreign_keys[0].referenced_columns, ["line", "Order"]);
    let view = &relations[3];
    assert_eq!(
        (view.kind, view.row_estimate, view.comment.as_deref()),
        (RelationKind::View, None, None)
    );
    assert_eq!(view.columns.len(), 4);
}

#[test]
fn a_filter_compares_schemas_exactly_and_names_without_regard_to_case() {
    let mut session = open(server(), "app", CANARY, "shop").expect("open");
    let mut listed = |schema, name| names(&all(&mut session, &filter(schema, name, false), 100));
    assert_eq!(listed(None, Some("order items")), ["shop.Order Items"]);
    assert_eq!(listed(None, Some("Notes")), ["shop.NOTES", "shop.notes"]);
    assert_eq!(listed(Some("other"), None), ["other.t"]);
    assert!(listed(Some("OTHER"), None).is_empty());
    assert!(listed(Some("mysql"), None).is_empty());
    assert!(listed(Some("hidden"), None).is_empty());
    assert!(listed(Some("x' OR '1'='1"), None).is_empty());
}

#[test]
fn without_a_database_all_that_the_user_may_see_is_listed() {
    let target = target(server().port(), "app", None);
    let mut session = open_target(&target, Some(CANARY)).expect("open");
    let relations = all(&mut session, &filter(None, None, false), 3);
    assert_eq!(relations.len(), 6);
    assert_eq!(names(&relations)[0], "other.t");
    assert!(relations.iter().all(|relation| relation.columns.is_empty()));
}
