//! A value on the command line: JSON, or else text. JSON keeps its digits.

use serde_json::value::{RawValue, to_raw_value};

use super::failure::Failure;

/// The value that a text means.
///
/// # Errors
/// Never with a reason that a user could know.
pub fn value(argument: &str) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(argument.to_owned()).or_else(|_| text(argument))
}

/// The text as a JSON string, whatever it looks like.
///
/// # Errors
/// As [`value`].
pub fn text(argument: &str) -> Result<Box<RawValue>, Failure> {
    to_raw_value(argument).map_err(|error| Failure::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_text_and_what_is_stays_as_it_is() {
        for (argument, json) in [
            ("1.10", "1.10"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("null", "null"),
            (r#"{"type": "text"}"#, r#"{"type": "text"}"#),
            ("2024-02-29", r#""2024-02-29""#),
            ("x \"y\"", r#""x \"y\"""#),
            ("", r#""""#),
        ] {
            assert_eq!(value(argument).expect("a value").get(), json);
        }
        assert_eq!(text("1.10").expect("a text").get(), r#""1.10""#);
    }
}
