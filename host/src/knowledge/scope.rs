//! Whose a DataPoint is.

use std::fmt::{self, Display};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::datapoint::Problem;

/// Whose a DataPoint is. Equal ids in different scopes are different DataPoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Of this connection alone.
    Connection(Uuid),
    /// Of every connection.
    Global,
    /// Says nothing: from before there were scopes. Used only where nothing else is found.
    Unscoped,
}

impl Scope {
    /// The scope that a [`Display`]ed one names.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "global" => Some(Self::Global),
            "unscoped" => Some(Self::Unscoped),
            _ => {
                let id = key.strip_prefix("connection:")?;
                let id = Uuid::try_parse(id).ok()?;
                Some(Self::Connection(id)).filter(|scope| scope.to_string() == key)
            }
        }
    }

    /// The scope that a DataPoint's metadata names; the first that matches of `scope`, `shared` and
    /// `connection_id`. Whether there is such a connection is not looked at.
    ///
    /// # Errors
    /// A `connection_id` that is no UUID.
    pub fn named_in(metadata: &Map<String, Value>) -> Result<Self, Problem> {
        let word = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::trim);
        let is = |text: &str, words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(text));
        let shared = match metadata.get("shared") {
            Some(Value::Bool(shared)) => *shared,
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            Some(Value::String(text)) => is(text.trim(), &["1", "true", "yes", "y"]),
            _ => false,
        };
        if shared || word("scope").is_some_and(|scope| is(scope, &["global", "shared"])) {
            return Ok(Self::Global);
        }
        match metadata.get("connection_id") {
            None | Some(Value::Null) => Ok(Self::Unscoped),
            Some(_) => word("connection_id")
                .and_then(|id| Uuid::try_parse(id).ok())
                .map(Self::Connection)
                .ok_or_else(|| {
                    Problem::of(
                        "metadata.connection_id",
                        "value",
                        "must be the id of a connection (a UUID)",
                    )
                }),
        }
    }

    /// Writes the scope into metadata that name none, so that [`Scope::named_in`] finds it there.
    pub fn write_into(self, metadata: &mut Map<String, Value>) {
        let (name, value) = match self {
            Self::Connection(id) => ("connection_id", id.to_string()),
            Self::Global => ("scope", "global".to_owned()),
            Self::Unscoped => return,
        };
        metadata.insert(name.to_owned(), value.into());
    }

    /// The connection whose it is, if it is one's.
    #[must_use]
    pub fn connection(self) -> Option<Uuid> {
        match self {
            Self::Connection(id) => Some(id),
            Self::Global | Self::Unscoped => None,
        }
    }
}

/// The key in the system database: `global`, `unscoped`, or `connection:` and the id in lower case.
impl Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Connection(id) => write!(formatter, "connection:{id}"),
            Self::Global => formatter.write_str("global"),
            Self::Unscoped => formatter.write_str("unscoped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_names_its_scope_and_nothing_else_does() {
        let id = Uuid::from_u128(0xABCD);
        for scope in [Scope::Connection(id), Scope::Global, Scope::Unscoped] {
            assert_eq!(Scope::from_key(&scope.to_string()), Some(scope));
        }
        let upper = format!("connection:{id}").to_uppercase();
        for key in [
            "",
            "Global",
            "shared",
            "connection:",
            "connection:x",
            &upper,
        ] {
            assert_eq!(Scope::from_key(key), None, "{key}");
        }
    }

    fn named(metadata: &Value) -> Result<Scope, Problem> {
        Scope::named_in(metadata.as_object().expect("an object"))
    }

    #[test]
    fn the_first_of_scope_shared_and_connection_decides() {
        let id = Uuid::from_u128(0xABCD);
        let global = [
            json!({"scope": "global", "connection_id": id}),
            json!({"scope": "Shared", "connection_id": id}),
            json!({"shared": true, "connection_id": id}),
            json!({"shared": 1}),
            json!({"shared": "1"}),
            json!({"shared": "TRUE"}),
            json!({"shared": "Yes"}),
            json!({"shared": "y"}),
        ];
        for metadata in global {
            assert_eq!(named(&metadata), Ok(Scope::Global), "{metadata}");
        }
        let upper = id.to_string().to_uppercase();
        let connection = [
            json!({"connection_id": id}),
            json!({"connection_id": format!(" {upper} ")}),
            json!({"connection_id": id, "scope": "database", "shared": false}),
            json!({"connection_id": id, "shared": "no"}),
            json!({"connection_id": id, "shared": 0}),
        ];
        for metadata in connection {
            assert_eq!(named(&metadata), Ok(Scope::Connection(id)), "{metadata}");
        }
        for metadata in [
            json!({}),
            json!({"scope": "auto"}),
            json!({"connection_id": null}),
        ] {
            assert_eq!(named(&metadata), Ok(Scope::Unscoped), "{metadata}");
        }
    }

    #[test]
    fn a_connection_that_is_no_id_is_refused_and_not_taken_for_none() {
        for metadata in [json!({"connection_id": ""}), json!({"connection_id": 7})] {
            let problem = named(&metadata).expect_err("no id");
            assert_eq!(problem.field, "metadata.connection_id");
        }
    }

    #[test]
    fn a_scope_is_found_again_where_it_was_written() {
        for scope in [
            Scope::Connection(Uuid::from_u128(9)),
            Scope::Global,
            Scope::Unscoped,
        ] {
            let mut metadata = Map::new();
            scope.write_into(&mut metadata);
            assert_eq!(Scope::named_in(&metadata), Ok(scope));
        }
    }
}
