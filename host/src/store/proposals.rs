//! Rows of proposed DataPoints, and what people made of them.
//!
//! The proposals of a generation and the end of its job are one transaction, and so are the approval of any
//! number of proposals and the DataPoints that they become.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::jobs::complete_job;
use super::scopes::{ScopeChange, apply_change, require_connection};
use super::{Counts, NewDatapoint, ScopeRef, Store, StoreError, in_transaction, on_pool};

/// A proposal to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProposal {
    pub id: Uuid,
    pub datapoint_id: String,
    /// The whole DataPoint as JSON.
    pub body: String,
    /// Of 1000.
    pub confidence: i64,
}

/// A proposal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRow {
    pub id: Uuid,
    pub profile_id: Uuid,
    pub connection_id: Uuid,
    /// As it was proposed.
    pub datapoint_id: String,
    /// The whole DataPoint as JSON; of an approved one, what was stored.
    pub body: String,
    /// Of 1000.
    pub confidence: i64,
    pub status: ProposalStatus,
    pub review_note: Option<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalStatus {
    Pending,
    Approved,
    Rejected,
}

impl ProposalStatus {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Approved, Self::Rejected];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// The place of a proposal in a list: the id of its DataPoint and its own.
pub type ProposalPlace = (String, Uuid);

/// A proposal that becomes a DataPoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub id: Uuid,
    pub note: Option<String>,
    pub scope: ScopeRef,
    pub datapoint: NewDatapoint,
}

type Columns = (
    String,
    String,
    String,
    String,
    String,
    i64,
    String,
    Option<String>,
    i64,
);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT proposal_id, profile_id, connection_id, datapoint_id, body, confidence, status, review_note, created_at \
             FROM datachat_proposals ",
            $rest
        )
    };
}

impl Store {
    /// Stores the proposals of a generation and completes its job: all or nothing. Of a DataPoint that waits for
    /// review already, the older proposal goes if `replace`, else the new one does.
    ///
    /// # Errors
    /// [`StoreError::JobInterrupted`], [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn complete_generation(
        &self,
        job: Uuid,
        profile: Uuid,
        scope: &ScopeRef,
        proposals: &[NewProposal],
        replace: bool,
        counts: Counts,
    ) -> Result<(), StoreError> {
        let connection = scope.connection_id.unwrap_or_default().to_string();
        self.call_at_length(Box::pin(async {
            in_transaction!(self, transaction => {
                require_connection!(transaction, scope);
                let now = complete_job!(transaction, self, job, profile, counts);
                for new in proposals {
                    if replace {
                        sqlx::query(
                            "DELETE FROM datachat_proposals \
                             WHERE connection_id = $1 AND datapoint_id = $2 AND status = 'pending'",
                        )
                        .bind(&connection)
                        .bind(&new.datapoint_id)
                        .execute(&mut *transaction)
                        .await?;
                    }
                    sqlx::query(
                        "INSERT INTO datachat_proposals (proposal_id, profile_id, connection_id, datapoint_id, body, \
                         confidence, status, created_at) \
                         SELECT $1, $2, $3, $4, $5, $6, 'pending', $7 WHERE NOT EXISTS \
                         (SELECT 1 FROM datachat_proposals \
                         WHERE connection_id = $3 AND datapoint_id = $4 AND status = 'pending')",
                    )
                    .bind(new.id.to_string())
                    .bind(profile.to_string())
                    .bind(&connection)
                    .bind(&new.datapoint_id)
                    .bind(&new.body)
                    .bind(new.confidence)
                    .bind(now)
                    .execute(&mut *transaction)
                    .await?;
                }
            });
            Ok(())
        }))
        .await
    }

    /// Proposals, by the ids of their DataPoints, after a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proposals(
        &self,
        status: Option<ProposalStatus>,
        connection: Option<Uuid>,
        after: Option<&ProposalPlace>,
        limit: u32,
    ) -> Result<Vec<ProposalRow>, StoreError> {
        let (after_datapoint, after_id) = match after {
            Some((datapoint, id)) => (datapoint.as_str(), id.to_string()),
            None => ("", String::new()),
        };
        let rows: Vec<Columns> = self
            .call_at_length(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!(
                        "WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR connection_id = $2) \
                         AND (datapoint_id, proposal_id) > ($3, $4) ORDER BY datapoint_id, proposal_id LIMIT $5"
                    ))
                    .bind(status.map(ProposalStatus::name))
                    .bind(connection.map(|id| id.to_string()))
                    .bind(after_datapoint)
                    .bind(after_id)
                    .bind(i64::from(limit))
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// How many proposals of a profile wait for review.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_pending(&self, profile: Uuid) -> Result<u64, StoreError> {
        let (count,): (i64,) = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(
                        "SELECT COUNT(*) FROM datachat_proposals WHERE profile_id = $1 AND status = 'pending'",
                    )
                    .bind(profile.to_string())
                    .fetch_one(pool)
                    .await?
                }))
            })
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// A proposal.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proposal(&self, id: Uuid) -> Result<Option<ProposalRow>, StoreError> {
        let found: Option<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!("WHERE proposal_id = $1"))
                        .bind(id.to_string())
                        .fetch_optional(pool)
                        .await?
                }))
            })
            .await?;
        Ok(found.and_then(row))
    }

    /// Notes that a proposal is not wanted.
    ///
    /// # Errors
    /// [`StoreError::ProposalMissing`], [`StoreError::ProposalReviewed`], else [`StoreError`].
    pub async fn reject_proposal(&self, id: Uuid, note: Option<&str>) -> Result<(), StoreError> {
        self.call(Box::pin(async {
            in_transaction!(self, transaction => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(&mut *transaction).await?;
                let rejected = sqlx::query(
                    "UPDATE datachat_proposals SET status = 'rejected', review_note = $2, reviewed_at = $3 \
                     WHERE proposal_id = $1 AND status = 'pending'",
                )
                .bind(id.to_string())
                .bind(note)
                .bind(now)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
                if rejected == 0 {
                    let found: Option<(String,)> = sqlx::query_as(
                        "SELECT status FROM datachat_proposals WHERE proposal_id = $1",
                    )
                    .bind(id.to_string())
                    .fetch_optional(&mut *transaction)
                    .await?;
                    return Err(unreviewable(id, found.is_some()).into());
                }
            });
            Ok(())
        }))
        .await
    }

    /// Makes DataPoints of proposals: of all or of none.
    ///
    /// # Errors
    /// [`StoreError::ProposalMissing`], [`StoreError::ProposalReviewed`], [`StoreError::ProposalExists`],
    /// [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn approve_proposals(&self, approvals: &[Approval]) -> Result<(), StoreError> {
        let by_scope = by_scope(approvals)?;
        self.call_at_length(Box::pin(async {
            in_transaction!(self, transaction => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(&mut *transaction).await?;
                for approval in approvals {
                    let id = approval.id;
                    let found: Option<(String,)> = sqlx::query_as(
                        "SELECT status FROM datachat_proposals WHERE proposal_id = $1",
                    )
                    .bind(id.to_string())
                    .fetch_optional(&mut *transaction)
                    .await?;
                    if found.as_ref().is_none_or(|(status,)| status != "pending") {
                        return Err(unreviewable(id, found.is_some()).into());
                    }
                    let taken: Option<(String,)> = sqlx::query_as(
                        "SELECT scope FROM datachat_datapoints WHERE scope = $1 AND datapoint_id = $2",
                    )
                    .bind(&approval.scope.key)
                    .bind(&approval.datapoint.datapoint_id)
                    .fetch_optional(&mut *transaction)
                    .await?;
                    if taken.is_some() {
                        let id = approval.datapoint.datapoint_id.clone();
                        return Err(StoreError::ProposalExists { id }.into());
                    }
                    sqlx::query(
                        "UPDATE datachat_proposals SET status = 'approved', body = $2, review_note = $3, \
                         reviewed_at = $4 WHERE proposal_id = $1",
                    )
                    .bind(id.to_string())
                    .bind(&approval.datapoint.body)
                    .bind(&approval.note)
                    .bind(now)
                    .execute(&mut *transaction)
                    .await?;
                }
                for (scope, write) in &by_scope {
                    let (revision,): (Option<i64>,) =
                        sqlx::query_as("SELECT MAX(revision) FROM datachat_scopes WHERE scope = $1")
                            .bind(&scope.key)
                            .fetch_one(&mut *transaction)
                            .await?;
                    let change = ScopeChange {
                        scope: scope.clone(),
                        base_revision: revision.unwrap_or(0),
                        write: write.clone(),
                        delete: Vec::new(),
                    };
                    apply_change!(transaction, &change);
                }
            });
            Ok(())
        }))
        .await
    }
}

/// What is written to each scope, and in the order of their keys.
fn by_scope(approvals: &[Approval]) -> Result<Vec<(ScopeRef, Vec<NewDatapoint>)>, StoreError> {
    let mut taken = HashSet::new();
    let mut scopes: BTreeMap<&str, (ScopeRef, Vec<NewDatapoint>)> = BTreeMap::new();
    for approval in approvals {
        let key = approval.scope.key.as_str();
        if !taken.insert((key, approval.datapoint.datapoint_id.as_str())) {
            let id = approval.datapoint.datapoint_id.clone();
            return Err(StoreError::ProposalExists { id });
        }
        let entry = scopes.entry(key);
        let (_, write) = entry.or_insert_with(|| (approval.scope.clone(), Vec::new()));
        write.push(approval.datapoint.clone());
    }
    Ok(scopes.into_values().collect())
}

fn unreviewable(id: Uuid, exists: bool) -> StoreError {
    if exists {
        StoreError::ProposalReviewed { id }
    } else {
        StoreError::ProposalMissing { id }
    }
}

/// A row; `None` for one that was spoilt by hand, which then harms no other.
fn row(columns: Columns) -> Option<ProposalRow> {
    Some(ProposalRow {
        id: columns.0.parse().ok()?,
        profile_id: columns.1.parse().ok()?,
        connection_id: columns.2.parse().ok()?,
        datapoint_id: columns.3,
        body: columns.4,
        confidence: columns.5,
        status: ProposalStatus::from_name(&columns.6)?,
        review_note: columns.7,
        created_at: DateTime::from_timestamp_micros(columns.8)?,
    })
}
