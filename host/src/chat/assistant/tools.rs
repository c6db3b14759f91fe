//! The server's own tools, as a model may call them: on this connection, by this caller, under the tools policy.
//!
//! A call goes the way of everybody's (`tools`): policy, arguments, component. What it comes to is told to the model,
//! errors included. One that needs a person's consent ends the turn.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Assistance;
use crate::llm::{Offer, ToolCall};
use crate::registry::Connection;
use crate::tools::{Call, RunError};

/// Of what a tool says, what a model is told, in characters.
const TOLD: usize = 6_000;

/// What came of a call.
pub enum Outcome {
    /// To be told to the model.
    Told {
        text: String,
        decision: &'static str,
    },
    /// A person has to agree first.
    NeedsConsent { message: String, arguments: Value },
}

/// What a model is offered, until it takes more than `room` characters.
pub fn offers(assistance: &Assistance<'_>, room: usize) -> Vec<Offer> {
    let mut left = room;
    assistance
        .tools
        .list()
        .into_iter()
        .filter(|tool| tool.enabled)
        .map(|tool| Offer {
            name: tool.name,
            description: tool.description,
            parameters: tool.parameters_schema,
        })
        .filter(|offer| {
            let size = offer.characters();
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        })
        .collect()
}

/// Makes a call that the model asked for.
pub async fn run(assistance: &Assistance<'_>, connection: &Connection, call: &ToolCall) -> Outcome {
    let told = |text: String, decision| Outcome::Told { text, decision };
    let Ok(arguments) = RawValue::from_string(call.arguments.clone()) else {
        return told(
            "error: the arguments are no JSON object".to_owned(),
            "its arguments are no JSON",
        );
    };
    let call = Call {
        name: &call.name,
        arguments: &arguments,
        approved: false,
        caller: assistance.caller,
    };
    match assistance.tools.run(connection.clone(), call).await {
        Ok(answer) => {
            let mut text: String = answer.result.get().chars().take(TOLD).collect();
            if text.len() < answer.result.get().len() {
                text.push_str(" (cut off)");
            }
            told(text, "answered")
        }
        Err(error @ (RunError::NeedsConfirmation { .. } | RunError::NeedsOperator { .. })) => {
            let mut message = error.to_string();
            if let RunError::NeedsOperator { approval_id, .. } = &error {
                message = format!("{message} It waits as {approval_id}.");
            }
            Outcome::NeedsConsent {
                message,
                arguments: serde_json::from_str(arguments.get()).unwrap_or_default(),
            }
        }
        Err(error) => {
            let text: String = error.to_string().chars().take(TOLD).collect();
            let detail = match &error {
                RunError::Arguments(offences) => {
                    let offences = offences.iter();
                    let lines =
                        offences.map(|offence| format!(" {}: {}.", offence.field, offence.message));
                    lines.collect::<Vec<_>>().concat()
                }
                _ => String::new(),
            };
            told(format!("error: {text}{detail}"), "refused or failed")
        }
    }
}
