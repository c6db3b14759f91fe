//! What a server is and can, asked once when a session is opened.

use std::collections::HashMap;

use datachat_sdk::connector::types::DbError;

use crate::errors;

/// The settings that we give to statements, where the server knows them.
const SETTINGS: [&str; 16] = [
    "readonly",
    "limit",
    "max_result_rows",
    "max_result_bytes",
    "result_overflow_mode",
    "max_execution_time",
    "timeout_overflow_mode",
    "cancel_http_readonly_queries_on_client_close",
    "enable_http_compression",
    "output_format_arrow_low_cardinality_as_dictionary",
    "output_format_arrow_string_as_string",
    "output_format_arrow_fixed_string_as_fixed_byte_array",
    "output_format_arrow_compression_method",
    "output_format_arrow_date_as_uint16",
    "output_format_binary_write_json_as_string",
    "http_write_exception_in_output_format",
];

/// The statement that asks for the facts; it answers with names and values.
pub fn question() -> String {
    let settings: Vec<String> = SETTINGS.iter().map(|name| format!("'{name}'")).collect();
    format!(
        "SELECT '#version' AS name, version() AS value \
         UNION ALL SELECT '#zone', timezone() \
         UNION ALL SELECT '#database', currentDatabase() \
         UNION ALL SELECT name, value FROM system.settings WHERE name IN ({})",
        settings.join(", ")
    )
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// As the server says it: `26.9.2.1`.
    pub version: String,
    /// Year and number of the release.
    pub release: (u32, u32),
    /// The zone of times that name none.
    pub zone: String,
    pub database: String,
    /// What the user's profile has for the settings above.
    settings: HashMap<String, String>,
}

/// How much the user's profile lets a session decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Open,
    /// Reads only, and nobody can change a setting.
    Closed,
    /// Reads only, settings can be changed.
    ReadOnly,
}

impl Facts {
    /// Before the server has been asked.
    pub(crate) fn unknown() -> Self {
        Self {
            version: String::new(),
            release: (0, 0),
            zone: "UTC".to_owned(),
            database: String::new(),
            settings: HashMap::new(),
        }
    }

    /// Reads the rows of [`question`].
    ///
    /// # Errors
    /// `protocol`, if the server does not say its version.
    pub fn read(rows: Vec<Vec<String>>) -> Result<Self, DbError> {
        let mut settings: HashMap<String, String> = rows
            .into_iter()
            .filter_map(|row| <[String; 2]>::try_from(row).ok())
            .map(|[name, value]| (name, value))
            .collect();
        let mut take = |name: &str| settings.remove(name);
        let version = take("#version")
            .ok_or_else(|| errors::malformed("the server does not say its version"))?;
        let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
        Ok(Self {
            release: (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)),
            zone: take("#zone").unwrap_or_else(|| "UTC".to_owned()),
            database: take("#database").unwrap_or_default(),
            version,
            settings,
        })
    }

    /// Whether the server writes Arrow streams, and names and types in front of rows.
    pub fn has_arrow(&self) -> bool {
        self.release >= (20, 5)
    }

    /// Whether statements can have parameters.
    pub fn has_parameters(&self) -> bool {
        self.release >= (19, 14)
    }

    /// Whether the server makes a result end after a number of rows, exactly.
    pub fn has_limit(&self) -> bool {
        self.settings.contains_key("limit")
    }

    /// What the user's profile is.
    pub fn profile(&self) -> Profile {
        match self.settings.get("readonly").map(String::as_str) {
            None | Some("0") => Profile::Open,
            Some("1") => Profile::Closed,
            Some(_) => Profile::ReadOnly,
        }
    }

    /// Whether the server knows a setting and lets us give it.
    pub fn may_set(&self, name: &str) -> bool {
        match self.profile() {
            Profile::Open => self.settings.contains_key(name),
            Profile::Closed => false,
            Profile::ReadOnly => name != "readonly" && self.settings.contains_key(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(rows: &[(&str, &str)]) -> Facts {
        let rows = rows.iter().map(|(n, v)| vec![(*n).into(), (*v).into()]);
        Facts::read(rows.collect()).expect("facts")
    }

    #[test]
    fn a_profile_that_forbids_settings_gets_none() {
        let version = ("#version", "26.9.2.1");
        let open = facts(&[version, ("readonly", "0"), ("limit", "0")]);
        assert_eq!(open.release, (26, 9));
        assert!(open.may_set("limit") && open.may_set("readonly"));
        assert!(!open.may_set("max_result_rows"));
        let closed = facts(&[version, ("readonly", "1"), ("limit", "0")]);
        assert!(!closed.may_set("limit") && !closed.may_set("readonly"));
        let careful = facts(&[version, ("readonly", "2"), ("limit", "0")]);
        assert!(careful.may_set("limit") && !careful.may_set("readonly"));
    }

    #[test]
    fn what_a_server_can_follows_from_its_release() {
        let old = facts(&[("#version", "18.16.1")]);
        assert!(!old.has_arrow() && !old.has_parameters() && !old.has_limit());
        assert!(facts(&[("#version", "20.5.1")]).has_arrow());
        assert!(Facts::read(Vec::new()).is_err());
    }
}
