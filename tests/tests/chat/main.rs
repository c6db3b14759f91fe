//! Chat through a running server, on real databases of all three engines: without a language model, and with one that
//! says what a test tells it to.

mod conversation;
mod conversations;
mod engines;
mod events;
mod markers;
mod model;
mod questions;
mod scene;
mod sets;
