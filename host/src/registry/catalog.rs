//! Every database type that the server can say something about: how its URLs are written, which credentials
//! it takes, how a database is prepared, and the statements that list what it holds.
//!
//! An entry comes from a connector's description, or from a data file for a type that only has its
//! credentials described. A connector wins over a data file of its type. Pure: what is installed is an argument.
//!
//! Values of a template are bound to it by its parameters, in the form that its engine has, and never put
//! into its text; `{q}` stands for an identifier, which whoever fills it in checks and quotes.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plugins::{ConnectorInfo, DatabaseType, Template};

/// One database type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    #[serde(flatten)]
    pub described: Described,
    pub status: Status,
    /// The connector that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginRef>,
}

/// What is known of a type, whether or not it can be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    #[serde(rename = "type")]
    pub database_type: String,
    /// For people: `PostgreSQL`.
    pub title: String,
    pub aliases: Vec<String>,
    /// Without `://`.
    pub url_schemes: Vec<String>,
    /// How a URL is written, with the names of credentials in braces.
    pub url_form: String,
    /// None where there are no ports.
    pub default_port: Option<u16>,
    /// JSON Schema; secrets carry `writeOnly`.
    pub credentials_schema: Value,
    /// How to prepare a database, for people.
    pub help: String,
    pub queries: Queries,
}

/// Whether databases of the type can be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A connector serves it.
    Available,
    /// Only its credentials are described.
    CredentialsOnly,
}

/// The statements that list what a database holds; null where the dialect has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// Gives `table_schema`, `table_name`.
    pub list_tables: Option<BoundQuery>,
    /// Gives `table_schema`, `table_name`, `column_name`, `data_type`.
    pub list_columns: Option<BoundQuery>,
}

/// A statement, and what to bind to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundQuery {
    pub sql: String,
    /// In the order of its places, or by these names.
    pub parameters: Vec<String>,
}

/// Which component serves a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginRef {
    pub name: String,
    pub version: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
}

/// The types of the data files.
static FILES: LazyLock<Vec<Described>> = LazyLock::new(|| {
    // The files are part of the program and a test reads them; leaving one out is the harmless way out.
    [
        include_str!("catalog/bigquery.json"),
        include_str!("catalog/redshift.json"),
    ]
    .iter()
    .filter_map(|text| serde_json::from_str(text).ok())
    .collect()
});

/// Every type, sorted by name: those of the connectors, each with its digest, and those of the data files.
pub fn entries<'a>(
    connectors: impl IntoIterator<Item = (&'a ConnectorInfo, &'a str)>,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = connectors
        .into_iter()
        .flat_map(|(info, digest)| {
            let types = info.database_types.iter();
            types.map(move |database_type| served(info, database_type, digest))
        })
        .collect();
    for described in FILES.iter() {
        if find(&entries, &described.database_type).is_none() {
            entries.push(Entry {
                described: described.clone(),
                status: Status::CredentialsOnly,
                plugin: None,
            });
        }
    }
    entries.sort_by(|a, b| a.described.database_type.cmp(&b.described.database_type));
    entries
}

/// The entry of a type, by its name or an alias, in any case.
pub fn find<'a>(entries: &'a [Entry], database_type: &str) -> Option<&'a Entry> {
    let wanted = database_type.to_lowercase();
    entries.iter().find(|entry| {
        entry.described.database_type == wanted || entry.described.aliases.contains(&wanted)
    })
}

/// The name of a type that only has its credentials described, for what somebody gave as a type, in any case.
pub fn credentials_only(given: &str) -> Option<&'static str> {
    let wanted = given.to_lowercase();
    FILES
        .iter()
        .map(|described| described.database_type.as_str())
        .find(|name| *name == wanted)
}

fn served(info: &ConnectorInfo, database_type: &DatabaseType, digest: &str) -> Entry {
    Entry {
        described: Described {
            database_type: database_type.name.clone(),
            title: database_type.title.clone(),
            aliases: database_type.aliases.clone(),
            url_schemes: info.url_schemes.clone(),
            url_form: info.url_form.clone(),
            default_port: (info.default_port > 0).then_some(info.default_port),
            // A component's text; what is no JSON object describes nothing.
            credentials_schema: serde_json::from_str(&info.credentials_schema)
                .ok()
                .filter(Value::is_object)
                .unwrap_or_else(|| json!({})),
            help: info.help.clone(),
            queries: Queries {
                list_tables: info.list_tables.as_ref().map(bound),
                list_columns: info.list_columns.as_ref().map(bound),
            },
        },
        status: Status::Available,
        plugin: Some(PluginRef {
            name: info.name.clone(),
            version: info.version.clone(),
            digest: digest.to_owned(),
        }),
    }
}

fn bound(template: &Template) -> BoundQuery {
    BoundQuery {
        sql: template.sql.clone(),
        parameters: template.parameters.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{mysql_info, postgres_info};

    #[test]
    fn connectors_and_data_files_make_one_sorted_list() {
        let (postgres, mysql) = (postgres_info(), mysql_info());
        let entries = entries([(&postgres, "sha256:1"), (&mysql, "sha256:2")]);
        let shown: Vec<_> = entries
            .iter()
            .map(|entry| (entry.described.database_type.as_str(), entry.status))
            .collect();
        assert_eq!(
            shown,
            [
                ("bigquery", Status::CredentialsOnly),
                ("mysql", Status::Available),
                ("postgresql", Status::Available),
                ("redshift", Status::CredentialsOnly),
            ]
        );
        let found = find(&entries, "MariaDB").expect("by alias");
        let plugin = found.plugin.as_ref().expect("a connector");
        assert_eq!(
            (plugin.name.as_str(), plugin.digest.as_str()),
            ("mysql", "sha256:2")
        );
        assert!(find(&entries, "oracle").is_none());
    }

    #[test]
    fn a_connector_wins_over_the_data_file_of_its_type() {
        let mut info = postgres_info();
        info.database_types[0].name = "redshift".to_owned();
        let entries = entries([(&info, "sha256:1")]);
        let redshift = find(&entries, "redshift").expect("there");
        assert_eq!(redshift.status, Status::Available);
        assert_eq!(entries.len(), 2);
    }

    #[test]
    fn what_a_component_calls_a_schema_and_is_none_is_shown_empty() {
        let mut info = postgres_info();
        info.credentials_schema = "no JSON".to_owned();
        let entries = entries([(&info, "")]);
        let entry = find(&entries, "postgresql").expect("there");
        assert_eq!(entry.described.credentials_schema, json!({}));
        let json = json!(entry);
        assert_eq!(json["type"], "postgresql");
        assert_eq!(json["queries"]["list_tables"], Value::Null);
    }

    #[test]
    fn the_data_files_are_read_and_hide_their_secrets() {
        let secrets = [("bigquery", "credentials_json"), ("redshift", "password")];
        assert_eq!(FILES.len(), secrets.len());
        for (name, secret) in secrets {
            assert_eq!(credentials_only(&name.to_uppercase()), Some(name));
            let described = FILES
                .iter()
                .find(|file| file.database_type == name)
                .expect(name);
            let properties = &described.credentials_schema["properties"];
            assert_eq!(properties[secret]["writeOnly"], true, "{name}");
            assert!(jsonschema::draft202012::new(&described.credentials_schema).is_ok());
            // Each name in the form is a credential.
            for part in described.url_form.split('{').skip(1) {
                let named = part.split('}').next().unwrap_or_default();
                assert!(properties[named].is_object(), "{name}: {named}");
            }
            for query in [
                &described.queries.list_tables,
                &described.queries.list_columns,
            ] {
                let query = query.as_ref().expect("a statement");
                for parameter in &query.parameters {
                    let forms = [format!("@{parameter}"), format!(":{parameter}")];
                    assert!(
                        forms.iter().any(|form| query.sql.contains(form)),
                        "{}",
                        query.sql
                    );
                }
            }
        }
        assert_eq!(credentials_only("postgresql"), None);
    }
}
