//! `/api/v1/sync`: bringing DataPoints from files, and how that is getting on.

use std::path::PathBuf;

use axum::Json;
use axum::extract::{Extension, State};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Fields;
use super::convert::sentence;
use super::extract::{Admin, Object, Parameters};
use super::problem::{Code, Problem};
use crate::app::App;
use crate::knowledge::sync::{JobView, ScopeMode, Source, SyncError, SyncRequest, SyncRules, Text};
use crate::knowledge::{ConflictMode, Contracts, Tier};
use crate::registry::format_time;
use crate::tools::Caller;

/// `POST /sync`
pub async fn start(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    _: Admin,
    Object(fields): Object,
) -> Result<Json<Value>, Problem> {
    let (given, rules) = Given::read(fields)?;
    let source = match given {
        Given::Texts(texts) => Source::Texts(texts),
        // Whoever opens the system database may read files as well.
        Given::Folder(Some(name)) if matches!(caller, Caller::Local) => {
            Source::Folder(PathBuf::from(name))
        }
        Given::Folder(name) => Source::Folder(app.syncs.folder(name.as_deref())?),
    };
    let job = app.syncs.start(SyncRequest { source, rules }).await?;
    Ok(Json(json!({ "job_id": job })))
}

/// `GET /sync/status`
pub async fn status(
    State(app): State<App>,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let id = match parameters.get("job_id") {
        None => None,
        Some(text) => Some(Uuid::try_parse(text.trim()).map_err(|_| {
            Problem::new(Code::InvalidId, "The id is not a UUID.").with("field", "job_id")
        })?),
    };
    let job = app.syncs.status(id).await?;
    Ok(Json(show(job.as_ref())))
}

/// Where the body says that the DataPoints are.
enum Given {
    /// A folder inside the configured one; `None`: that one itself.
    Folder(Option<String>),
    Texts(Vec<Text>),
}

#[derive(Clone, Copy)]
enum Mode {
    Auto,
    Database,
    Global,
}

impl Given {
    fn read(mut fields: Fields) -> Result<(Self, SyncRules), Problem> {
        let mode = fields.word(
            "scope",
            &[
                ("auto", Mode::Auto),
                ("database", Mode::Database),
                ("global", Mode::Global),
            ],
        );
        let connection_id = fields.text("connection_id");
        let conflicts = ConflictMode::ALL.map(|mode| (mode.name(), mode));
        let conflicts = fields.word("conflict_mode", &conflicts);
        let contracts = Contracts {
            strict: fields.flag("strict_contracts").unwrap_or(true),
            fail_on_warnings: fields.flag("fail_on_contract_warnings").unwrap_or(false),
        };
        let folder = fields.text("datapoints_dir");
        let texts = texts(&mut fields);
        if folder.is_some() && texts.is_some() {
            fields.reject(
                "datapoints",
                "value",
                "must not be given beside datapoints_dir",
            );
        }
        fields.finish()?;
        let scope = scope(mode.unwrap_or(Mode::Auto), connection_id.as_deref())?;
        let given = match texts {
            Some(texts) => Self::Texts(texts),
            None => Self::Folder(folder),
        };
        let rules = SyncRules {
            scope,
            conflicts: conflicts.unwrap_or_default(),
            contracts,
        };
        Ok((given, rules))
    }
}

fn scope(mode: Mode, connection_id: Option<&str>) -> Result<ScopeMode, Problem> {
    match (mode, connection_id) {
        (Mode::Auto, None) => Ok(ScopeMode::Auto),
        (Mode::Global, None) => Ok(ScopeMode::Global),
        (Mode::Auto | Mode::Global, Some(_)) => Err(Problem::new(
            Code::ConnectionIdNotAllowed,
            "connection_id belongs to the scope `database` alone.",
        )
        .with("field", "connection_id")),
        (Mode::Database, None) => Err(Problem::new(
            Code::ConnectionIdRequired,
            "The scope `database` needs a connection_id.",
        )
        .with("field", "connection_id")),
        (Mode::Database, Some(id)) => {
            let id = Uuid::try_parse(id.trim()).map_err(|_| {
                Problem::new(Code::InvalidConnectionId, "Invalid connection ID.")
                    .with("field", "connection_id")
            })?;
            Ok(ScopeMode::Database(id))
        }
    }
}

/// Where an inline DataPoint came from.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceOf {
    path: String,
    tier: Option<String>,
}

/// The DataPoints of the body, as they are written there.
fn texts(fields: &mut Fields) -> Option<Vec<Text>> {
    let raw = fields.raw("datapoints");
    let sources = fields.raw("sources");
    let raw = raw?;
    let Ok(points) = serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()) else {
        fields.reject("datapoints", "type", "must be an array");
        return None;
    };
    let sources: Vec<SourceOf> = match sources {
        None => Vec::new(),
        Some(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| {
            fields.reject("sources", "type", "must be an array of {path, tier}");
            Vec::new()
        }),
    };
    if !sources.is_empty() && sources.len() != points.len() {
        fields.reject(
            "sources",
            "length",
            "must have as many entries as datapoints",
        );
        return None;
    }
    let mut sources = sources.into_iter();
    let mut texts = Vec::new();
    for (at, point) in points.into_iter().enumerate() {
        let source = sources.next();
        let tier = source.as_ref().and_then(|source| source.tier.as_deref());
        let tier = match tier.map(Tier::from_name) {
            None => Tier::Managed,
            Some(Some(tier)) => tier,
            Some(None) => {
                let words = Tier::ALL.map(Tier::name).join(", ");
                let message = format!("must be one of {words}");
                fields.reject(&format!("sources[{at}].tier"), "value", message);
                Tier::Custom
            }
        };
        texts.push(Text {
            path: source.map_or_else(|| format!("datapoints[{at}]"), |source| source.path),
            tier,
            text: point.get().to_owned(),
        });
    }
    Some(texts)
}

/// A job, in the order of the contract; without one, that there was none.
fn show(job: Option<&JobView>) -> Value {
    let row = job.map(|job| &job.row);
    let list = |name: &str| match job.map(|job| &job.report[name]) {
        Some(list) if list.is_array() => list.clone(),
        _ => json!([]),
    };
    let changes = job.map(|job| &job.report["changes"]);
    json!({
        "status": row.map_or("idle", |row| row.status.name()),
        "job_id": row.map(|row| row.id),
        "sync_type": row.map(|row| &row.sync_type),
        "started_at": row.map(|row| format_time(row.started_at)),
        "finished_at": row.and_then(|row| row.finished_at).map(format_time),
        "total_datapoints": row.map_or(0, |row| row.progress.total),
        "processed_datapoints": row.map_or(0, |row| row.progress.processed),
        "error": row.and_then(|row| row.error.as_ref()),
        "scope": row.map(|row| &row.scope),
        "connection_id": row.and_then(|row| row.connection_id),
        "skipped": row.map_or(0, |row| row.progress.skipped),
        "errors": list("errors"),
        "warnings": list("warnings"),
        "changes": changes,
    })
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        let text = sentence(&error);
        match error {
            SyncError::ConnectionNotFound { id } => Self::new(Code::ConnectionNotFound, text)
                .with("field", "connection_id")
                .on_connection(id),
            SyncError::Running { job } => Self::new(Code::SyncRunning, text)
                .with("job_id", job.to_string())
                .with("retryable", true),
            SyncError::JobNotFound { .. } => {
                Self::new(Code::JobNotFound, text).with("field", "job_id")
            }
            SyncError::NoFolder => Self::field(
                "datapoints",
                "missing",
                "is required: the server has no folder of DataPoints (DATAPOINTS_DIR)",
            ),
            SyncError::OutsideFolder => Self::field(
                "datapoints_dir",
                "value",
                "must be a folder inside that of the server (DATAPOINTS_DIR)",
            ),
            SyncError::Unavailable(reason) => Self::from(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (&'static str, Value) {
        let fields = Fields::parse(body.as_bytes()).expect("an object");
        let Err(problem) = Given::read(fields) else {
            panic!("{body} was taken");
        };
        (
            problem.code.name(),
            problem.to_json(Uuid::nil())["field"].clone(),
        )
    }

    #[test]
    fn a_connection_is_named_for_the_scope_of_one_and_for_no_other() {
        let id = Uuid::from_u128(7);
        let scope = |body: Value| {
            let fields = Fields::parse(body.to_string().as_bytes()).expect("an object");
            Given::read(fields).ok().map(|(_, rules)| rules.scope)
        };
        assert_eq!(scope(json!({})), Some(ScopeMode::Auto));
        assert_eq!(scope(json!({"scope": "global"})), Some(ScopeMode::Global));
        let database = json!({"scope": "database", "connection_id": id});
        assert_eq!(scope(database), Some(ScopeMode::Database(id)));
        let field = json!("connection_id");
        let missing = refused(r#"{"scope": "database"}"#);
        assert_eq!(missing, ("connection_id_required", field.clone()));
        let superfluous = refused(r#"{"scope": "global", "connection_id": "x"}"#);
        assert_eq!(superfluous, ("connection_id_not_allowed", field.clone()));
        let no_id = refused(r#"{"scope": "database", "connection_id": "x"}"#);
        assert_eq!(no_id, ("invalid_connection_id", field));
    }

    #[test]
    fn inline_datapoints_may_say_which_files_they_are_of() {
        let body = json!({
            "datapoints": [{"a": 1}, 2],
            "sources": [{"path": "x.json", "tier": "user"}, {"path": "y.json"}],
        });
        let fields = Fields::parse(body.to_string().as_bytes()).expect("an object");
        let Ok((Given::Texts(texts), _)) = Given::read(fields) else {
            panic!("refused");
        };
        let read: Vec<_> = texts
            .iter()
            .map(|text| (text.path.as_str(), text.tier, text.text.as_str()))
            .collect();
        let expected = [
            ("x.json", Tier::User, "{\"a\":1}"),
            ("y.json", Tier::Managed, "2"),
        ];
        assert_eq!(read, expected);
        for body in [
            r#"{"datapoints": [1], "sources": [{"path": "a"}, {"path": "b"}]}"#,
            r#"{"datapoints": [1], "sources": [{"path": "a", "tier": "best"}]}"#,
            r#"{"datapoints": [1], "sources": [1]}"#,
            r#"{"datapoints": {}}"#,
            r#"{"datapoints": [], "datapoints_dir": "x"}"#,
        ] {
            assert_eq!(refused(body).0, "validation_failed", "{body}");
        }
    }

    #[test]
    fn without_any_job_the_status_is_idle() {
        let shown = show(None);
        assert_eq!(shown["status"], "idle");
        assert_eq!(shown["job_id"], Value::Null);
        assert_eq!(shown["errors"], json!([]));
    }
}
