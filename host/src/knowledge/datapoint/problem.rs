//! What is wrong with a DataPoint, said of one field.

/// One thing that is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A path: `key_columns[2].name`; empty for the whole.
    pub field: String,
    /// Stable: `missing`, `type`, `unknown_field`, …
    pub code: &'static str,
    /// What must be, in words that follow the field: `must be true or false`. Never quotes a value.
    pub message: String,
    /// From 1, in the text that was read.
    pub line: Option<usize>,
}

impl Problem {
    /// A problem of a field whose place in a text is not known.
    pub fn of(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code,
            message: message.into(),
            line: None,
        }
    }
}
