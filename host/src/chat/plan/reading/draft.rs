//! What a cut of a question says, before the model completes it.

use super::super::{Aggregate, Comparison, Grain, Period};

/// A draft of a plan, before the model completes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Draft {
    pub figures: Vec<DraftFigure>,
    pub dimensions: Vec<Dimension>,
    /// What divides the ranking.
    pub within: Vec<Dimension>,
    pub filters: Vec<DraftFilter>,
    /// Tables that are named and must belong to it.
    pub mentions: Vec<usize>,
    /// Columns of time that verbs point at.
    pub events: Vec<(usize, String)>,
    pub periods: Vec<Period>,
    pub grain: Option<Grain>,
    pub ranked: Option<bool>,
    pub limit: Option<u32>,
    pub share: bool,
    /// The question compares; values stand beside each other.
    pub versus: bool,
    /// Whose rows are asked for, if no figure is.
    pub rows_of: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum DraftFigure {
    Metric(usize),
    Count(usize),
    Distinct(Named),
    Aggregate(Aggregate, Named),
}

/// A column by name: one of several tables, or of one that was named beside it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub columns: Vec<(usize, String)>,
    pub within: Option<usize>,
    pub raw: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Dimension {
    Column(Named),
    Table(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum DraftFilter {
    /// Indexes of values; all are the same word.
    Value {
        values: Vec<usize>,
        within: Option<usize>,
        not: bool,
        raw: String,
    },
    Compare(Named, Comparison, String),
    Between(Named, String, String),
    Is(Named, bool),
    /// The row of a table by its key.
    Key(usize, String),
    /// It has none of a table, or one.
    Related {
        table: usize,
        present: bool,
    },
    Missing(Named),
    Present(Named),
}
