//! Looking at the tables of the request's database and proposing DataPoints, for tools: the interface `profiling` of
//! `datachat:knowledge`.
//!
//! What is proposed waits for a person's review. A component that does not call it imports nothing of it.

pub use crate::knowledge::bindings::datachat::knowledge::profiling::{
    Depth, Error, Outcome, Request, profile_and_generate,
};
