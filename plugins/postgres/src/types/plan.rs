//! The plan of a result: made once from its description, followed for every row.

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};

use super::catalog::TypeCatalog;
use super::shape::{Decider, Format, Node};

/// A column as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Names may repeat.
    pub name: String,
    pub type_oid: u32,
    /// −1 without one.
    pub type_modifier: i32,
}

/// How each column of a result is asked for, read and described.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) nodes: Vec<Node>,
    formats: Vec<Format>,
    schema: SchemaRef,
}

/// Plans a result. Types that the catalog does not know are read as text.
#[must_use]
pub fn plan(catalog: &TypeCatalog, columns: &[ColumnSpec]) -> Plan {
    let mut decider = Decider::new(catalog);
    let (nodes, formats): (Vec<_>, Vec<_>) =
        columns.iter().map(|spec| decider.column(spec)).unzip();
    let fields: Vec<Arc<Field>> = nodes.iter().map(|node| Arc::clone(&node.field)).collect();
    Plan {
        nodes,
        formats,
        schema: Arc::new(Schema::new(fields)),
    }
}

impl Plan {
    /// The format code to ask for, one for each column: 0 text, 1 binary.
    #[must_use]
    pub fn formats(&self) -> Vec<i16> {
        self.formats
            .iter()
            .map(|format| match format {
                Format::Text => 0,
                Format::Binary => 1,
            })
            .collect()
    }

    /// The schema of the batches, with the types' names in the fields' metadata.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
