//! What the connector says about itself.

use datachat_sdk::connector::{ConnectorInfo, DatabaseType, Dialect, Template, Transport};

use crate::options;

const CREDENTIALS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "host": {"type": "string", "minLength": 1},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 5432},
    "database": {"type": "string", "minLength": 1},
    "user": {"type": "string", "minLength": 1},
    "password": {"type": "string", "writeOnly": true},
    "sslmode": {
      "type": "string",
      "enum": ["disable", "prefer", "require", "verify-ca", "verify-full"],
      "default": "prefer"
    }
  },
  "required": ["host", "database", "user"],
  "additionalProperties": false
}"#;

const HELP: &str = "Give DataChat a role of its own that may read and nothing more: \
    CREATE ROLE datachat LOGIN PASSWORD '…' IN ROLE pg_read_all_data (PostgreSQL 14 and later), or GRANT SELECT on \
    the tables it is to see.";

const LIST_TABLES: &str = "SELECT table_schema, table_name FROM information_schema.tables \
    WHERE CASE WHEN $1::text IS NULL THEN table_schema NOT IN ('pg_catalog', 'information_schema') \
    ELSE table_schema = $1::text END ORDER BY 1, 2";

const LIST_COLUMNS: &str = "SELECT table_schema, table_name, column_name, data_type \
    FROM information_schema.columns WHERE table_name = $1::text \
    AND CASE WHEN $2::text IS NULL THEN table_schema NOT IN ('pg_catalog', 'information_schema') \
    ELSE table_schema = $2::text END ORDER BY 1, 2, ordinal_position";

/// The connector's description.
pub fn describe() -> ConnectorInfo {
    ConnectorInfo {
        name: "postgres".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database_types: vec![DatabaseType {
            name: "postgresql".to_owned(),
            aliases: vec!["postgres".to_owned()],
            title: "PostgreSQL".to_owned(),
        }],
        url_schemes: vec!["postgresql".to_owned(), "postgres".to_owned()],
        default_port: 5432,
        scheme_defaults: Vec::new(),
        dialect: Dialect::Postgresql,
        transport: Transport::Tcp,
        options: options::specs(),
        tls_option: Some("sslmode".to_owned()),
        url_form: "postgresql://{user}:{password}@{host}:{port}/{database}?sslmode={sslmode}"
            .to_owned(),
        credentials_schema: CREDENTIALS_SCHEMA.to_owned(),
        help: HELP.to_owned(),
        list_tables: Some(template(LIST_TABLES, &["schema"])),
        list_columns: Some(template(LIST_COLUMNS, &["table", "schema"])),
    }
}

fn template(sql: &str, parameters: &[&str]) -> Template {
    Template {
        sql: sql.to_owned(),
        parameters: parameters.iter().map(|&name| name.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_credentials_is_json_and_hides_the_password() {
        let schema: serde_json::Value =
            serde_json::from_str(&describe().credentials_schema).expect("JSON");
        assert_eq!(schema["properties"]["password"]["writeOnly"], true);
        assert_eq!(
            schema["properties"]["sslmode"]["enum"],
            serde_json::json!(describe().options[0].values)
        );
    }
}
