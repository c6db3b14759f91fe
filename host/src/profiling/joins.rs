//! How the tables of a profile belong together.
//!
//! What the database declares comes first. Beyond that a column leads to a key of another table if their types
//! are alike, the key has no repetition, and the names say so: `customer_id` leads to `customers.id`, and to the
//! `customer_id` of a table whose key it is. Where two keys fit equally well, nothing is guessed.

use std::collections::HashMap;

use super::family::Family;
use super::table::{CandidateKey, Join, JoinBasis, KeyBasis, TableProfile, TableStatus};
use super::words::{singular, words};
use crate::plugins::{Dialect, Relation};

/// Words that say that a column identifies something.
const KEY_WORDS: [&str; 9] = [
    "id", "key", "uuid", "guid", "code", "sku", "isbn", "iban", "ref",
];

/// Whether a name says that its values identify something.
pub fn is_key_name(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    KEY_WORDS.contains(&last)
        // `orderid`
        || (words.len() == 1 && last.len() > 3 && last.ends_with("id") && !NO_IDS.contains(&last))
}

/// English words that end like ids.
const NO_IDS: [&str; 8] = [
    "paid", "valid", "void", "bid", "grid", "covid", "solid", "liquid",
];

/// Adds the keys and joins that the database itself declares. ClickHouse sees to none of its primary keys.
pub fn declare(relation: &Relation, dialect: Dialect, profile: &mut TableProfile) {
    let is_enforced = dialect != Dialect::Clickhouse;
    if is_enforced && !relation.primary_key.is_empty() {
        let declared = &relation.primary_key;
        profile
            .candidate_keys
            .retain(|key| key.columns != *declared);
        let key = CandidateKey {
            columns: declared.clone(),
            basis: KeyBasis::Declared,
        };
        profile.candidate_keys.insert(0, key);
    }
    for key in &relation.foreign_keys {
        let is_one_to_one = profile
            .candidate_keys
            .iter()
            .any(|candidate| candidate.columns == key.columns);
        profile.relationships.push(Join {
            columns: key.columns.clone(),
            target_schema: key.referenced_schema.clone(),
            target_table: key.referenced_relation.clone(),
            target_columns: key.referenced_columns.clone(),
            basis: JoinBasis::Declared,
            is_one_to_one,
        });
    }
}

/// A key that others may lead to.
struct Target<'a> {
    table: &'a TableProfile,
    /// Its place among the tables.
    at: usize,
    column: &'a str,
    family: Family,
    is_declared: bool,
}

/// Adds the joins that names and types suggest to tables that have the declared ones.
pub fn infer(tables: &mut [TableProfile]) {
    let found: Vec<Vec<Join>> = {
        let targets = targets(tables);
        tables
            .iter()
            .enumerate()
            .map(|(at, table)| joins_of(at, table, &targets))
            .collect()
    };
    for (table, joins) in tables.iter_mut().zip(found) {
        table.relationships.extend(joins);
    }
}

/// The keys, by the names of columns that lead to them, in words.
fn targets(tables: &[TableProfile]) -> HashMap<String, Vec<Target<'_>>> {
    let mut targets: HashMap<String, Vec<Target>> = HashMap::new();
    for (at, table) in tables.iter().enumerate() {
        for key in &table.candidate_keys {
            let [column] = key.columns.as_slice() else {
                continue;
            };
            let Some(profile) = table.column(column) else {
                continue;
            };
            if !is_key_name(column) || !profile.family.identifies() {
                continue;
            }
            // Only a table is the home of a key: a view repeats those of its tables.
            if table.table_type.contains("view") {
                continue;
            }
            let name = leading_name(&table.table_name, column);
            targets.entry(name).or_default().push(Target {
                table,
                at,
                column,
                family: profile.family,
                is_declared: key.basis == KeyBasis::Declared,
            });
        }
    }
    targets
}

/// What a column that leads to a key is called, in words: `customer id` for the `id` of `customers`, and for a
/// `customer_id` of whatever table.
fn leading_name(table: &str, key: &str) -> String {
    let key = words(key);
    match key.as_slice() {
        [word] if KEY_WORDS.contains(&word.as_str()) => {
            format!("{} {word}", thing(table).join(" "))
        }
        _ => key.join(" "),
    }
}

/// What a row of a table is, by its name.
fn thing(table: &str) -> Vec<String> {
    let mut name = words(table);
    if let Some(last) = name.last_mut() {
        *last = singular(last);
    }
    name
}

fn joins_of(
    at: usize,
    table: &TableProfile,
    targets: &HashMap<String, Vec<Target<'_>>>,
) -> Vec<Join> {
    if table.status != TableStatus::Completed {
        return Vec::new();
    }
    let mut joins = Vec::new();
    for column in &table.columns {
        if table.refers(&column.name) || !column.family.identifies() {
            continue;
        }
        let Some(fitting) = targets.get(&words(&column.name).join(" ")) else {
            continue;
        };
        let fitting: Vec<&Target> = fitting
            .iter()
            .filter(|target| target.at != at && target.family == column.family)
            .collect();
        let Some(target) = best(table, &column.name, &fitting) else {
            continue;
        };
        joins.push(Join {
            columns: vec![column.name.clone()],
            target_schema: target.table.schema_name.clone(),
            target_table: target.table.table_name.clone(),
            target_columns: vec![target.column.to_owned()],
            basis: JoinBasis::Inferred,
            is_one_to_one: table.is_unique(&column.name),
        });
    }
    joins
}

/// The one that fits better than all others.
fn best<'t, 'a>(
    table: &TableProfile,
    column: &str,
    fitting: &[&'t Target<'a>],
) -> Option<&'t Target<'a>> {
    let is_own_key = table.is_unique(column);
    let named = |target: &Target| {
        // `customer_id` has its home in `customers`, wherever else it has no repetition.
        words(column).starts_with(&thing(&target.table.table_name))
    };
    let rank = |target: &Target| {
        (
            named(target),
            target.is_declared,
            target.table.schema_name == table.schema_name,
        )
    };
    let top = fitting.iter().map(|target| rank(target)).max()?;
    // Between two tables that share a key, the one that it is named after is the home of it.
    if is_own_key && !top.0 {
        return None;
    }
    let mut best = fitting.iter().filter(|target| rank(target) == top);
    let first = best.next()?;
    best.next().is_none().then_some(*first)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{column, table};
    use super::*;
    use crate::plugins::{ForeignKey, RelationKind};

    fn found(tables: &[TableProfile]) -> Vec<String> {
        let mut tables = tables.to_vec();
        infer(&mut tables);
        let joins = tables.iter().flat_map(|table| {
            table.relationships.iter().map(|join| {
                format!(
                    "{}.{} -> {}.{}{}",
                    table.table_name,
                    join.columns.join(","),
                    join.target_table,
                    join.target_columns.join(","),
                    if join.is_one_to_one { " 1:1" } else { "" }
                )
            })
        });
        joins.collect()
    }

    fn integer(name: &str) -> super::super::table::ColumnProfile {
        column(name, Family::Integer)
    }

    #[test]
    fn a_column_leads_to_the_key_that_its_name_and_type_say() {
        let customers = table("customers", &[integer("id")]).keyed(&["id"]);
        let orders = table("orders", &[integer("id"), integer("customer_id")]).keyed(&["id"]);
        assert_eq!(
            found(&[customers.clone(), orders]),
            ["orders.customer_id -> customers.id"]
        );
        let texts = table("orders", &[column("customer_id", Family::Text)]);
        assert_eq!(found(&[customers.clone(), texts]), [""; 0], "another type");
        let camel = table("Orders", &[integer("customerId")]);
        assert_eq!(
            found(&[customers, camel]),
            ["Orders.customerId -> customers.id"]
        );
    }

    #[test]
    fn a_shared_name_leads_to_the_table_that_it_is_the_key_of() {
        let customers = table("customer", &[integer("customer_id")]).keyed(&["customer_id"]);
        let profiles = table("customer_notes", &[integer("customer_id")]).unique("customer_id");
        let orders =
            table("orders", &[integer("order_id"), integer("customer_id")]).keyed(&["order_id"]);
        assert_eq!(
            found(&[customers, profiles, orders]),
            [
                "customer_notes.customer_id -> customer.customer_id 1:1",
                "orders.customer_id -> customer.customer_id"
            ]
        );
    }

    #[test]
    fn without_a_unique_side_or_with_two_homes_nothing_is_guessed() {
        let customers = table("customers", &[integer("id")]);
        let orders = table("orders", &[integer("customer_id")]);
        assert_eq!(found(&[customers, orders.clone()]), [""; 0], "no key");
        let home = |schema: &str| {
            let mut table = table("customers", &[integer("id")]).keyed(&["id"]);
            table.schema_name = schema.to_owned();
            table
        };
        assert_eq!(
            found(&[home("a"), home("b"), orders.clone()]),
            [""; 0],
            "two"
        );
        assert_eq!(
            found(&[home("a"), home(&orders.schema_name), orders]).len(),
            1,
            "its own schema is nearer"
        );
        let id = |name: &str| table(name, &[integer("id")]).keyed(&["id"]);
        assert_eq!(
            found(&[id("a"), id("b")]),
            [""; 0],
            "an id is of its own table"
        );
    }

    #[test]
    fn a_name_that_is_no_key_leads_nowhere() {
        let days = table("days", &[integer("amount")]).unique("amount");
        let orders = table("orders", &[integer("amount")]);
        assert_eq!(found(&[days, orders]), [""; 0]);
        for (name, expected) in [
            ("id", true),
            ("orderid", true),
            ("order_id", true),
            ("countryCode", true),
            ("paid", false),
            ("amount", false),
            ("", false),
        ] {
            assert_eq!(is_key_name(name), expected, "{name}");
        }
    }

    #[test]
    fn a_declared_key_is_one_where_the_database_sees_to_it() {
        let relation = Relation {
            schema: "shop".to_owned(),
            name: "orders".to_owned(),
            kind: RelationKind::Table,
            comment: None,
            row_estimate: None,
            columns: Vec::new(),
            primary_key: vec!["id".to_owned()],
            foreign_keys: vec![ForeignKey {
                name: "fk".to_owned(),
                columns: vec!["id".to_owned()],
                referenced_schema: "shop".to_owned(),
                referenced_relation: "baskets".to_owned(),
                referenced_columns: vec!["id".to_owned()],
            }],
        };
        for (dialect, is_key) in [
            (Dialect::Postgresql, true),
            (Dialect::Mysql, true),
            (Dialect::Generic, true),
            (Dialect::Clickhouse, false),
        ] {
            let mut orders = table("orders", &[integer("id")]);
            declare(&relation, dialect, &mut orders);
            assert_eq!(orders.is_unique("id"), is_key, "{dialect:?}");
            let join = &orders.relationships[0];
            assert_eq!(
                (join.basis, join.target_table.as_str(), join.is_one_to_one),
                (JoinBasis::Declared, "baskets", is_key)
            );
            // What the sample has found is said once.
            let mut orders = table("orders", &[integer("id")]).unique("id");
            declare(&relation, dialect, &mut orders);
            assert_eq!(orders.candidate_keys.len(), 1);
        }
    }

    #[test]
    fn what_the_database_declares_is_not_said_twice() {
        let customers = table("customers", &[integer("id")]).keyed(&["id"]);
        let mut orders = table("orders", &[integer("customer_id")]);
        orders.relationships.push(Join {
            columns: vec!["customer_id".to_owned()],
            target_schema: "shop".to_owned(),
            target_table: "people".to_owned(),
            target_columns: vec!["id".to_owned()],
            basis: JoinBasis::Declared,
            is_one_to_one: false,
        });
        assert_eq!(
            found(&[customers, orders]),
            ["orders.customer_id -> people.id"]
        );
    }
}
