//! Whose a DataPoint is.

use std::fmt::{self, Display};

use uuid::Uuid;

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
}
