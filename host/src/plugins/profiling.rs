//! What a tool may do about the tables of its request's database: look at them, and propose DataPoints.
//!
//! Implemented by the layer above the runtime, which has bound it to that database.

use super::tool::BoxFuture;

pub use super::bindings::knowledge::datachat::knowledge::profiling::{
    Depth, Error, Outcome, Request,
};

/// See the module; the contract (`wit/knowledge`) says what it gives.
pub trait ToolProfiling: Send + Sync {
    fn profile_and_generate(&self, request: Request) -> BoxFuture<'_, Result<Outcome, Error>>;
}
