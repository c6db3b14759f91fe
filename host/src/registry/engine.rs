//! What kind of database a connection leads to, as far as that is known without connecting.

use uuid::Uuid;

use super::environment::ENVIRONMENT_ID;
use super::show::Known;
use super::{Registry, RegistryError, Runtime};
use crate::plugins::Dialect;

/// A kind of database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Canonical: `postgresql`.
    pub database_type: String,
    /// `None` while no installed connector serves the type.
    pub dialect: Option<Dialect>,
}

impl<R: Runtime> Registry<R> {
    /// The kind of a known connection, the environment database included; its credentials needn't be readable.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], [`RegistryError::Unavailable`].
    pub async fn engine(&self, id: Uuid) -> Result<Engine, RegistryError> {
        let database_type = if id == ENVIRONMENT_ID {
            let environment = self.inner.environment.as_ref();
            let environment = environment.ok_or(RegistryError::NotFound { id })?;
            environment
                .view(&self.inner.plugins, false, Known::default())
                .database_type
        } else {
            self.row(id).await?.database_type
        };
        Ok(Engine {
            dialect: self.dialect_of(&database_type),
            database_type,
        })
    }

    /// The dialect of a database type, by its name or an alias, if an installed connector serves it.
    pub fn dialect_of(&self, database_type: &str) -> Option<Dialect> {
        let connector = self.inner.plugins.by_type(database_type)?;
        Some(R::info(&connector).dialect)
    }
}
