//! What the connector says about itself.

use datachat_sdk::connector::{ConnectorInfo, DatabaseType, Dialect, Transport};

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
        dialect: Dialect::Postgresql,
        transport: Transport::Tcp,
        options: options::specs(),
        tls_option: Some("sslmode".to_owned()),
        url_form: "postgresql://{user}:{password}@{host}:{port}/{database}?sslmode={sslmode}"
            .to_owned(),
        credentials_schema: CREDENTIALS_SCHEMA.to_owned(),
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
