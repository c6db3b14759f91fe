//! `/api/v1/datapoints/generate`: proposals made of a profile.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Fields;
use super::extract::{Admin, AnyId, Object};
use super::problem::Problem;
use super::profiling::{most, table_names};
use crate::app::App;
use crate::profiling::{Depth, GenerateRequest};
use crate::store::JobRow;

/// `POST /datapoints/generate`
pub async fn start(
    State(app): State<App>,
    _: Admin,
    Object(fields): Object,
) -> Result<Json<Value>, Problem> {
    let request = read(fields)?;
    Ok(Json(show(&app.profiling.generate(request).await?)))
}

/// `GET /datapoints/generate/jobs/{job}`
pub async fn job(State(app): State<App>, AnyId(id): AnyId) -> Result<Json<Value>, Problem> {
    Ok(Json(show(&app.profiling.generation(id).await?)))
}

/// `GET /datapoints/generate/profiles/{profile}`
pub async fn latest(State(app): State<App>, AnyId(id): AnyId) -> Result<Json<Value>, Problem> {
    let job = app.profiling.latest_generation(id).await?;
    Ok(Json(job.as_ref().map_or(Value::Null, show)))
}

fn read(mut fields: Fields) -> Result<GenerateRequest, Problem> {
    let profile = fields.required_text("profile_id");
    let profile_id = Uuid::try_parse(profile.trim()).unwrap_or_default();
    if profile_id.is_nil() && !profile.is_empty() {
        fields.reject(
            "profile_id",
            "value",
            "must be the id of a profile (a UUID)",
        );
    }
    let batch = fields.integer("batch_size", GenerateRequest::BATCH_SIZE);
    let metrics = fields.integer("max_metrics_per_table", GenerateRequest::MAX_METRICS);
    let request = GenerateRequest {
        profile_id,
        tables: table_names(&mut fields),
        depth: fields
            .word("depth", &Depth::ALL)
            .unwrap_or(Depth::MetricsBasic),
        batch_size: batch.unwrap_or(GenerateRequest::BATCH),
        max_tables: most(&mut fields, "max_tables", None),
        max_metrics_per_table: metrics.unwrap_or(GenerateRequest::METRICS),
        replace_existing: fields.flag("replace_existing").unwrap_or(true),
    };
    fields.finish()?;
    Ok(request)
}

/// A job, in the order of the contract.
fn show(job: &JobRow) -> Value {
    let asked: Option<GenerateRequest> = serde_json::from_str(&job.request).ok();
    json!({
        "job_id": job.id,
        "profile_id": job.profile_id,
        "status": job.status.name(),
        "progress": {
            "total_tables": job.counts.total,
            "tables_completed": job.counts.completed,
            "tables_skipped": job.counts.skipped,
            "batch_size": asked.map(|asked| asked.batch_size),
        },
        "error": job.error,
    })
}

#[cfg(test)]
mod tests {
    use super::super::problem::Code;
    use super::*;

    fn read_text(body: &str) -> Result<GenerateRequest, Problem> {
        read(Fields::parse(body.as_bytes()).expect("an object"))
    }

    #[test]
    fn a_generation_needs_a_profile_and_has_defaults_for_the_rest() {
        let id = Uuid::from_u128(7);
        let request = read_text(&format!("{{\"profile_id\": \"{id}\"}}")).expect("taken");
        let expected = GenerateRequest {
            profile_id: id,
            tables: None,
            depth: Depth::MetricsBasic,
            batch_size: 10,
            max_tables: None,
            max_metrics_per_table: 3,
            replace_existing: true,
        };
        assert_eq!(request, expected);
        for (body, code) in [
            ("{}", Code::ValidationFailed),
            (r#"{"profile_id": "x"}"#, Code::ValidationFailed),
            (
                r#"{"profile_id": "00000000-0000-0000-0000-000000000007", "depth": "all"}"#,
                Code::ValidationFailed,
            ),
            (
                r#"{"profile_id": "00000000-0000-0000-0000-000000000007", "batch_size": 51}"#,
                Code::ValidationFailed,
            ),
            (
                r#"{"profile_id": "00000000-0000-0000-0000-000000000007", "deep": 1}"#,
                Code::UnknownField,
            ),
        ] {
            assert_eq!(read_text(body).expect_err(body).code, code, "{body}");
        }
    }
}
