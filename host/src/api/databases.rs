//! `/api/v1/databases`: the stored connections.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Given;
use super::extract::{Admin, ConnectionId, Object, Page, Parameters};
use super::problem::{Code, Problem};
use super::request_id::RequestId;
use crate::app::App;
use crate::plugins::{Relation, RelationFilter};
use crate::registry::{
    Candidate, ConnectionPatch, ConnectionView, Health, NewConnection, RegistryError, ResolveError,
    Unhealthy, format_time,
};
use crate::secret::Secret;

/// `GET /databases`
pub async fn list(State(app): State<App>, page: Page) -> Result<Response, Problem> {
    let (connections, next) = app
        .registry
        .list(page.limit, page.cursor.as_deref())
        .await?;
    let mut response = Json(connections).into_response();
    if let (Some(cursor), Some(limit)) = (next, page.limit) {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("limit", &limit.to_string())
            .append_pair("cursor", &cursor)
            .finish();
        let link = format!("</api/v1/databases?{query}>; rel=\"next\"");
        if let Ok(value) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, value);
        }
    }
    Ok(response)
}

/// `POST /databases`
pub async fn create(
    State(app): State<App>,
    _: Admin,
    Object(mut fields): Object,
) -> Result<(StatusCode, Json<ConnectionView>), Problem> {
    let new = NewConnection {
        name: fields.required_text("name"),
        database_url: Secret::new(fields.required_text("database_url")),
        database_type: fields.required_text("database_type"),
        tags: fields.texts("tags").value().unwrap_or_default(),
        description: fields.text("description"),
        is_default: fields.flag("is_default").unwrap_or(false),
    };
    fields.finish()?;
    let view = app.registry.create(new).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// `POST /databases/test`
pub async fn test(
    State(app): State<App>,
    _: Admin,
    Object(mut fields): Object,
) -> Result<Response, Problem> {
    let candidate = Candidate {
        name: fields.text("name"),
        description: fields.text("description"),
        database_url: Secret::new(fields.required_text("database_url")),
        database_type: fields.required_text("database_type"),
    };
    // The rest of POST's body is accepted, so that the same body can be tried and then sent.
    fields.texts("tags");
    fields.flag("is_default");
    fields.finish()?;
    Ok(Json(app.registry.test(candidate).await?).into_response())
}

/// `GET /databases/{id}`
pub async fn get(
    State(app): State<App>,
    ConnectionId(id): ConnectionId,
) -> Result<Json<ConnectionView>, Problem> {
    Ok(Json(app.registry.get(id).await?))
}

/// `PATCH /databases/{id}`
pub async fn update(
    State(app): State<App>,
    ConnectionId(id): ConnectionId,
    _: Admin,
    Object(mut fields): Object,
) -> Result<Json<ConnectionView>, Problem> {
    let patch = ConnectionPatch {
        name: fields.text("name"),
        database_url: fields.text("database_url").map(Secret::new),
        database_type: fields.text("database_type"),
        description: match fields.given::<String>("description", "a string or null") {
            Given::Absent => None,
            Given::Null => Some(None),
            Given::Value(text) => Some(Some(text)),
        },
        tags: fields.texts("tags").value(),
    };
    fields.finish()?;
    Ok(Json(app.registry.update(id, patch).await?))
}

/// `DELETE /databases/{id}`
pub async fn delete(
    State(app): State<App>,
    ConnectionId(id): ConnectionId,
    _: Admin,
    parameters: Parameters,
) -> Result<StatusCode, Problem> {
    let keep = parameters.word("datapoints", &[("delete", false), ("keep", true)])?;
    app.registry.delete(id, keep.unwrap_or(false)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /databases/{id}/default`
pub async fn set_default(
    State(app): State<App>,
    ConnectionId(id): ConnectionId,
    _: Admin,
    Object(mut fields): Object,
) -> Result<StatusCode, Problem> {
    let wanted = fields.flag("is_default").unwrap_or(true);
    fields.finish()?;
    if !wanted {
        return Err(Problem::new(
            Code::InvalidDefault,
            "A connection stops being the default when another one becomes it or when it is deleted.",
        )
        .with("field", "is_default"));
    }
    app.registry.set_default(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /databases/{id}/health`
pub async fn health(
    State(app): State<App>,
    RequestId(request): RequestId,
    ConnectionId(id): ConnectionId,
) -> Result<Json<Value>, Problem> {
    let health = app.registry.health(id).await?;
    Ok(Json(health_json(&health, request)))
}

/// The answer of a health check, in the order of the contract.
pub fn health_json(health: &Health, request: Uuid) -> Value {
    let (status, server, error) = match &health.outcome {
        Ok(server) => ("healthy", json!(server), Value::Null),
        Err(error) => {
            let problem = Problem::from(error).on_connection(health.connection_id);
            ("unhealthy", Value::Null, problem.to_json(request))
        }
    };
    json!({
        "connection_id": health.connection_id,
        "status": status,
        "latency_ms": health.latency_ms,
        "server": server,
        "checked_at": format_time(health.checked_at),
        "error": error,
    })
}

impl From<&Unhealthy> for Problem {
    fn from(error: &Unhealthy) -> Self {
        match error {
            Unhealthy::CredentialsUnreadable(_) => {
                Self::new(Code::CredentialsUnreadable, format!("{error}."))
            }
            Unhealthy::ConnectorMissing(_) => {
                Self::new(Code::ConnectorUnavailable, format!("{error}."))
            }
            Unhealthy::Plugin(error) => Self::from(error),
        }
    }
}

/// `GET /databases/{id}/schema`
pub async fn schema(
    State(app): State<App>,
    ConnectionId(id): ConnectionId,
) -> Result<Json<Schema>, Problem> {
    let resolved = app.registry.resolve(Some(&id.to_string())).await;
    let connection = resolved.map_err(|error| match error {
        // Here the id is what was asked for and not a target.
        ResolveError::NotFound { id } => Problem::from(RegistryError::NotFound { id }),
        error => error.into(),
    })?;
    let on_connection =
        |error: &crate::plugins::PluginError| Problem::from(error).on_connection(id);
    let mut session = connection
        .session()
        .await
        .map_err(|error| on_connection(&error))?;
    let filter = RelationFilter {
        schema: None,
        name: None,
        columns: true,
    };
    let mut relations = session
        .relations(filter)
        .await
        .map_err(|error| on_connection(&error))?;
    relations.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    Ok(Json(Schema {
        connection_id: id,
        database_type: connection.database_type.clone(),
        fetched_at: format_time(chrono::Utc::now()),
        tables: relations.into_iter().map(SchemaTable::from).collect(),
    }))
}

/// All user schemas of a database.
#[derive(Debug, Serialize)]
pub struct Schema {
    connection_id: Uuid,
    database_type: String,
    fetched_at: String,
    tables: Vec<SchemaTable>,
}

#[derive(Debug, Serialize)]
struct SchemaTable {
    schema_name: String,
    table_name: String,
    row_count: Option<u64>,
    table_type: &'static str,
    columns: Vec<SchemaColumn>,
}

#[derive(Debug, Serialize)]
struct SchemaColumn {
    name: String,
    data_type: String,
    is_nullable: bool,
    is_primary_key: bool,
    is_foreign_key: bool,
    foreign_table: Option<String>,
    foreign_column: Option<String>,
}

impl From<Relation> for SchemaTable {
    fn from(relation: Relation) -> Self {
        let Relation {
            schema,
            name,
            kind,
            row_estimate,
            columns,
            primary_key,
            foreign_keys,
            comment: _,
        } = relation;
        let columns = columns
            .into_iter()
            .map(|column| {
                // A column of several keys shows the first; the others are in the database's own catalogue.
                let foreign = foreign_keys.iter().find_map(|key| {
                    let index = key.columns.iter().position(|name| *name == column.name)?;
                    let table = if key.referenced_schema == schema {
                        key.referenced_relation.clone()
                    } else {
                        format!("{}.{}", key.referenced_schema, key.referenced_relation)
                    };
                    Some((table, key.referenced_columns.get(index).cloned()))
                });
                let is_foreign_key = foreign.is_some();
                let (foreign_table, foreign_column) =
                    foreign.map_or((None, None), |(t, c)| (Some(t), c));
                SchemaColumn {
                    is_primary_key: primary_key.contains(&column.name),
                    name: column.name,
                    data_type: column.db_type,
                    is_nullable: column.nullable,
                    is_foreign_key,
                    foreign_table,
                    foreign_column,
                }
            })
            .collect();
        Self {
            schema_name: schema,
            table_name: name,
            row_count: row_estimate,
            table_type: kind.name(),
            columns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::{Column, ForeignKey, RelationKind};

    #[test]
    fn keys_are_shown_on_their_columns() {
        let column = |name: &str| Column {
            name: name.to_owned(),
            db_type: "integer".to_owned(),
            nullable: false,
            default_expression: None,
            comment: None,
        };
        let relation = Relation {
            schema: "public".to_owned(),
            name: "orderLines".to_owned(),
            kind: RelationKind::PartitionedTable,
            comment: None,
            row_estimate: None,
            columns: vec![column("id"), column("order_id"), column("region")],
            primary_key: vec!["id".to_owned()],
            foreign_keys: vec![ForeignKey {
                name: "fk".to_owned(),
                columns: vec!["region".to_owned(), "order_id".to_owned()],
                referenced_schema: "sales".to_owned(),
                referenced_relation: "orders".to_owned(),
                referenced_columns: vec!["area".to_owned(), "id".to_owned()],
            }],
        };
        let json = json!(SchemaTable::from(relation));
        assert_eq!(json["row_count"], Value::Null);
        assert_eq!(json["table_type"], "partitioned_table");
        assert_eq!(json["columns"][0]["is_primary_key"], true);
        assert_eq!(json["columns"][0]["is_foreign_key"], false);
        assert_eq!(json["columns"][1]["foreign_table"], "sales.orders");
        assert_eq!(json["columns"][1]["foreign_column"], "id");
        assert_eq!(json["columns"][2]["foreign_column"], "area");
    }
}
