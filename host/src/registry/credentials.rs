//! .
use std::path::Path;

use crate::secret::Secret;

use super::Unavailable;

/// The keys.
#[derive(Clone)]
pub struct Credentials {}

impl Credentials {
    /// .
    pub fn load(
        configured: Option<&Secret<String>>,
        key_file: Option<&Path>,
    ) -> Result<Self, Unavailable> {
        let _ = (configured, key_file);
        unimplemented!()
    }
}

/// A new key.
pub fn generate_key() -> Secret<String> {
    unimplemented!()
}
