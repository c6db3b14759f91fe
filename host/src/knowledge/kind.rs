//! The four kinds of DataPoints.

use serde::{Deserialize, Serialize};

/// What a DataPoint describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A table: its purpose, columns and relationships.
    Schema,
    /// A metric: how it is calculated, and what it is also called.
    Business,
    /// A process that fills tables, with its schedule.
    Process,
    /// A statement with parameters that answers a question.
    Query,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Schema, Self::Business, Self::Process, Self::Query];

    /// As it stands in the `type` of a DataPoint.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Schema => "Schema",
            Self::Business => "Business",
            Self::Process => "Process",
            Self::Query => "Query",
        }
    }

    /// Reads what [`Self::name`] gives, exactly.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
