//! What is known of the request's database, for tools: the interface `knowledge` of `datachat:knowledge`.
//!
//! A tool calls these functions beside what [`tool`](crate::tool) gives it; a component that calls none imports
//! nothing of it.

#[doc(hidden)]
#[allow(clippy::all, clippy::pedantic, dead_code)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/knowledge/0.1.0",
        world: "imports",
        additional_derives: [PartialEq],
    });
}

pub use bindings::datachat::knowledge::knowledge::{
    Datapoint, Error, ErrorCode, Findings, Hit, Kind, Page, Scope, ScopeUsed, Signal, SignalKind,
    get, list_datapoints, search,
};
