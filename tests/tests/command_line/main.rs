//! The command line: every command, on the system database and over HTTP, against a running server.

mod run;

mod commands;
mod conversation;
mod elsewhere;
mod failures;
mod formats;
mod keys_and_limits;
mod settings;
