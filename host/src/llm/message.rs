//! What a model is sent.

use serde_json::{Value, json};

use super::ladder::{Form, Rung};

/// One message of the talk with a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    System(String),
    User(String),
    /// What the model said before.
    Assistant {
        text: String,
        calls: Vec<ToolCall>,
    },
    /// What came of a call of it.
    Tool {
        call_id: String,
        text: String,
    },
}

/// A call that a model asks for. Name and arguments are its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// The text of a JSON object, if it kept to the protocol.
    pub arguments: String,
}

/// A tool that the model may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub name: String,
    pub description: String,
    /// A JSON schema.
    pub parameters: Value,
}

/// The form that an answer is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub name: &'static str,
    pub schema: Value,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub messages: &'a [Message],
    pub offers: &'a [Offer],
    pub schema: Option<&'a Schema>,
}

impl Request<'_> {
    /// The body, with what the rung says that the server takes.
    pub(super) fn body(&self, model: Option<&str>, most_tokens: u64, rung: Rung) -> Value {
        let messages: Vec<Value> = self.messages.iter().map(Message::json).collect();
        let mut body = json!({
            "messages": messages,
            "stream": true,
            "temperature": 0,
            "max_tokens": most_tokens,
        });
        if let Some(model) = model {
            body["model"] = json!(model);
        }
        if rung.usage {
            body["stream_options"] = json!({"include_usage": true});
        }
        if rung.tools && !self.offers.is_empty() {
            body["tools"] = self.offers.iter().map(Offer::json).collect();
        }
        if let Some(schema) = self.schema {
            match rung.form {
                Form::Schema => {
                    body["response_format"] = json!({
                        "type": "json_schema",
                        "json_schema": {"name": schema.name, "strict": true, "schema": schema.schema},
                    });
                }
                Form::Json => body["response_format"] = json!({"type": "json_object"}),
                Form::Text => {}
            }
        }
        body
    }

    /// How long the texts are, in characters.
    pub(super) fn characters(&self) -> usize {
        let messages = self.messages.iter().map(|message| match message {
            Message::System(text) | Message::User(text) | Message::Tool { text, .. } => {
                text.chars().count()
            }
            Message::Assistant { text, calls } => {
                let calls = calls
                    .iter()
                    .map(|call| call.name.len() + call.arguments.len());
                text.chars().count() + calls.sum::<usize>()
            }
        });
        let offers = self.offers.iter().map(Offer::characters);
        messages.sum::<usize>() + offers.sum::<usize>()
    }
}

impl Message {
    fn json(&self) -> Value {
        match self {
            Self::System(text) => json!({"role": "system", "content": text}),
            Self::User(text) => json!({"role": "user", "content": text}),
            Self::Assistant { text, calls } if calls.is_empty() => {
                json!({"role": "assistant", "content": text})
            }
            Self::Assistant { text, calls } => json!({
                "role": "assistant",
                "content": text,
                "tool_calls": calls.iter().map(ToolCall::json).collect::<Vec<_>>(),
            }),
            Self::Tool { call_id, text } => {
                json!({"role": "tool", "tool_call_id": call_id, "content": text})
            }
        }
    }
}

impl ToolCall {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        })
    }
}

impl Offer {
    fn json(&self) -> Value {
        json!({
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": self.parameters,
            },
        })
    }

    /// How much of a prompt it takes, in characters.
    pub fn characters(&self) -> usize {
        self.name.len() + self.description.len() + self.parameters.to_string().len()
    }
}
