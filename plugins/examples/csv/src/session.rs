//! A session: the folder of a connection, and the calls of the contract over it.

use std::path::Path;
use std::time::{Duration, Instant};

use datachat_sdk::connector::types::{
    Column, DbError, ErrorCode, Parameters, Relation, RelationFilter, RelationKind, Value as Bound,
};
use datachat_sdk::connector::{ServerInfo, Statement, Target};
use datachat_sdk::error::db_error;

use crate::describe::{DELIMITER, DELIMITERS};
use crate::error;
use crate::folder::Folder;
use crate::rows::Rows;
use crate::sql::plan::plan;
use crate::value::Value;

/// An open session.
pub struct Session {
    folder: Folder,
}

impl Session {
    /// Opens the folder that a target means: under `root`, the folder that the operator granted under the
    /// name of the URL's host, and in it the one that the URL's path names.
    ///
    /// # Errors
    /// `database-missing` when it is not there.
    pub fn open(root: &Path, target: &Target) -> Result<Self, DbError> {
        let mut path = root.join(plain(&target.host)?);
        let mut schema = target.host.clone();
        if let Some(inner) = &target.database {
            path.push(plain(inner)?);
            schema.clone_from(inner);
        }
        let delimiter = target
            .options
            .iter()
            .find(|(name, _)| name == DELIMITER)
            .and_then(|(_, value)| DELIMITERS.iter().find(|(name, _)| name == value))
            .map_or(b',', |(_, delimiter)| *delimiter);
        Ok(Self {
            folder: Folder::open(path, &schema, delimiter)?,
        })
    }

    /// What there is.
    pub fn server(&self) -> ServerInfo {
        ServerInfo {
            product: "CSV files".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            role: "reader".to_owned(),
            database: Some(self.folder.schema().to_owned()),
            default_schema: Some(self.folder.schema().to_owned()),
            dangerous_rights: Vec::new(),
            reading: Vec::new(),
        }
    }

    /// Starts a statement.
    ///
    /// # Errors
    /// What is wrong with it, or with the file that it names.
    pub fn query(&mut self, request: Statement) -> Result<Rows, DbError> {
        let deadline = (request.timeout_ms > 0)
            .then(|| Instant::now() + Duration::from_millis(request.timeout_ms.into()));
        let params = match request.params {
            Parameters::Positional(values) => values
                .into_iter()
                .map(bound)
                .collect::<Result<Vec<_>, _>>()?,
            Parameters::Named(named) if named.is_empty() => Vec::new(),
            Parameters::Named(_) => {
                return Err(error::unsupported("a parameter by name", None));
            }
        };
        let plan = plan(&request.sql, &params, &mut self.folder, deadline)?;
        Rows::start(plan, request.max_rows, deadline)
    }

    /// The tables that fit a filter, sorted.
    ///
    /// # Errors
    /// The folder or a file can't be read.
    pub fn relations(&mut self, filter: &RelationFilter) -> Result<Vec<Relation>, DbError> {
        let schema = self.folder.schema().to_owned();
        if filter
            .schema
            .as_ref()
            .is_some_and(|wanted| *wanted != schema)
        {
            return Ok(Vec::new());
        }
        let wanted = filter.name.as_ref().map(|name| name.to_lowercase());
        let mut relations = Vec::new();
        for name in self.folder.names()? {
            if wanted
                .as_ref()
                .is_some_and(|wanted| *wanted != name.to_lowercase())
            {
                continue;
            }
            let table = if filter.columns {
                Some(self.folder.table(&name, None, None)?)
            } else {
                None
            };
            let columns = table.iter().flat_map(|table| &table.columns);
            relations.push(Relation {
                schema: schema.clone(),
                kind: RelationKind::Table,
                comment: None,
                row_estimate: table.as_ref().map(|table| table.rows),
                columns: columns
                    .map(|column| Column {
                        name: column.name.clone(),
                        db_type: column.kind.name().to_owned(),
                        nullable: column.nullable,
                        default_expression: None,
                        comment: None,
                    })
                    .collect(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
                name,
            });
        }
        Ok(relations)
    }
}

/// A name that stays in its folder. The sandbox would not let another one out either.
fn plain(name: &str) -> Result<&str, DbError> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(db_error(
            ErrorCode::DatabaseMissing,
            "a folder is named by one plain name",
        ));
    }
    Ok(name)
}

fn bound(value: Bound) -> Result<Value, DbError> {
    Ok(match value {
        Bound::Null => Value::Null,
        Bound::Boolean(value) => Value::Boolean(value),
        Bound::Integer(value) => Value::Integer(value),
        Bound::Unsigned(value) => i64::try_from(value)
            .map(Value::Integer)
            .map_err(|_| error::data("an unsigned parameter is out of range"))?,
        Bound::Float(value) => Value::Float(value),
        Bound::Decimal(text) => match text.parse() {
            Ok(value) => Value::Integer(value),
            Err(_) => text
                .parse()
                .map(Value::Float)
                .map_err(|_| error::data("a decimal parameter is no number"))?,
        },
        Bound::Text(text) | Bound::Json(text) | Bound::Uuid(text) => Value::Text(text),
        Bound::Bytes(_) => return Err(error::unsupported("a parameter of bytes", None)),
        Bound::Date(days) => Value::Date(days),
        Bound::TimestampMicros(micros) => Value::Timestamp(micros),
    })
}
