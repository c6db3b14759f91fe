//! Options of a database URL: declaring them, and saying what is wrong with one.

use std::time::Duration;

use crate::connector::types::{DbError, ErrorCode};
use crate::connector::{OptionSpec, Target};
use crate::error::db_error;

/// An option for `connector-info`. Without `values` it takes any text.
pub fn spec(name: &str, description: &str, values: &[&str], default: Option<&str>) -> OptionSpec {
    OptionSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
        default: default.map(str::to_owned),
    }
}

/// The time for connecting that the option `name` says in whole seconds, within the host's; 0 leaves it to
/// the host.
///
/// # Errors
/// `invalid-option`, when it is no number.
pub fn connect_timeout(target: &Target, name: &str, value: &str) -> Result<Duration, DbError> {
    let host = Duration::from_millis(target.connect_timeout_ms.into());
    match value.parse::<u32>() {
        Ok(0) => Ok(host),
        Ok(seconds) => Ok(host.min(Duration::from_secs(seconds.into()))),
        Err(_) => Err(invalid(name, "a whole number of seconds")),
    }
}

/// An option has a value that it does not take.
pub fn invalid(name: &str, wanted: &str) -> DbError {
    db_error(
        ErrorCode::InvalidOption,
        format!("the option {name} takes {wanted}"),
    )
}

/// There is no option of this name.
pub fn unknown(connector: &str, name: &str) -> DbError {
    db_error(
        ErrorCode::InvalidOption,
        format!("the {connector} connector has no option {name:?}"),
    )
}
