//! The shipped tools over DataPoints: `context_answer`, `datapoint_quality_report`.
//!
//! They read what the host knows of the request's database through [`knowledge::Knowledge`], and have no other
//! way out: no statement is run, and no language model is asked. The wasm component is the thin layer in
//! `component.rs`; everything else is tested natively.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod context_answer;
pub mod datapoint;
pub mod failure;
pub mod knowledge;
pub mod need;
pub mod quality_report;
pub mod quote;
pub mod words;

use datachat_sdk::tool::Definition;

use failure::Failure;
use knowledge::Knowledge;

/// Every tool of this component.
pub fn definitions() -> Vec<Definition> {
    vec![context_answer::definition(), quality_report::definition()]
}

/// Calls a tool by its name. `arguments` is a JSON object, the answer is JSON.
///
/// # Errors
/// What the host said no to; see [`Failure`].
pub fn call(knowledge: &impl Knowledge, name: &str, arguments: &str) -> Result<String, Failure> {
    match name {
        "context_answer" => context_answer::run(knowledge, &failure::parse(arguments)?),
        "datapoint_quality_report" => quality_report::run(knowledge, &failure::parse(arguments)?),
        _ => Err(Failure(format!("there is no tool {name}"))),
    }
}
