//! What is wrong with the files of a sync: of which file, where in it, and what to do.

use super::contract::{Gap, Severity};
use super::datapoint::Problem;

/// One thing to mend, in the order in which people read it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    pub severity: Severity,
    /// Stable: `invalid_json`, `missing_grain`, `conflict`, …
    pub code: String,
    /// The file, relative to the folder that was read; `None`: the sync as a whole.
    pub path: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    pub datapoint_id: Option<String>,
    pub field: Option<String>,
    pub message: String,
    pub remedy: Option<String>,
}

impl Finding {
    /// An error about a file, or about everything.
    pub fn error(code: &str, path: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            path: path.map(str::to_owned),
            line: None,
            datapoint_id: None,
            field: None,
            message: message.into(),
            remedy: None,
        }
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A problem of a DataPoint in a file.
    pub fn problem(path: &str, datapoint_id: Option<&str>, problem: Problem) -> Self {
        Self {
            line: problem.line,
            datapoint_id: datapoint_id.map(str::to_owned),
            field: Some(problem.field).filter(|field| !field.is_empty()),
            ..Self::error(problem.code, Some(path), problem.message)
        }
    }

    /// What a DataPoint in a file should say and doesn't.
    pub fn gap(path: &str, datapoint_id: &str, gap: &Gap, refuses: bool) -> Self {
        Self {
            severity: if refuses {
                Severity::Error
            } else {
                Severity::Warning
            },
            datapoint_id: Some(datapoint_id.to_owned()),
            field: Some(gap.field.to_owned()),
            ..Self::error(gap.code, Some(path), "is missing")
        }
        .remedy(gap.message)
    }
}

/// `path:line: field: message (code)`, as far as there is any of that.
impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            f.write_str(path)?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{} ({})", self.message, self.code)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_like_a_compilers() {
        let problem = Problem {
            field: "key_columns[0].name".to_owned(),
            code: "missing",
            message: "is required".to_owned(),
            line: Some(7),
        };
        assert_eq!(
            Finding::problem("a/b.json", None, problem).to_string(),
            "a/b.json:7: key_columns[0].name: is required (missing)"
        );
        let whole = Finding::error("empty", None, "there is nothing").remedy("add something");
        assert_eq!(whole.to_string(), "there is nothing (empty); add something");
    }
}
