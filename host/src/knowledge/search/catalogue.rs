//! The tables that a database has at the moment, as far as the search needs to know.
//!
//! DataPoints are written once and used on several engines, which call the place of the same tables differently:
//! `public` on one, the database's own name on others. So a schema that the database does not have at all says
//! nothing about where a table is, and the table's name alone decides. Where there is such a schema, it counts.

use std::collections::{HashMap, HashSet};

use super::entry::TableName;

/// Tables and views by name.
#[derive(Debug, Default)]
pub struct Catalogue {
    tables: HashMap<String, Vec<TableName>>,
    schemas: HashSet<String>,
}

impl FromIterator<TableName> for Catalogue {
    fn from_iter<T: IntoIterator<Item = TableName>>(tables: T) -> Self {
        let mut catalogue = Self::default();
        for table in tables {
            if let Some(schema) = table.schema() {
                catalogue.schemas.insert(schema.to_owned());
            }
            let known = catalogue.tables.entry(table.bare().to_owned());
            known.or_default().push(table);
        }
        catalogue
    }
}

impl Catalogue {
    /// Whether there is a table that is meant.
    #[must_use]
    pub fn has(&self, table: &TableName) -> bool {
        let Some(known) = self.tables.get(table.bare()) else {
            return false;
        };
        let elsewhere = |schema| !self.schemas.contains(schema);
        known.iter().any(|known| known.fits(table)) || table.schema().is_some_and(elsewhere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(tables: &[&str]) -> Catalogue {
        tables.iter().map(|table| TableName::parse(table)).collect()
    }

    #[test]
    fn a_table_is_there_in_the_schema_that_is_named_or_in_any() {
        let catalogue = catalogue(&["sales.orders", "stock.items"]);
        for (table, there) in [
            ("orders", true),
            ("Sales.Orders", true),
            ("stock.orders", false),
            ("customers", false),
        ] {
            assert_eq!(catalogue.has(&TableName::parse(table)), there, "{table}");
        }
    }

    #[test]
    fn a_schema_that_the_database_does_not_have_does_not_hide_its_tables() {
        let mysql = catalogue(&["shop.orders", "shop.items"]);
        assert!(mysql.has(&TableName::parse("public.orders")));
        assert!(!mysql.has(&TableName::parse("public.customers")));
        let without_schemas = catalogue(&["orders"]);
        assert!(without_schemas.has(&TableName::parse("public.orders")));
    }
}
