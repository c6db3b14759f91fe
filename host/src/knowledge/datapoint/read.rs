//! From JSON to a [`DataPoint`], or to all that is wrong with it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use email_address::EmailAddress;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::document::{Document, Length, Object, join};
use super::{
    Aggregation, Business, Cardinality, Column, DataPoint, Detail, Parameter, ParameterType,
    Problem, Process, Query, Relationship, RelationshipType, Schema, Validation,
};
use crate::knowledge::Kind;

/// The most characters of an id.
const ID_MOST: usize = 100;

/// One DataPoint.
///
/// # Errors
/// All that is wrong with it.
pub fn read(text: &str) -> Result<DataPoint, Vec<Problem>> {
    let document = Document::new(text);
    let read = document
        .value()
        .and_then(|value| datapoint(&document, "", value));
    finish(document, read)
}

/// The DataPoints of a file: one, or an array of them.
///
/// # Errors
/// All that is wrong with any of them.
pub fn read_all(text: &str) -> Result<Vec<DataPoint>, Vec<Problem>> {
    let document = Document::new(text);
    let read = document.value().and_then(|value| {
        if !value.get().starts_with('[') {
            return Some(vec![datapoint(&document, "", value)?]);
        }
        let items = document.items("", value)?.into_iter().enumerate();
        // Each is read, so that each one's problems are known.
        let all: Vec<_> = items
            .map(|(at, item)| datapoint(&document, &format!("[{at}]"), item))
            .collect();
        all.into_iter().collect()
    });
    finish(document, read)
}

fn finish<T>(document: Document, read: Option<T>) -> Result<T, Vec<Problem>> {
    match read {
        Some(read) if document.is_fine() => Ok(read),
        _ => Err(document.into_problems()),
    }
}

const KINDS: [(&str, Kind); 4] = [
    ("Schema", Kind::Schema),
    ("Business", Kind::Business),
    ("Process", Kind::Process),
    ("Query", Kind::Query),
];

fn datapoint<'a>(document: &Document<'a>, path: &str, value: &'a RawValue) -> Option<DataPoint> {
    let mut object = document.object(path, value)?;
    let id = id(&mut object);
    let kind = object.required_word("type", &KINDS);
    let name = object.required_text(
        "name",
        Length {
            least: 1,
            most: 200,
        },
    );
    let owner = owner(&mut object);
    let tags = object.texts("tags");
    let metadata = metadata(&mut object);
    // Without a kind nobody knows which of the other fields are right.
    let detail = match kind? {
        Kind::Schema => Detail::Schema(schema(&mut object)),
        Kind::Business => Detail::Business(business(&mut object)),
        Kind::Process => Detail::Process(process(&mut object)),
        Kind::Query => Detail::Query(query(&mut object)),
    };
    object.finish();
    Some(DataPoint {
        id,
        name,
        owner,
        tags,
        metadata,
        detail,
    })
}

fn id(object: &mut Object) -> String {
    let Some(value) = object.require("datapoint_id") else {
        return String::new();
    };
    let Some(id) = object.read::<String>("datapoint_id", value, "a string") else {
        return String::new();
    };
    let id = id.trim();
    if id.len() > ID_MOST {
        let message = format!("must have at most {ID_MOST} characters");
        object.reject("datapoint_id", "length", message, value);
    } else if !is_id(id) {
        let message = "must be words of a-z and 0-9 joined by _, the first without digits, such as table_orders";
        object.reject("datapoint_id", "pattern", message, value);
    }
    id.to_owned()
}

/// `^[a-z]+(_[a-z0-9]+)+$`
fn is_id(text: &str) -> bool {
    let mut words = text.split('_');
    let letters = |word: &str, digits: bool| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || (digits && byte.is_ascii_digit());
        !word.is_empty() && word.bytes().all(fits)
    };
    let first = words.next().is_some_and(|word| letters(word, false));
    let mut rest = words.peekable();
    first && rest.peek().is_some() && rest.all(|word| letters(word, true))
}

fn owner(object: &mut Object) -> String {
    let Some(value) = object.require("owner") else {
        return String::new();
    };
    let Some(owner) = object.read::<String>("owner", value, "a string") else {
        return String::new();
    };
    let owner = owner.trim().to_lowercase();
    let domain = owner.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !EmailAddress::is_valid(&owner) || !domain.contains('.') {
        let message = "must be an e-mail address, such as data-team@example.com";
        object.reject("owner", "value", message, value);
    }
    owner
}

fn metadata(object: &mut Object) -> Map<String, Value> {
    let Some(value) = object.take("metadata") else {
        return Map::new();
    };
    // Complains of names that are given twice.
    object.document().object(&object.path_of("metadata"), value);
    object
        .read("metadata", value, "an object, nested less than 128 deep")
        .unwrap_or_default()
}

fn schema(object: &mut Object) -> Schema {
    let table_name = object.required_text("table_name", Length::SOME);
    let schema = object.required_text("schema", Length::SOME);
    let business_purpose = object.required_text("business_purpose", Length::least(10));
    let columns = object.require("key_columns");
    let key_columns = object.objects("key_columns", columns, |column| {
        Some(Column {
            name: column.required_text("name", Length::SOME),
            data_type: column.required_text("type", Length::SOME),
            business_meaning: column.required_text("business_meaning", Length::SOME),
            nullable: match column.require("nullable") {
                Some(value) => column.read("nullable", value, "true or false")?,
                None => false,
            },
            default_value: column.text("default_value", Length::least(0)),
        })
    });
    if let Some(columns) = columns {
        object.require_entries("key_columns", columns);
    }
    let relationships = object.take("relationships");
    let relationships = object.objects("relationships", relationships, |relationship| {
        let target_table = relationship.required_text("target_table", Length::SOME);
        let join_column = relationship.required_text("join_column", Length::SOME);
        let cardinality = relationship.required_word(
            "cardinality",
            &[
                ("1:1", Cardinality::OneToOne),
                ("1:N", Cardinality::OneToMany),
                ("N:1", Cardinality::ManyToOne),
                ("N:N", Cardinality::ManyToMany),
            ],
        );
        let relationship_type = relationship.word(
            "relationship_type",
            &[
                ("foreign_key", RelationshipType::ForeignKey),
                ("logical", RelationshipType::Logical),
            ],
        );
        Some(Relationship {
            target_table,
            join_column,
            cardinality: cardinality?,
            relationship_type: relationship_type.unwrap_or(RelationshipType::ForeignKey),
        })
    });
    Schema {
        table_name,
        schema,
        business_purpose,
        key_columns,
        relationships,
        common_queries: object.texts("common_queries"),
        gotchas: object.texts("gotchas"),
        freshness: object.text("freshness", Length::least(0)),
        row_count: object.count("row_count", 0),
    }
}

fn business(object: &mut Object) -> Business {
    Business {
        calculation: object.required_text("calculation", Length::SOME),
        synonyms: object.texts("synonyms"),
        business_rules: object.texts("business_rules"),
        related_tables: object.texts("related_tables"),
        unit: object.text("unit", Length::least(0)),
        aggregation: object.word(
            "aggregation",
            &[
                ("SUM", Aggregation::Sum),
                ("AVG", Aggregation::Avg),
                ("COUNT", Aggregation::Count),
                ("MIN", Aggregation::Min),
                ("MAX", Aggregation::Max),
                ("CUSTOM", Aggregation::Custom),
            ],
        ),
    }
}

fn process(object: &mut Object) -> Process {
    Process {
        schedule: object.required_text("schedule", Length::SOME),
        data_freshness: object.required_text("data_freshness", Length::SOME),
        target_tables: object.required_texts("target_tables"),
        dependencies: object.texts("dependencies"),
        sla: object.text("sla", Length::least(0)),
        monitoring_url: object.text("monitoring_url", Length::least(0)),
    }
}

fn query(object: &mut Object) -> Query {
    let sql_template = object.required_text("sql_template", Length::least(10));
    let description = object.required_text("description", Length::least(10));
    let parameters = parameters(object);
    let mut backend_variants = BTreeMap::new();
    for (name, value) in object.entries("backend_variants") {
        let path = join("backend_variants", &name);
        if value.get() == "null" {
            continue;
        }
        let Some(sql) = object.read::<String>(&path, value, "a string") else {
            continue;
        };
        if sql.trim().is_empty() {
            object.reject(&path, "length", "must not be empty", value);
        }
        backend_variants.insert(name.trim().to_lowercase(), sql.trim().to_owned());
    }
    Query {
        sql_template,
        description,
        parameters,
        backend_variants,
        validation: validation(object),
        related_tables: object.texts("related_tables"),
    }
}

fn validation(object: &mut Object) -> Option<Validation> {
    let value = object.take("validation")?;
    let document = object.document();
    let mut validation = document.object(&object.path_of("validation"), value)?;
    let read = Validation {
        expected_columns: validation.texts("expected_columns"),
        max_rows: validation.count("max_rows", 1),
    };
    validation.finish();
    Some(read)
}

fn parameters(object: &mut Object) -> BTreeMap<String, Parameter> {
    let mut parameters = BTreeMap::new();
    for (name, value) in object.entries("parameters") {
        let path = join("parameters", &name);
        if !is_parameter_name(&name) {
            let message = "must be named by a word of letters, digits and _ that begins with none of the digits";
            object.reject(&path, "pattern", message, value);
            continue;
        }
        let document = object.document();
        let Some(mut fields) = document.object(&object.path_of(&path), value) else {
            continue;
        };
        if let Some(parameter) = parameter(&mut fields) {
            parameters.insert(name, parameter);
        }
        fields.finish();
    }
    parameters
}

/// What may stand in braces.
pub(super) fn is_parameter_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(word)
        && name
            .bytes()
            .next()
            .is_some_and(|byte| !byte.is_ascii_digit())
}

fn parameter(fields: &mut Object) -> Option<Parameter> {
    let kind = fields.required_word(
        "type",
        &[
            ("string", ParameterType::String),
            ("integer", ParameterType::Integer),
            ("float", ParameterType::Float),
            ("timestamp", ParameterType::Timestamp),
            ("enum", ParameterType::Enum),
            ("boolean", ParameterType::Boolean),
        ],
    );
    let required = fields.flag("required").unwrap_or(false);
    let default = fields.take("default");
    let description = fields.text("description", Length::least(0));
    let values = fields.texts("values");
    let kind = kind?;
    if kind == ParameterType::Enum && values.is_empty() {
        fields.reject(
            "values",
            "missing",
            "is required for an enum",
            fields.whole(),
        );
    }
    if kind != ParameterType::Enum && !values.is_empty() {
        let message = "may be given for an enum only";
        fields.reject("values", "value", message, fields.whole());
    }
    let default = default.and_then(|value| {
        let read: Value = fields.read("default", value, "a value")?;
        let fits = fits(kind, &values, &read);
        if !fits {
            let message = format!("must be {}", described(kind));
            fields.reject("default", "type", message, value);
        }
        fits.then_some(read)
    });
    Some(Parameter {
        kind,
        required,
        default,
        description,
        values,
    })
}

/// Whether a value is one of a parameter's type.
fn fits(kind: ParameterType, values: &[String], value: &Value) -> bool {
    match (kind, value) {
        (ParameterType::String, Value::String(_))
        | (ParameterType::Boolean, Value::Bool(_))
        | (ParameterType::Float, Value::Number(_)) => true,
        (ParameterType::Integer, Value::Number(number)) => number.is_i64(),
        (ParameterType::Timestamp, Value::String(text)) => is_time(text),
        (ParameterType::Enum, Value::String(text)) => values.contains(text),
        _ => false,
    }
}

fn described(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::String => "a string",
        ParameterType::Integer => "a whole number of 64 bits",
        ParameterType::Float => "a number",
        ParameterType::Timestamp => "a date or time, such as 2026-01-31 or 2026-01-31T12:00:00Z",
        ParameterType::Enum => "one of `values`",
        ParameterType::Boolean => "true or false",
    }
}

/// A date, or a date and a time with or without an offset.
fn is_time(text: &str) -> bool {
    let text = text.trim();
    NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
        || DateTime::parse_from_rfc3339(text).is_ok()
        || ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .iter()
            .any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
}
