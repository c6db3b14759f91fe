//! What tables, metrics and processes mean: DataPoints, and the search for those that a question needs.
//!
//! Every DataPoint belongs to one [`Scope`], and its identity is (scope, id). Nothing here searches without a
//! scope: a DataPoint of one connection can't show up in an answer about another one.
//!
//! A DataPoint comes from a file, by [`Syncs`], or one by one, through the [`Library`]; both read, judge and
//! store it in the same way. The [`Index`] follows what is stored, and answers what a question is about. A [`Reader`]
//! is all of that for one connection, and nothing else.

pub mod conflict;
pub mod contract;
pub mod datapoint;
pub mod finding;
pub mod folder;
pub mod index;
mod kept_vectors;
mod kind;
pub mod library;
pub mod lifecycle;
pub mod proposals;
pub mod reader;
mod scope;
pub mod search;
pub mod sql;
mod store_form;
pub mod sync;
pub mod template;
mod tier;

pub use conflict::ConflictMode;
pub use contract::{Contracts, Severity};
pub use datapoint::DataPoint;
pub use index::Index;
pub use kind::Kind;
pub use library::Library;
pub use proposals::Proposals;
pub use reader::Reader;
pub use scope::Scope;
pub use sync::Syncs;
pub use tier::Tier;
