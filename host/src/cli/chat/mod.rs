//! `datachat chat`: a conversation at a prompt.
//!
//! Each line is a question; what the server said of the state of the conversation goes with the next one. While a
//! turn runs, its stage is shown. Lines that begin with a dot are for the prompt itself. Without a terminal the
//! lines of standard input are the questions.

mod bars;
mod events;
mod names;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Request};
use indicatif::{ProgressBar, ProgressDrawTarget};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use self::bars::bars;
use self::events::{Events, member};
use self::names::Names;
use super::ask;
use super::conversations;
use super::databases::find;
use super::failure::Failure;
use super::output::{Format, Printer, cell, note};
use super::server::{Server, parse};
use super::tools::table;

const PROMPT: &str = "> ";
const HELP: &str = "A question, or: .sql (the last statement), .why (its steps), .new (forget what was said), .quit";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id or name of a connection; without it, that of the conversation, else the default
    #[arg(long, value_name = "DATABASE")]
    target_database: Option<String>,

    /// The id of one of your conversations to go on with
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
}

/// Talks until the end of the input.
///
/// # Errors
/// There is no such connection or conversation, or the input can't be read. A question that fails ends nothing.
pub async fn run(
    server: &Server,
    args: &Args,
    data_folder: &Path,
    printer: Printer,
) -> Result<(), Failure> {
    let last = match &args.conversation {
        Some(id) => Some(server.get(&conversations::path(id)).await?),
        None => None,
    };
    let target = match (&args.target_database, &last) {
        (Some(target), _) => Some(find(server, target).await?),
        (None, Some(last)) => last["database"]["id"]
            .as_str()
            .and_then(|id| id.parse().ok()),
        (None, None) => None,
    };
    let mut lines = Lines::open(server, target, data_folder).await?;
    let mut conversation = Conversation {
        target,
        id: args.conversation.clone(),
        // Without a state, what the server has kept counts.
        state: Value::Null,
        last: None,
    };
    if lines.are_typed() {
        note(HELP);
    }
    while let Some(line) = lines.next()? {
        match line.trim() {
            "" => {}
            ".quit" | ".exit" | "exit" | "quit" => break,
            ".help" => note(HELP),
            ".new" => {
                conversation.id = None;
                conversation.state = Value::Null;
                conversation.last = None;
            }
            ".sql" => note(&conversation.told(|reply| cell(&reply["sql"]))),
            ".why" => note(&conversation.told(steps)),
            line if line.starts_with('.') => note(HELP),
            question => {
                if let Err(failure) = conversation.ask(server, question, printer).await {
                    failure.print();
                }
            }
        }
    }
    Ok(())
}

fn steps(reply: &Value) -> String {
    let steps = reply["decision_trace"].as_array().into_iter().flatten();
    let line = |step: &Value| {
        let text = |name: &str| cell(&step[name]);
        format!(
            "{}: {} ({})",
            text("stage"),
            text("decision"),
            text("reason")
        )
    };
    steps.map(line).collect::<Vec<_>>().join("\n")
}

/// What was said so far, as far as the next question needs it.
struct Conversation {
    target: Option<Uuid>,
    id: Option<String>,
    state: Value,
    last: Option<Value>,
}

impl Conversation {
    fn told(&self, what: impl Fn(&Value) -> String) -> String {
        let told = self.last.as_ref().map(what).unwrap_or_default();
        if told.is_empty() {
            "There is none.".to_owned()
        } else {
            told
        }
    }

    async fn ask(
        &mut self,
        server: &Server,
        question: &str,
        printer: Printer,
    ) -> Result<(), Failure> {
        let body = json!({
            "message": question,
            "target_database": self.target,
            "conversation_id": self.id,
            "session_state": self.state,
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/chat")
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(Body::from(body.to_string()))
            .map_err(|error| Failure::new(error.to_string()))?;
        let answer = server.send(request).await?;
        let raw = heard(Events::new(answer.into_body())).await?;
        let reply = parse(&raw)?;
        ask::show(&raw, printer, false)?;
        if printer.format == Format::Table && reply["visualization_hint"] == "bar_chart" {
            let (columns, rows) = table(&raw);
            for line in bars(&columns, &rows).unwrap_or_default() {
                printer.say(&line)?;
            }
        }
        self.id = reply["conversation_id"].as_str().map(str::to_owned);
        self.state = reply["session_state"].clone();
        self.last = Some(reply);
        Ok(())
    }
}

/// Listens to a turn to its end, showing its stages, and gives the reply.
async fn heard(mut events: Events) -> Result<Box<RawValue>, Failure> {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    spinner.enable_steady_tick(Duration::from_millis(100));
    let mut outcome = Err(Failure::new("the server's answer broke off"));
    while let Some(event) = events.next().await? {
        match event.name.as_str() {
            "agent_start" => {
                let stage = member(&event.data, "agent").map(|stage| stage.get().trim_matches('"'));
                spinner.set_message(stage.unwrap_or_default().to_owned());
            }
            "complete" => {
                if let Some(reply) = member(&event.data, "response") {
                    outcome = Ok(reply.to_owned());
                }
            }
            "error" => {
                let problem = parse(&event.data)?;
                let told = Failure::from_problem(&problem);
                outcome = Err(told.unwrap_or_else(|| Failure::new(cell(&problem["message"]))));
            }
            _ => {}
        }
    }
    spinner.finish_and_clear();
    outcome
}

/// Where questions come from.
enum Lines {
    /// A terminal, with history and completion.
    Typed(Box<Prompt>),
    Piped(std::io::Lines<std::io::StdinLock<'static>>),
}

struct Prompt {
    editor: Editor<Names, FileHistory>,
    history: PathBuf,
}

impl Lines {
    async fn open(
        server: &Server,
        target: Option<Uuid>,
        data_folder: &Path,
    ) -> Result<Self, Failure> {
        if !std::io::stdin().is_terminal() {
            return Ok(Self::Piped(std::io::stdin().lock().lines()));
        }
        let connection = match target {
            Some(id) => Some(id),
            None => default(server).await,
        };
        let names = Names::of(server, connection).await;
        let config = Config::builder().auto_add_history(true).build();
        let mut editor: Editor<Names, FileHistory> =
            Editor::with_config(config).map_err(|error| Failure::new(error.to_string()))?;
        editor.set_helper(Some(names));
        let history = data_folder.join("chat_history");
        // The first conversation has none.
        let _ = editor.load_history(&history);
        Ok(Self::Typed(Box::new(Prompt { editor, history })))
    }

    fn are_typed(&self) -> bool {
        matches!(self, Self::Typed(_))
    }

    /// The next line; `None` at the end.
    fn next(&mut self) -> Result<Option<String>, Failure> {
        match self {
            Self::Piped(lines) => lines.next().transpose().map_err(Failure::from),
            Self::Typed(prompt) => {
                let line = tokio::task::block_in_place(|| prompt.editor.readline(PROMPT));
                match line {
                    Ok(line) => {
                        if let Err(error) = prompt.editor.append_history(&prompt.history) {
                            tracing::debug!(%error, "the history of questions can't be written");
                        }
                        Ok(Some(line))
                    }
                    // Ctrl-C leaves a line, Ctrl-D the conversation.
                    Err(ReadlineError::Interrupted) => Ok(Some(String::new())),
                    Err(ReadlineError::Eof) => Ok(None),
                    Err(error) => Err(Failure::new(error.to_string())),
                }
            }
        }
    }
}

/// The default connection, to complete its names.
async fn default(server: &Server) -> Option<Uuid> {
    let connections = server.get("/api/v1/databases").await.ok()?;
    let default = connections
        .as_array()?
        .iter()
        .find(|view| view["is_default"] == true)?;
    Uuid::parse_str(default["connection_id"].as_str()?).ok()
}
