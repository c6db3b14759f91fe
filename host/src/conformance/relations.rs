//! Tables and columns are listed completely, in order, and as they can be read.

use std::collections::HashSet;

use super::kit::{Kit, Verdict, failed, not_applicable, require, unexpected_call, unless_without};
use super::phrases::Style;
use super::values::sample_row;
use super::{Check, Group};
use crate::plugins::{Parameters, Template, Value};

pub(super) const GROUP: Group = Group {
    name: "relations",
    checks: &[
        Check {
            title: "relations are sorted, unique and complete",
            run: |kit| Box::pin(list(kit)),
        },
        Check {
            title: "a name finds its relation in any case, a schema only its own",
            run: |kit| Box::pin(filter(kit)),
        },
        Check {
            title: "columns come only when they are asked for",
            run: |kit| Box::pin(without_columns(kit)),
        },
        Check {
            title: "a listed table can be read, and has the listed columns",
            run: |kit| Box::pin(readable(kit)),
        },
        Check {
            title: "the listing statements give what the relations say",
            run: |kit| Box::pin(templates(kit)),
        },
    ],
};

async fn list(kit: &Kit) -> Verdict {
    let relations = kit
        .relations(None, None, true)
        .await
        .map_err(unexpected_call)?;
    let names: Vec<(&str, &str)> = relations
        .iter()
        .map(|relation| (relation.schema.as_str(), relation.name.as_str()))
        .collect();
    let unsorted = names.windows(2).find(|pair| pair[0] >= pair[1]);
    require(unsorted.is_none(), || {
        format!("out of order or twice: {unsorted:?}")
    })?;
    for relation in &relations {
        let name = &relation.name;
        require(!name.is_empty(), || "a relation has no name".to_owned())?;
        let mut seen = HashSet::new();
        for column in &relation.columns {
            let said = !column.name.is_empty() && !column.db_type.is_empty();
            require(said, || {
                format!("a column of {name} has no name or no type")
            })?;
            require(seen.insert(&column.name), || {
                format!("{name} has two columns {}", column.name)
            })?;
        }
        let known = |column: &String| relation.columns.iter().any(|c| c.name == *column);
        let keys = relation
            .primary_key
            .iter()
            .chain(relation.foreign_keys.iter().flat_map(|key| &key.columns));
        for column in keys {
            require(known(column), || {
                format!("a key of {name} has a column {column}")
            })?;
        }
        for key in &relation.foreign_keys {
            require(key.columns.len() == key.referenced_columns.len(), || {
                format!("the foreign key {} of {name} does not pair up", key.name)
            })?;
        }
    }
    Ok(Some(format!("{} relations", relations.len())))
}

async fn filter(kit: &Kit) -> Verdict {
    let sample = kit.sample()?;
    let other_case: String = if sample.name.chars().any(char::is_lowercase) {
        sample.name.to_uppercase()
    } else {
        sample.name.to_lowercase()
    };
    let found = kit.relations(None, Some(&other_case), false).await;
    let found = found.map_err(unexpected_call)?;
    let same = |name: &str| name.to_lowercase() == sample.name.to_lowercase();
    require(
        found.iter().any(|relation| relation.name == sample.name),
        || format!("{other_case} finds {} relations", found.len()),
    )?;
    require(found.iter().all(|relation| same(&relation.name)), || {
        "others are found, too".to_owned()
    })?;
    let nowhere = kit
        .relations(Some("datachat_no_such_schema"), None, false)
        .await;
    let nowhere = nowhere.map_err(unexpected_call)?;
    require(nowhere.is_empty(), || {
        "a schema that is not there has relations".to_owned()
    })?;
    Ok(None)
}

async fn without_columns(kit: &Kit) -> Verdict {
    let sample = kit.sample()?;
    let found = kit
        .relations(Some(&sample.schema), Some(&sample.name), false)
        .await;
    let found = found.map_err(unexpected_call)?;
    let bare = found.iter().all(|relation| relation.columns.is_empty());
    require(!found.is_empty() && bare, || {
        format!("{} relations", found.len())
    })?;
    Ok(None)
}

async fn readable(kit: &Kit) -> Verdict {
    let sample = kit.sample()?;
    let answer = sample_row(kit).await?;
    let read: Vec<&str> = answer
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let listed: Vec<&str> = sample
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    require(read == listed, || format!("{read:?} instead of {listed:?}"))?;
    Ok(Some(format!("{}.{}", sample.schema, sample.name)))
}

async fn templates(kit: &Kit) -> Verdict {
    let info = kit.connector().info();
    let (Some(tables), Some(columns)) = (&info.list_tables, &info.list_columns) else {
        return Err(not_applicable("it has no listing statements"));
    };
    let sample = kit.sample()?;
    let schema = |given: Option<&str>| match given {
        Some(schema) => Value::Text(schema.to_owned()),
        None => Value::Null,
    };
    for given in [None, Some(sample.schema.as_str())] {
        let bound = bind(kit, tables, &sample.name, &schema(given));
        let asked = kit.ask_with(&tables.sql, bound, Kit::unlimited()).await;
        let answer = asked.map_err(unless_without)?;
        let wanted = format!("[{:?},{:?}]", sample.schema, sample.name);
        require(answer.rows.contains(&wanted), || {
            format!("list-tables with the schema {given:?} does not give {wanted}")
        })?;
    }
    let bound = bind(kit, columns, &sample.name, &schema(Some(&sample.schema)));
    let asked = kit.ask_with(&columns.sql, bound, Kit::unlimited()).await;
    let answer = asked.map_err(unless_without)?;
    let read: Vec<String> = answer.rows.iter().filter_map(|row| third(row)).collect();
    let listed: Vec<&String> = sample.columns.iter().map(|column| &column.name).collect();
    require(read.iter().collect::<Vec<_>>() == listed, || {
        format!("list-columns gives {read:?} instead of {listed:?}")
    })?;
    if read.is_empty() {
        return Err(failed("list-columns gives nothing"));
    }
    Ok(None)
}

/// The name of the column in a row of `list-columns`.
fn third(row: &str) -> Option<String> {
    let values: Vec<serde_json::Value> = serde_json::from_str(row).ok()?;
    values.get(2)?.as_str().map(str::to_owned)
}

fn bind(kit: &Kit, template: &Template, table: &str, schema: &Value) -> Parameters {
    let value = |name: &String| match name.as_str() {
        "table" => Value::Text(table.to_owned()),
        _ => schema.clone(),
    };
    match kit.phrases().style {
        Style::Positional => {
            Parameters::Positional(template.parameters.iter().map(value).collect())
        }
        Style::Named(_) => Parameters::Named(
            template
                .parameters
                .iter()
                .map(|name| (name.clone(), value(name)))
                .collect(),
        ),
    }
}
