//! Throw-away ClickHouse servers: an old one that is real, and today's engine behind a front of ours.
//!
//! Debian has a server of 2018, with users, cancels and read-only profiles, but without Arrow and parameters.
//! Python's registry has today's engine as a library, without a server; `front/clickhouse.py` puts the HTTP
//! interface in front of it. `cargo xtask test` installs both.
//!
//! A server that somebody names in `CLICKHOUSE_TEST_URL` (`http://user:password@host:port/database`) takes the
//! engine's place; databases have names of their own there ([`ClickHouse::name_of`]) and go with us.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::leash::{Folder, Leash, Signal};
use crate::named::{Address, Guests};
use crate::{CANARY, Owner};

/// Removes the databases of a server whose names begin as it is told.
const SWEEP: &str = r#"
import os, sys, urllib.request
base, user, prefix = sys.argv[1:]
headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": os.environ["SERVER_PASSWORD"]}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def run(sql):
    return opener.open(urllib.request.Request(base, sql.encode(), headers)).read().decode()
for name in run(f"SELECT name FROM system.databases WHERE startsWith(name, '{prefix}')").split():
    run(f"DROP DATABASE `{name}`")
"#;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The user that may do anything. Its password is [`CANARY`], as everybody's.
pub const ADMIN: &str = "admin";

/// What a user of the old server may do: the value of `readonly` in its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClickHouseUser {
    /// Everything.
    Admin,
    /// Read, and change no setting.
    Closed,
    /// Read, and change settings.
    Reader,
    /// One statement at a time.
    Scarce,
}

impl ClickHouseUser {
    /// The name that it logs in by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => ADMIN,
            Self::Closed => "closed",
            Self::Reader => "reader",
            Self::Scarce => "scarce",
        }
    }
}

/// What runs in a folder of ours.
#[derive(Debug)]
enum Program {
    /// Debian's server.
    Old(PathBuf),
    /// The Python that has today's engine.
    Engine(PathBuf),
}

impl Program {
    fn prefix(&self) -> &'static str {
        match self {
            Self::Old(_) => "datachat-ch",
            Self::Engine(_) => "datachat-che",
        }
    }

    /// Writes what it reads and says how it is started.
    fn command(&self, folder: &Path, port: u16) -> Result<Command> {
        match self {
            Self::Old(program) => {
                let file = folder.join("config.xml");
                Owner::Ourselves.write(&file, &configuration(folder, port)?)?;
                Owner::Ourselves.write(&folder.join("users.xml"), &users())?;
                let mut command = Command::new(program);
                command.arg(format!("--config-file={}", file.display()));
                Ok(command)
            }
            Self::Engine(python) => {
                let credentials = folder.join("credentials");
                Owner::Ourselves.write(&credentials, &format!("{ADMIN}\n{CANARY}\n"))?;
                let front = Path::new(env!("CARGO_MANIFEST_DIR")).join("front/clickhouse.py");
                let mut command = Command::new(python);
                command
                    .arg(front)
                    .arg(port.to_string())
                    .arg(credentials)
                    .arg(folder.join("data"))
                    .env("TZ", "UTC")
                    .current_dir(folder);
                Ok(command)
            }
        }
    }
}

/// A running server. Dropping it stops the server and removes its folder, or removes our databases from a
/// server that somebody named.
#[derive(Debug)]
pub struct ClickHouse {
    // Dropped in this order: the server first.
    leash: Option<Leash>,
    /// None of a server that somebody named.
    own: Option<(Program, Folder)>,
    guests: Option<Guests>,
    address: Address,
}

impl ClickHouse {
    /// Starts Debian's old server.
    ///
    /// # Errors
    /// When it is not installed or does not start; the server's log is part of the error.
    pub fn old() -> Result<Self> {
        let program = Self::old_program()
            .context("Debian's clickhouse-server is not there; `cargo xtask test` installs it")?;
        Self::on_a_free_port(|| Program::Old(program.clone()))
    }

    /// Starts today's engine behind its front, or takes the server of `CLICKHOUSE_TEST_URL`.
    ///
    /// # Errors
    /// When it is not installed or does not start; its log is part of the error.
    pub fn engine() -> Result<Self> {
        if let Some(address) = Address::named("CLICKHOUSE_TEST_URL", "http")? {
            return Self::named(address);
        }
        let python = Self::engine_python()
            .context("the ClickHouse engine is not there; `cargo xtask test` installs it")?;
        Self::on_a_free_port(|| Program::Engine(python.clone()))
    }

    /// The old server's program: installed, or unpacked under cargo's target folder.
    pub fn old_program() -> Option<PathBuf> {
        let installed = PathBuf::from("/usr/sbin/clickhouse-server");
        if installed.exists() {
            return Some(installed);
        }
        under_target("clickhouse-old/usr/sbin/clickhouse-server")
    }

    /// The Python that has the engine.
    pub fn engine_python() -> Option<PathBuf> {
        under_target("clickhouse-engine/bin/python3")
    }

    fn named(address: Address) -> Result<Self> {
        let guests = Guests::new(|prefix| {
            let mut sweep = Command::new("python3");
            sweep
                .args(["-c", SWEEP])
                .arg(format!("http://{}:{}/", address.host, address.port))
                .args([&address.user, prefix])
                .env("SERVER_PASSWORD", &address.password);
            sweep
        })?;
        Ok(Self {
            leash: None,
            own: None,
            guests: Some(guests),
            address,
        })
    }

    fn on_a_free_port(program: impl Fn() -> Program) -> Result<Self> {
        let mut last = None;
        // Another process may take the port between our look and the server's start.
        for _ in 0..5 {
            let program = program();
            let folder = Folder::create(program.prefix(), Owner::Ourselves)?;
            let mut server = Self {
                leash: None,
                own: Some((program, folder)),
                guests: None,
                address: Address {
                    host: "127.0.0.1".to_owned(),
                    port: free_port()?,
                    user: ADMIN.to_owned(),
                    password: CANARY.to_owned(),
                    database: None,
                },
            };
            match server.launch() {
                Ok(()) => return Ok(server),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no attempt was made")?)
    }

    /// Starts a stopped or killed server again, on the same port. Its data are still there.
    ///
    /// # Errors
    /// When it does not start, or is not ours.
    pub fn launch(&mut self) -> Result<()> {
        let (program, folder) = self.own.as_ref().context("the server is not ours")?;
        let folder = folder.path();
        self.leash = Some(Leash::start(
            &program.command(folder, self.address.port)?,
            Owner::Ourselves,
            Signal::Terminate,
            &folder.join("server.log"),
            Some(folder),
        )?);
        self.wait()
    }

    /// Stops the server, cutting its connections.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> Result<()> {
        match self.leash.take() {
            Some(leash) => leash.stop(PATIENCE).map(drop),
            None => Ok(()),
        }
    }

    /// Kills the server with signal 9.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_9(&mut self) -> Result<()> {
        let leash = self.leash.take().context("the server is not running")?;
        leash.send(Signal::Kill)?;
        leash.stop(PATIENCE).map(drop)
    }

    fn wait(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !self.sql("SELECT 1").is_ok_and(|answer| answer == "1") {
            let ended = match &mut self.leash {
                Some(leash) => leash.ended()?.is_some(),
                None => true,
            };
            if ended || Instant::now() > end {
                bail!("ClickHouse did not start: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Whether somebody named it: then it is not ours to stop.
    pub fn is_named(&self) -> bool {
        self.own.is_none()
    }

    /// Where it listens: `127.0.0.1`, unless somebody named another server.
    pub fn host(&self) -> &str {
        &self.address.host
    }

    /// The port of its HTTP interface.
    pub fn port(&self) -> u16 {
        self.address.port
    }

    /// The user that may do anything.
    pub fn user(&self) -> &str {
        &self.address.user
    }

    /// That user's password.
    pub fn password(&self) -> &str {
        &self.address.password
    }

    /// The database that tests may use, if it is not the user's own.
    pub fn database(&self) -> Option<&str> {
        self.address.database.as_deref()
    }

    /// What a database of ours is called: as it is, or by a name of its own on a server that somebody named.
    pub fn name_of(&self, database: &str) -> String {
        match &self.guests {
            Some(guests) => guests.name_of(database),
            None => database.to_owned(),
        }
    }

    /// Makes a database of ours.
    ///
    /// # Errors
    /// As [`ClickHouse::sql`].
    pub fn create_database(&self, database: &str) -> Result<()> {
        let name = self.name_of(database);
        self.sql(&format!("CREATE DATABASE {name}")).map(drop)
    }

    /// The URL of a database of ours for that user, without options.
    pub fn url(&self, database: &str) -> String {
        let Address {
            host,
            port,
            user,
            password,
            ..
        } = &self.address;
        let database = self.name_of(database);
        format!("clickhouse://{user}:{password}@{host}:{port}/{database}")
    }

    /// Runs a statement; the answer is in `TabSeparated`, without the last line's end.
    ///
    /// # Errors
    /// The exception, or that nothing answers.
    pub fn sql(&self, sql: &str) -> Result<String> {
        Ok(text(&self.fetch(sql, "TabSeparatedRaw", "")?))
    }

    /// As [`ClickHouse::sql`], in a database of ours.
    ///
    /// # Errors
    /// As there.
    pub fn sql_in(&self, database: &str, sql: &str) -> Result<String> {
        let database = format!("&database={}", self.name_of(database));
        Ok(text(&self.fetch(sql, "TabSeparatedRaw", &database)?))
    }

    /// Runs a statement; the answer is in a format, under settings as a URL has them (`&a=1`).
    ///
    /// # Errors
    /// As [`ClickHouse::sql`].
    pub fn fetch(&self, sql: &str, format: &str, settings: &str) -> Result<Vec<u8>> {
        let Address {
            host,
            port,
            user,
            password,
            ..
        } = &self.address;
        let mut socket = TcpStream::connect((host.as_str(), *port))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        write!(
            socket,
            "POST /?default_format={format}{settings} HTTP/1.1\r\nHost: {host}\r\nX-ClickHouse-User: {user}\r\n\
             X-ClickHouse-Key: {password}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{sql}",
            sql.len()
        )?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        let (head, body) = split(&answer).context("no HTTP answer")?;
        let body = if head.to_lowercase().contains("transfer-encoding: chunked") {
            unchunked(body).context("an answer that is cut off")?
        } else {
            body.to_vec()
        };
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{}", String::from_utf8_lossy(&body).trim());
        }
        Ok(body)
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        self.own
            .as_ref()
            .and_then(|(_, folder)| fs::read_to_string(folder.path().join("server.log")).ok())
            .unwrap_or_default()
    }
}

impl Drop for ClickHouse {
    fn drop(&mut self) {
        // Nobody is left to tell; the folder removes itself next.
        let _ = self.stop();
    }
}

/// A path under cargo's target folder, in which the running test stands.
fn under_target(path: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program
        .ancestors()
        .map(|folder| folder.join(path))
        .find(|path| path.exists())
}

/// An answer in `TabSeparated`, without the last line's end.
fn text(answer: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(answer).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn split(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Some((head, &answer[end + 4..]))
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|bytes| bytes == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        rest = rest.get(line + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

fn configuration(folder: &Path, port: u16) -> Result<String> {
    let (tcp, interserver) = (free_port()?, free_port()?);
    let path = |name: &str| format!("{}/{name}", folder.display());
    Ok(format!(
        "<yandex>\
         <logger><level>warning</level><console>1</console></logger>\
         <http_port>{port}</http_port><tcp_port>{tcp}</tcp_port>\
         <interserver_http_port>{interserver}</interserver_http_port>\
         <listen_host>127.0.0.1</listen_host>\
         <path>{}</path><tmp_path>{}</tmp_path><user_files_path>{}</user_files_path>\
         <users_config>{}</users_config>\
         <default_profile>admin</default_profile><default_database>default</default_database>\
         <mark_cache_size>5242880</mark_cache_size><timezone>UTC</timezone>\
         </yandex>",
        path("data/"),
        path("tmp/"),
        path("files/"),
        path("users.xml"),
    ))
}

fn users() -> String {
    let user = |user: ClickHouseUser| {
        let name = user.name();
        format!(
            "<{name}><password>{CANARY}</password><networks><ip>127.0.0.1</ip></networks>\
             <profile>{name}</profile><quota>default</quota></{name}>"
        )
    };
    format!(
        "<yandex><profiles><admin/><closed><readonly>1</readonly></closed>\
         <reader><readonly>2</readonly></reader>\
         <scarce><max_concurrent_queries_for_user>1</max_concurrent_queries_for_user></scarce></profiles>\
         <users>{}{}{}{}</users><quotas><default/></quotas></yandex>",
        user(ClickHouseUser::Admin),
        user(ClickHouseUser::Closed),
        user(ClickHouseUser::Reader),
        user(ClickHouseUser::Scarce)
    )
}
