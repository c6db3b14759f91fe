//! Why a command failed, on standard error, with what to do about it.
//!
//! Problems of the server here and of one elsewhere come as the same JSON and are shown the same way. A remedy
//! that is meant for HTTP is put into the words of the command line.

use std::error::Error;
use std::process::ExitCode;

use serde_json::Value;
use uuid::Uuid;

use super::output::note;
use crate::api::problem::Problem;
use crate::app::OpenError;
use crate::config::ConfigError;
use crate::registry::RegistryError;

/// The end of a command that did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// What else is wrong with the request, and where.
    fields: Vec<String>,
    hint: Option<String>,
    /// The stable name of a problem.
    code: Option<String>,
    usage: bool,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fields: Vec::new(),
            hint: None,
            code: None,
            usage: false,
        }
    }

    /// The command line itself is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            usage: true,
            ..Self::new(message)
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What else is wrong, a line each.
    #[must_use]
    pub fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.fields.extend(lines);
        self
    }

    /// What a problem says; `None` when it is no problem.
    pub fn from_problem(problem: &Value) -> Option<Self> {
        let text = |name: &str| problem[name].as_str();
        let (detail, code) = (text("detail")?, text("code")?);
        // The detail of several wrong fields is that of one of them.
        let errors = problem["errors"].as_array().into_iter().flatten();
        let mut fields: Vec<String> = errors
            .filter_map(|error| {
                let (field, message) = (error["field"].as_str()?, error["message"].as_str()?);
                Some(format!("{field}: {message}"))
            })
            .filter(|line| line != detail)
            .collect();
        let named = text("field").filter(|field| !detail.starts_with(field));
        fields.extend(named.map(|field| format!("field: {field}")));
        let gaps = problem["contract_errors"].as_array().into_iter().flatten();
        fields.extend(gaps.filter_map(|gap| {
            let text = |name: &str| gap[name].as_str();
            let (severity, field) = (text("severity")?, text("field")?);
            Some(format!(
                "{severity}: {field}: {} ({})",
                text("message")?,
                text("code")?
            ))
        }));
        let hint = remedy(code, text("field")).or(text("hint"));
        Some(Self {
            fields,
            hint: hint.map(str::to_owned),
            code: Some(code.to_owned()),
            ..Self::new(format!("{detail} ({code})"))
        })
    }

    /// Whether it is the problem of this stable name.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    pub fn print(&self) {
        note(&format!("error: {}", self.message));
        for field in &self.fields {
            note(field);
        }
        if let Some(hint) = &self.hint {
            note(&format!("hint: {hint}"));
        }
    }

    pub fn code(&self) -> ExitCode {
        if self.usage {
            ExitCode::from(2)
        } else {
            ExitCode::FAILURE
        }
    }
}

/// An error, and what is behind it.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// How the command line does what the problem asks for.
fn remedy(code: &str, field: Option<&str>) -> Option<&'static str> {
    match (code, field) {
        ("system_not_initialized", _) => {
            Some("`datachat databases add URL --name NAME --default` registers one.")
        }
        ("approval_required", Some("approved")) => Some("`--approve` agrees."),
        ("profile_not_found", _) => Some("`datachat profile start` makes one."),
        ("table_not_found", Some("tables")) => {
            Some("`datachat profile start --table NAME` profiles it.")
        }
        ("llm_not_configured", Some("depth")) => Some("`--depth metrics_basic` needs none."),
        ("unauthorized", _) => Some("DATA_CHAT_API_KEY takes a key of that server."),
        _ => None,
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::from_problem(&problem.to_json(Uuid::nil()))
            .unwrap_or_else(|| Self::new(problem.detail()))
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::{Code, FieldError};

    fn lines(problem: Problem) -> Vec<String> {
        let failure = Failure::from(problem);
        let mut lines = vec![failure.message];
        lines.extend(failure.fields);
        lines.extend(failure.hint.map(|hint| format!("hint: {hint}")));
        lines
    }

    #[test]
    fn a_problem_is_shown_with_every_field_and_the_remedy() {
        let wrong = |field: &str| FieldError {
            field: field.to_owned(),
            code: "value",
            message: "is wrong".to_owned(),
        };
        assert_eq!(
            lines(Problem::fields(&[wrong("name"), wrong("tags[0]")])),
            ["name: is wrong (validation_failed)", "tags[0]: is wrong"]
        );
        let located = Problem::new(Code::TableNotFound, "There is no table \"x\".")
            .with("field", "arguments.table")
            .with("hint", "Look again.");
        assert_eq!(
            lines(located),
            [
                "There is no table \"x\". (table_not_found)",
                "field: arguments.table",
                "hint: Look again."
            ]
        );
    }

    #[test]
    fn a_remedy_is_one_of_the_command_line() {
        let http = Problem::new(Code::ApprovalRequired, "No.")
            .with("field", "approved")
            .with("hint", "Send the call again with `approved: true`.");
        assert_eq!(
            lines(http).pop().as_deref(),
            Some("hint: `--approve` agrees.")
        );
    }

    #[test]
    fn what_is_no_problem_is_none() {
        for other in [serde_json::json!(null), serde_json::json!({"detail": "x"})] {
            assert!(Failure::from_problem(&other).is_none(), "{other}");
        }
    }
}
