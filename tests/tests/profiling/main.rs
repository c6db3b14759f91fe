//! Profiles, the DataPoints that they suggest, and their review, through REST on a running server.

mod jobs;
mod shop;

mod commands;
mod crash;
mod engines;
mod limits;
mod requests;
mod review;
mod suggested;
mod tool;
