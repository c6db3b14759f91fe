//! What the connector says about itself.

use datachat_sdk::connector::{ConnectorInfo, DatabaseType, Dialect, OptionSpec, Transport};

/// The option that names the character between two cells.
pub const DELIMITER: &str = "delimiter";

/// The delimiters by name; the first is the default.
pub const DELIMITERS: [(&str, u8); 3] = [("comma", b','), ("semicolon", b';'), ("tab", b'\t')];

const CREDENTIALS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "host": {"type": "string", "minLength": 1, "description": "The name of a granted folder."},
    "database": {"type": "string", "minLength": 1, "description": "A folder inside it."},
    "delimiter": {"type": "string", "enum": ["comma", "semicolon", "tab"], "default": "comma"}
  },
  "required": ["host"],
  "additionalProperties": false
}"#;

const HELP: &str = "Grant the connector a folder by name: datachat plugin grant csv --read sales=/srv/sales. \
    Each file name.csv in it, with a header line, is a table; csv://sales/2024 means the folder 2024 inside it. \
    Empty cells are NULL. Types are inferred from all cells.";

/// The connector's description.
pub fn describe() -> ConnectorInfo {
    ConnectorInfo {
        name: "csv".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database_types: vec![DatabaseType {
            name: "csv".to_owned(),
            aliases: Vec::new(),
            title: "CSV files".to_owned(),
        }],
        url_schemes: vec!["csv".to_owned()],
        // Folders have no ports.
        default_port: 0,
        scheme_defaults: Vec::new(),
        dialect: Dialect::Generic,
        transport: Transport::Files,
        options: vec![OptionSpec {
            name: DELIMITER.to_owned(),
            description: "The character between two cells.".to_owned(),
            values: DELIMITERS
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            default: Some(DELIMITERS[0].0.to_owned()),
        }],
        tls_option: None,
        url_form: "csv://{host}/{database}?delimiter={delimiter}".to_owned(),
        credentials_schema: CREDENTIALS_SCHEMA.to_owned(),
        help: HELP.to_owned(),
        list_tables: None,
        list_columns: None,
    }
}
