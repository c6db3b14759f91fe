//! A language model behind an address: the chat protocol of `OpenAI`, as its many imitations speak it.
//!
//! One request goes out with everything in it, and the answer comes back in pieces ([`events`], `delta`). Servers
//! differ, so only what is needed is read, and what a server does not take is left out of the next request
//! (`ladder`): an answer bound to a schema, then any JSON, then free text. What was found out is kept for the
//! address.
//!
//! Time has four limits: opening a connection, the first byte, the pause between two pieces, and, the caller's, all
//! of it. Something is tried again only while nothing has come back. An endpoint that fails several times in a row is
//! left alone for a while (`breaker`), so that nobody waits for what won't come.
//!
//! What a model says is foreign input. Nothing here acts on it.

mod breaker;
mod client;
mod delta;
mod error;
pub mod events;
mod ladder;
mod message;
mod said;
mod tokens;

pub use client::{Client, Effort, Settings};
pub use delta::{Answer, Finish, Usage};
pub use error::LlmError;
pub use message::{Message, Offer, Request, Schema, ToolCall};
pub use said::json_object;
