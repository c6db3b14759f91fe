//! The tables that a database has at the moment, as far as the search needs to know.

use std::collections::HashMap;

use super::entry::TableName;

/// Tables and views by name.
#[derive(Debug, Default)]
pub struct Catalogue(HashMap<String, Vec<TableName>>);

impl FromIterator<TableName> for Catalogue {
    fn from_iter<T: IntoIterator<Item = TableName>>(tables: T) -> Self {
        let mut known: HashMap<String, Vec<TableName>> = HashMap::new();
        for table in tables {
            known
                .entry(table.bare().to_owned())
                .or_default()
                .push(table);
        }
        Self(known)
    }
}

impl Catalogue {
    /// Whether there is a table that is meant.
    #[must_use]
    pub fn has(&self, table: &TableName) -> bool {
        self.0
            .get(table.bare())
            .is_some_and(|known| known.iter().any(|known| known.fits(table)))
    }
}
