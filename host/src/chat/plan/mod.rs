//! From a question to a plan, and from a plan to a statement: without a language model.
//!
//! A [`Plan`] says what to compute in the terms of the connection's [`model`]: metrics, columns, filters, spans of
//! time. It is plain data, and nothing but a plan becomes SQL: [`compile`] writes it through the dialect's syntax
//! tree, joins only from the many to the one, and puts every value into a literal of its own.
//!
//! A question is read against a [`lexicon`] of the names that the connection has ([`reading`]). The rule is precision
//! before coverage: every word must be a name, a word of the grammar, or one that says nothing; a word that is
//! neither is named in the answer, and where two readings are equally good the question is asked back.

mod build;
mod calculation;
pub mod compile;
pub mod explain;
pub mod kind;
mod lattice;
pub mod lexicon;
pub mod model;
pub mod models;
mod period;
pub mod reading;
pub mod template;
#[cfg(test)]
pub(in crate::chat) mod testing;
mod values;
mod words;

pub use build::build;
pub use models::Models;
pub use period::{Grain, Period};
pub use words::stems;

use serde::{Deserialize, Serialize};

/// What is computed, by names; whether they exist is found out when it is compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub select: Select,
    /// The table that everything is seen from, where it is not the one of the figures: to count things each once
    /// of which another table knows more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What the figures are grouped by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<ColumnRef>,
    /// All of them together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// The column that `periods` and `grain` are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<ColumnRef>,
    /// One is a filter; several are compared with each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grain: Option<Grain>,
    /// By the first figure; else as the dimensions are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Those of the dimensions within which the order ranks: the best of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<ColumnRef>,
    /// Figures as parts of their sum over all groups.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub share: bool,
}

/// What a row of the answer is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// A group, with figures. At least one.
    Figures(Vec<Figure>),
    /// A row of a table.
    Rows { table: String },
}

/// A number that is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// By the id of its DataPoint.
    Metric(String),
    /// The rows of a table.
    Count(String),
    /// The different values of a column.
    Distinct(ColumnRef),
    Aggregate(Aggregate, ColumnRef),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    Sum,
    Avg,
    Min,
    Max,
}

/// A column, as it is seen from the table that is aggregated or listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRef {
    /// With its schema where the name alone does not reach it.
    pub table: String,
    pub column: String,
    /// The joining columns on the way there. Empty: the only shortest way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
}

/// A condition on a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    pub column: ColumnRef,
    pub condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// One of these texts.
    In(Vec<String>),
    NotIn(Vec<String>),
    Compare(Comparison, String),
    /// Both ends included.
    Between(String, String),
    Is(bool),
    /// Whether rows of another table lead to it, by that column of theirs.
    Used {
        by: ColumnRef,
        present: bool,
    },
    Missing,
    Present,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Descending,
    Ascending,
}

/// Why a plan can't be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("there is no {name} here")]
    Unknown { name: String },
    #[error("{from} has no join to {to} that keeps its rows single")]
    Unreachable { from: String, to: String },
    #[error("there are several ways to {name}")]
    Ambiguous { name: String },
    #[error("figures of different tables can't stand side by side: {0}")]
    SeveralBases(String),
    #[error("{0}")]
    Unfit(String),
}

impl Aggregate {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "average",
            Self::Min => "minimum",
            Self::Max => "maximum",
        }
    }

    /// As SQL calls it.
    pub fn function(self) -> &'static str {
        match self {
            Self::Sum => "SUM",
            Self::Avg => "AVG",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

impl Comparison {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::Greater => ">",
        }
    }
}
