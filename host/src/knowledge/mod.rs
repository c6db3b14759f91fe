//! What tables, metrics and processes mean: DataPoints, and the search for those that a question needs.
//!
//! Every DataPoint belongs to one [`Scope`], and its identity is (scope, id). Nothing here searches without a
//! scope: a DataPoint of one connection can't show up in an answer about another one.

mod kind;
mod scope;
pub mod search;

pub use kind::Kind;
pub use scope::Scope;
