//! Between DataPoints and rows of the system database.

use uuid::Uuid;

use super::datapoint::{self, DataPoint};
use super::{Scope, Tier};
use crate::registry::ENVIRONMENT_ID;
use crate::store::{DatapointRow, NewDatapoint, Origin, ScopeRef};

/// The row of a DataPoint.
pub(super) fn row(
    point: &DataPoint,
    tier: Tier,
    path: Option<&str>,
    origin: Origin,
) -> NewDatapoint {
    NewDatapoint {
        datapoint_id: point.id.clone(),
        kind: point.kind().name().to_owned(),
        name: point.name.clone(),
        body: point.to_json().to_string(),
        content_hash: point.content_hash(),
        search_text: point.search_text(),
        source_tier: tier.name().to_owned(),
        source_path: path.map(str::to_owned),
        origin,
    }
}

/// The DataPoint of a row; `None` for one that was spoilt by hand.
pub(super) fn point(row: &DatapointRow) -> Option<DataPoint> {
    match datapoint::read(&row.body) {
        Ok(point) => Some(point),
        Err(problems) => {
            let problem = problems.first().map(|problem| problem.message.as_str());
            tracing::error!(
                scope = row.scope,
                id = row.datapoint_id,
                problem,
                "a stored DataPoint can't be read"
            );
            None
        }
    }
}

/// A scope as the store knows it.
pub(super) fn scope(scope: Scope) -> ScopeRef {
    ScopeRef {
        key: scope.to_string(),
        connection_id: scope.connection(),
        needs_row: scope.connection().is_some_and(is_row),
    }
}

/// Whether a connection is a row of the system database.
pub(super) fn is_row(connection: Uuid) -> bool {
    connection != ENVIRONMENT_ID
}
