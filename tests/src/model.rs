//! A server that speaks the chat protocol and says what was written down for a question, piece by piece.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is done with one request.
#[derive(Debug, Clone)]
pub enum Step {
    Send(Vec<u8>),
    Wait(Duration),
}

#[derive(Default)]
struct Book {
    /// By the question, what is said to one request after the other.
    lines: HashMap<String, VecDeque<Vec<Step>>>,
    asked: Vec<Value>,
    /// Questions whose asker left before the end.
    left: Vec<String>,
}

/// See the module.
#[derive(Clone)]
pub struct Model {
    pub url: String,
    book: Arc<Mutex<Book>>,
}

impl Model {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let model = Self {
            url: format!("http://{}/v1", listener.local_addr()?),
            book: Arc::default(),
        };
        let serving = model.clone();
        // On a thread of its own: a test's runtime ends with the test.
        std::thread::spawn(move || serving.serve(listener));
        Ok(model)
    }

    fn serve(self, listener: TcpListener) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let (Ok(runtime), Ok(listener)) = (runtime, listener.into_std()) else {
            return;
        };
        runtime.block_on(async move {
            let Ok(listener) = TcpListener::from_std(listener) else {
                return;
            };
            while let Ok((stream, _)) = listener.accept().await {
                let model = self.clone();
                tokio::spawn(async move {
                    // Who leaves early is noted; nothing else is of interest.
                    let _ = model.answer(stream).await;
                });
            }
        });
    }

    /// Writes down what is said to a question's requests, one after the other.
    pub fn script(&self, question: &str, lines: impl IntoIterator<Item = Vec<Step>>) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.lines
            .insert(question.to_owned(), lines.into_iter().collect());
    }

    /// The requests about a question, in their order.
    pub fn asked(&self, wanted: &str) -> Vec<Value> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let about = |request: &&Value| question(request).as_deref() == Some(wanted);
        book.asked.iter().filter(about).cloned().collect()
    }

    /// Whether somebody left before a question's answer ended.
    pub fn was_left(&self, question: &str) -> bool {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.left.iter().any(|left| left == question)
    }

    async fn answer(&self, mut stream: TcpStream) -> Result<()> {
        let request = read(&mut stream).await?;
        let question = question(&request).unwrap_or_default();
        let steps = {
            let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
            book.asked.push(request);
            let line = book.lines.get_mut(&question).and_then(VecDeque::pop_front);
            line.unwrap_or_else(|| {
                says(&json!({"kind": "impossible", "text": "Nothing is written down."}))
            })
        };
        for step in steps {
            let went = match step {
                Step::Send(bytes) => stream.write_all(&bytes).await.is_ok(),
                Step::Wait(time) => {
                    let mut byte = [0];
                    tokio::select! {
                        () = tokio::time::sleep(time) => true,
                        read = stream.read(&mut byte) => matches!(read, Ok(1..)),
                    }
                }
            };
            if !went {
                let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
                book.left.push(question);
                return Ok(());
            }
        }
        stream.shutdown().await?;
        Ok(())
    }
}

/// The question, or the table, that a request is about.
fn question(request: &Value) -> Option<String> {
    let data = told(request);
    let about = data["question"].as_str().or(data["table"].as_str());
    about.map(str::to_owned)
}

/// What a request tells the model.
pub fn told(request: &Value) -> Value {
    let data = request["messages"][1]["content"]
        .as_str()
        .unwrap_or_default();
    serde_json::from_str(data).unwrap_or_default()
}

async fn read(stream: &mut TcpStream) -> Result<Value> {
    let mut request = Vec::new();
    loop {
        let read = stream.read_buf(&mut request).await?;
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let line = line.to_lowercase();
                line.strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= length.context("a length")? {
                return Ok(serde_json::from_str(body)?);
            }
        }
        anyhow::ensure!(read > 0, "the request broke off");
    }
}

pub fn send(text: impl Into<String>) -> Step {
    Step::Send(text.into().into_bytes())
}

pub fn wait(millis: u64) -> Step {
    Step::Wait(Duration::from_millis(millis))
}

/// The head of a stream.
pub fn stream() -> Step {
    send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
}

/// One piece of text.
pub fn piece(text: &str) -> Step {
    let data = json!({"choices": [{"delta": {"content": text}}]});
    send(format!("data: {data}\n\n"))
}

pub fn end() -> Step {
    send("data: [DONE]\n\n")
}

/// A text in several pieces.
pub fn says_text(text: &str) -> Vec<Step> {
    let mut steps = vec![stream()];
    let characters: Vec<char> = text.chars().collect();
    steps.extend(
        characters
            .chunks(7)
            .map(|chunk| piece(&chunk.iter().collect::<String>())),
    );
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 20}});
    steps.push(send(format!("data: {usage}\n\n")));
    steps.push(end());
    steps
}

/// A proposal.
pub fn says(proposal: &Value) -> Vec<Step> {
    says_text(&proposal.to_string())
}

/// Calls of tools, by name and arguments.
pub fn calls(calls: &[(&str, Value)]) -> Vec<Step> {
    let mut steps = vec![stream()];
    for (at, (name, arguments)) in calls.iter().enumerate() {
        let arguments = arguments.to_string();
        let (first, rest) = arguments.split_at(arguments.len() / 2);
        for function in [
            json!({"name": name, "arguments": first}),
            json!({"arguments": rest}),
        ] {
            let call = json!({"index": at, "id": format!("call_{at}"), "function": function});
            let data = json!({"choices": [{"delta": {"content": null, "tool_calls": [call]}}]});
            steps.push(send(format!("data: {data}\n\n")));
        }
    }
    steps.push(end());
    steps
}

/// An answer that is none.
pub fn fails(status: &str, body: &str) -> Vec<Step> {
    vec![send(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))]
}
