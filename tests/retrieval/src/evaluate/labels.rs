//! The labelled questions: a JSON object a line.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A question and what answers it.
#[derive(Debug, Deserialize)]
pub struct Label {
    /// The bundle of the database that is asked: a folder under `examples`.
    pub database: String,
    pub question: String,
    /// Ids of the DataPoints that belong to the answer, in no order.
    pub relevant: Vec<String>,
    pub split: Split,
}

/// What a question is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To decide weights.
    Tune,
    /// To say what they are worth.
    Holdout,
}

impl Split {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tune => "tune",
            Self::Holdout => "holdout",
        }
    }
}

/// Reads the questions.
///
/// # Errors
/// With the number of the first line that is not one.
pub fn read(path: &Path) -> Result<Vec<Label>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("there are no labelled questions at {}", path.display()))?;
    let mut labels = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let label: Label = serde_json::from_str(line)
            .with_context(|| format!("{}, line {number}", path.display()))?;
        ensure!(
            !label.relevant.is_empty(),
            "{}, line {number}: nothing is relevant",
            path.display()
        );
        labels.push(label);
    }
    Ok(labels)
}
