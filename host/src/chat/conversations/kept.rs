//! What is kept of a turn: texts of a bounded length, without credentials.
//!
//! A question may quote the password of its connection, or a database URL that somebody has pasted. Neither is kept,
//! wherever in the turn it stands: all texts pass [`clean`], those of the state included.

use std::borrow::Cow;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::reply::{Reply, Source};
use crate::limits::Limits;
use crate::plugins::Target;
use crate::store::TurnRow;

/// The most characters of a title that is made of a question.
const HEADING: usize = 60;

/// One question and its answer, as they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub question: String,
    pub answer: String,
    pub answer_source: Source,
    /// What the next question may take up: the plan, what was left open, what the answer rests on.
    pub session_state: Map<String, Value>,
    /// As the answer named it.
    #[serde(skip)]
    pub database: Value,
    #[serde(skip)]
    pub position: i64,
    #[serde(skip)]
    pub asked_at: DateTime<Utc>,
}

impl Turn {
    /// A turn that was kept; `None` for one that was spoilt by hand.
    pub fn read(row: &TurnRow) -> Option<Self> {
        let turn: Self = serde_json::from_str(&row.body).ok()?;
        Some(Self {
            database: serde_json::from_str(&row.database).ok()?,
            position: row.position,
            asked_at: row.asked_at,
            ..turn
        })
    }

    /// A member of what the answer rests on; null if there is none.
    pub fn ground(&self, name: &str) -> &Value {
        let grounds = self.session_state.get("grounds");
        grounds.map_or(&Value::Null, |grounds| &grounds[name])
    }
}

/// What is kept of an answer to what was asked.
pub fn turn(asked: &str, reply: &Reply, target: &Target, limits: &Limits) -> Turn {
    let most = usize::try_from(limits.conversation_text_bytes).unwrap_or(usize::MAX);
    let mut state = Value::Object(reply.session_state.clone());
    if let Some(members) = state.as_object_mut() {
        // A part of a plan would be another plan.
        members.retain(|name, value| name != "plan" || json(value).len() <= most);
    }
    clean_all(&mut state, target, most);
    Turn {
        question: clean(asked, target, most),
        answer: clean(&reply.answer, target, most),
        answer_source: reply.answer_source,
        session_state: match state {
            Value::Object(members) => members,
            _ => Map::new(),
        },
        database: Value::Null,
        position: 0,
        asked_at: DateTime::UNIX_EPOCH,
    }
}

fn clean_all(value: &mut Value, target: &Target, most: usize) {
    match value {
        Value::String(text) => *text = clean(text, target, most),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| clean_all(item, target, most)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| clean_all(member, target, most)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text without credentials, of at most so many bytes.
fn clean(text: &str, target: &Target, most: usize) -> String {
    let mut text = target.redacted(without_urls(text).into_owned());
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

/// A text in which URLs have no passwords.
pub fn without_urls(text: &str) -> Cow<'_, str> {
    // To the last @ of a word: a password may hold one that should have been encoded.
    static PASSWORD: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)([a-z][a-z0-9+.-]*://[^\s:/@]*):\S*@").ok());
    match &*PASSWORD {
        Some(pattern) => pattern.replace_all(text, "$1:[redacted]@"),
        None => Cow::Borrowed(text),
    }
}

/// The beginning of a question on one line, cut at a word.
pub fn heading(question: &str) -> String {
    let mut heading = String::new();
    let mut room = HEADING;
    for word in question.split(|char: char| char.is_whitespace() || char.is_control()) {
        let length = word.chars().count();
        if length == 0 {
            continue;
        }
        if length + usize::from(!heading.is_empty()) > room {
            if heading.is_empty() {
                heading.extend(word.chars().take(room));
            }
            heading.push('…');
            return heading;
        }
        if !heading.is_empty() {
            heading.push(' ');
            room -= 1;
        }
        heading.push_str(word);
        room -= length;
    }
    if heading.is_empty() {
        "Without words".clone_into(&mut heading);
    }
    heading
}

/// What serialises always.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_heading_is_cut_at_a_word() {
        assert_eq!(heading("  revenue\n by\tcity? "), "revenue by city?");
        let long =
            "What was the revenue of organic products in Paris in the last quarter of the year?";
        assert_eq!(
            heading(long),
            "What was the revenue of organic products in Paris in the…"
        );
        assert_eq!(heading(&"x".repeat(100)), format!("{}…", "x".repeat(60)));
        assert_eq!(heading("\0\n"), "Without words");
    }

    #[test]
    fn a_url_keeps_everything_but_its_password() {
        for (text, expected) in [
            (
                "add postgres://ann:hunter2@db/shop please",
                "add postgres://ann:[redacted]@db/shop please",
            ),
            (
                "mysql://ann:p@ss/w:rd@db:3306/shop",
                "mysql://ann:[redacted]@db:3306/shop",
            ),
            ("redis://:secret@cache", "redis://:[redacted]@cache"),
            ("https://example.org:8080/a", "https://example.org:8080/a"),
            ("a:b@c", "a:b@c"),
        ] {
            assert_eq!(without_urls(text), expected);
        }
    }

    proptest! {
        #[test]
        fn a_heading_is_one_short_line(question in ".{0,200}") {
            let heading = heading(&question);
            prop_assert!(!heading.is_empty());
            prop_assert!(heading.chars().count() <= HEADING + 1);
            prop_assert!(!heading.contains(char::is_control));
        }
    }
}
