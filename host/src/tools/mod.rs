//! Tools: what components offer, who may run it, and one call over one resolved connection.

pub mod approvals;
pub mod identifier;
pub mod policy;
pub mod schema;

pub use approvals::Approvals;
pub use policy::{Caller, ToolPolicy};
