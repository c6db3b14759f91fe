//! The real server program, in a process of its own.
//!
//! It is built from the host's `main.rs` as a program of this crate, so that cargo rebuilds it before every
//! run of the tests. It starts with an environment of exactly what a test gives it, a data folder of its own,
//! and its log in the test log folder.

use std::fs;
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use datachat_throwaway::{Leash, Owner, Signal};
use serde_json::{Value, json};

use crate::client::Client;
use crate::evidence::{log_folder, profile_folder, target_folder};
use crate::seed;
use crate::shows_canary;

/// How long a start or stop may take on a busy machine that compiles a component for the first time.
const PATIENCE: Duration = Duration::from_mins(2);

/// How to start a server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Names the log, with a number added.
    pub name: String,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Arguments after `serve --host 127.0.0.1 --port <port>`, which name neither host nor port.
    pub arguments: Vec<String>,
}

impl ServerOptions {
    /// Nothing but the defaults.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            variables: Vec::new(),
            arguments: Vec::new(),
        }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server. Dropping it stops the server and checks its log.
pub struct TestServer {
    options: ServerOptions,
    leash: Option<Leash>,
    folder: tempfile::TempDir,
    /// 0 before the first launch.
    port: u16,
    log: PathBuf,
    client: Client,
}

impl TestServer {
    /// Starts a server and waits until it answers `/health`.
    ///
    /// # Errors
    /// When it ends instead; its log is part of the error.
    pub async fn start(options: ServerOptions) -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let stem = format!("{}-{}-{number}", options.name, std::process::id());
        let log = log_folder()?.join(format!("{stem}.log"));
        let client = client(0, &log);
        let mut server = Self {
            options,
            leash: None,
            folder: tempfile::Builder::new()
                .prefix("datachat-test-")
                .tempdir()?,
            port: 0,
            log,
            client,
        };
        server.launch().await?;
        Ok(server)
    }

    /// Starts a stopped or killed server again, on the same port and data folder.
    ///
    /// The server says in its log where it listens. Whoever else answers on a port is never taken for it.
    ///
    /// # Errors
    /// As [`TestServer::start`].
    pub async fn launch(&mut self) -> Result<()> {
        seed::plant(&self.data_folder())?;
        let logged = self.log_text().len();
        let mut command = self.command()?;
        command
            .args(["serve", "--host", "127.0.0.1", "--port"])
            .arg(self.port.to_string())
            .args(&self.options.arguments);
        self.leash = Some(Leash::start(
            &command,
            Owner::Ourselves,
            Signal::Terminate,
            &self.log,
            Some(self.folder.path()),
        )?);
        let end = Instant::now() + PATIENCE;
        loop {
            let log = self.log_text();
            if let Some(port) = log.get(logged..).and_then(listens_on) {
                self.port = port;
                // Not with network connections that a server before this one has closed.
                self.client = client(port, &self.log);
                self.client.get("/health").await?.expect(200)?;
                return seed::harvest(&self.data_folder());
            }
            let ended = match &mut self.leash {
                Some(leash) => leash.ended()?,
                None => None,
            };
            if let Some(status) = ended {
                bail!("the server ended ({status}): {}", self.log_text());
            }
            if Instant::now() > end {
                bail!("the server does not answer: {}", self.log_text());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The program with an empty environment, for starts that are to fail.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn program() -> Result<Command> {
        let mut command = Command::new(program()?);
        command.env_clear();
        for name in ["PATH", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Ok(command)
    }

    /// The program with this server's environment and data folder, for other commands than `serve`.
    ///
    /// # Errors
    /// When the program has not been built.
    pub fn command(&self) -> Result<Command> {
        let mut command = Self::program()?;
        command
            .env("HOME", self.folder.path())
            .env("DATACHAT_DATA_DIR", self.data_folder())
            .env("DATACHAT_LOG", "debug")
            .env("DATACHAT_LOG_FORMAT", "json")
            .env("RUST_BACKTRACE", "1")
            .envs(self.options.variables.iter().cloned())
            .current_dir(self.folder.path());
        Ok(command)
    }

    /// Sets an environment variable for the next [`TestServer::launch`].
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.options.variables.retain(|(known, _)| known != name);
        self.options
            .variables
            .push((name.to_owned(), value.to_owned()));
    }

    /// A client without a key.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// `http://127.0.0.1:<port>`
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process id.
    ///
    /// # Errors
    /// When it is stopped.
    pub fn process(&self) -> Result<u32> {
        Ok(self
            .leash
            .as_ref()
            .context("the server is stopped")?
            .process())
    }

    /// The server's data folder.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder for a test's own files, such as certificates.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has logged.
    pub fn log_text(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Registers a database by the API and gives its id.
    ///
    /// # Errors
    /// The server's problem.
    pub async fn register(&self, name: &str, database_url: &str) -> Result<String> {
        self.register_with(name, database_url, json!({})).await
    }

    /// Registers a database with further fields, such as `is_default`.
    ///
    /// # Errors
    /// The server's problem.
    pub async fn register_with(
        &self,
        name: &str,
        database_url: &str,
        further: Value,
    ) -> Result<String> {
        // Every scheme that tests use is also the name of a type.
        let scheme = database_url.split(':').next();
        let mut body = json!({"name": name, "database_url": database_url, "database_type": scheme});
        if let (Some(body), Value::Object(further)) = (body.as_object_mut(), further) {
            body.extend(further);
        }
        let connection = self
            .client
            .post("/api/v1/databases", &body)
            .await?
            .expect(201)?;
        connection["connection_id"]
            .as_str()
            .map(str::to_owned)
            .context("a connection without connection_id")
    }

    /// Asks the server to end and waits for it.
    ///
    /// # Errors
    /// When it does not end, or its log shows a credential.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(leash) = self.leash.take() {
            // A server that hangs or was killed by its test has none to give.
            let _ = self.keep_metrics();
            leash.stop(PATIENCE)?;
        }
        self.check_log()
    }

    /// Appends `/metrics` to the log: what they say must show no credential either.
    fn keep_metrics(&self) -> Result<()> {
        let key = self
            .options
            .variables
            .iter()
            .find(|(name, _)| name == "DATACHAT_API_KEYS")
            .and_then(|(_, keys)| keys.split(',').next()?.splitn(3, ':').nth(2))
            .unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n",
            self.port
        )?;
        let mut log = fs::OpenOptions::new().append(true).open(&self.log)?;
        io::copy(&mut stream, &mut log)?;
        Ok(())
    }

    /// Kills the server with signal 9.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_9(&mut self) -> Result<()> {
        let leash = self.leash.take().context("the server is stopped")?;
        leash.send(Signal::Kill)?;
        leash.stop(PATIENCE)?;
        Ok(())
    }

    fn check_log(&self) -> Result<()> {
        if fs::read(&self.log).is_ok_and(|log| shows_canary(&log)) {
            bail!("{} shows a credential", self.log.display());
        }
        Ok(())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let stopped = self.stop();
        // A second panic while one unwinds would abort the test program.
        if !std::thread::panicking() {
            assert!(stopped.is_ok(), "{stopped:?}");
        }
    }
}

/// The program that cargo built beside this test.
fn program() -> Result<PathBuf> {
    let program = profile_folder()?.join("datachat-under-test");
    if !program.exists() {
        bail!("{} is missing; run `cargo xtask test`", program.display());
    }
    let plugins = target_folder()?.join("plugins");
    if !plugins.exists() {
        bail!(
            "{} is missing; run `cargo xtask plugins`",
            plugins.display()
        );
    }
    Ok(program)
}

fn client(port: u16, log: &Path) -> Client {
    Client::new(
        format!("http://127.0.0.1:{port}"),
        log.with_extension("answers"),
    )
}

/// The port that a server says it listens on, in a line of its own.
fn listens_on(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once(" listens on http://127.0.0.1:")?;
    let (port, _) = rest.split_once('\n')?;
    port.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::listens_on;

    #[test]
    fn a_server_is_found_where_a_whole_line_says_that_it_listens() {
        let line = "{}\nDataChat 0.1.0 listens on http://127.0.0.1:4711";
        assert_eq!(listens_on(line), None, "it may go on");
        assert_eq!(listens_on(&format!("{line}\n{{}}\n")), Some(4711));
    }
}
