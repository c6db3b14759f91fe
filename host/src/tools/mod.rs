//! Tools: what components offer, who may run it, and one call over one resolved connection.
//!
//! A call goes through tool, policy, arguments and component in this order, and stops at the first that says
//! no; the target was resolved before. The database that a tool sees is `context`'s, and what is known of it
//! `knowledge`'s, both bound to that one connection. Which problem a failure becomes is for the API.

pub mod approvals;
mod context;
mod json;
mod knowledge;
pub mod policy;
mod profiling;
pub mod schema;
mod trace;

pub use approvals::Approvals;
pub use policy::{Approval, Caller, PolicyError, ToolPolicy};
pub use schema::Offence;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonschema::Validator;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::knowledge::reader::{ReadError, Reader};
use crate::knowledge::{Index, Library};
use crate::limits::Limits;
use crate::plugins::tool::Definition;
use crate::plugins::{PluginError, Plugins, ToolCallError, ToolPlugin};
use crate::profiling::{Profiling, ProfilingError};
use crate::query::QueryError;
use crate::registry::{Connection, DatabaseRef};
use approvals::CallDigest;
use context::Context;
use policy::{Consent, Reason, Rule, decide};
use trace::{Original, Trace};

/// Every usable tool of the plugins that are installed at the moment. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    plugins: Plugins,
    policy: Arc<ToolPolicy>,
    /// What the plugins of a generation offer, made when it is first asked for.
    offered: Arc<RwLock<Offered>>,
    approvals: Approvals,
    index: Index,
    library: Library,
    profiling: Profiling,
    limits: Arc<Limits>,
}

#[derive(Clone)]
struct Offered {
    generation: u64,
    /// By name.
    tools: Arc<Vec<Arc<Tool>>>,
}

struct Tool {
    plugin: Arc<ToolPlugin>,
    definition: Definition,
    parameters_schema: Value,
    parameters: Validator,
    returns: Validator,
    rule: Rule,
}

/// A tool as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolView {
    pub name: String,
    pub description: String,
    pub category: String,
    pub requires_approval: bool,
    pub enabled: bool,
    pub parameters_schema: Value,
}

/// One call.
#[derive(Debug)]
pub struct Call<'a> {
    pub name: &'a str,
    /// The text of a JSON object.
    pub arguments: &'a RawValue,
    pub approved: bool,
    pub caller: &'a Caller,
}

/// The answer of a call that succeeded; the fields stand in the order of the contract.
#[derive(Debug, Serialize)]
pub struct ToolAnswer {
    pub tool: String,
    pub success: bool,
    pub result: Box<RawValue>,
    /// Always null: what fails is a problem, not an answer.
    pub error: Option<()>,
    pub database: DatabaseRef,
    pub truncated: bool,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("There is no tool {name:?}.")]
    Unknown { name: String },
    #[error("The tool {name} is disabled.")]
    Disabled { name: String },
    #[error("The tool {name} is not for this caller.")]
    UserNotAllowed { name: String },
    #[error("The tool {name} needs `approved: true`.")]
    NeedsConfirmation { name: String },
    #[error("The tool {name} needs an administrator's consent to this very call.")]
    NeedsOperator { name: String, approval_id: Uuid },
    #[error("The arguments don't fit the tool's schema.")]
    Arguments(Vec<Offence>),
    /// What the tool was told by the database, and repeats.
    #[error(transparent)]
    Query(Box<QueryError>),
    /// What the tool was told about the DataPoints, and repeats.
    #[error(transparent)]
    Read(ReadError),
    /// Why its tables could not be profiled, which the tool repeats.
    #[error(transparent)]
    Profile(ProfilingError),
    /// `connection_id` of the arguments is another connection than the target.
    #[error("The tool serves the connection of the request, and `connection_id` names another.")]
    TargetConflict,
    #[error(transparent)]
    Call(Box<ToolCallError>),
}

impl Tools {
    /// The tools of `plugins` under a policy, over stored DataPoints, the search for them, and the profiling that
    /// proposes more.
    pub fn new(
        plugins: Plugins,
        policy: ToolPolicy,
        (index, library, profiling): (Index, Library, Profiling),
        limits: Arc<Limits>,
    ) -> Self {
        let offered = Offered::of(&plugins, &policy);
        for name in policy.named_tools() {
            if offered.find(name).is_none() {
                tracing::warn!(
                    tool = name,
                    "the tools policy names a tool that is not installed"
                );
            }
        }
        Self {
            offered: Arc::new(RwLock::new(offered)),
            approvals: Approvals::new(&limits),
            plugins,
            policy: Arc::new(policy),
            index,
            library,
            profiling,
            limits,
        }
    }

    fn offered(&self) -> Offered {
        let offered = self.offered.read().unwrap_or_else(PoisonError::into_inner);
        if offered.generation == self.plugins.generation() {
            return offered.clone();
        }
        drop(offered);
        let new = Offered::of(&self.plugins, &self.policy);
        let mut offered = self.offered.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made a later one meanwhile.
        if offered.generation < new.generation {
            *offered = new.clone();
        }
        new
    }

    /// All tools, by name.
    pub fn list(&self) -> Vec<ToolView> {
        self.offered()
            .tools
            .iter()
            .map(|tool| ToolView {
                name: tool.definition.name.clone(),
                description: tool.definition.description.clone(),
                category: tool.definition.category.clone(),
                requires_approval: tool.rule.approval != Approval::Auto,
                enabled: tool.rule.enabled,
                parameters_schema: tool.parameters_schema.clone(),
            })
            .collect()
    }

    /// The calls that wait for an administrator.
    pub fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// Runs a tool over a connection.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn run(
        &self,
        connection: Connection,
        call: Call<'_>,
    ) -> Result<ToolAnswer, RunError> {
        let tool = self
            .offered()
            .find(call.name)
            .ok_or_else(|| RunError::Unknown {
                name: call.name.to_owned(),
            })?;
        let arguments = json::arguments(call.arguments)
            .map_err(|offence| RunError::Arguments(vec![offence]))?;
        self.consent(&tool, &call, &arguments, connection.key.id)?;
        let offences = schema::offences(&tool.parameters, &arguments);
        if !offences.is_empty() {
            return Err(RunError::Arguments(offences));
        }
        if names_another(&arguments, connection.key.id) {
            return Err(RunError::TargetConflict);
        }

        let time = tool
            .rule
            .max_execution_time
            .unwrap_or(Duration::from_millis(self.limits.tool_timeout_ms));
        let deadline = Instant::now() + time;
        let trace = Trace::default();
        let database = connection.reference();
        let reader = Reader::new(connection.clone(), self.index.clone(), self.library.clone());
        let context = Context::new(
            connection,
            reader,
            self.profiling.clone(),
            Arc::clone(&self.limits),
            deadline,
            trace.clone(),
        );
        let answer = tool
            .plugin
            .call(call.name, call.arguments.get(), Box::new(context), deadline)
            .await
            .map_err(|error| original(error, &trace))?;
        Ok(ToolAnswer {
            tool: call.name.to_owned(),
            success: true,
            result: tool.check(answer)?,
            error: None,
            database,
            truncated: trace.truncated(),
        })
    }

    fn consent(
        &self,
        tool: &Tool,
        call: &Call<'_>,
        arguments: &Value,
        connection: Uuid,
    ) -> Result<(), RunError> {
        let name = || call.name.to_owned();
        let digest = CallDigest::of(call.caller, call.name, &arguments.to_string(), connection);
        let without = Consent {
            approved: call.approved,
            granted: false,
        };
        let reason = match decide(&tool.rule, call.caller, without) {
            // A consent is used up only where one is needed.
            Err(Reason::NeedsOperator) if self.approvals.take(digest) => return Ok(()),
            Err(reason) => reason,
            Ok(()) => return Ok(()),
        };
        Err(match reason {
            Reason::Disabled => RunError::Disabled { name: name() },
            Reason::UserNotAllowed => RunError::UserNotAllowed { name: name() },
            Reason::NeedsConfirmation => RunError::NeedsConfirmation { name: name() },
            Reason::NeedsOperator => RunError::NeedsOperator {
                name: name(),
                approval_id: self.approvals.request(digest, call.name),
            },
        })
    }
}

impl Offered {
    /// Takes the definitions of all tool components. One with an unusable schema is left out, and the log
    /// says so.
    fn of(plugins: &Plugins, policy: &ToolPolicy) -> Self {
        // Asked before the tools: what comes in between is made anew at the next look.
        let generation = plugins.generation();
        let mut tools = Vec::new();
        for plugin in plugins.tools() {
            for definition in plugin.definitions() {
                match Tool::new(Arc::clone(&plugin), definition.clone(), policy) {
                    Ok(tool) => tools.push(Arc::new(tool)),
                    Err(error) => tracing::error!(
                        plugin = plugin.name(),
                        tool = definition.name,
                        %error,
                        "a tool can't be offered"
                    ),
                }
            }
        }
        tools.sort_by(|a: &Arc<Tool>, b| a.definition.name.cmp(&b.definition.name));
        Self {
            generation,
            tools: Arc::new(tools),
        }
    }

    fn find(&self, name: &str) -> Option<Arc<Tool>> {
        let mut tools = self.tools.iter();
        tools.find(|tool| tool.definition.name == name).cloned()
    }
}

impl Tool {
    fn new(
        plugin: Arc<ToolPlugin>,
        definition: Definition,
        policy: &ToolPolicy,
    ) -> Result<Self, schema::InvalidSchema> {
        let (parameters_schema, parameters) = schema::compile(&definition.parameters)?;
        let (_, returns) = schema::compile(&definition.returns)?;
        let rule = policy.rule(
            &definition.name,
            definition.requires_approval,
            plugin.is_shipped(),
        );
        Ok(Self {
            plugin,
            definition,
            parameters_schema,
            parameters,
            returns,
            rule,
        })
    }

    /// An answer is JSON that fits the tool's own schema, or the plugin has failed.
    fn check(&self, answer: String) -> Result<Box<RawValue>, RunError> {
        let failed = |detail: &str| {
            tracing::warn!(
                plugin = self.plugin.name(),
                tool = self.definition.name,
                detail,
                "a tool gave a result that can't be used"
            );
            RunError::Call(Box::new(ToolCallError::Plugin(PluginError::Failed {
                plugin: self.plugin.name().to_owned(),
                detail: detail.to_owned(),
            })))
        };
        let value = json::readable(&answer).ok_or_else(|| failed("the result is not JSON"))?;
        if !self.returns.is_valid(&value) {
            return Err(failed("the result does not fit the tool's schema"));
        }
        RawValue::from_string(answer).map_err(|_| failed("the result is not JSON"))
    }
}

/// Whether arguments name a connection that is not the target.
fn names_another(arguments: &Value, target: Uuid) -> bool {
    match arguments.get("connection_id") {
        None | Some(Value::Null) => false,
        Some(named) => {
            let id = named.as_str().map(str::trim);
            id.and_then(|id| Uuid::try_parse(id).ok()) != Some(target)
        }
    }
}

/// What the tool was told, where it only repeats that.
fn original(error: ToolCallError, trace: &Trace) -> RunError {
    let repeated = match &error {
        ToolCallError::Tool(tool) => trace.original(tool),
        ToolCallError::Plugin(_) => None,
    };
    match repeated {
        Some(Original::Query(original)) => RunError::Query(original),
        Some(Original::Read(original)) => RunError::Read(original),
        Some(Original::Profile(original)) => RunError::Profile(original),
        None => RunError::Call(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_can_name_the_target_and_no_other_connection() {
        let target = Uuid::from_u128(0xABCD);
        for (arguments, expected) in [
            (json!({}), false),
            (json!({"connection_id": null}), false),
            (json!({"connection_id": target}), false),
            (
                json!({"connection_id": format!(" {target} ").to_uppercase()}),
                false,
            ),
            (json!({"connection_id": Uuid::from_u128(1)}), true),
            (json!({"connection_id": "x"}), true),
            (json!({"connection_id": 7}), true),
        ] {
            assert_eq!(names_another(&arguments, target), expected, "{arguments}");
        }
    }
}
