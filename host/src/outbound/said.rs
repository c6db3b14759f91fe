//! What a server says of why it does not answer.

use std::time::Duration;

use hyper::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use crate::secret::Secret;

/// The most of a server's own words that is shown, in characters.
const QUOTED: usize = 200;

/// How long a server wants to be left alone. The other form, a date, is rare and no better than not knowing.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// The server's own words, if it has some: on one line, not too many, and without the key, which some servers
/// repeat.
pub fn words(body: &[u8], key: Option<&Secret<String>>) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = ["/error/message", "/error", "/message", "/detail"]
        .iter()
        .find_map(|path| json.pointer(path)?.as_str().map(str::to_owned))
        .unwrap_or_else(|| "without a word of explanation".to_owned());
    let text = match key {
        Some(key) if !key.reveal().is_empty() => text.replace(key.reveal().as_str(), "[redacted]"),
        _ => text,
    };
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(QUOTED)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_are_quoted_on_one_line_without_the_key() {
        let key = Secret::new("sk-canary".to_owned());
        let body = br#"{"error": {"message": "bad key\nsk-canary"}}"#;
        assert_eq!(words(body, Some(&key)), "bad key [redacted]");
        assert_eq!(words(b"<html>", None), "without a word of explanation");
        let long = format!(r#"{{"detail": "{}"}}"#, "x".repeat(1000));
        assert_eq!(words(long.as_bytes(), None).len(), QUOTED);
    }
}
