//! Which column a call means, and of what kind it is.

use datachat_sdk::tool::types::Relation;

use crate::answer::{Arguments, Failure};
use crate::database::Database;

/// A column that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub db_type: String,
}

/// How a column's values are put into buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    /// A date, or a date with a time.
    Time,
    Other,
}

impl Found {
    /// The table as SQL.
    pub fn table_sql(&self, database: &impl Database) -> String {
        let table = database.quote(&self.table);
        if self.schema.is_empty() {
            return table;
        }
        format!("{}.{table}", database.quote(&self.schema))
    }

    /// The column as SQL.
    pub fn column_sql(&self, database: &impl Database) -> String {
        database.quote(&self.column)
    }

    /// What the type's name says, whatever the engine: `Nullable(Int64)`, `numeric(10,2)`, `datetime(6)`.
    pub fn kind(&self) -> Kind {
        let name = self.db_type.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if has(&[
            "interval", "point", "range", "array", "[]", "map(", "tuple(", "json", "enum", "bool",
        ]) {
            Kind::Other
        } else if has(&["date", "timestamp"]) {
            Kind::Time
        } else if has(&[
            "int", "dec", "numeric", "float", "double", "real", "serial", "year",
        ]) {
            Kind::Number
        } else {
            Kind::Other
        }
    }
}

/// Finds the column. Exact names win over names that differ in case; a table in the default schema wins over
/// others of its name.
///
/// # Errors
/// No such table or column, several equally good ones, or the database's own error.
pub fn find(database: &impl Database, arguments: &Arguments) -> Result<Found, Failure> {
    let (schema, table) = match (&arguments.schema, arguments.table.split_once('.')) {
        (Some(schema), _) => (Some(schema.as_str()), arguments.table.as_str()),
        (None, Some((schema, table))) => (Some(schema), table),
        (None, None) => (None, arguments.table.as_str()),
    };
    let in_schema = |relation: &Relation| match schema {
        Some(schema) => relation.schema.to_lowercase() == schema.to_lowercase(),
        None => true,
    };
    let mut found: Vec<Relation> = database.tables(table)?;
    found.retain(in_schema);
    prefer(&mut found, |relation| relation.name == table);
    if let Some(schema) = schema {
        prefer(&mut found, |relation| relation.schema == schema);
    } else {
        let default = database.default_schema()?;
        prefer(&mut found, |relation| {
            Some(&relation.schema) == default.as_ref()
        });
    }
    if found.len() > 1 {
        return Err(Failure::AmbiguousTable {
            table: arguments.table.clone(),
            candidates: found
                .iter()
                .map(|relation| format!("{}.{}", relation.schema, relation.name))
                .collect(),
        });
    }
    let relation = found
        .pop()
        .ok_or_else(|| Failure::TableNotFound(arguments.table.clone()))?;
    let wanted = &arguments.column;
    let exact = relation
        .columns
        .iter()
        .find(|column| column.name == *wanted);
    let alike = || {
        relation
            .columns
            .iter()
            .find(|column| column.name.to_lowercase() == wanted.to_lowercase())
    };
    let column = exact.or_else(alike).ok_or_else(|| Failure::Argument {
        argument: "column",
        message: format!("The table {} has no column {wanted:?}.", relation.name),
    })?;
    Ok(Found {
        column: column.name.clone(),
        db_type: column.db_type.clone(),
        schema: relation.schema,
        table: relation.name,
    })
}

/// Drops what is not preferred, if something is.
fn prefer(found: &mut Vec<Relation>, wanted: impl Fn(&Relation) -> bool) {
    if found.iter().any(&wanted) {
        found.retain(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fake::{Fake, table};

    fn look(name: &str, column: &str, schema: Option<&str>) -> Result<Found, Failure> {
        let columns = &[("Id", "integer"), ("note", "text")];
        let fake = Fake::new(
            vec![
                table("public", "orders", columns),
                table("archive", "orders", columns),
                table("a", "twice", columns),
                table("b", "twice", columns),
            ],
            Vec::new(),
        );
        find(
            &fake,
            &Arguments {
                table: name.to_owned(),
                column: column.to_owned(),
                schema: schema.map(str::to_owned),
                buckets: None,
            },
        )
    }

    #[test]
    fn a_column_is_found_by_name_schema_and_case() {
        let place = |found: Found| (found.schema, found.column);
        let named = |schema: &str, column: &str| (schema.to_owned(), column.to_owned());
        assert_eq!(
            look("orders", "id", None).map(place),
            Ok(named("public", "Id"))
        );
        assert_eq!(
            look("ORDERS", "Id", Some("Archive")).map(place),
            Ok(named("archive", "Id"))
        );
        assert_eq!(
            look("b.twice", "note", None).map(place),
            Ok(named("b", "note"))
        );
        assert_eq!(
            look("nowhere", "x", None),
            Err(Failure::TableNotFound("nowhere".to_owned()))
        );
        assert!(matches!(
            look("twice", "id", None),
            Err(Failure::AmbiguousTable { candidates, .. }) if candidates == ["a.twice", "b.twice"]
        ));
        assert!(matches!(
            look("orders", "missing", None),
            Err(Failure::Argument {
                argument: "column",
                ..
            })
        ));
    }

    #[test]
    fn types_of_every_engine_are_told_apart() {
        for (db_type, kind) in [
            ("numeric(10,2)", Kind::Number),
            ("Nullable(Int64)", Kind::Number),
            ("bigint unsigned", Kind::Number),
            ("Decimal(9, 2)", Kind::Number),
            ("double", Kind::Number),
            ("timestamp with time zone", Kind::Time),
            ("DateTime64(3, 'UTC')", Kind::Time),
            ("date", Kind::Time),
            ("interval", Kind::Other),
            ("point", Kind::Other),
            ("int4range", Kind::Other),
            ("integer[]", Kind::Other),
            ("Array(Int8)", Kind::Other),
            ("Enum8('a' = 1)", Kind::Other),
            ("text", Kind::Other),
            ("uuid", Kind::Other),
        ] {
            let found = Found {
                schema: String::new(),
                table: String::new(),
                column: String::new(),
                db_type: db_type.to_owned(),
            };
            assert_eq!(found.kind(), kind, "{db_type}");
        }
    }
}
