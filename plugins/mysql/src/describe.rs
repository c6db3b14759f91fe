//! What the connector says about itself.

use datachat_sdk::connector::{ConnectorInfo, DatabaseType, Dialect, Template, Transport};

use crate::options;

const CREDENTIALS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "host": {"type": "string", "minLength": 1},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 3306},
    "database": {"type": "string", "minLength": 1},
    "user": {"type": "string", "minLength": 1},
    "password": {"type": "string", "writeOnly": true},
    "ssl-mode": {
      "type": "string",
      "enum": ["DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"],
      "default": "PREFERRED"
    }
  },
  "required": ["host", "user"],
  "additionalProperties": false
}"#;

const HELP: &str = "Give DataChat a user of its own that may read and nothing more: \
    CREATE USER 'datachat'@'%' IDENTIFIED BY '…' and GRANT SELECT, SHOW VIEW ON shop.* TO 'datachat'@'%'. It \
    needs no FILE, SUPER or PROCESS. A URL without a database reaches all that the user may see, under qualified \
    names.";

/// The schemas of the server itself.
pub(crate) const SYSTEM_SCHEMAS: &str =
    "'information_schema', 'mysql', 'performance_schema', 'sys'";

/// The connector's description.
pub fn describe() -> ConnectorInfo {
    let schema = |column: &str| {
        format!("CASE WHEN ? IS NULL THEN {column} NOT IN ({SYSTEM_SCHEMAS}) ELSE {column} = ? END")
    };
    let list_tables = format!(
        "SELECT table_schema AS table_schema, table_name AS table_name FROM information_schema.tables WHERE {} \
         ORDER BY 1, 2",
        schema("table_schema")
    );
    let list_columns = format!(
        "SELECT table_schema AS table_schema, table_name AS table_name, column_name AS column_name, \
         column_type AS data_type FROM information_schema.columns WHERE table_name = ? AND {} \
         ORDER BY 1, 2, ordinal_position",
        schema("table_schema")
    );
    ConnectorInfo {
        name: "mysql".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database_types: vec![DatabaseType {
            name: "mysql".to_owned(),
            aliases: vec!["mariadb".to_owned()],
            title: "MySQL".to_owned(),
        }],
        url_schemes: vec!["mysql".to_owned(), "mariadb".to_owned()],
        default_port: 3306,
        scheme_defaults: Vec::new(),
        dialect: Dialect::Mysql,
        transport: Transport::Tcp,
        options: options::specs(),
        tls_option: Some("ssl-mode".to_owned()),
        url_form: "mysql://{user}:{password}@{host}:{port}/{database}?ssl-mode={ssl-mode}"
            .to_owned(),
        credentials_schema: CREDENTIALS_SCHEMA.to_owned(),
        help: HELP.to_owned(),
        list_tables: Some(template(list_tables, &["schema", "schema"])),
        list_columns: Some(template(list_columns, &["table", "schema", "schema"])),
    }
}

fn template(sql: String, parameters: &[&str]) -> Template {
    Template {
        sql,
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
            schema["properties"]["ssl-mode"]["enum"],
            serde_json::json!(describe().options[0].values)
        );
    }

    #[test]
    fn every_place_of_a_template_has_its_parameter() {
        let info = describe();
        for template in [info.list_tables, info.list_columns].into_iter().flatten() {
            assert_eq!(
                template.sql.matches('?').count(),
                template.parameters.len(),
                "{}",
                template.sql
            );
        }
    }
}
