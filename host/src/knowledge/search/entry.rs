//! What is searched: a DataPoint as the search sees it.
//!
//! An [`Entry`] is plain: whoever keeps DataPoints fills it. Its identity is (scope, id), as theirs is.

use std::fmt::{self, Display};

use crate::knowledge::{Kind, Scope};

use super::embed::Embedding;

/// One DataPoint, ready to be searched.
#[derive(Debug, Clone)]
pub struct Entry {
    pub scope: Scope,
    /// Unique within its scope.
    pub id: String,
    pub kind: Kind,
    pub name: String,
    /// What is searched beside the name.
    pub text: String,
    /// The tables that it is about. Of a Schema entry: the one that it describes.
    pub tables: Vec<TableName>,
    /// What else it leads to: the tables that a table joins, the processes that a process waits for.
    pub links: Vec<Link>,
    /// `None` until somebody has computed it.
    pub embedding: Option<Embedding>,
}

impl Entry {
    /// What is embedded.
    #[must_use]
    pub fn passage(&self) -> String {
        format!("{}. {}", self.name, self.text)
    }
}

/// What an entry leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    Table(TableName),
    /// An entry by its id, in any scope that the reader may see.
    Entry(String),
}

/// A table as DataPoints name it: `orders` or `sales.orders`, in any case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    schema: Option<String>,
    name: String,
}

impl TableName {
    /// Takes the names as they are; case does not matter.
    #[must_use]
    pub fn new(schema: Option<&str>, name: &str) -> Self {
        Self {
            schema: schema
                .map(|schema| schema.trim().to_lowercase())
                .filter(|schema| !schema.is_empty()),
            name: name.trim().to_lowercase(),
        }
    }

    /// Reads `table` or `schema.table`; of a longer path the last two parts count.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts = text.rsplit('.');
        let name = parts.next().unwrap_or_default();
        Self::new(parts.next(), name)
    }

    /// The name without its schema, in lower case.
    #[must_use]
    pub fn bare(&self) -> &str {
        &self.name
    }

    /// The schema in lower case, if it is named.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Whether both can mean the same table: a name without a schema fits any.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        self.name == other.name
            && match (&self.schema, &other.schema) {
                (Some(ours), Some(theirs)) => ours == theirs,
                _ => true,
            }
    }
}

impl Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}.")?;
        }
        formatter.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_a_schema_fits_that_of_any_and_case_does_not_matter() {
        let fits = |left: &str, right: &str| TableName::parse(left).fits(&TableName::parse(right));
        assert!(fits("orders", "Sales.Orders"));
        assert!(fits("SALES.ORDERS", "sales.orders"));
        assert!(fits("warehouse.sales.orders", "sales.orders"));
        assert!(!fits("archive.orders", "sales.orders"));
        assert!(!fits("orders", "order_lines"));
    }
}
