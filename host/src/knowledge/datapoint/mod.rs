//! A DataPoint: the four kinds with every field and constraint.
//!
//! A value of [`DataPoint`] is one that was read and found right; [`read`] and [`read_all`] are the only ways to
//! it from outside. Whether it also satisfies the contracts, and whether its SQL only reads, is judged
//! elsewhere: that depends on where it is to be used.

mod document;
mod problem;
mod read;
#[cfg(test)]
pub(in crate::knowledge) mod tests;

pub use problem::Problem;
pub use read::{read, read_all};

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Kind;

/// One unit of knowledge.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPoint {
    pub id: String,
    pub name: String,
    /// An e-mail address, in lower case.
    pub owner: String,
    pub tags: Vec<String>,
    /// Free, but for `scope`, `shared`, `connection_id` and `lifecycle`, which have a meaning.
    pub metadata: Map<String, Value>,
    pub detail: Detail,
}

/// What only one kind has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Detail {
    Schema(Schema),
    Business(Business),
    Process(Process),
    Query(Query),
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// With or without its schema.
    pub table_name: String,
    pub schema: String,
    pub business_purpose: String,
    /// At least one.
    pub key_columns: Vec<Column>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relationships: Vec<Relationship>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common_queries: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gotchas: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
}

/// A column that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: String,
    pub business_meaning: String,
    pub nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
}

/// How a table is joined to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relationship {
    pub target_table: String,
    pub join_column: String,
    pub cardinality: Cardinality,
    pub relationship_type: RelationshipType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Cardinality {
    #[serde(rename = "1:1")]
    OneToOne,
    #[serde(rename = "1:N")]
    OneToMany,
    #[serde(rename = "N:1")]
    ManyToOne,
    #[serde(rename = "N:N")]
    ManyToMany,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationshipType {
    ForeignKey,
    Logical,
}

/// A metric or a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Business {
    pub calculation: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub business_rules: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_tables: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregation: Option<Aggregation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Aggregation {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Custom,
}

/// What fills tables, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    pub schedule: String,
    pub data_freshness: String,
    /// At least one.
    pub target_tables: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sla: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring_url: Option<String>,
}

/// A statement with parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Query {
    pub sql_template: String,
    pub description: String,
    /// By the name that stands in braces in the templates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
    /// Templates for database types, by the type's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub backend_variants: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_tables: Vec<String>,
}

/// What may be put into a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    #[serde(rename = "type")]
    pub kind: ParameterType,
    pub required: bool,
    /// Of the parameter's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Only of an enum, which has at least one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    String,
    Integer,
    Float,
    Timestamp,
    Enum,
    Boolean,
}

/// What a result must be like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Validation {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected_columns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u64>,
}

impl DataPoint {
    pub fn kind(&self) -> Kind {
        match self.detail {
            Detail::Schema(_) => Kind::Schema,
            Detail::Business(_) => Kind::Business,
            Detail::Process(_) => Kind::Process,
            Detail::Query(_) => Kind::Query,
        }
    }

    /// As it is shown and stored; [`read`] gives the same DataPoint back.
    pub fn to_json(&self) -> Value {
        let mut json = Map::new();
        json.insert("datapoint_id".to_owned(), self.id.clone().into());
        json.insert("type".to_owned(), self.kind().name().into());
        json.insert("name".to_owned(), self.name.clone().into());
        json.insert("owner".to_owned(), self.owner.clone().into());
        json.insert("tags".to_owned(), self.tags.clone().into());
        json.insert("metadata".to_owned(), self.metadata.clone().into());
        // Of strings, numbers and lists of them: this does not fail.
        if let Ok(Value::Object(detail)) = serde_json::to_value(&self.detail) {
            json.extend(detail);
        }
        Value::Object(json)
    }

    /// SHA-256, in hexadecimal, of all that it says; who changed it when is no part of that.
    pub fn content_hash(&self) -> String {
        let mut content = self.clone();
        content.metadata.remove("lifecycle");
        format!("{:x}", Sha256::digest(content.to_json().to_string()))
    }

    /// The tables that it is about: its own, its targets, those that it names as related.
    pub fn tables(&self) -> Vec<String> {
        match &self.detail {
            Detail::Schema(schema) => vec![schema.qualified_name()],
            Detail::Business(business) => business.related_tables.clone(),
            Detail::Process(process) => process.target_tables.clone(),
            Detail::Query(query) => query.related_tables.clone(),
        }
    }

    /// What a search by text looks at, in lower case.
    pub fn search_text(&self) -> String {
        let mut text = format!("{}\n{}", self.id, self.name);
        for further in self.tags.iter().chain(&self.tables()) {
            text.push('\n');
            text.push_str(further);
        }
        text.to_lowercase()
    }
}

impl Schema {
    /// `schema.table`.
    pub fn qualified_name(&self) -> String {
        if self.table_name.contains('.') {
            self.table_name.clone()
        } else {
            format!("{}.{}", self.schema, self.table_name)
        }
    }
}

impl Query {
    /// The template for a database type.
    pub fn template_for(&self, database_type: &str) -> &str {
        self.backend_variants
            .get(database_type)
            .unwrap_or(&self.sql_template)
    }
}
