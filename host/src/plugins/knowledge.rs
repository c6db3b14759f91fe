//! What a tool may ask of the DataPoints of its request's database.
//!
//! Implemented by the layer above the runtime, which has bound it to that database: none of the questions names
//! one.

use super::tool::BoxFuture;

pub use super::bindings::knowledge::datachat::knowledge::knowledge::{
    Datapoint, Error, ErrorCode, Findings, Hit, Kind, Page, Scope, ScopeUsed, Signal, SignalKind,
};

/// See the module; the contract (`wit/knowledge`) says what each function gives.
pub trait ToolKnowledge: Send + Sync {
    fn search(&self, question: String, limit: u32) -> BoxFuture<'_, Result<Findings, Error>>;
    fn get(&self, id: String) -> BoxFuture<'_, Result<Option<Datapoint>, Error>>;
    fn list(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Page, Error>>;
}
