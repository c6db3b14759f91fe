//! From the text of a statement to a plan over one table.
//!
//! [`read`] parses and names everything in the syntax tree that it does not know as unsupported: a clause that
//! is silently ignored would give a wrong answer. [`plan`] looks names up, finds types, and turns expressions
//! into [`expr::Expr`]s over the columns of a row.

pub mod aggregate;
pub mod expr;
pub mod plan;
pub mod read;
mod resolve;
