//! `/api/v1/datapoints/pending`: proposed DataPoints, and their review.

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::convert::sentence;
use super::extract::{Admin, AnyId, Object, Page, Parameters};
use super::problem::{Code, Problem};
use crate::app::App;
use crate::knowledge::proposals::{Proposal, ProposalError};
use crate::store::{ProposalPlace, ProposalStatus};

/// Entries of a page for whoever names no limit.
const PAGE: u32 = 100;

/// `GET /datapoints/pending`
pub async fn list(
    State(app): State<App>,
    page: Page,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let statuses = [
        ("pending", Some(ProposalStatus::Pending)),
        ("approved", Some(ProposalStatus::Approved)),
        ("rejected", Some(ProposalStatus::Rejected)),
        ("all", None),
    ];
    let status = parameters
        .word("status_filter", &statuses)?
        .unwrap_or(Some(ProposalStatus::Pending));
    let connection = parameters.connection_id()?;
    let after = page.after(decode)?;
    let limit = page.limit.unwrap_or(PAGE);
    let (found, next) = app
        .proposals
        .list(status, connection, after.as_ref(), limit)
        .await?;
    let pending: Vec<Value> = found.iter().map(show).collect();
    let next_cursor = next.map(|place| encode(&place));
    Ok(Json(
        json!({ "pending": pending, "next_cursor": next_cursor }),
    ))
}

/// `POST /datapoints/pending/{id}/approve`
pub async fn approve(
    State(app): State<App>,
    AnyId(id): AnyId,
    _: Admin,
    Object(mut fields): Object,
) -> Result<Json<Value>, Problem> {
    let note = fields.text("review_note");
    let edited = fields.raw("datapoint");
    fields.finish()?;
    let edited = edited.as_ref().map(|raw| raw.get());
    let approved = app.proposals.approve(id, edited, note).await?;
    Ok(Json(show(&approved)))
}

/// `POST /datapoints/pending/{id}/reject`
pub async fn reject(
    State(app): State<App>,
    AnyId(id): AnyId,
    _: Admin,
    Object(mut fields): Object,
) -> Result<Json<Value>, Problem> {
    let note = fields.text("review_note");
    fields.finish()?;
    let rejected = app.proposals.reject(id, note.as_deref()).await?;
    Ok(Json(show(&rejected)))
}

/// `POST /datapoints/pending/bulk-approve`
pub async fn approve_all(
    State(app): State<App>,
    _: Admin,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let connection = parameters.connection_id()?;
    let approved = app.proposals.approve_all(connection, None).await?;
    let shown: Vec<Value> = approved.iter().map(show).collect();
    Ok(Json(
        json!({ "approved_count": approved.len(), "pending": shown }),
    ))
}

/// A proposal, in the order of the contract.
fn show(proposal: &Proposal) -> Value {
    // Of at most 1000, so nothing is lost.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let confidence = proposal.confidence as f64 / 1000.0;
    json!({
        "pending_id": proposal.id,
        "profile_id": proposal.profile,
        "datapoint": proposal.datapoint,
        "confidence": confidence,
        "status": proposal.status.name(),
        "review_note": proposal.note,
    })
}

fn encode(place: &ProposalPlace) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\n{}", place.0, place.1))
}

fn decode(cursor: &str) -> Option<ProposalPlace> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (datapoint, id) = text.split_once('\n')?;
    Some((datapoint.to_owned(), Uuid::try_parse(id).ok()?))
}

impl From<ProposalError> for Problem {
    fn from(error: ProposalError) -> Self {
        let text = sentence(&error);
        match error {
            ProposalError::NotFound { .. } => Self::new(Code::PendingNotFound, text),
            ProposalError::AlreadyReviewed { id } => {
                Self::new(Code::AlreadyReviewed, text).with("pending_id", id.to_string())
            }
            ProposalError::Refused { id, error } => {
                Self::from(error).with_option("pending_id", id.map(|id| id.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_place_and_nothing_else_is_one() {
        let place = ("table_orders".to_owned(), Uuid::from_u128(7));
        assert_eq!(decode(&encode(&place)), Some(place));
        for text in ["", "x", "!", &URL_SAFE_NO_PAD.encode("a\nb")] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
