//! The request's database as the tools see it: the imports of the component, or a fake in a test.

use datachat_sdk::tool::types::{DbError, Relation, RelationFilter};

pub use datachat_sdk::tool::database::{Info, ResultColumn};

/// The database of the request.
pub trait Database {
    /// What a running statement is.
    type Rows: Rows;

    /// What the tool talks to.
    ///
    /// # Errors
    /// The database's own.
    fn describe(&self) -> Result<Info, DbError>;

    /// Tables and views, sorted by schema and name.
    ///
    /// # Errors
    /// The database's own.
    fn relations(&self, filter: &RelationFilter) -> Result<Vec<Relation>, DbError>;

    /// Runs a reading statement.
    ///
    /// # Errors
    /// The policy's refusal, or the database's own.
    fn query(&self, sql: &str) -> Result<Self::Rows, DbError>;

    /// The identifier as the dialect writes it.
    fn quote_identifier(&self, name: &str) -> String;
}

/// A running statement.
pub trait Rows {
    /// In the order of the result.
    fn columns(&self) -> Vec<ResultColumn>;

    /// At most `max` rows, each a JSON array; none at the end.
    ///
    /// # Errors
    /// The database's own.
    fn next(&mut self, max: u32) -> Result<Vec<String>, DbError>;

    /// After the end: which limit cut the result off.
    fn truncated_by(&self) -> Option<String>;
}

/// How many rows are fetched at once: enough to make the call's cost small, little enough to hold.
const FETCH: u32 = 1000;

/// Gives every row to `take`.
///
/// # Errors
/// The database's own, or that of `take`.
pub fn for_each_row<E: From<DbError>>(
    rows: &mut impl Rows,
    mut take: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let batch = rows.next(FETCH)?;
        if batch.is_empty() {
            return Ok(());
        }
        for row in &batch {
            take(row)?;
        }
    }
}

#[cfg(test)]
pub mod fake {
    //! A database of known tables and one known result.

    use std::cell::RefCell;

    use datachat_sdk::tool::types::{
        Column, DbError, ErrorCode, Relation, RelationFilter, RelationKind,
    };

    use super::{Database, Info, ResultColumn, Rows};

    pub struct Fake {
        relations: Vec<Relation>,
        result: Option<FakeRows>,
        statements: RefCell<Vec<String>>,
    }

    #[derive(Clone)]
    pub struct FakeRows {
        columns: Vec<ResultColumn>,
        rows: Vec<String>,
        cut_by: Option<String>,
    }

    impl Fake {
        pub fn new(relations: Vec<Relation>) -> Self {
            Self {
                relations,
                result: None,
                statements: RefCell::default(),
            }
        }

        #[must_use]
        pub fn answering(mut self, columns: &[&str], rows: &[&str]) -> Self {
            let columns = columns.iter().map(|name| ResultColumn {
                name: (*name).to_owned(),
                db_type: "text".to_owned(),
                nullable: true,
            });
            self.result = Some(FakeRows {
                columns: columns.collect(),
                rows: rows.iter().map(|row| (*row).to_owned()).collect(),
                cut_by: None,
            });
            self
        }

        #[must_use]
        pub fn cut_by(mut self, limit: &str) -> Self {
            if let Some(result) = &mut self.result {
                result.cut_by = Some(limit.to_owned());
            }
            self
        }

        pub fn statements(&self) -> Vec<String> {
            self.statements.borrow().clone()
        }
    }

    impl Database for Fake {
        type Rows = FakeRows;

        fn describe(&self) -> Result<Info, DbError> {
            Ok(Info {
                name: "fake".to_owned(),
                database_type: "postgresql".to_owned(),
                product: "PostgreSQL".to_owned(),
                version: "15".to_owned(),
                default_schema: Some("public".to_owned()),
            })
        }

        fn relations(&self, filter: &RelationFilter) -> Result<Vec<Relation>, DbError> {
            let fits = |relation: &&Relation| {
                filter
                    .schema
                    .as_ref()
                    .is_none_or(|schema| *schema == relation.schema)
                    && filter
                        .name
                        .as_ref()
                        .is_none_or(|name| name.to_lowercase() == relation.name.to_lowercase())
            };
            Ok(self.relations.iter().filter(fits).cloned().collect())
        }

        fn query(&self, sql: &str) -> Result<FakeRows, DbError> {
            self.statements.borrow_mut().push(sql.to_owned());
            self.result.clone().ok_or_else(|| DbError {
                code: ErrorCode::ReadOnlyViolation,
                message: "only reading statements may run".to_owned(),
                vendor_code: None,
                detail: None,
                hint: None,
                position: Some(1),
                retryable: false,
            })
        }

        fn quote_identifier(&self, name: &str) -> String {
            format!("\"{}\"", name.replace('"', "\"\""))
        }
    }

    impl Rows for FakeRows {
        fn columns(&self) -> Vec<ResultColumn> {
            self.columns.clone()
        }

        fn next(&mut self, max: u32) -> Result<Vec<String>, DbError> {
            // One at a time, so that the caller must ask again.
            let count = usize::from(max > 0).min(self.rows.len());
            Ok(self.rows.drain(..count).collect())
        }

        fn truncated_by(&self) -> Option<String> {
            self.cut_by.clone()
        }
    }

    pub fn relation(schema: &str, name: &str) -> Relation {
        Relation {
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind: RelationKind::Table,
            comment: None,
            row_estimate: Some(1),
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
        }
    }

    pub fn column(name: &str, db_type: &str) -> Column {
        Column {
            name: name.to_owned(),
            db_type: db_type.to_owned(),
            nullable: true,
            default_expression: None,
            comment: None,
        }
    }
}
