//! Query DataPoints run as the chat runs them: parameters bound, through the policy.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::bundle::{self, DataPoint, placeholders, texts};
use datachat_tests::examples::{DATABASES, ENGINES, ask, servers};

/// A template in the words of an engine.
fn template<'a>(datapoint: &'a DataPoint, engine: &str) -> Result<&'a str> {
    let body = &datapoint.body;
    body["backend_variants"][engine]
        .as_str()
        .or(body["sql_template"].as_str())
        .with_context(|| format!("{} has no SQL", datapoint.id()))
}

/// The values to try: the defaults, and each other value of a parameter that lists them.
fn choices(parameters: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let defaults: Map<String, Value> = parameters
        .iter()
        .map(|(name, parameter)| (name.clone(), parameter["default"].clone()))
        .collect();
    let mut choices = vec![defaults.clone()];
    for (name, parameter) in parameters {
        let mut others = parameter["values"].as_array().cloned().unwrap_or_default();
        if parameter["type"] == "boolean" {
            others = vec![Value::from(true), Value::from(false)];
        }
        for other in others {
            if other != defaults[name] {
                let mut choice = defaults.clone();
                choice.insert(name.clone(), other);
                choices.push(choice);
            }
        }
    }
    choices
}

/// The statement of an engine with its own placeholders, and the values that belong to them.
fn bound(
    template: &str,
    engine: &str,
    parameters: &Map<String, Value>,
    values: &Map<String, Value>,
) -> Result<(String, Value)> {
    let mut sql = String::new();
    let mut names: Vec<&str> = Vec::new();
    let mut pieces = template.split('{');
    sql.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once('}').context("an open brace")?;
        match engine {
            "postgresql" => {
                let at = names.iter().position(|known| *known == name);
                let at = at.unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                });
                write!(sql, "${}", at + 1)?;
            }
            "mysql" => {
                names.push(name);
                sql.push('?');
            }
            "clickhouse" => {
                let kind = match parameters[name]["type"].as_str() {
                    Some("integer") => "Int64",
                    Some("float") => "Float64",
                    Some("boolean") => "Bool",
                    Some("string" | "enum" | "timestamp") => "String",
                    _ => bail!("{name} has no type"),
                };
                write!(sql, "{{{name}:{kind}}}")?;
            }
            _ => bail!("{engine} is no engine"),
        }
        sql.push_str(rest);
    }
    let values = match engine {
        "clickhouse" => Value::Object(values.clone()),
        _ => names.iter().map(|name| values[*name].clone()).collect(),
    };
    Ok((sql, values))
}

/// The Query DataPoints and the databases that they are for.
fn queries() -> Result<Vec<(&'static str, DataPoint)>> {
    let mut queries = Vec::new();
    for database in DATABASES {
        for datapoint in bundle::of(database)?.into_iter().chain(bundle::shared()?) {
            if datapoint.is("Query") {
                queries.push((database, datapoint));
            }
        }
    }
    Ok(queries)
}

#[test]
fn a_template_and_its_variants_use_the_declared_parameters_and_each_has_a_default() -> Result<()> {
    for (_, datapoint) in queries()? {
        let parameters = datapoint.body["parameters"].as_object();
        let parameters = parameters.with_context(|| datapoint.id().to_owned())?;
        let declared: BTreeSet<&str> = parameters.keys().map(String::as_str).collect();
        for engine in ENGINES {
            let used = placeholders(template(&datapoint, engine)?);
            assert_eq!(used, declared, "{} {engine}", datapoint.id());
        }
        for (name, parameter) in parameters {
            let default = &parameter["default"];
            let fits = match parameter["type"].as_str() {
                Some("integer") => default.is_i64(),
                Some("boolean") => default.is_boolean(),
                Some("enum") => texts(&parameter["values"])?
                    .iter()
                    .any(|value| default == value),
                Some("string" | "timestamp") => default.is_string(),
                _ => false,
            };
            assert!(fits, "{}: {name}", datapoint.id());
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_template_gives_the_same_rows_on_all_engines() -> Result<()> {
    let servers = servers().await?;
    for (database, datapoint) in queries()? {
        let body = &datapoint.body;
        let parameters = body["parameters"].as_object().context("no parameters")?;
        for values in choices(parameters) {
            let mut first = None;
            for engine in ENGINES {
                let sql = template(&datapoint, engine)?;
                let (sql, params) = bound(sql, engine, parameters, &values)?;
                let (names, rows) = ask(servers, engine, database, &sql, params).await?;
                let about = || format!("{} on {engine} with {}", datapoint.id(), json!(values));
                assert_eq!(
                    names,
                    texts(&body["validation"]["expected_columns"])?,
                    "{}",
                    about()
                );
                let most = body["validation"]["max_rows"].as_u64().unwrap_or(u64::MAX);
                assert!(rows.len() as u64 <= most, "{}", about());
                ensure!(!rows.is_empty(), "{} gives nothing", about());
                match &first {
                    None => first = Some(rows),
                    Some(first) => assert_eq!(&rows, first, "{}", about()),
                }
            }
        }
    }
    Ok(())
}
