//! A DataPoint's published form, as far as these tools read it. The host has checked it; what is not there is
//! empty.

use datachat_sdk::knowledge::{Datapoint, Kind, Scope};
use serde::Deserialize;

/// What a body says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Body {
    pub table_name: String,
    pub schema: String,
    pub business_purpose: String,
    pub key_columns: Vec<Column>,
    pub gotchas: Vec<String>,
    pub freshness: Option<String>,
    pub calculation: String,
    pub synonyms: Vec<String>,
    pub business_rules: Vec<String>,
    pub related_tables: Vec<String>,
    pub unit: Option<String>,
    pub aggregation: Option<String>,
    pub schedule: String,
    pub data_freshness: String,
    pub target_tables: Vec<String>,
    pub dependencies: Vec<String>,
    pub sla: Option<String>,
    pub description: String,
}

/// A column that matters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: String,
    pub business_meaning: String,
}

/// A DataPoint and what its body says.
#[derive(Debug, Clone)]
pub struct Point {
    pub id: String,
    pub kind: Kind,
    pub name: String,
    pub scope: Scope,
    pub body: Body,
}

impl Point {
    /// Reads the body.
    ///
    /// # Errors
    /// When it is not the published form.
    pub fn read(datapoint: Datapoint) -> Result<Self, serde_json::Error> {
        Ok(Self {
            body: serde_json::from_str(&datapoint.body)?,
            id: datapoint.id,
            kind: datapoint.kind,
            name: datapoint.name,
            scope: datapoint.scope,
        })
    }

    /// The table that a Schema DataPoint describes, with its schema.
    pub fn table(&self) -> String {
        let Body {
            table_name, schema, ..
        } = &self.body;
        if table_name.contains('.') || schema.is_empty() {
            table_name.clone()
        } else {
            format!("{schema}.{table_name}")
        }
    }
}

/// The published name of a kind.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Schema => "Schema",
        Kind::Business => "Business",
        Kind::Process => "Process",
        Kind::Query => "Query",
    }
}

/// The published name of a scope.
pub fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Connection => "connection",
        Scope::Global => "global",
        Scope::Unscoped => "unscoped",
    }
}
