//! JSON that goes into a component and comes out of it.
//!
//! Into one goes the caller's text as it is, so it must mean the same to every reader: an object that names a
//! member twice says one thing to a reader that takes the first and another to one that takes the last, and
//! the host has judged only one of them. Out of one may come values of a database that no number of ours
//! holds (`1e400` of a jsonb column) or that nest more deeply than our reader goes; those are looked at
//! through [`readable`] and handed on as they are.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Offence;
use crate::query::members;

/// What a repeated member is called on its way through serde, which knows only texts.
const TWICE: &str = "a member is given twice";

/// How deep [`readable`] looks; `serde_json` itself stops soon after.
const DEPTH: usize = 100;

/// Reads the arguments of a call.
///
/// # Errors
/// They are no object, name a member twice at any depth, or hold what can't be read.
pub fn arguments(text: &RawValue) -> Result<Value, Offence> {
    let offence = |code, message: &str| Offence {
        field: "arguments".to_owned(),
        code,
        message: message.to_owned(),
    };
    if !text.get().trim_start().starts_with('{') {
        return Err(offence("type", "must be an object"));
    }
    match serde_json::from_str::<Unique>(text.get()) {
        Ok(Unique) => {}
        Err(error) if error.to_string().starts_with(TWICE) => {
            return Err(offence("value", "must not name a member twice"));
        }
        Err(_) => {
            return Err(offence(
                "value",
                "must not hold a number beyond a double's range or nest more than 120 levels deep",
            ));
        }
    }
    serde_json::from_str(text.get()).map_err(|_| offence("value", "can't be read"))
}

/// A text as a value that a schema can judge: a number beyond a double's range is the largest double, and what
/// nests too deeply to be read is null. `None`: it is not JSON.
pub fn readable(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    Some(rough(raw, DEPTH))
}

fn rough(raw: &RawValue, depth: usize) -> Value {
    let text = raw.get();
    let deeper = depth.checked_sub(1);
    match (text.bytes().next(), deeper) {
        (Some(b'{' | b'['), None) => Value::Null,
        (Some(b'{'), Some(depth)) => {
            let members = members::read(raw).into_iter();
            members
                .map(|(name, value)| (name, rough(value, depth)))
                .collect()
        }
        (Some(b'['), Some(depth)) => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            items.into_iter().map(|item| rough(item, depth)).collect()
        }
        _ => serde_json::from_str(text).unwrap_or_else(|_| f64::MAX.into()),
    }
}

/// Any JSON in which no object names a member twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
                while items.next_element::<Unique>()?.is_some() {}
                Ok(Unique)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut names = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !names.insert(name) {
                        return Err(A::Error::custom(TWICE));
                    }
                    map.next_value::<Unique>()?;
                }
                Ok(Unique)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Value, String> {
        let raw = RawValue::from_string(text.to_owned()).expect("JSON");
        arguments(&raw).map_err(|offence| offence.message)
    }

    #[test]
    fn a_member_that_is_given_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"table": "a", "table": "b"}"#,
            r#"{"filter": [{"x": 1, "x": 1}]}"#,
            r#"{"a": 1, "\u0061": 2}"#,
        ] {
            assert_eq!(
                read(text).expect_err(text),
                "must not name a member twice",
                "{text}"
            );
        }
        assert_eq!(
            read(r#"{"a": {"x": 1}, "b": {"x": 2}}"#),
            Ok(json!({"a": {"x": 1}, "b": {"x": 2}}))
        );
    }

    #[test]
    fn what_is_no_object_and_what_cannot_be_read_are_told_apart() {
        assert_eq!(read("[1]").expect_err("no object"), "must be an object");
        for text in [
            r#"{"limit": 1e999}"#.to_owned(),
            format!(r#"{{"a": {}{}}}"#, "[".repeat(200), "]".repeat(200)),
        ] {
            let message = read(&text).expect_err("unreadable");
            assert!(message.contains("double's range"), "{message}");
        }
    }

    #[test]
    fn values_beyond_our_numbers_and_depth_can_be_judged_by_a_schema() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let text = format!(r#"{{"rows": [[1e400, "a", 7, {deep}]], "row_count": 1}}"#);
        let value = readable(&text).expect("JSON");
        assert_eq!(value["row_count"], 1);
        assert_eq!(value["rows"][0][0], json!(f64::MAX));
        assert_eq!(value["rows"][0][1], "a");
        assert_eq!(value["rows"][0][2], 7);
        assert!(value["rows"][0][3].is_array());
        assert_eq!(readable("{"), None);
        assert_eq!(readable("1e400 x"), None);
    }
}
