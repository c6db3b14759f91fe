//! Rows of profiles: what a connection's tables looked like at one moment.
//!
//! A profile and the end of the job that made it are one transaction, so there is never a part of one. Of a
//! connection only the latest profiles are kept.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::datapoints::CHUNK;
use super::jobs::complete_job;
use super::scopes::require_connection;
use super::{Counts, ScopeRef, Store, StoreError, in_transaction, on_pool};

/// A profile without its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    pub id: Uuid,
    pub connection_id: Uuid,
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// Stores a profile, forgets all but the latest `kept` of its connection, and completes its job: all or
    /// nothing. `tables` are JSON, in their order.
    ///
    /// # Errors
    /// [`StoreError::JobInterrupted`], [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn complete_profile(
        &self,
        job: Uuid,
        profile: Uuid,
        scope: &ScopeRef,
        tables: &[String],
        counts: Counts,
        kept: i64,
    ) -> Result<(), StoreError> {
        let connection = scope.connection_id.unwrap_or_default().to_string();
        self.call_at_length(Box::pin(async {
            in_transaction!(self, transaction => {
                require_connection!(transaction, scope);
                let now = complete_job!(transaction, self, job, profile, counts);
                // The clock counts milliseconds, and may be set back: the latest stays the latest.
                let (last,): (i64,) = sqlx::query_as(
                    "SELECT COALESCE(MAX(created_at), 0) FROM datachat_profiles WHERE connection_id = $1",
                )
                .bind(&connection)
                .fetch_one(&mut *transaction)
                .await?;
                let now = now.max(last + 1);
                sqlx::query(
                    "INSERT INTO datachat_profiles (profile_id, connection_id, created_at) VALUES ($1, $2, $3)",
                )
                .bind(profile.to_string())
                .bind(&connection)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
                let mut position = 0_i64;
                for bodies in tables.chunks(CHUNK) {
                    let mut statement = sqlx::QueryBuilder::new(
                        "INSERT INTO datachat_profile_tables (profile_id, position, body) ",
                    );
                    statement.push_values(bodies, |mut values, body| {
                        values
                            .push_bind(profile.to_string())
                            .push_bind(position)
                            .push_bind(body);
                        position += 1;
                    });
                    statement.build().execute(&mut *transaction).await?;
                }
                for sql in [
                    "DELETE FROM datachat_profile_tables WHERE profile_id IN \
                     (SELECT profile_id FROM datachat_profiles WHERE connection_id = $1) AND profile_id NOT IN \
                     (SELECT profile_id FROM datachat_profiles WHERE connection_id = $1 \
                     ORDER BY created_at DESC, profile_id LIMIT $2)",
                    "DELETE FROM datachat_profiles WHERE connection_id = $1 AND profile_id NOT IN \
                     (SELECT profile_id FROM datachat_profiles WHERE connection_id = $1 \
                     ORDER BY created_at DESC, profile_id LIMIT $2)",
                ] {
                    sqlx::query(sql)
                        .bind(&connection)
                        .bind(kept)
                        .execute(&mut *transaction)
                        .await?;
                }
            });
            Ok(())
        }))
        .await
    }

    /// A profile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn profile(&self, id: Uuid) -> Result<Option<ProfileRow>, StoreError> {
        let found: Option<(String, i64)> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(
                        "SELECT connection_id, created_at FROM datachat_profiles WHERE profile_id = $1",
                    )
                    .bind(id.to_string())
                    .fetch_optional(pool)
                    .await?
                }))
            })
            .await?;
        Ok(found.and_then(|(connection, created_at)| {
            Some(ProfileRow {
                id,
                connection_id: connection.parse().ok()?,
                created_at: DateTime::from_timestamp_micros(created_at)?,
            })
        }))
    }

    /// The tables of a profile, as JSON in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn profile_tables(&self, id: Uuid) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = self
            .call_at_length(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(
                        "SELECT body FROM datachat_profile_tables WHERE profile_id = $1 ORDER BY position",
                    )
                    .bind(id.to_string())
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        Ok(rows.into_iter().map(|(body,)| body).collect())
    }

    /// When each connection was last profiled; those that never were are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn profile_times(&self) -> Result<HashMap<Uuid, DateTime<Utc>>, StoreError> {
        let rows: Vec<(String, i64)> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(
                        "SELECT connection_id, MAX(created_at) FROM datachat_profiles GROUP BY connection_id",
                    )
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        let times = rows.into_iter();
        Ok(times
            .filter_map(|(id, at)| Some((id.parse().ok()?, DateTime::from_timestamp_micros(at)?)))
            .collect())
    }
}
