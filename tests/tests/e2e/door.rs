//! The ways in that take a `target_database`. What holds for one must hold for the other.

use anyhow::Result;
use datachat_tests::engines::Engine;
use datachat_tests::{Answer, Client};
use serde_json::{Map, Value, json};

/// An endpoint that asks a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Query,
    Tools,
}

impl Door {
    pub const ALL: [Self; 2] = [Self::Query, Self::Tools];

    /// Asks the database who it is; without a target when there is none, else with any JSON as one.
    pub async fn ask(self, client: &Client, target: Option<Value>) -> Result<Answer> {
        const SQL: &str = "SELECT marker FROM whoami";
        let (path, mut body) = match self {
            Self::Query => ("/api/v1/query", json!({ "sql": SQL })),
            Self::Tools => (
                "/api/v1/tools/execute",
                json!({ "name": "run_sql", "arguments": { "query": SQL } }),
            ),
        };
        if let (Some(target), Some(body)) = (target, body.as_object_mut()) {
            body.insert("target_database".to_owned(), target);
        }
        client.post(path, &body).await
    }

    /// Who answered: the marker in the data, and the `database` member that says so.
    ///
    /// # Errors
    /// When it is no answer with data.
    pub fn answered(self, answer: &Answer) -> Result<(Value, Map<String, Value>)> {
        let body = answer.expect(200)?;
        let marker = match self {
            Self::Query => &body["rows"][0][0],
            Self::Tools => &body["result"]["data"]["marker"][0],
        };
        let database = body["database"].as_object().cloned().unwrap_or_default();
        Ok((marker.clone(), database))
    }
}

/// Asserts that `database`, a PostgreSQL, gave the answer, and that the answer says so.
#[track_caller]
pub fn assert_answered(door: Door, answer: &Answer, marker: &str, id: &str, chosen_by: &str) {
    assert_answered_by(Engine::PostgreSql, door, answer, marker, id, chosen_by);
}

/// Asserts that a database of an engine gave the answer, and that the answer says so.
#[track_caller]
pub fn assert_answered_by(
    engine: Engine,
    door: Door,
    answer: &Answer,
    marker: &str,
    id: &str,
    chosen_by: &str,
) {
    let (seen, database) = door
        .answered(answer)
        .unwrap_or_else(|error| panic!("{door:?}: {error:#}"));
    assert_eq!(seen, marker, "{door:?}");
    assert_eq!(database["id"], id, "{door:?}");
    assert_eq!(database["type"], engine.database_type(), "{door:?}");
    assert_eq!(database["chosen_by"], chosen_by, "{door:?}");
    let members: Vec<&String> = database.keys().collect();
    assert_eq!(members, ["id", "name", "type", "chosen_by"], "{door:?}");
}
