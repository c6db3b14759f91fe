//! DataPoints end to end: one by one, by sync, from the command line, and through crashes.

mod points;
mod scene;

mod commands;
mod crash;
mod files;
mod retrieval;
mod servers;
mod single;
mod sync;
mod sync_scopes;
mod tools;
mod watcher;
