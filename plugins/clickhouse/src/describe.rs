//! What the connector says about itself.

use datachat_sdk::connector::{
    ConnectorInfo, DatabaseType, Dialect, SchemeDefaults, Template, TlsMode, Transport,
};

use crate::options;

const CREDENTIALS_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "scheme": {"type": "string", "enum": ["clickhouse", "clickhouses"], "default": "clickhouses"},
    "host": {"type": "string", "minLength": 1},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "database": {"type": "string", "minLength": 1},
    "user": {"type": "string", "minLength": 1, "default": "default"},
    "password": {"type": "string", "writeOnly": true},
    "sslmode": {
      "type": "string",
      "enum": ["disable", "require", "verify-ca", "verify-full"]
    }
  },
  "required": ["host"],
  "additionalProperties": false
}"#;

const HELP: &str = "Give DataChat a user of its own that may read and nothing more: \
    CREATE USER datachat IDENTIFIED BY '…' SETTINGS readonly = 2; GRANT SELECT ON shop.* TO datachat. With readonly = 1 \
    in its profile the server refuses the limits of rows and time that DataChat sends with every statement. \
    Do not grant SOURCES (FILE, URL, S3, …): it lets a SELECT read files and other servers. \
    The port is that of the HTTP interface: 8123, or 8443 with TLS.";

const LIST_TABLES: &str = "SELECT database AS table_schema, name AS table_name FROM system.tables \
    WHERE if(isNull({schema:Nullable(String)}), \
    database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA'), \
    database = {schema:Nullable(String)}) ORDER BY 1, 2";

const LIST_COLUMNS: &str = "SELECT database AS table_schema, table AS table_name, name AS column_name, \
    type AS data_type FROM system.columns WHERE table = {table:String} \
    AND if(isNull({schema:Nullable(String)}), \
    database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA'), \
    database = {schema:Nullable(String)}) ORDER BY 1, 2, position";

/// The connector's description.
pub fn describe() -> ConnectorInfo {
    let schemes = [
        ("clickhouse", 8123, TlsMode::Disable),
        ("clickhouses", 8443, TlsMode::VerifyFull),
        ("http", 8123, TlsMode::Disable),
        ("https", 8443, TlsMode::VerifyFull),
    ];
    ConnectorInfo {
        name: "clickhouse".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database_types: vec![DatabaseType {
            name: "clickhouse".to_owned(),
            aliases: Vec::new(),
            title: "ClickHouse".to_owned(),
        }],
        url_schemes: schemes.map(|(name, ..)| name.to_owned()).to_vec(),
        default_port: 8123,
        scheme_defaults: schemes
            .map(|(name, port, tls)| SchemeDefaults {
                scheme: name.to_owned(),
                port,
                tls,
            })
            .to_vec(),
        dialect: Dialect::Clickhouse,
        transport: Transport::Http,
        options: options::specs(),
        tls_option: Some("sslmode".to_owned()),
        url_form: "{scheme}://{user}:{password}@{host}:{port}/{database}?sslmode={sslmode}"
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
