//! What one resolved connection may read: its DataPoints, those of connections to the same database, and the
//! global ones.
//!
//! Solves: whoever is given a [`Reader`] (a tool) can't leave that connection. It is bound when it is made, and no
//! function takes a scope: a page begins at a [`Place`], and one of a scope that the connection may not see is
//! refused. What belongs to nobody shows up only where a search falls back on it.

use std::fmt::{self, Display};

use super::Scope;
use super::index::{Index, RetrieveError};
use super::library::{Library, LibraryError, Selection, Stored, Which};
use super::search::{Allowed, Hit, ScopeUsed, VectorUse};
use crate::registry::Connection;

/// See the module.
#[derive(Clone)]
pub struct Reader {
    connection: Connection,
    index: Index,
    library: Library,
}

/// What a question has found, with the DataPoints themselves.
#[derive(Debug)]
pub struct Found {
    /// In the order of the search.
    pub hits: Vec<(Hit, Stored)>,
    pub scope_used: ScopeUsed,
    pub vectors: VectorUse,
}

/// Where a page ends: behind an id of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    scope: Scope,
    /// Empty: before the first.
    id: String,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error("no page of this database ends there")]
    Place,
}

impl Reader {
    pub fn new(connection: Connection, index: Index, library: Library) -> Self {
        Self {
            connection,
            index,
            library,
        }
    }

    /// What a question is about; what was deleted a moment ago is left out.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn search(&self, question: &str, top_k: usize) -> Result<Found, ReadError> {
        let found = self
            .index
            .retrieve(&self.connection, question, top_k)
            .await?;
        let mut hits = Vec::with_capacity(found.hits.len());
        for hit in found.hits {
            let which = Which::Of(hit.entry.scope);
            match self.library.get(&hit.entry.id, which).await {
                Ok(stored) => hits.push((hit, stored)),
                Err(LibraryError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Found {
            hits,
            scope_used: found.scope_used,
            vectors: found.vectors,
        })
    }

    /// The DataPoint of an id in the nearest scope that has one.
    ///
    /// # Errors
    /// [`ReadError::Library`].
    pub async fn get(&self, id: &str) -> Result<Option<Stored>, ReadError> {
        for scope in self.allowed().await.scopes() {
            match self.library.get(id, Which::Of(*scope)).await {
                Ok(stored) => return Ok(Some(stored)),
                Err(LibraryError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// At most `limit` DataPoints behind a place, the nearest scopes first, each by id; the next page's place.
    ///
    /// # Errors
    /// [`ReadError::Library`], [`ReadError::Place`].
    pub async fn page(
        &self,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<(Vec<Stored>, Option<Place>), ReadError> {
        let allowed = self.allowed().await;
        let scopes = allowed.scopes();
        let begin = match after {
            None => 0,
            Some(place) => {
                let at = scopes.iter().position(|scope| *scope == place.scope);
                at.ok_or(ReadError::Place)?
            }
        };
        let mut page = Vec::new();
        for scope in &scopes[begin..] {
            let missing = limit.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
            if missing == 0 {
                let before_first = Place {
                    scope: *scope,
                    id: String::new(),
                };
                return Ok((page, Some(before_first)));
            }
            let behind = after
                .filter(|place| place.scope == *scope)
                .map(|place| (place.id.clone(), scope.to_string()));
            let selection = Selection::of(*scope);
            let (found, next) = self
                .library
                .list(&selection, behind.as_ref(), missing)
                .await?;
            page.extend(found);
            if let Some((id, _)) = next {
                return Ok((page, Some(Place { scope: *scope, id })));
            }
        }
        Ok((page, None))
    }

    async fn allowed(&self) -> Allowed {
        let equivalent = self.library.registry.equivalent(&self.connection).await;
        Allowed::new(self.connection.key.id, equivalent)
    }
}

impl Place {
    /// Behind a DataPoint.
    pub fn behind(stored: &Stored) -> Self {
        Self {
            scope: stored.scope,
            id: stored.point.id.clone(),
        }
    }

    /// Reads what [`Display`] has written.
    pub fn parse(text: &str) -> Option<Self> {
        let (scope, id) = text.split_once(' ')?;
        Some(Self {
            scope: Scope::from_key(scope)?,
            id: id.to_owned(),
        })
    }
}

impl Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.scope, self.id)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_anything_else_is_none() {
        for place in [
            Place {
                scope: Scope::Connection(Uuid::from_u128(7)),
                id: "table_orders".to_owned(),
            },
            Place {
                scope: Scope::Global,
                id: String::new(),
            },
        ] {
            assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
        for text in ["", "global", "elsewhere table_orders", "connection:7 a"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
