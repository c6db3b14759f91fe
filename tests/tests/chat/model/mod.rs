//! Chat with a language model: a local server that speaks its protocol and says what a test tells it to.

mod faults;
mod proposals;
mod scene;
mod stream;
mod trust;
