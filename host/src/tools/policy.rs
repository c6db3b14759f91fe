//! Who may run which tool, and whether a person has to agree first.
//!
//! The operator's file overrides the defaults tool by tool; [`decide`] looks at nothing but its arguments.
//! What a tool says about itself only chooses the default: one that asks for consent gets `confirm` if it is
//! shipped with the server and `operator` if not, the others run by themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The command line on the server's own files: the operator.
    Local,
    /// Someone on this machine, while there are no API keys; an administrator.
    Loopback,
    /// The holder of an API key.
    Key { name: String, admin: bool },
    /// Someone without a key, on the one path that needs none.
    Nobody,
}

impl Caller {
    /// The name of the key, if there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Key { name, .. } => Some(name),
            Self::Local | Self::Loopback | Self::Nobody => None,
        }
    }

    /// Whether connections and plugins may be changed.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Local | Self::Loopback => true,
            Self::Key { admin, .. } => *admin,
            Self::Nobody => false,
        }
    }
}

/// What has to happen before a tool runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Nothing.
    Auto,
    /// The request says `approved: true`.
    Confirm,
    /// An administrator grants that very call.
    Operator,
}

/// The rule for one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub enabled: bool,
    /// Names of API keys; `None`: everyone.
    pub allowed_users: Option<Vec<String>>,
    /// `None`: the server's `tool_timeout_ms`.
    pub max_execution_time: Option<Duration>,
    pub approval: Approval,
}

/// What the caller brings along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consent {
    /// The request's `approved`.
    pub approved: bool,
    /// An administrator granted this very call.
    pub granted: bool,
}

/// Why a tool may not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Disabled,
    UserNotAllowed,
    /// It needs `approved: true`.
    NeedsConfirmation,
    /// It needs an administrator.
    NeedsOperator,
}

/// Whether a call may go ahead.
///
/// # Errors
/// The first rule that stands against it.
pub fn decide(rule: &Rule, caller: &Caller, consent: Consent) -> Result<(), Reason> {
    if !rule.enabled {
        return Err(Reason::Disabled);
    }
    let listed = |names: &Vec<String>| {
        caller
            .name()
            .is_some_and(|name| names.iter().any(|known| known == name))
    };
    let local = matches!(caller, Caller::Local);
    if !local
        && rule
            .allowed_users
            .as_ref()
            .is_some_and(|names| !listed(names))
    {
        return Err(Reason::UserNotAllowed);
    }
    match rule.approval {
        Approval::Auto => Ok(()),
        Approval::Confirm if consent.approved => Ok(()),
        Approval::Confirm => Err(Reason::NeedsConfirmation),
        // On the command line of the server the operator is the one who says so.
        Approval::Operator if consent.granted || (local && consent.approved) => Ok(()),
        Approval::Operator => Err(Reason::NeedsOperator),
    }
}

/// The operator's overrides, by tool.
#[derive(Debug, Clone, Default)]
pub struct ToolPolicy {
    tools: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    enabled: Option<bool>,
    allowed_users: Option<Vec<String>>,
    max_execution_time_seconds: Option<u32>,
    approval: Option<Approval>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tools: BTreeMap<String, Entry>,
}

/// Why the policy file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("TOOLS_POLICY_FILE can't be read: {0}")]
    Read(std::io::ErrorKind),
    #[error("TOOLS_POLICY_FILE is not a tools policy: {0}")]
    Parse(#[from] serde_json::Error),
    #[error("TOOLS_POLICY_FILE: max_execution_time_seconds of {tool} must be at least 1")]
    ZeroTime { tool: String },
}

impl ToolPolicy {
    /// Reads the operator's file.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let text = std::fs::read(path).map_err(|error| PolicyError::Read(error.kind()))?;
        Self::parse(&text)
    }

    /// Reads the text of a policy: `{"tools": {"run_sql": {"approval": "confirm"}}}`.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn parse(text: &[u8]) -> Result<Self, PolicyError> {
        let file: File = serde_json::from_slice(text)?;
        for (tool, entry) in &file.tools {
            if entry.max_execution_time_seconds == Some(0) {
                return Err(PolicyError::ZeroTime { tool: tool.clone() });
            }
        }
        Ok(Self { tools: file.tools })
    }

    /// The rule for a tool.
    pub fn rule(&self, tool: &str, asks_approval: bool, shipped: bool) -> Rule {
        let entry = self.tools.get(tool).cloned().unwrap_or_default();
        let default = match (asks_approval, shipped) {
            (false, _) => Approval::Auto,
            (true, true) => Approval::Confirm,
            (true, false) => Approval::Operator,
        };
        Rule {
            enabled: entry.enabled.unwrap_or(true),
            allowed_users: entry.allowed_users,
            max_execution_time: entry
                .max_execution_time_seconds
                .map(|seconds| Duration::from_secs(seconds.into())),
            approval: entry.approval.unwrap_or(default),
        }
    }

    /// The tools that the operator wrote rules for, so that a misspelt one can be pointed out.
    pub fn named_tools(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(approval: Approval) -> Rule {
        Rule {
            enabled: true,
            allowed_users: None,
            max_execution_time: None,
            approval,
        }
    }

    fn key(name: &str) -> Caller {
        Caller::Key {
            name: name.to_owned(),
            admin: false,
        }
    }

    const APPROVED: Consent = Consent {
        approved: true,
        granted: false,
    };
    const GRANTED: Consent = Consent {
        approved: false,
        granted: true,
    };

    #[test]
    fn a_disabled_tool_runs_for_nobody() {
        let rule = Rule {
            enabled: false,
            ..rule(Approval::Auto)
        };
        for caller in [Caller::Local, Caller::Loopback, key("ann")] {
            assert_eq!(
                decide(&rule, &caller, APPROVED),
                Err(Reason::Disabled),
                "{caller:?}"
            );
        }
    }

    #[test]
    fn only_listed_keys_run_a_restricted_tool() {
        let rule = Rule {
            allowed_users: Some(vec!["ann".to_owned()]),
            ..rule(Approval::Auto)
        };
        assert_eq!(decide(&rule, &key("ann"), Consent::default()), Ok(()));
        assert_eq!(
            decide(&rule, &key("bob"), Consent::default()),
            Err(Reason::UserNotAllowed)
        );
        // Nobody without a name is on a list of names, administrators included.
        assert_eq!(
            decide(&rule, &Caller::Loopback, Consent::default()),
            Err(Reason::UserNotAllowed)
        );
        assert_eq!(decide(&rule, &Caller::Local, Consent::default()), Ok(()));
    }

    #[test]
    fn the_callers_own_word_is_enough_for_confirm_but_not_for_operator() {
        let ann = key("ann");
        assert_eq!(
            decide(&rule(Approval::Confirm), &ann, Consent::default()),
            Err(Reason::NeedsConfirmation)
        );
        assert_eq!(decide(&rule(Approval::Confirm), &ann, APPROVED), Ok(()));
        assert_eq!(
            decide(&rule(Approval::Operator), &ann, APPROVED),
            Err(Reason::NeedsOperator)
        );
        assert_eq!(decide(&rule(Approval::Operator), &ann, GRANTED), Ok(()));
        assert_eq!(
            decide(&rule(Approval::Operator), &Caller::Local, APPROVED),
            Ok(())
        );
    }

    #[test]
    fn a_tool_that_asks_is_confirmed_if_shipped_and_granted_if_not() {
        let policy = ToolPolicy::default();
        assert_eq!(policy.rule("t", false, false).approval, Approval::Auto);
        assert_eq!(policy.rule("t", true, true).approval, Approval::Confirm);
        assert_eq!(policy.rule("t", true, false).approval, Approval::Operator);
    }

    #[test]
    fn the_file_overrides_tool_by_tool_and_refuses_what_it_does_not_know() {
        let policy = ToolPolicy::parse(
            br#"{"tools": {"run_sql": {"approval": "confirm", "max_execution_time_seconds": 5}}}"#,
        )
        .expect("valid");
        let rule = policy.rule("run_sql", false, true);
        assert_eq!(rule.approval, Approval::Confirm);
        assert_eq!(rule.max_execution_time, Some(Duration::from_secs(5)));
        assert_eq!(
            policy.rule("list_tables", false, true).approval,
            Approval::Auto
        );
        for text in [
            r#"{"tools": {"x": {"enable": false}}}"#,
            r#"{"tool": {}}"#,
            r#"{"tools": {"x": {"approval": "never"}}}"#,
            r#"{"tools": {"x": {"max_execution_time_seconds": 0}}}"#,
        ] {
            assert!(ToolPolicy::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
