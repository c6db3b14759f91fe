//! DataChat: one server in front of many databases.
//!
//! A request is resolved to one connection at the edge and keeps it on its way down: the API and the
//! command line call the query and tool layers, these call the plugin runtime, and only a sandboxed
//! component speaks to a database. `docs/architecture.md` has the picture and the dependency rule.

pub mod api;
pub mod app;
pub mod chat;
pub mod cli;
pub mod config;
pub mod conformance;
pub mod knowledge;
pub mod limits;
pub mod llm;
pub mod outbound;
pub mod plugins;
pub mod profiling;
pub mod query;
pub mod registry;
pub mod scaffold;
pub mod secret;
pub mod store;
pub mod tools;
