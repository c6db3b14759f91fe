//! The example bundles under `datapoints`: what they claim of the example databases is true of them, on every
//! engine, and what the labelled questions ask for is there.
//!
//! The files are read here without the host's model, so that a mistake in it can't excuse one in them.

mod bundle;

mod calculations;
mod catalogue;
mod eval;
mod files;
mod planned;
mod templates;
