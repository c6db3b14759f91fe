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

#[cfg(test)]
mod tests {
    use arrow_schema::DataType;

    use super::super::catalog::{TypeInfo, TypeKind};
    use super::*;

    fn catalog(types: &[(u32, TypeKind)]) -> TypeCatalog {
        let mut catalog = TypeCatalog::new();
        for (oid, kind) in types {
            catalog.add(TypeInfo {
                oid: *oid,
                name: format!("t{oid}"),
                kind: kind.clone(),
            });
        }
        catalog
    }

    fn columns(oids: &[u32]) -> Vec<ColumnSpec> {
        oids.iter()
            .map(|oid| ColumnSpec {
                name: "c".to_owned(),
                type_oid: *oid,
                type_modifier: -1,
            })
            .collect()
    }

    fn composite(fields: &[u32]) -> TypeKind {
        TypeKind::Composite {
            fields: fields.iter().map(|oid| ("f".to_owned(), *oid)).collect(),
        }
    }

    #[test]
    fn a_type_that_is_not_known_is_asked_for_as_text() {
        let plan = plan(&TypeCatalog::new(), &columns(&[23, 99_999]));
        assert_eq!(plan.formats(), [1, 0]);
        let field = plan.schema().field(1).clone();
        assert_eq!(*field.data_type(), DataType::Utf8);
        assert_eq!(field.metadata()["ARROW:extension:name"], "arrow.opaque");
        assert_eq!(
            field.metadata()["ARROW:extension:metadata"],
            r#"{"type_name":"oid 99999","vendor_name":"PostgreSQL"}"#
        );
    }

    #[test]
    fn one_part_without_a_binary_form_makes_the_whole_column_text() {
        let point = 600;
        let types = [
            (9000, composite(&[23, point])),
            (9001, TypeKind::Array { element: 9000 }),
            (9002, composite(&[23, 9003])),
            (9003, TypeKind::Domain { base: 20 }),
        ];
        let plan = plan(&catalog(&types), &columns(&[9000, 9001, 9002]));
        assert_eq!(plan.formats(), [0, 0, 1]);
        assert_eq!(*plan.schema().field(0).data_type(), DataType::Utf8);
    }

    #[test]
    fn what_is_missing_is_found_through_every_kind_of_type() {
        let types = [
            (9000, TypeKind::Array { element: 9001 }),
            (9001, composite(&[23, 9002, 9003])),
            (9002, TypeKind::Domain { base: 8000 }),
            (9003, TypeKind::Multirange { range: 9004 }),
            (9004, TypeKind::Range { subtype: 8001 }),
        ];
        let mut catalog = catalog(&types);
        assert_eq!(catalog.missing(&[9000, 23, 1007, 0]), [8000, 8001]);
        for oid in [8000, 8001] {
            catalog.add(TypeInfo {
                oid,
                name: "late".to_owned(),
                kind: TypeKind::Base,
            });
        }
        assert!(catalog.missing(&[9000]).is_empty());
    }

    #[test]
    fn types_that_contain_themselves_come_as_text() {
        let types = [
            (9000, composite(&[9001])),
            (9001, TypeKind::Array { element: 9000 }),
            (9002, TypeKind::Domain { base: 9002 }),
            (9003, TypeKind::Range { subtype: 9003 }),
            (9004, TypeKind::Multirange { range: 9004 }),
        ];
        let catalog = catalog(&types);
        let oids = [9000, 9001, 9002, 9003, 9004];
        assert!(catalog.missing(&oids).is_empty());
        assert_eq!(plan(&catalog, &columns(&oids)).formats(), [0; 5]);
    }

    #[test]
    fn types_that_multiply_come_as_text_before_they_fill_the_memory() {
        let types: Vec<(u32, TypeKind)> = (0..6)
            .map(|level| (9000 + level, composite(&[9001 + level; 200])))
            .chain([(9006, TypeKind::Enum { labels: vec![] })])
            .collect();
        let plan = plan(&catalog(&types), &columns(&[9000, 23, 9006]));
        assert_eq!(plan.formats(), [0, 1, 1]);
    }
}
