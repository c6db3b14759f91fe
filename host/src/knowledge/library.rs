//! The stored DataPoints, one by one: what the API and the command line read and write.
//!
//! Everything that is written passes the same judgement as a sync's files: its fields, its contracts, its SQL, its
//! scope. What comes this way belongs to the tier `managed` and stays until somebody deletes it: a sync replaces
//! only what came from files.

use std::sync::Arc;

use chrono::Utc;
use uuid::Uuid;

use super::contract::{self, Contracts, Gap};
use super::datapoint::{self, DataPoint, Detail, Problem};
use super::search::Allowed;
use super::{Kind, Scope, Tier, lifecycle, sql, store_form};
use crate::limits::Limits;
use crate::registry::{Connection, Registry, RegistryError, Unavailable};
use crate::store::{DatapointFilter, DatapointPlace, DatapointRow, Origin, Store, StoreError};

/// How often a write starts again when somebody else writes to the same scope meanwhile.
const ATTEMPTS: usize = 5;

/// The stored DataPoints. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    pub(super) store: Store,
    pub(super) registry: Registry,
    pub(super) limits: Arc<Limits>,
}

/// A stored DataPoint and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub scope: Scope,
    pub point: DataPoint,
    pub tier: Tier,
    /// Relative to the folder that was read; `None` for what came by the API or by approval.
    pub path: Option<String>,
    pub origin: Origin,
}

/// Which of the DataPoints of one id is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The only one.
    Only,
    Of(Scope),
}

/// Which DataPoints a list shows; all conditions together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    pub connection: Option<Uuid>,
    pub scope: Option<ScopeKind>,
    pub kind: Option<Kind>,
    /// A part of the id, name, tags or tables, in any case.
    pub text: Option<String>,
}

/// What a connection may see.
#[derive(Debug, Clone)]
pub struct Visible {
    /// The scopes that were looked at, and their revisions.
    pub version: Vec<(Scope, i64)>,
    /// Nearest scope first, by id within one.
    pub points: Vec<(Scope, Arc<DataPoint>)>,
}

impl Selection {
    /// All of one scope.
    pub fn of(scope: Scope) -> Self {
        Self {
            connection: scope.connection(),
            scope: Some(match scope {
                Scope::Connection(_) => ScopeKind::Connection,
                Scope::Global => ScopeKind::Global,
                Scope::Unscoped => ScopeKind::Unscoped,
            }),
            ..Self::default()
        }
    }
}

/// A kind of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeKind {
    Connection,
    Global,
    Unscoped,
}

/// Why a DataPoint was not shown, stored or changed.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error("The DataPoint is not valid.")]
    Invalid(Vec<Problem>),
    #[error("The DataPoint has more than {limit} bytes.")]
    TooLarge { limit: u64 },
    #[error("DataPoint contract validation failed.")]
    Contract(Vec<Gap>),
    #[error("There is a DataPoint {id} in this scope already.")]
    Exists { id: String },
    #[error("DataPoint not found: {id}")]
    NotFound { id: String },
    #[error("Several DataPoints have the id {id}.")]
    Ambiguous { id: String, scopes: Vec<Scope> },
    #[error("The id of the DataPoint is {found}, but the path says {wanted}.")]
    IdMismatch { wanted: String, found: String },
    #[error("Connection not found: {id}")]
    ConnectionNotFound { id: Uuid },
    #[error("The registry is unavailable: {0}.")]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for LibraryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ConnectionMissing { id } => Self::ConnectionNotFound { id },
            other => Self::Unavailable(other.into()),
        }
    }
}

impl Library {
    pub fn new(store: Store, registry: Registry, limits: Arc<Limits>) -> Self {
        Self {
            store,
            registry,
            limits,
        }
    }

    /// The DataPoints of a selection, by id and then scope; the place that the next page follows.
    ///
    /// # Errors
    /// [`LibraryError::Unavailable`].
    pub async fn list(
        &self,
        selection: &Selection,
        after: Option<&DatapointPlace>,
        limit: u32,
    ) -> Result<(Vec<Stored>, Option<DatapointPlace>), LibraryError> {
        let filter = DatapointFilter {
            connection_id: selection.connection,
            scope: match selection.scope {
                Some(ScopeKind::Global) => Some(Scope::Global.to_string()),
                Some(ScopeKind::Unscoped) => Some(Scope::Unscoped.to_string()),
                Some(ScopeKind::Connection) | None => None,
            },
            of_connections: selection.scope == Some(ScopeKind::Connection),
            kind: selection.kind.map(|kind| kind.name().to_owned()),
            datapoint_id: None,
            text: selection.text.clone().filter(|text| !text.is_empty()),
        };
        let more = limit.saturating_add(1);
        let mut rows = self.store.datapoints(&filter, after, more).await?;
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().filter(|_| has_more);
        let next = last.map(|row| (row.datapoint_id.clone(), row.scope.clone()));
        Ok((rows.iter().filter_map(stored).collect(), next))
    }

    /// One DataPoint.
    ///
    /// # Errors
    /// [`LibraryError::NotFound`], [`LibraryError::Ambiguous`], [`LibraryError::Unavailable`].
    pub async fn get(&self, id: &str, which: Which) -> Result<Stored, LibraryError> {
        let row = self.find(id, which).await?;
        stored(&row).ok_or_else(|| LibraryError::NotFound { id: id.to_owned() })
    }

    /// All DataPoints of a connection, of those that lead to the same database, and of everybody; `None` if they
    /// are still those of `known`.
    ///
    /// # Errors
    /// [`LibraryError::Unavailable`].
    pub async fn visible(
        &self,
        connection: &Connection,
        known: Option<&Vec<(Scope, i64)>>,
    ) -> Result<Option<Visible>, LibraryError> {
        let equivalent = self.registry.equivalent(connection).await;
        let allowed = Allowed::new(connection.key.id, equivalent);
        let versions = self.store.scope_versions().await?;
        let revision = |scope: &Scope| {
            let key = scope.to_string();
            let found = versions.iter().find(|(other, _)| **other == key);
            found.map_or(0, |(_, version)| version.revision)
        };
        let version: Vec<(Scope, i64)> = allowed
            .scopes()
            .iter()
            .map(|scope| (*scope, revision(scope)))
            .collect();
        if known == Some(&version) {
            return Ok(None);
        }
        let mut points = Vec::new();
        for (scope, revision) in &version {
            if *revision == 0 {
                continue;
            }
            let snapshot = self.store.scope(&scope.to_string()).await?;
            let own = snapshot.rows.iter();
            points.extend(
                own.filter_map(|(row, _)| Some((*scope, Arc::new(store_form::point(row)?)))),
            );
        }
        Ok(Some(Visible { version, points }))
    }

    /// Stores a new DataPoint in the scope that its metadata name.
    ///
    /// # Errors
    /// [`LibraryError`]; nothing is stored then.
    pub async fn create(&self, text: &str) -> Result<Stored, LibraryError> {
        let mut point = self.read(text)?;
        let scope = Scope::named_in(&point.metadata).map_err(invalid)?;
        lifecycle::created(&mut point.metadata, Utc::now());
        self.judge(&point, scope).await?;
        let new = store_form::row(&point, Tier::Managed, None, Origin::Api);
        let written = self
            .store
            .insert_datapoint(&store_form::scope(scope), &new)
            .await;
        written.map_err(|error| match error {
            StoreError::DatapointExists => LibraryError::Exists {
                id: point.id.clone(),
            },
            other => other.into(),
        })?;
        Ok(Stored {
            scope,
            point,
            tier: Tier::Managed,
            path: None,
            origin: Origin::Api,
        })
    }

    /// Puts a DataPoint in the place of the stored one of its id; it stays in its scope.
    ///
    /// # Errors
    /// [`LibraryError`]; nothing is changed then.
    pub async fn replace(
        &self,
        id: &str,
        which: Which,
        text: &str,
    ) -> Result<Stored, LibraryError> {
        let given = self.read(text)?;
        if given.id != id {
            return Err(LibraryError::IdMismatch {
                wanted: id.to_owned(),
                found: given.id,
            });
        }
        for _ in 0..ATTEMPTS {
            let row = self.find(id, which).await?;
            let before =
                stored(&row).ok_or_else(|| LibraryError::NotFound { id: id.to_owned() })?;
            let mut point = given.clone();
            let scope = before.scope;
            keep_scope(&mut point, scope)?;
            lifecycle::updated(&mut point.metadata, &before.point.metadata, Utc::now());
            self.judge(&point, scope).await?;
            let new = store_form::row(&point, Tier::Managed, None, Origin::Api);
            let written = self
                .store
                .replace_datapoint(&store_form::scope(scope), row.revision, &new)
                .await;
            match written {
                Ok(true) => {
                    return Ok(Stored {
                        scope,
                        point,
                        tier: Tier::Managed,
                        path: None,
                        origin: Origin::Api,
                    });
                }
                Ok(false) => return Err(LibraryError::NotFound { id: id.to_owned() }),
                Err(StoreError::Changed) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(LibraryError::Unavailable(Unavailable::Store))
    }

    /// Deletes a DataPoint.
    ///
    /// # Errors
    /// As [`Library::get`].
    pub async fn delete(&self, id: &str, which: Which) -> Result<(), LibraryError> {
        let row = self.find(id, which).await?;
        if self.store.delete_datapoint(&row.scope, id).await? {
            Ok(())
        } else {
            Err(LibraryError::NotFound { id: id.to_owned() })
        }
    }

    /// Whether there is any DataPoint; none is known of while the system database is down.
    pub async fn has_any(&self) -> bool {
        self.store.has_datapoints().await.unwrap_or(false)
    }

    /// The DataPoint that an id means.
    async fn find(&self, id: &str, which: Which) -> Result<DatapointRow, LibraryError> {
        let filter = DatapointFilter {
            datapoint_id: Some(id.to_owned()),
            scope: match which {
                Which::Only => None,
                Which::Of(scope) => Some(scope.to_string()),
            },
            ..DatapointFilter::default()
        };
        // More than anybody wants to see as candidates.
        let mut rows = self.store.datapoints(&filter, None, 100).await?;
        match rows.len() {
            0 => Err(LibraryError::NotFound { id: id.to_owned() }),
            1 => Ok(rows.swap_remove(0)),
            _ => Err(LibraryError::Ambiguous {
                id: id.to_owned(),
                scopes: rows
                    .iter()
                    .filter_map(|row| Scope::from_key(&row.scope))
                    .collect(),
            }),
        }
    }

    pub(super) fn read(&self, text: &str) -> Result<DataPoint, LibraryError> {
        let limit = self.limits.datapoint_bytes;
        if text.len() as u64 > limit {
            return Err(LibraryError::TooLarge { limit });
        }
        datapoint::read(text).map_err(LibraryError::Invalid)
    }

    /// Contracts, connection and SQL.
    pub(super) async fn judge(&self, point: &DataPoint, scope: Scope) -> Result<(), LibraryError> {
        let engine = match scope.connection() {
            Some(id) => match self.registry.engine(id).await {
                Ok(engine) => Some(engine),
                Err(RegistryError::Unavailable(reason)) => return Err(reason.into()),
                Err(_) => return Err(LibraryError::ConnectionNotFound { id }),
            },
            None => None,
        };
        if let Detail::Query(query) = &point.detail {
            let (query, library) = (query.clone(), self.clone());
            // Parsers take their time, and much stack.
            let judged = tokio::task::spawn_blocking(move || {
                let dialect_of = |database_type: &str| library.registry.dialect_of(database_type);
                sql::check(&query, engine.as_ref(), &dialect_of, &library.limits)
            });
            let problems = judged.await.unwrap_or_else(|error| {
                tracing::error!(%error, "the judgement of a template broke");
                vec![Problem::of("sql_template", "statement", "can't be judged")]
            });
            if !problems.is_empty() {
                return Err(LibraryError::Invalid(problems));
            }
        }
        let contracts = Contracts::default();
        let gaps = contract::check(point, Tier::Managed, contracts);
        if gaps.iter().any(|gap| contracts.refuse(gap)) {
            return Err(LibraryError::Contract(gaps));
        }
        Ok(())
    }
}

/// A DataPoint keeps its scope: one that names none is given it, one that names another is refused.
fn keep_scope(point: &mut DataPoint, scope: Scope) -> Result<(), LibraryError> {
    let named = Scope::named_in(&point.metadata).map_err(invalid)?;
    if named == scope {
        return Ok(());
    }
    if named == Scope::Unscoped {
        scope.write_into(&mut point.metadata);
        return Ok(());
    }
    let message = "must name the scope that the DataPoint has; to move it, create it there and delete it here";
    Err(invalid(Problem::of("metadata", "value", message)))
}

fn invalid(problem: Problem) -> LibraryError {
    LibraryError::Invalid(vec![problem])
}

/// What a row holds; one that was spoilt by hand is passed over, and the log says so.
fn stored(row: &DatapointRow) -> Option<Stored> {
    Some(Stored {
        scope: Scope::from_key(&row.scope)?,
        point: store_form::point(row)?,
        tier: Tier::from_name(&row.source_tier)?,
        path: row.source_path.clone(),
        origin: row.origin,
    })
}
