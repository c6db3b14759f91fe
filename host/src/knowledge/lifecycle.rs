//! Who changed a DataPoint, when and why: `metadata.lifecycle`, kept by the server for what comes by the API.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

const NAME: &str = "lifecycle";

/// Fills in what a new DataPoint does not say.
pub fn created(metadata: &mut Map<String, Value>, now: DateTime<Utc>) {
    let lifecycle = block(metadata);
    default(lifecycle, "version", "1.0.0");
    default(lifecycle, "reviewer", "pending-review");
    default(lifecycle, "changed_by", "api");
    default(lifecycle, "changed_reason", "created");
    default(lifecycle, "changed_at", &time(now));
}

/// Makes the version that follows `before`, whatever the new metadata say of it, and the time of now.
pub fn updated(metadata: &mut Map<String, Value>, before: &Map<String, Value>, now: DateTime<Utc>) {
    let known = |name: &str| before.get(NAME).and_then(|block| text(block.get(name)?));
    let lifecycle = block(metadata);
    let version = next_patch(known("version").unwrap_or_default());
    lifecycle.insert("version".to_owned(), version.into());
    default(
        lifecycle,
        "reviewer",
        known("reviewer").unwrap_or("pending-review"),
    );
    default(lifecycle, "changed_by", "api");
    default(lifecycle, "changed_reason", "updated");
    lifecycle.insert("changed_at".to_owned(), time(now).into());
}

/// When it was last changed, if that is said in a way that can be compared.
pub fn changed_at(metadata: &Map<String, Value>) -> Option<DateTime<Utc>> {
    let text = text(metadata.get(NAME)?.get("changed_at")?)?;
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let day = || {
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(day.and_time(chrono::NaiveTime::MIN).and_utc())
    };
    time.ok().or_else(day)
}

/// A member of the block that says something.
pub fn says<'a>(metadata: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    text(metadata.get(NAME)?.get(name)?)
}

fn text(value: &Value) -> Option<&str> {
    let text = value.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// The block, made if it is missing or is no object.
fn block(metadata: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let value = metadata.entry(NAME).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(block) => block,
        _ => unreachable!("it was just made one"),
    }
}

fn default(block: &mut Map<String, Value>, name: &str, value: &str) {
    if block.get(name).and_then(text).is_none() {
        block.insert(name.to_owned(), value.into());
    }
}

fn time(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// `1.2.3` makes `1.2.4`; what is no such version counts as 1.0.0.
fn next_patch(version: &str) -> String {
    let numbers: Vec<Option<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_slice() {
        [Some(major), Some(minor), Some(patch)] => {
            format!("{major}.{minor}.{}", patch.saturating_add(1))
        }
        _ => "1.0.1".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_763_800_000_123_456).expect("in range")
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_new_datapoint_gets_what_it_does_not_say() {
        let mut metadata = object(&json!({"lifecycle": {"reviewer": "ann", "changed_by": " "}}));
        created(&mut metadata, now());
        assert_eq!(
            metadata["lifecycle"],
            json!({
                "reviewer": "ann",
                "changed_by": "api",
                "version": "1.0.0",
                "changed_reason": "created",
                "changed_at": "2025-11-22T08:26:40.123456Z",
            })
        );
    }

    #[test]
    fn an_update_makes_the_next_version_whatever_is_said_of_it() {
        let before = object(&json!({"lifecycle": {"version": "2.3.9", "reviewer": "ann"}}));
        let mut metadata = object(&json!({"lifecycle": {"version": "7.0.0", "changed_by": "bob"}}));
        updated(&mut metadata, &before, now());
        assert_eq!(metadata["lifecycle"]["version"], "2.3.10");
        assert_eq!(metadata["lifecycle"]["reviewer"], "ann");
        assert_eq!(metadata["lifecycle"]["changed_by"], "bob");
        for odd in ["", "1", "1.x.0", "1.0.0.0", "99999999999999999999.0.0"] {
            assert_eq!(next_patch(odd), "1.0.1", "{odd}");
        }
    }

    #[test]
    fn a_time_is_compared_only_if_it_is_one() {
        let at = |text: &str| changed_at(&object(&json!({"lifecycle": {"changed_at": text}})));
        assert!(at("2026-01-02") > at("2026-01-01T23:59:59+00:00"));
        assert_eq!(at("yesterday"), None);
        assert_eq!(changed_at(&Map::new()), None);
    }
}
