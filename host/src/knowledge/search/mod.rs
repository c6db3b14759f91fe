//! The search for what a question is about, within the scopes of one connection.
//!
//! ```text
//!   entries of a scope ──► Volume (words, vectors, names, tables) ──► Shelf ──► Set, of one moment
//!                                                                                │
//!   question ──► Embedder ──► Question ──► retrieve(set, allowed, …) ──► hits ◄──┘
//! ```
//!
//! [`retrieve()`] is the only function that finds anything, and it can't be called without [`Allowed`], which
//! comes from a resolved connection. A [`Volume`] holds one scope; a reader has a [`Set`] in which every scope
//! is as it was at one moment.
//!
//! Nothing here reads or writes the system database: volumes are made of [`Entry`]s that somebody else has
//! loaded, and can be made again at any time. Indexes are never saved.

mod allowed;
mod catalogue;
mod cue;
mod document;
pub mod embed;
mod entry;
mod expand;
mod facets;
mod fusion;
mod graph;
mod lexical;
mod names;
mod question;
mod retrieve;
mod scan;
mod shelf;
#[cfg(test)]
mod testing;
pub mod text;
mod vectors;
mod volume;

pub use allowed::Allowed;
pub use catalogue::Catalogue;
pub use document::{DOCUMENT_FORM, Unsearchable};
pub use entry::{Entry, Link, TableName};
pub use fusion::{Signal, SignalKind};
pub use question::Question;
pub use retrieve::{Hit, Options, Retrieved, ScopeUsed, VectorUse, retrieve};
pub use shelf::{Change, Set, Shelf};
pub use vectors::{EXACT_UP_TO, IndexError};
pub use volume::{BuildError, Volume};
