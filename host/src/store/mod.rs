//! .
use std::path::PathBuf;

use crate::limits::Limits;
use crate::secret::Secret;

/// Where the system database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// The file `datachat.db` in this folder, which is made if it is missing.
    DataDir(PathBuf),
    /// `SYSTEM_DATABASE_URL`: a PostgreSQL database.
    Url(Secret<String>),
}

/// `SYSTEM_DATABASE_URL` is no URL of a PostgreSQL database.
#[derive(Debug, thiserror::Error)]
#[error("SYSTEM_DATABASE_URL: {message}")]
pub struct InvalidLocation {
    pub message: String,
}

/// The system database. Cheap to clone.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Prepares the store without connecting: a database that is down now is connected to later.
    ///
    /// # Errors
    /// [`InvalidLocation`], for a URL that can never work.
    pub fn open(location: &Location, limits: &Limits) -> Result<Self, InvalidLocation> {
        let _ = (location, limits);
        unimplemented!()
    }
}
