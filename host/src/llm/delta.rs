//! An answer, put together from its pieces.
//!
//! A piece is read for what is needed and no more: servers add members, leave others out, write null for absent, give
//! content as a text or as parts, and number tool calls or not.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::LlmError;
use super::message::ToolCall;

/// Calls of one answer.
const MOST_CALLS: usize = 64;

/// What a model has said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub text: String,
    pub calls: Vec<ToolCall>,
    pub finish: Finish,
    /// Its words for that it won't.
    pub refusal: Option<String>,
    pub usage: Option<Usage>,
}

/// Why it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It had said everything.
    Stop,
    /// It had no room left.
    Length,
    /// A filter of the server's stopped it.
    Filter,
}

/// What the server has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Usage {
    #[serde(default)]
    pub prompt_tokens: u64,
    #[serde(default)]
    pub completion_tokens: u64,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: Option<u64>,
    /// Of a piece, or of a whole answer.
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct CallPiece {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionPiece>,
}

#[derive(Deserialize)]
struct FunctionPiece {
    #[serde(default)]
    name: Option<String>,
    /// A text by the protocol; some servers give the object.
    #[serde(default)]
    arguments: Option<Value>,
}

/// Takes pieces.
#[derive(Debug, Default)]
pub struct Gathered {
    text: String,
    refusal: String,
    calls: BTreeMap<usize, ToolCall>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    done: bool,
    /// Whether anything of the protocol has come.
    begun: bool,
}

impl Gathered {
    /// Takes the data of one event, and gives the text that it adds.
    ///
    /// # Errors
    /// [`LlmError::Malformed`] for what is no piece, or tells of an error.
    pub fn take(&mut self, data: &str) -> Result<String, LlmError> {
        if data.trim() == "[DONE]" {
            (self.begun, self.done) = (true, true);
            return Ok(String::new());
        }
        let piece: Piece =
            serde_json::from_str(data).map_err(|error| LlmError::Malformed(error.to_string()))?;
        if let Some(error) = piece.error {
            let words = error.pointer("/message").unwrap_or(&error);
            let words: String = words.to_string().chars().take(200).collect();
            return Err(LlmError::Malformed(format!("it reports {words}")));
        }
        self.begun = true;
        self.usage = piece.usage.or(self.usage);
        let mut added = String::new();
        for choice in piece.choices.unwrap_or_default() {
            if choice.index.unwrap_or(0) != 0 {
                continue;
            }
            if let Some(delta) = choice.delta {
                added.push_str(&delta.content.map(Content::text).unwrap_or_default());
                self.refusal.push_str(&delta.refusal.unwrap_or_default());
                for call in delta.tool_calls.unwrap_or_default() {
                    self.call(call)?;
                }
            }
            if let Some(reason) = choice.finish_reason {
                self.finish = Some(match reason.as_str() {
                    "length" => Finish::Length,
                    "content_filter" => Finish::Filter,
                    _ => Finish::Stop,
                });
            }
        }
        self.text.push_str(&added);
        Ok(added)
    }

    fn call(&mut self, piece: CallPiece) -> Result<(), LlmError> {
        let last = self.calls.last_key_value().map(|(at, _)| *at);
        let known = |id: &String| {
            let mut calls = self.calls.iter();
            calls.find(|(_, call)| call.id == *id).map(|(at, _)| *at)
        };
        let fresh = last.map_or(0, |last| last + 1);
        let at = match (piece.index, &piece.id) {
            (Some(at), _) => at,
            (None, Some(id)) => known(id).unwrap_or(fresh),
            (None, None) => last.unwrap_or(0),
        };
        if self.calls.len() >= MOST_CALLS && !self.calls.contains_key(&at) {
            return Err(LlmError::Malformed(format!(
                "more than {MOST_CALLS} tool calls"
            )));
        }
        let call = self.calls.entry(at).or_insert_with(|| ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        });
        if let Some(id) = piece.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        let Some(function) = piece.function else {
            return Ok(());
        };
        // A name comes whole; some servers repeat it with every piece.
        if let Some(name) = function.name.filter(|name| !name.is_empty()) {
            call.name = name;
        }
        match function.arguments {
            Some(Value::String(text)) => call.arguments.push_str(&text),
            None | Some(Value::Null) => {}
            Some(other) => call.arguments.push_str(&other.to_string()),
        }
        Ok(())
    }

    /// Whether the end was announced.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// How many bytes there are so far.
    pub fn bytes(&self) -> usize {
        let calls = self.calls.values().map(|call| call.arguments.len());
        self.text.len() + self.refusal.len() + calls.sum::<usize>()
    }

    /// The whole answer.
    ///
    /// # Errors
    /// [`LlmError::BrokenOff`] if neither the answer nor the stream had its end.
    pub fn finish(self) -> Result<Answer, LlmError> {
        if !self.begun {
            return Err(LlmError::Malformed(
                "no event of the chat protocol".to_owned(),
            ));
        }
        if self.finish.is_none() && !self.done {
            return Err(LlmError::BrokenOff);
        }
        let mut calls: Vec<ToolCall> = self.calls.into_values().collect();
        calls.retain(|call| !call.name.is_empty());
        for (at, call) in calls.iter_mut().enumerate() {
            if call.id.is_empty() {
                call.id = format!("call_{at}");
            }
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
        }
        Ok(Answer {
            text: self.text,
            calls,
            finish: self.finish.unwrap_or(Finish::Stop),
            refusal: Some(self.refusal).filter(|words| !words.is_empty()),
            usage: self.usage,
        })
    }
}

impl Content {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn gather(pieces: &[&str]) -> Result<Answer, LlmError> {
        let mut gathered = Gathered::default();
        for piece in pieces {
            gathered.take(piece)?;
        }
        gathered.finish()
    }

    #[test]
    fn text_comes_together_from_pieces_of_several_dialects() {
        let answer = gather(&[
            r#"{"choices": [{"delta": {"role": "assistant", "content": null}}]}"#,
            r#"{"choices": [{"index": 0, "delta": {"content": "Grü"}}]}"#,
            r#"{"choices": [{"index": 1, "delta": {"content": "other"}}]}"#,
            r#"{"choices": [{"delta": {"content": [{"type": "text", "text": "ße"}]}, "finish_reason": "length"}]}"#,
            r#"{"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3, "x": 1}}"#,
        ])
        .expect("an answer");
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            ("Grüße", Finish::Length)
        );
        let usage = answer.usage.expect("counted");
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (12, 3));
    }

    #[test]
    fn a_whole_answer_is_one_piece() {
        let answer = gather(&[
            r#"{"choices": [{"message": {"content": "yes", "refusal": null}, "finish_reason": "stop"}]}"#,
        ])
        .expect("an answer");
        assert_eq!((answer.text.as_str(), answer.refusal), ("yes", None));
    }

    #[test]
    fn tool_calls_that_come_interleaved_are_told_apart() {
        let piece =
            |call: &str| format!(r#"{{"choices": [{{"delta": {{"tool_calls": [{call}]}}}}]}}"#);
        let pieces = [
            piece(
                r#"{"index": 0, "id": "a", "function": {"name": "list_tables", "arguments": ""}}"#,
            ),
            piece(r#"{"index": 1, "id": "b", "function": {"name": "get", "arguments": "{\"t\""}}"#),
            piece(r#"{"index": 0, "function": {"arguments": "{}"}}"#),
            piece(r#"{"index": 1, "function": {"name": "get", "arguments": ":1}"}}"#),
            "[DONE]".to_owned(),
        ];
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let calls = gather(&pieces).expect("an answer").calls;
        let call = |id: &str, name: &str, arguments: &str| ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        assert_eq!(
            calls,
            [
                call("a", "list_tables", "{}"),
                call("b", "get", r#"{"t":1}"#)
            ]
        );
        // Without numbers: by their ids, or as the last one goes on; an object instead of its text.
        let pieces = [
            piece(r#"{"id": "x", "function": {"name": "f", "arguments": {"a": 1}}}"#),
            piece(r#"{"id": "y", "function": {"name": "g"}}"#),
            piece(r#"{"function": {"arguments": "{\"b\":2}"}}"#),
            "[DONE]".to_owned(),
        ];
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let calls = gather(&pieces).expect("an answer").calls;
        assert_eq!(
            calls,
            [call("x", "f", r#"{"a":1}"#), call("y", "g", r#"{"b":2}"#)]
        );
    }

    #[test]
    fn an_answer_without_an_end_has_broken_off() {
        let piece = r#"{"choices": [{"delta": {"content": "half"}}]}"#;
        assert!(matches!(gather(&[piece]), Err(LlmError::BrokenOff)));
        assert_eq!(gather(&[piece, "[DONE]"]).expect("an answer").text, "half");
    }

    proptest! {
        #[test]
        fn no_piece_makes_it_panic(pieces in prop::collection::vec(piece(), 0..6)) {
            let mut gathered = Gathered::default();
            for piece in &pieces {
                let _ = gathered.take(piece);
            }
            let bytes = gathered.bytes();
            if let Ok(answer) = gathered.finish() {
                prop_assert!(answer.text.len() <= bytes);
                prop_assert!(answer.calls.iter().all(|call| !call.id.is_empty() && !call.name.is_empty()));
            }
        }
    }

    /// What a server might send: members of the protocol with values of other kinds, or no JSON at all.
    fn piece() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("7".to_owned()),
            Just("-1".to_owned()),
            Just(r#""stop""#.to_owned()),
            Just(r#""{\"a\":""#.to_owned()),
            Just("[]".to_owned()),
        ];
        let value = leaf.prop_recursive(6, 40, 4, |inner| {
            let name = prop::sample::select(vec![
                "choices",
                "delta",
                "message",
                "content",
                "tool_calls",
                "function",
                "name",
                "arguments",
                "index",
                "id",
                "finish_reason",
                "usage",
                "prompt_tokens",
                "error",
                "refusal",
            ]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                    let members: Vec<String> = members
                        .into_iter()
                        .map(|(name, value)| format!("\"{name}\":{value}"))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        });
        prop_oneof![value, Just("[DONE]".to_owned()), ".{0,40}"]
    }

    #[test]
    fn an_error_in_the_stream_is_one() {
        let error = gather(&[r#"{"error": {"message": "out of memory", "code": 500}}"#]);
        let error = error.expect_err("an error").to_string();
        assert!(error.contains("out of memory"), "{error}");
        assert!(matches!(gather(&["<html>"]), Err(LlmError::Malformed(_))));
    }
}
