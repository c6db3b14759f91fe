//! `/api/v1/databases/{id}/profile` and `/api/v1/profiling`: what the tables of a connection look like.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{Fields, Given};
use super::convert::sentence;
use super::extract::{Admin, AnyId, ConnectionId, Object};
use super::problem::{Code, Problem};
use crate::app::App;
use crate::profiling::{ProfileRequest, ProfilingError};
use crate::registry::{RegistryError, ResolveError};
use crate::store::JobRow;

/// `POST /databases/{id}/profile`
pub async fn start(
    State(app): State<App>,
    ConnectionId(id): ConnectionId,
    _: Admin,
    Object(fields): Object,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let request = read(fields)?;
    let resolved = app.registry.resolve(Some(&id.to_string())).await;
    let connection = resolved.map_err(|error| match error {
        // Here the id is what was asked for and not a target.
        ResolveError::NotFound { id } => Problem::from(RegistryError::NotFound { id }),
        error => error.into(),
    })?;
    let job = app.profiling.profile(connection, request).await?;
    Ok((StatusCode::ACCEPTED, Json(show(&job))))
}

/// `GET /profiling/jobs/{job}`
pub async fn job(State(app): State<App>, AnyId(id): AnyId) -> Result<Json<Value>, Problem> {
    Ok(Json(show(&app.profiling.job(id).await?)))
}

/// `GET /profiling/jobs/connection/{id}/latest`
pub async fn latest(
    State(app): State<App>,
    ConnectionId(id): ConnectionId,
) -> Result<Json<Value>, Problem> {
    let job = app.profiling.latest(id).await?;
    Ok(Json(job.as_ref().map_or(Value::Null, show)))
}

/// `GET /profiling/profiles/{profile}/tables`
pub async fn tables(
    State(app): State<App>,
    AnyId(id): AnyId,
) -> Result<Json<ProfileTables>, Problem> {
    let tables = app.profiling.tables(id).await?;
    Ok(Json(ProfileTables {
        profile_id: id,
        tables,
    }))
}

/// The tables of a profile.
#[derive(Debug, Serialize)]
pub struct ProfileTables {
    profile_id: Uuid,
    tables: Vec<Box<RawValue>>,
}

/// The body of a profiling.
fn read(mut fields: Fields) -> Result<ProfileRequest, Problem> {
    let usual = ProfileRequest::default();
    let mut number = |name: &str, range, usual| fields.integer(name, range).unwrap_or(usual);
    let request = ProfileRequest {
        sample_size: number(
            "sample_size",
            ProfileRequest::SAMPLE_SIZE,
            usual.sample_size,
        ),
        max_columns_per_table: number(
            "max_columns_per_table",
            ProfileRequest::MAX_COLUMNS,
            usual.max_columns_per_table,
        ),
        query_timeout_seconds: number(
            "query_timeout_seconds",
            ProfileRequest::QUERY_SECONDS,
            usual.query_timeout_seconds,
        ),
        per_table_timeout_seconds: number(
            "per_table_timeout_seconds",
            ProfileRequest::TABLE_SECONDS,
            usual.per_table_timeout_seconds,
        ),
        total_timeout_seconds: number(
            "total_timeout_seconds",
            ProfileRequest::TOTAL_SECONDS,
            usual.total_timeout_seconds,
        ),
        max_tables: most(&mut fields, "max_tables", usual.max_tables),
        fail_fast: fields.flag("fail_fast").unwrap_or(usual.fail_fast),
        tables: table_names(&mut fields),
    };
    fields.finish()?;
    Ok(request)
}

/// A number of tables; null means all.
pub(super) fn most(fields: &mut Fields, name: &str, usual: Option<u64>) -> Option<u64> {
    let range = ProfileRequest::MAX_TABLES;
    let expected = format!(
        "a whole number from {} to {}, or null",
        range.start(),
        range.end()
    );
    match fields.given::<u64>(name, &expected) {
        Given::Absent => usual,
        Given::Null => None,
        Given::Value(number) if range.contains(&number) => Some(number),
        Given::Value(_) => {
            fields.reject(name, "range", format!("must be {expected}"));
            None
        }
    }
}

/// A list of tables; an empty one would ask for nothing.
pub(super) fn table_names(fields: &mut Fields) -> Option<Vec<String>> {
    let names = fields.texts("tables").value()?;
    if names.is_empty() {
        fields.reject("tables", "length", "must have at least one entry");
    }
    Some(names)
}

/// A job, in the order of the contract.
fn show(job: &JobRow) -> Value {
    json!({
        "job_id": job.id,
        "connection_id": job.connection_id,
        "status": job.status.name(),
        "error": job.error,
        "profile_id": job.profile_id,
        "progress": {
            "total_tables": job.counts.total,
            "tables_completed": job.counts.completed,
            "tables_failed": job.counts.failed,
            "tables_skipped": job.counts.skipped,
        },
    })
}

impl From<ProfilingError> for Problem {
    fn from(error: ProfilingError) -> Self {
        let text = sentence(&error);
        match error {
            ProfilingError::ConnectionNotFound { id } => {
                Self::new(Code::ConnectionNotFound, text).on_connection(id)
            }
            ProfilingError::JobNotFound { .. } => Self::new(Code::JobNotFound, text),
            ProfilingError::ProfileNotFound { .. } => Self::new(Code::ProfileNotFound, text)
                .with("hint", "POST /api/v1/databases/{id}/profile makes one."),
            ProfilingError::TablesNotFound { .. } => Self::new(Code::TableNotFound, text)
                .with("field", "tables")
                .with(
                    "hint",
                    "GET /api/v1/profiling/profiles/{profile}/tables lists them.",
                ),
            ProfilingError::LlmNotConfigured => Self::new(Code::LlmNotConfigured, text)
                .with("field", "depth")
                .with("hint", "`metrics_basic` needs none."),
            ProfilingError::Failed { .. } => Self::new(Code::DatabaseFailed, text),
            ProfilingError::Unavailable(reason) => Self::from(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(body: &str) -> Fields {
        Fields::parse(body.as_bytes()).expect("an object")
    }

    #[test]
    fn what_is_not_said_has_its_default_and_null_tables_are_all() {
        assert_eq!(
            read(fields("{}")).expect("taken"),
            ProfileRequest::default()
        );
        let all =
            read(fields(r#"{"max_tables": null, "tables": ["shop.orders"]}"#)).expect("taken");
        assert_eq!(all.max_tables, None);
        assert_eq!(all.tables, Some(vec!["shop.orders".to_owned()]));
    }

    #[test]
    fn a_number_out_of_its_range_is_refused_by_its_name() {
        for (field, outside) in [
            ("sample_size", [0, 1001]),
            ("max_tables", [0, 501]),
            ("max_columns_per_table", [0, 501]),
            ("query_timeout_seconds", [0, 61]),
            ("per_table_timeout_seconds", [0, 301]),
            ("total_timeout_seconds", [9, 1801]),
        ] {
            for number in outside {
                let problem = read(fields(&format!("{{\"{field}\": {number}}}"))).expect_err(field);
                assert_eq!(problem.code, Code::ValidationFailed);
                assert_eq!(problem.to_json(Uuid::nil())["field"], field);
            }
        }
        for (body, code) in [
            (r#"{"samples": 1}"#, Code::UnknownField),
            (r#"{"tables": []}"#, Code::ValidationFailed),
            (r#"{"fail_fast": 1}"#, Code::ValidationFailed),
        ] {
            assert_eq!(read(fields(body)).expect_err(body).code, code, "{body}");
        }
    }
}
