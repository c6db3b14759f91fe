//! Chat without a language model, through a running server, on real databases of all three engines.

mod conversation;
mod engines;
mod events;
mod questions;
mod scene;
