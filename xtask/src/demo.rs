//! `cargo xtask demo`: from a fresh clone to two databases behind one server, and what their tables mean.
//!
//! Everything it starts hangs on a leash and everything it writes is in temporary folders: Ctrl-C, a closed
//! terminal and `kill -9` all leave nothing behind. The server runs with its defaults, apart from where it
//! keeps its data.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use datachat_throwaway::{Auth, Folder, Leash, Options, Owner, Postgres, Role, Signal};

use crate::http::{self, Answer};
use crate::route::Choice;
use crate::workspace::{Workspace, cargo, json_string};
use crate::{command, model, plugins, prerequisites, signals};

/// The example databases; the first becomes the default.
const EXAMPLES: &[Example] = &[
    Example {
        database: "fintech_bank",
        name: "Fintech bank",
        sql: "SELECT kind, count(*) AS n, sum(amount) AS amount FROM transactions GROUP BY kind ORDER BY kind",
        tool: "list_tables",
        arguments: r#"{"schema": "risk"}"#,
        question: "Default rate per segment",
    },
    Example {
        database: "grocery_store",
        name: "Grocery store",
        sql: "SELECT method, count(*) AS n, sum(total) AS total FROM transactions GROUP BY method ORDER BY method",
        tool: "get_table_sample",
        arguments: r#"{"table": "orderLines", "limit": 2}"#,
        question: "Top 3 categories by revenue",
    },
];

struct Example {
    /// The database, and its folder.
    database: &'static str,
    /// In the registry.
    name: &'static str,
    sql: &'static str,
    tool: &'static str,
    arguments: &'static str,
    /// It is planned over what the DataPoints define.
    question: &'static str,
}

/// The role that the server uses: it can read everything and change nothing.
const ROLE: &str = "datachat_reader";
/// Of a server that lives for minutes and listens on loopback only.
const PASSWORD: &str = "demo";

const PREFERRED_PORT: u16 = 8000;

/// How long the server may take to answer; it compiles its components first.
const PATIENCE: Duration = Duration::from_mins(3);

/// Builds, starts, shows; stays up until a signal, or with `once` ends there.
///
/// # Errors
/// When a step fails. What was started is stopped then, too.
pub fn run(once: bool) -> Result<()> {
    signals::catch();
    let workspace = Workspace::find()?;
    prerequisites::libclang()?;
    prerequisites::postgres()?;
    model::if_possible();
    step("Building the components (WebAssembly)");
    plugins::run(plugins::Options {
        hostile: false,
        examples: false,
        choice: Choice::Automatic,
    })?;
    step("Building the server; the first time takes some minutes");
    command::run(
        cargo()
            // The whole workspace's features, so that demo and tests share what they compile.
            .args(["build", "--workspace", "--bin", "datachat"])
            .current_dir(&workspace.root),
    )?;

    step("Starting a throw-away PostgreSQL with the example databases");
    let postgres = start_postgres(&workspace.root)?;
    step("Starting the server");
    let mut server = Server::start(&workspace)?;
    println!("  {} (log: {})", server.base(), server.log().display());
    let ids = EXAMPLES
        .iter()
        .enumerate()
        .map(|(at, example)| show(&server, &postgres, example, at == 0))
        .collect::<Result<Vec<_>>>()?;
    explain(&workspace, &server, &ids)?;
    if once {
        return server.stop();
    }
    step("Up and running. Repeat any of the lines above; Ctrl-C stops everything and removes it");
    while !signals::received() {
        if let Some(status) = server.leash.ended()? {
            bail!("the server ended ({status}):\n{}", server.last_words());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    step("Stopping");
    server.stop()?;
    drop(postgres);
    println!("  nothing is left");
    Ok(())
}

fn step(text: &str) {
    println!("\n== {text}");
}

fn start_postgres(root: &Path) -> Result<Postgres> {
    let mut options = Options::new(PASSWORD).role(Role::new(ROLE, PASSWORD, Auth::Scram));
    for example in EXAMPLES {
        options = options.database(example.database);
    }
    let postgres = Postgres::start(options)?;
    postgres.psql("postgres", &format!("GRANT pg_read_all_data TO {ROLE}"))?;
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let loads: Vec<_> = EXAMPLES
            .iter()
            .map(|example| {
                let postgres = &postgres;
                scope.spawn(move || {
                    let folder = root.join("datapoints/examples").join(example.database);
                    postgres.psql_file(example.database, &folder.join("schema.sql"))?;
                    postgres.psql_file(example.database, &folder.join("data.sql"))
                })
            })
            .collect();
        loads.into_iter().try_for_each(|load| {
            load.join()
                .unwrap_or_else(|_| bail!("loading the data panicked"))
        })
    })?;
    check_signal()?;
    println!(
        "  port {}, data loaded in {:.1} s",
        postgres.port(),
        begin.elapsed().as_secs_f32()
    );
    Ok(postgres)
}

/// Registers a database, asks it something, runs a tool on it; each as a line that the reader can repeat. Gives the
/// connection's id.
fn show(
    server: &Server,
    postgres: &Postgres,
    example: &Example,
    is_default: bool,
) -> Result<String> {
    step(&format!(
        "{}: register, query, run a tool, ask",
        example.name
    ));
    let url = postgres.url(ROLE, PASSWORD, example.database);
    let connection = server.post(
        "/api/v1/databases",
        &format!(
            r#"{{"name": "{}", "database_type": "postgresql", "database_url": "{url}", "is_default": {is_default}}}"#,
            example.name
        ),
        201,
    )?;
    let id = json_string(&connection.body, "connection_id").context("no connection_id")?;
    let answer = server.post(
        "/api/v1/query",
        &format!(r#"{{"target_database": "{id}", "sql": "{}"}}"#, example.sql),
        200,
    )?;
    let tool = server.post(
        "/api/v1/tools/execute",
        &format!(
            r#"{{"target_database": "{id}", "name": "{}", "arguments": {}}}"#,
            example.tool, example.arguments
        ),
        200,
    )?;
    let asked = server.post(
        "/api/v1/chat",
        &format!(r#"{{"target_database": "{id}", "message": "Which tables are there?"}}"#),
        200,
    )?;
    for answer in [answer, tool, asked] {
        if !answer.body.contains(&id) {
            bail!("another database answered: {}", answer.body);
        }
    }
    Ok(id)
}

/// Loads the DataPoints of both databases and the shared ones, and asks both what a word means that each has a
/// definition of: the stores their own, the bank the shared one.
fn explain(workspace: &Workspace, server: &Server, ids: &[String]) -> Result<()> {
    step("DataPoints: what tables and metrics mean, for each database and for all");
    for (example, id) in EXAMPLES.iter().zip(ids) {
        let folder = Path::new("datapoints/examples").join(example.database);
        server.sync(workspace, &folder, &["--connection-id", id])?;
    }
    server.sync(
        workspace,
        Path::new("datapoints/shared"),
        &["--global-scope"],
    )?;
    for (id, scope) in ids.iter().zip(["global", "connection"]) {
        let answer = server.post(
            "/api/v1/tools/execute",
            &format!(
                r#"{{"target_database": "{id}", "name": "context_answer", "arguments": {{"query": "What does revenue mean?"}}}}"#
            ),
            200,
        )?;
        let found = format!(
            r#"{{"datapoint_id":"metric_revenue_001","name":"Revenue","type":"Business","scope":"{scope}""#
        );
        if !answer.body.contains(&found) {
            bail!("that is not the {scope} definition: {}", answer.body);
        }
    }
    step("Questions over what the DataPoints define");
    for (example, id) in EXAMPLES.iter().zip(ids) {
        let answer = server.post(
            "/api/v1/chat",
            &format!(
                r#"{{"target_database": "{id}", "message": "{}"}}"#,
                example.question
            ),
            200,
        )?;
        if json_string(&answer.body, "answer_source").as_deref() != Some("sql") {
            bail!("that is no answer: {}", answer.body);
        }
    }
    Ok(())
}

fn check_signal() -> Result<()> {
    if signals::received() {
        bail!("interrupted");
    }
    Ok(())
}

/// The running server.
struct Server {
    // Dropped in this order: the program before its folder.
    leash: Leash,
    folder: Folder,
    port: u16,
}

impl Server {
    fn start(workspace: &Workspace) -> Result<Self> {
        let folder = Folder::create("datachat-demo", Owner::Ourselves)?;
        let port = free_port()?;
        let mut program = Command::new(workspace.target.join("debug/datachat"));
        program
            .args(["serve", "--host", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .env("DATACHAT_DATA_DIR", folder.path().join("data"))
            // Not where a developer's own `.env` may be.
            .current_dir(folder.path());
        for variable in [
            "DATABASE_URL",
            "SYSTEM_DATABASE_URL",
            "DATABASE_CREDENTIALS_KEY",
            "DATACHAT_API_KEYS",
        ] {
            program.env_remove(variable);
        }
        let leash = Leash::start(
            &program,
            Owner::Ourselves,
            Signal::Terminate,
            &folder.path().join("server.log"),
            Some(folder.path()),
        )?;
        let mut server = Self {
            leash,
            folder,
            port,
        };
        let end = Instant::now() + PATIENCE;
        while !http::call(port, "GET", "/health", None).is_ok_and(|answer| answer.status == 200) {
            check_signal()?;
            if server.leash.ended()?.is_some() || Instant::now() > end {
                bail!("the server did not start:\n{}", server.last_words());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("server.log")
    }

    fn last_words(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Posts JSON, shows the call as a `curl` line and the beginning of the answer.
    fn post(&self, path: &str, body: &str, expected: u16) -> Result<Answer> {
        const SHOWN: usize = 900;
        check_signal()?;
        println!(
            "\ncurl -sS {}{path} -H 'content-type: application/json' -d {}",
            self.base(),
            shell_quoted(body)
        );
        let begin = Instant::now();
        let answer = http::call(self.port, "POST", path, Some(body))?;
        if answer.status != expected {
            bail!("{}: {}", answer.status, answer.body);
        }
        let beginning: String = answer.body.chars().take(SHOWN).collect();
        let more = if beginning.len() < answer.body.len() {
            " …"
        } else {
            ""
        };
        println!(
            "# {} in {} ms\n{}{more}",
            answer.status,
            begin.elapsed().as_millis(),
            beginning.trim_end()
        );
        Ok(answer)
    }

    /// Syncs a folder with the command line's own command, shown as a line that can be repeated.
    fn sync(&self, workspace: &Workspace, folder: &Path, scope: &[&str]) -> Result<()> {
        check_signal()?;
        let program = workspace.target.join("debug/datachat");
        let mut sync = Command::new(program);
        sync.args(["dp", "sync", "--datapoints-dir"])
            .arg(folder)
            .args(scope)
            .env("DATA_CHAT_API_URL", self.base())
            .current_dir(&workspace.root);
        println!(
            "\nDATA_CHAT_API_URL={} datachat dp sync --datapoints-dir {} {}",
            self.base(),
            folder.display(),
            scope.join(" ")
        );
        print!("{}", command::output(&mut sync)?);
        Ok(())
    }

    fn stop(self) -> Result<()> {
        self.leash.stop(Duration::from_secs(30)).map(drop)
    }
}

/// The usual port if it is free, else any.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", PREFERRED_PORT))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
    Ok(listener.local_addr()?.port())
}

/// Text as one word of a shell's command line.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_comes_out_of_the_shell_as_it_went_in() {
        let text = r#"{"sql": "SELECT 'it''s' AS \"x\", $1"}"#;
        let echoed = command::output(
            Command::new("/bin/sh")
                .arg("-c")
                .arg(format!("printf %s {}", shell_quoted(text))),
        );
        assert_eq!(echoed.unwrap(), text);
    }
}
