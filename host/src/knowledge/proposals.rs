//! DataPoints that wait for somebody to look at them.
//!
//! A proposal belongs to one connection, and approving it writes a DataPoint of that connection alone, whatever the
//! proposal or its reviewer says of a scope. It passes the same judgement as what comes by the API. Approving many
//! is one transaction: all become DataPoints or none.

use chrono::Utc;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::datapoint::Problem;
use super::library::LibraryError;
use super::{Library, Scope, Tier, lifecycle, store_form};
use crate::store::{Approval, Origin, ProposalPlace, ProposalRow, ProposalStatus, StoreError};

/// Proposals that are read at a time.
const PAGE: u32 = 500;

/// The proposals. Cheap to clone.
#[derive(Clone)]
pub struct Proposals {
    library: Library,
}

/// A proposal, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub id: Uuid,
    pub profile: Uuid,
    /// Of an approved one, what was stored.
    pub datapoint: Value,
    /// Of 1000.
    pub confidence: i64,
    pub status: ProposalStatus,
    pub note: Option<String>,
}

/// Why a proposal was not shown or reviewed.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    #[error("Pending DataPoint not found: {id}")]
    NotFound { id: Uuid },
    #[error("The pending DataPoint {id} was reviewed already.")]
    AlreadyReviewed { id: Uuid },
    /// What is wrong with it, as with any DataPoint.
    #[error("{error}")]
    Refused {
        /// The proposal, where one of many is refused.
        id: Option<Uuid>,
        error: LibraryError,
    },
}

impl From<StoreError> for ProposalError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ProposalMissing { id } => Self::NotFound { id },
            StoreError::ProposalReviewed { id } => Self::AlreadyReviewed { id },
            StoreError::ProposalExists { id } => refused(LibraryError::Exists { id }),
            other => refused(other.into()),
        }
    }
}

fn refused(error: LibraryError) -> ProposalError {
    ProposalError::Refused { id: None, error }
}

impl Proposals {
    pub fn new(library: Library) -> Self {
        Self { library }
    }

    /// Proposals of a status (of any, without one) and a connection, by the ids of their DataPoints; and the place
    /// that the next page follows.
    ///
    /// # Errors
    /// [`LibraryError::Unavailable`].
    pub async fn list(
        &self,
        status: Option<ProposalStatus>,
        connection: Option<Uuid>,
        after: Option<&ProposalPlace>,
        limit: u32,
    ) -> Result<(Vec<Proposal>, Option<ProposalPlace>), ProposalError> {
        let store = &self.library.store;
        let more = limit.saturating_add(1);
        let mut rows = store.proposals(status, connection, after, more).await?;
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| has_more).map(place);
        Ok((rows.into_iter().map(shown).collect(), next))
    }

    /// Makes a DataPoint of a proposal, as it is or as `edited` says.
    ///
    /// # Errors
    /// [`ProposalError`]; nothing is changed then.
    pub async fn approve(
        &self,
        id: Uuid,
        edited: Option<&str>,
        note: Option<String>,
    ) -> Result<Proposal, ProposalError> {
        let row = self.find(id).await?;
        let approval = self.approval(&row, edited, note).await.map_err(|error| {
            // A reviewer's own words stand in a member of the body.
            refused(match error {
                LibraryError::Invalid(problems) if edited.is_some() => {
                    LibraryError::Invalid(problems.into_iter().map(within_edit).collect())
                }
                other => other,
            })
        })?;
        self.library.store.approve_proposals(&[approval]).await?;
        self.find(id).await.map(shown)
    }

    /// Makes DataPoints of all pending proposals, or of those of a connection: of all or of none.
    ///
    /// # Errors
    /// [`ProposalError`]; nothing is changed then.
    pub async fn approve_all(
        &self,
        connection: Option<Uuid>,
        note: Option<String>,
    ) -> Result<Vec<Proposal>, ProposalError> {
        let store = &self.library.store;
        let mut approvals = Vec::new();
        let mut after: Option<ProposalPlace> = None;
        loop {
            let status = Some(ProposalStatus::Pending);
            let rows = store
                .proposals(status, connection, after.as_ref(), PAGE)
                .await?;
            after = rows.last().map(place);
            for row in &rows {
                let approval = self.approval(row, None, note.clone()).await;
                approvals.push(approval.map_err(|error| ProposalError::Refused {
                    id: Some(row.id),
                    error,
                })?);
            }
            if rows.len() < PAGE as usize {
                break;
            }
        }
        store.approve_proposals(&approvals).await?;
        let mut approved = Vec::with_capacity(approvals.len());
        for approval in approvals {
            approved.push(self.find(approval.id).await.map(shown)?);
        }
        Ok(approved)
    }

    /// Notes that a proposal is not wanted.
    ///
    /// # Errors
    /// [`ProposalError::NotFound`], [`ProposalError::AlreadyReviewed`], [`LibraryError::Unavailable`].
    pub async fn reject(&self, id: Uuid, note: Option<&str>) -> Result<Proposal, ProposalError> {
        self.library.store.reject_proposal(id, note).await?;
        self.find(id).await.map(shown)
    }

    async fn find(&self, id: Uuid) -> Result<ProposalRow, ProposalError> {
        let row = self.library.store.proposal(id).await?;
        row.ok_or(ProposalError::NotFound { id })
    }

    /// The DataPoint that a proposal becomes, judged.
    async fn approval(
        &self,
        row: &ProposalRow,
        edited: Option<&str>,
        note: Option<String>,
    ) -> Result<Approval, LibraryError> {
        let mut point = self.library.read(edited.unwrap_or(&row.body))?;
        let scope = Scope::Connection(row.connection_id);
        claim(scope, &mut point.metadata);
        lifecycle::created(&mut point.metadata, Utc::now());
        self.library.judge(&point, scope).await?;
        Ok(Approval {
            id: row.id,
            note,
            scope: store_form::scope(scope),
            datapoint: store_form::row(&point, Tier::Managed, None, Origin::Approval),
        })
    }
}

/// Makes a scope the only one that metadata name.
fn claim(scope: Scope, metadata: &mut Map<String, Value>) {
    for name in ["scope", "shared", "connection_id"] {
        metadata.remove(name);
    }
    scope.write_into(metadata);
}

fn within_edit(mut problem: Problem) -> Problem {
    problem.field = match problem.field.as_str() {
        "" => "datapoint".to_owned(),
        field => format!("datapoint.{field}"),
    };
    problem
}

fn place(row: &ProposalRow) -> ProposalPlace {
    (row.datapoint_id.clone(), row.id)
}

fn shown(row: ProposalRow) -> Proposal {
    Proposal {
        id: row.id,
        profile: row.profile_id,
        datapoint: serde_json::from_str(&row.body).unwrap_or_default(),
        confidence: row.confidence,
        status: row.status,
        note: row.review_note,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_metadata_say_of_a_scope_the_claim_is_the_only_one() {
        let id = Uuid::from_u128(7);
        for said in [
            json!({}),
            json!({"scope": "global"}),
            json!({"shared": true, "scope": "shared"}),
            json!({"connection_id": Uuid::from_u128(8)}),
            json!({"connection_id": "no id"}),
        ] {
            let mut metadata = said.as_object().expect("an object").clone();
            claim(Scope::Connection(id), &mut metadata);
            assert_eq!(
                Scope::named_in(&metadata),
                Ok(Scope::Connection(id)),
                "{said}"
            );
        }
    }
}
