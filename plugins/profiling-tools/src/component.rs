//! The component: the import as [`Profiler`], the exports as calls.

use datachat_sdk::profiling::{self, Error, Outcome, Request};
use datachat_sdk::tool::{Definition, Guest, ToolError};

use crate::Profiler;

struct Component;

impl Guest for Component {
    fn definitions() -> Vec<Definition> {
        vec![crate::definition()]
    }

    fn call(name: String, arguments: String) -> Result<String, ToolError> {
        crate::call(&RequestProfiler, &name, &arguments).map_err(ToolError::from)
    }
}

/// The database that the host bound this call to.
struct RequestProfiler;

impl Profiler for RequestProfiler {
    fn profile_and_generate(&self, request: &Request) -> Result<Outcome, Error> {
        profiling::profile_and_generate(request)
    }
}

datachat_sdk::tool::export!(Component with_types_in datachat_sdk::tool::bindings);
