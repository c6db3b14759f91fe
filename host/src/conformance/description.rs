//! What the connector says of itself, beyond what is checked when it is loaded.

use serde_json::Value;

use super::kit::{Kit, Verdict, failed, not_applicable, require};
use super::{Check, Group};
use crate::plugins::Template;

pub(super) const GROUP: Group = Group {
    name: "description",
    checks: &[
        Check {
            title: "help says how to prepare a database",
            run: |kit| Box::pin(async move { help(kit) }),
        },
        Check {
            title: "the URL form begins with a scheme of its own",
            run: |kit| Box::pin(async move { url_form(kit) }),
        },
        Check {
            title: "the credentials are described by a JSON Schema that marks its secrets",
            run: |kit| Box::pin(async move { credentials(kit) }),
        },
        Check {
            title: "every option is explained, and its default is one of its values",
            run: |kit| Box::pin(async move { options(kit) }),
        },
        Check {
            title: "the listing statements bind schema and table by parameters",
            run: |kit| Box::pin(async move { templates(kit) }),
        },
        Check {
            title: "the server has a product, a version and a role",
            run: |kit| Box::pin(server(kit)),
        },
    ],
};

fn help(kit: &Kit) -> Verdict {
    require(kit.connector().info().help.len() >= 20, || {
        "help is empty or next to it".to_owned()
    })?;
    Ok(None)
}

fn url_form(kit: &Kit) -> Verdict {
    let info = kit.connector().info();
    let known = |scheme: &str| info.url_schemes.iter().any(|known| known == scheme);
    let own = info.url_form.split_once("://").is_some_and(|(scheme, _)| {
        // One of several, which the credentials choose.
        let placeholder = scheme
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'));
        let Some(placeholder) = placeholder else {
            return known(scheme);
        };
        let schema: Value = serde_json::from_str(&info.credentials_schema).unwrap_or_default();
        let choices = schema["properties"][placeholder]["enum"].as_array();
        choices.is_some_and(|choices| {
            !choices.is_empty()
                && choices
                    .iter()
                    .all(|choice| choice.as_str().is_some_and(known))
        })
    });
    require(own, || format!("url-form is {:?}", info.url_form))?;
    Ok(None)
}

fn credentials(kit: &Kit) -> Verdict {
    let info = kit.connector().info();
    let schema: Value = serde_json::from_str(&info.credentials_schema)
        .map_err(|error| failed(format!("credentials-schema is no JSON: {error}")))?;
    jsonschema::draft202012::new(&schema)
        .map_err(|error| failed(format!("credentials-schema is no schema: {error}")))?;
    require(schema["type"] == "object", || {
        "it describes no object".to_owned()
    })?;
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let secret = ["password", "secret", "token", "key"]
            .iter()
            .any(|word| name.to_lowercase().contains(word));
        require(!secret || property["writeOnly"] == true, || {
            format!("{name} is not marked writeOnly")
        })?;
    }
    Ok(None)
}

fn options(kit: &Kit) -> Verdict {
    let info = kit.connector().info();
    if info.options.is_empty() {
        return Err(not_applicable("it takes no options"));
    }
    for option in &info.options {
        require(!option.description.is_empty(), || {
            format!("{} has no description", option.name)
        })?;
        let known = option
            .default
            .as_ref()
            .is_none_or(|default| option.values.is_empty() || option.values.contains(default));
        require(known, || {
            format!("the default of {} is none of its values", option.name)
        })?;
    }
    if let Some(tls) = &info.tls_option {
        let declared = info.options.iter().any(|option| option.name == *tls);
        require(declared, || {
            format!("the TLS option {tls} is not among the options")
        })?;
    }
    Ok(None)
}

fn templates(kit: &Kit) -> Verdict {
    let info = kit.connector().info();
    let (Some(tables), Some(columns)) = (&info.list_tables, &info.list_columns) else {
        return Err(not_applicable("it has no listing statements"));
    };
    let fits = |template: &Template, known: &[&str]| {
        let names = &template.parameters;
        names.iter().all(|name| known.contains(&name.as_str()))
    };
    require(fits(tables, &["schema"]), || {
        format!("list-tables binds {:?}", tables.parameters)
    })?;
    let names_table = columns.parameters.iter().any(|name| name == "table");
    require(names_table && fits(columns, &["schema", "table"]), || {
        format!("list-columns binds {:?}", columns.parameters)
    })?;
    Ok(None)
}

async fn server(kit: &Kit) -> Verdict {
    let probed = kit.connector().probe(kit.target()).await;
    let (server, took) = probed.map_err(super::kit::unexpected_call)?;
    let said = [&server.product, &server.version, &server.role];
    require(said.iter().all(|text| !text.is_empty()), || {
        format!("product, version and role are {said:?}")
    })?;
    let rights: Vec<&str> = server
        .dangerous_rights
        .iter()
        .map(|right| right.code.as_str())
        .collect();
    let warned = if rights.is_empty() {
        String::new()
    } else {
        format!(
            "; rights that a reader need not have: {}",
            rights.join(", ")
        )
    };
    Ok(Some(format!(
        "connected in {} ms{warned}",
        took.as_millis()
    )))
}
