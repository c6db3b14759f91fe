//! What the kit found, for programs as JSON and for people as lines.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::kit::{Objection, Verdict};
use crate::plugins::{Connector, ServerInfo};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    NotApplicable,
}

/// One check and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub group: &'static str,
    pub title: &'static str,
    pub outcome: Outcome,
    /// What was seen, or why the check does not apply.
    pub detail: Option<String>,
    pub elapsed_ms: u64,
}

/// All checks of one connector on one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub plugin: String,
    pub version: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// Product and version, as the connector says.
    pub server: String,
    pub passed: bool,
    pub totals: Totals,
    pub findings: Vec<Finding>,
}

/// How many checks ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub passed: usize,
    pub failed: usize,
    pub not_applicable: usize,
}

impl Finding {
    pub(super) fn new(
        group: &'static str,
        title: &'static str,
        verdict: Verdict,
        elapsed: Duration,
    ) -> Self {
        let (outcome, detail) = match verdict {
            Ok(seen) => (Outcome::Passed, seen),
            Err(Objection::Failed(seen)) => (Outcome::Failed, Some(seen)),
            Err(Objection::NotApplicable(why)) => (Outcome::NotApplicable, Some(why)),
        };
        Self {
            group,
            title,
            outcome,
            detail,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Report {
    pub(super) fn new(connector: &Connector, server: &ServerInfo, findings: Vec<Finding>) -> Self {
        let count = |wanted: Outcome| {
            let ended = findings.iter().filter(|finding| finding.outcome == wanted);
            ended.count()
        };
        let totals = Totals {
            passed: count(Outcome::Passed),
            failed: count(Outcome::Failed),
            not_applicable: count(Outcome::NotApplicable),
        };
        Self {
            plugin: connector.info().name.clone(),
            version: connector.info().version.clone(),
            digest: connector.digest().to_owned(),
            server: format!("{} {}", server.product, server.version),
            passed: totals.failed == 0,
            totals,
            findings,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} on {}", self.plugin, self.version, self.server)?;
        writeln!(f, "{}", self.digest)?;
        let mut group = "";
        for finding in &self.findings {
            if finding.group != group {
                group = finding.group;
                writeln!(f, "\n{group}")?;
            }
            let sign = match finding.outcome {
                Outcome::Passed => '✓',
                Outcome::Failed => '✗',
                Outcome::NotApplicable => '–',
            };
            write!(f, "  {sign} {}", finding.title)?;
            if let Some(detail) = &finding.detail {
                // It may quote a component or a database.
                let shown: String = detail.chars().map(visible).collect();
                write!(f, ": {shown}")?;
            }
            writeln!(f)?;
        }
        let Totals {
            passed,
            failed,
            not_applicable,
        } = self.totals;
        write!(
            f,
            "\n{passed} passed, {failed} failed, {not_applicable} not applicable"
        )
    }
}

/// Text from elsewhere could steer the terminal.
fn visible(character: char) -> char {
    if character.is_control() {
        '\u{FFFD}'
    } else {
        character
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_lines_and_hides_control_characters() {
        let finding = |title, verdict| Finding::new("values", title, verdict, Duration::ZERO);
        let findings = vec![
            finding("a", Ok(None)),
            finding("b", Err(Objection::Failed("saw \u{1b}[31m".to_owned()))),
            finding("c", Err(Objection::NotApplicable("no NULL".to_owned()))),
        ];
        let report = Report {
            plugin: "p".to_owned(),
            version: "1".to_owned(),
            digest: "sha256:0".to_owned(),
            server: "S 2".to_owned(),
            passed: false,
            totals: Totals {
                passed: 1,
                failed: 1,
                not_applicable: 1,
            },
            findings,
        };
        assert_eq!(
            report.to_string(),
            "p 1 on S 2\nsha256:0\n\nvalues\n  ✓ a\n  ✗ b: saw \u{FFFD}[31m\n  – c: no NULL\n\n\
             1 passed, 1 failed, 1 not applicable"
        );
    }
}
