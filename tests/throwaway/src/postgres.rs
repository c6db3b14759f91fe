//! A throw-away PostgreSQL server: initialised in a temporary folder, gone without a trace afterwards.
//!
//! PostgreSQL refuses to run as root; then the server runs as the user `postgres`.
//!
//! Administration ([`Postgres::psql`]) goes through a Unix socket inside that folder, without a password,
//! so it works whatever the network rules under test say. Clients under test use TCP on 127.0.0.1.
//!
//! Crash safety is off (`fsync`): it survives the death of the server, not of the machine.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::leash::{Folder, Leash, Signal};
use crate::{Installation, Options};

/// How long a start or stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub struct Postgres {
    installation: Installation,
    options: Options,
    // Dropped in this order: the server first.
    leash: Option<Leash>,
    folder: Folder,
    port: u16,
}

impl Postgres {
    /// Initialises and starts a server, then creates the roles and databases of `options`.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start; the server's log is part of the error.
    pub fn start(options: Options) -> Result<Self> {
        let installation = Installation::find()?;
        let folder = Folder::create("datachat-pg", installation.owner)?;
        let mut server = Self {
            installation,
            options,
            leash: None,
            folder,
            port: 0,
        };
        server.initialise()?;
        server.launch_on_a_free_port()?;
        server.set_up()?;
        Ok(server)
    }

    /// The TCP port, on 127.0.0.1. It stays the same across [`Postgres::restart`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the server's Unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the server's data, for tests that look for changed files.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The URL of a database for a role, without options.
    pub fn url(&self, role: &str, password: &str, database: &str) -> String {
        format!(
            "postgresql://{role}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// The URL of a database for the superuser `postgres`.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url("postgres", &self.options.superuser_password, database)
    }

    /// Runs SQL as superuser; the answer is unaligned (`a|b`), without headers.
    ///
    /// # Errors
    /// The first statement that fails, in psql's words.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String> {
        let output = self
            .psql_command(database)
            .args(["-c", sql])
            .output()
            .context("can't start psql")?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let text = String::from_utf8(output.stdout).context("psql's answer is not UTF-8")?;
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    /// Runs a file of SQL as superuser.
    ///
    /// # Errors
    /// The first statement that fails, in psql's words.
    pub fn psql_file(&self, database: &str, file: &Path) -> Result<()> {
        let output = self
            .psql_command(database)
            .arg("-q")
            .stdin(fs::File::open(file).with_context(|| file.display().to_string())?)
            .output()
            .context("can't start psql")?;
        if !output.status.success() {
            bail!(
                "{}: {}",
                file.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// Creates an empty database, owned by `postgres`.
    ///
    /// # Errors
    /// When it exists already.
    pub fn create_database(&self, name: &str) -> Result<()> {
        self.psql("postgres", &format!("CREATE DATABASE {}", quoted(name)))
            .map(drop)
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Stops the server, cutting its connections; its data stays for [`Postgres::launch`].
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> Result<()> {
        match self.leash.take() {
            Some(leash) => leash.stop(PATIENCE).map(drop),
            None => Ok(()),
        }
    }

    /// Starts a stopped or killed server again, on the same port.
    ///
    /// # Errors
    /// When it does not start, for instance because the port has been taken meanwhile.
    pub fn launch(&mut self) -> Result<()> {
        // What a killed server leaves behind names a process that may exist again.
        let _ = fs::remove_file(self.data_folder().join("postmaster.pid"));
        let mut program = Command::new(self.installation.program("postgres"));
        program
            .arg("-D")
            .arg(self.data_folder())
            .args(["-c", &format!("port={}", self.port)])
            .envs(self.options.variables.iter().cloned())
            .current_dir(self.folder.path());
        self.leash = Some(Leash::start(
            &program,
            self.installation.owner,
            // PostgreSQL's "fast" shutdown: it does not wait for clients.
            Signal::Interrupt,
            &self.log_file(),
            Some(self.folder.path()),
        )?);
        let end = Instant::now() + PATIENCE;
        while !self.is_ready() {
            let ended = match &mut self.leash {
                Some(leash) => leash.ended()?.is_some(),
                None => true,
            };
            if ended || Instant::now() > end {
                let _ = self.stop();
                bail!("PostgreSQL did not start: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Stops and starts the server.
    ///
    /// # Errors
    /// When either fails.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.launch()
    }

    /// Kills the server's first process with signal 9, and waits until its port is free.
    ///
    /// # Errors
    /// When it is not running, or its children outlive it.
    pub fn kill_9(&mut self) -> Result<()> {
        let leash = self.leash.take().context("the server is not running")?;
        leash.send(Signal::Kill)?;
        leash.stop(PATIENCE)?;
        let end = Instant::now() + PATIENCE;
        while TcpListener::bind(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > end {
                bail!("port {} is still taken", self.port);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn psql_command(&self, database: &str) -> Command {
        let mut command = Command::new(self.installation.program("psql"));
        command
            .args([
                "-X",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-h",
            ])
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string(), "-d", database])
            .env("PGCLIENTENCODING", "UTF8")
            .env_remove("PGOPTIONS")
            .env_remove("PGSERVICE");
        command
    }

    fn initialise(&mut self) -> Result<()> {
        let mut initdb = Command::new(self.installation.program("initdb"));
        initdb
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--username=postgres",
                "--auth=trust",
                "-D",
            ])
            .arg(self.data_folder())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        self.installation.owner.apply(&mut initdb);
        let output = initdb.output().context("can't start initdb")?;
        if !output.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&output.stderr));
        }
        let data = self.data_folder();
        if let Some(tls) = &self.options.tls {
            self.installation
                .owner
                .write(&data.join("server.crt"), &tls.certificate_pem)?;
            self.installation
                .owner
                .write(&data.join("server.key"), &tls.key_pem)?;
        }
        self.installation
            .owner
            .write(&data.join("pg_hba.conf"), &self.options.host_rules())?;
        self.installation.owner.write(
            &data.join("postgresql.conf"),
            &self.options.configuration(self.folder.path()),
        )
    }

    /// Another process may take the port between our look and the server's start.
    fn launch_on_a_free_port(&mut self) -> Result<()> {
        let mut last = None;
        for _ in 0..5 {
            self.port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            match self.launch() {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no attempt was made")?)
    }

    fn set_up(&self) -> Result<()> {
        self.psql("postgres", &self.options.roles_sql())?;
        for database in &self.options.databases {
            self.create_database(database)?;
        }
        Ok(())
    }

    /// The eighth line of the pid file says when connections are taken.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.data_folder().join("postmaster.pid")).is_ok_and(|file| {
            file.lines()
                .nth(7)
                .is_some_and(|line| line.trim() == "ready")
        })
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nobody is left to tell; the folder removes itself next.
        let _ = self.stop();
    }
}

/// A name as an SQL identifier.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Text as an SQL literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
