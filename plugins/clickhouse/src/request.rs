//! What a request to the server says: the statement in the body, everything else in the query part.
//!
//! Name and password stand in headers, never in the URL, which servers and proxies log. The format is the
//! default for the statement (`default_format`), not a clause that is added to its text: what follows the end
//! of somebody's statement, a comment or a semicolon, can't change what an added clause means. A `FORMAT` that
//! the statement brings would win over the default; the answer names its format, and that is checked.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// What a URL takes as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The path and query of a request.
#[derive(Debug, Clone, Default)]
pub struct Query(String);

impl Query {
    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let separator = if self.0.is_empty() { "/?" } else { "&" };
        let value = percent_encode(value.as_ref(), PLAIN);
        // Writing to a string can't fail.
        let _ = write!(self.0, "{separator}{name}={value}");
        self
    }

    /// Adds a parameter if there is one.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// As the request line has it.
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_can_not_add_parameters() {
        let query = Query::default()
            .with("database", "a&readonly=0#")
            .with("param_x", b"\\N\xff ")
            .with_some("none", None);
        assert_eq!(
            query.as_str(),
            "/?database=a%26readonly%3D0%23&param_x=%5CN%FF%20"
        );
        assert_eq!(Query::default().as_str(), "/");
    }
}
