//! The request's database as the tool sees it: the imports of the component, or a fake in a test.

use datachat_sdk::tool::types::{DbError, Relation};

/// The database of the request.
pub trait Database {
    /// Where an unqualified name is looked up first.
    ///
    /// # Errors
    /// The database's own.
    fn default_schema(&self) -> Result<Option<String>, DbError>;

    /// The tables of a name, compared without regard to case, with their columns.
    ///
    /// # Errors
    /// The database's own.
    fn tables(&self, name: &str) -> Result<Vec<Relation>, DbError>;

    /// The rows of a reading statement, each a JSON array; at most `max`.
    ///
    /// # Errors
    /// The policy's refusal, or the database's own.
    fn rows(&self, sql: &str, max: u64) -> Result<Vec<String>, DbError>;

    /// The identifier as the dialect writes it.
    fn quote(&self, name: &str) -> String;

    /// Says how far the call is.
    fn progress(&self, done: u32, total: u32, note: &str);
}

#[cfg(test)]
pub mod fake {
    //! A database of known tables that answers statements from a script.

    use std::cell::RefCell;

    use datachat_sdk::tool::types::{Column, DbError, ErrorCode, Relation, RelationKind};

    use super::Database;

    /// A part of a statement's text, and its answer.
    type Line = (&'static str, Result<Vec<&'static str>, ErrorCode>);

    pub struct Fake {
        pub tables: Vec<Relation>,
        pub script: Vec<Line>,
        pub asked: RefCell<Vec<String>>,
        pub progress: RefCell<Vec<u32>>,
    }

    impl Fake {
        pub fn new(tables: Vec<Relation>, script: Vec<Line>) -> Self {
            Self {
                tables,
                script,
                asked: RefCell::default(),
                progress: RefCell::default(),
            }
        }
    }

    impl Database for Fake {
        fn default_schema(&self) -> Result<Option<String>, DbError> {
            Ok(Some("public".to_owned()))
        }

        fn tables(&self, name: &str) -> Result<Vec<Relation>, DbError> {
            let fits = |table: &&Relation| table.name.to_lowercase() == name.to_lowercase();
            Ok(self.tables.iter().filter(fits).cloned().collect())
        }

        fn rows(&self, sql: &str, _max: u64) -> Result<Vec<String>, DbError> {
            self.asked.borrow_mut().push(sql.to_owned());
            let line = self.script.iter().find(|(part, _)| sql.contains(part));
            match line.map(|(_, answer)| answer) {
                Some(Ok(rows)) => Ok(rows.iter().map(|row| (*row).to_owned()).collect()),
                Some(Err(code)) => Err(error(*code)),
                None => Err(error(ErrorCode::Internal)),
            }
        }

        fn quote(&self, name: &str) -> String {
            format!("<{name}>")
        }

        fn progress(&self, done: u32, _total: u32, _note: &str) {
            self.progress.borrow_mut().push(done);
        }
    }

    pub fn error(code: ErrorCode) -> DbError {
        DbError {
            code,
            message: format!("the database says {code:?}"),
            vendor_code: None,
            detail: None,
            hint: None,
            position: None,
            retryable: false,
        }
    }

    /// A table of columns with their types.
    pub fn table(schema: &str, name: &str, columns: &[(&str, &str)]) -> Relation {
        let columns = columns.iter().map(|(name, db_type)| Column {
            name: (*name).to_owned(),
            db_type: (*db_type).to_owned(),
            nullable: true,
            default_expression: None,
            comment: None,
        });
        Relation {
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind: RelationKind::Table,
            comment: None,
            row_estimate: None,
            columns: columns.collect(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
        }
    }
}
