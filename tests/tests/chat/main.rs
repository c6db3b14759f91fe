//! Chat without a language model, through a running server, on real databases of all three engines.

mod conversation;
mod conversations;
mod engines;
mod events;
mod markers;
mod questions;
mod scene;
mod sets;
