//! A throw-away MariaDB server: initialised in a temporary folder, gone without a trace afterwards.
//!
//! It runs as whoever runs us; as root with its `--user=root`, which it wants to be told.
//!
//! Administration ([`MariaDb::sql`]) goes through a Unix socket inside that folder as a `root` without a
//! password, so it works whatever the users under test are. Clients under test use TCP on 127.0.0.1.
//!
//! Crash safety is reduced: data survives the death of the server, not of the machine.
//!
//! A server that somebody names in `MYSQL_TEST_URL` (`mysql://user:password@host:port/database`) can take its place
//! ([`MariaDb::named_or_start`]): the user there is everybody, databases have names of their own and go with us.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::leash::{Folder, Leash, Signal};
use crate::named::{Address, Guests};
use crate::{Owner, ServerTls, literal};

/// How long a start or stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a user proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MariaDbAuth {
    Native,
    Ed25519,
    /// MySQL's method before 4.1, which nobody should use any more.
    Old,
}

/// A user of any host.
#[derive(Debug, Clone)]
pub struct MariaDbUser {
    pub name: String,
    pub password: String,
    pub auth: MariaDbAuth,
    /// What it is granted, as in `SELECT ON shop.*`; without a grant it may only connect.
    pub grants: Vec<String>,
    /// Only over TLS.
    pub tls_only: bool,
}

impl MariaDbUser {
    /// A user without rights.
    pub fn new(name: &str, password: &str, auth: MariaDbAuth) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            auth,
            grants: Vec::new(),
            tls_only: false,
        }
    }

    /// Grants it something.
    #[must_use]
    pub fn grant(mut self, grant: &str) -> Self {
        self.grants.push(grant.to_owned());
        self
    }

    /// Refuses it on connections without TLS.
    #[must_use]
    pub fn tls_only(mut self) -> Self {
        self.tls_only = true;
        self
    }

    fn sql(&self) -> String {
        let account = format!("{}@'%'", literal(&self.name));
        let password = literal(&self.password);
        let identified = match self.auth {
            MariaDbAuth::Native => format!("VIA mysql_native_password USING PASSWORD({password})"),
            MariaDbAuth::Ed25519 => format!("VIA ed25519 USING PASSWORD({password})"),
            MariaDbAuth::Old => {
                format!("VIA mysql_old_password USING OLD_PASSWORD({password})")
            }
        };
        let require = if self.tls_only { " REQUIRE SSL" } else { "" };
        let mut sql = format!("CREATE USER {account} IDENTIFIED {identified}{require};");
        for grant in &self.grants {
            let _ = write!(sql, "GRANT {grant} TO {account};");
        }
        sql
    }
}

/// How to start a server. Start from the default: no TLS, no user, no database.
#[derive(Debug, Clone, Default)]
pub struct MariaDbOptions {
    pub users: Vec<MariaDbUser>,
    pub databases: Vec<String>,
    pub tls: Option<ServerTls>,
    /// Options of the server's command line, without the two dashes.
    pub settings: Vec<String>,
}

impl MariaDbOptions {
    /// Adds a user.
    #[must_use]
    pub fn user(mut self, user: MariaDbUser) -> Self {
        self.users.push(user);
        self
    }

    /// Adds an empty database.
    #[must_use]
    pub fn database(mut self, name: &str) -> Self {
        self.databases.push(name.to_owned());
        self
    }

    /// Offers TLS.
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds an option of the command line: `max-connections=5`.
    #[must_use]
    pub fn setting(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }
}

/// A running server. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub struct MariaDb {
    options: MariaDbOptions,
    // Dropped in this order: the server first.
    leash: Option<Leash>,
    folder: Folder,
    port: u16,
    /// Of a server that somebody named.
    named: Option<(Address, Guests)>,
}

impl MariaDb {
    /// Whether a server can be started on this machine.
    pub fn is_installed() -> bool {
        program("mariadbd").is_some() && program("mariadb-install-db").is_some()
    }

    /// Initialises and starts a server, then creates the databases and users of `options`.
    ///
    /// # Errors
    /// When MariaDB is not installed or does not start; the server's log is part of the error.
    pub fn start(options: MariaDbOptions) -> Result<Self> {
        let folder = Folder::create("datachat-my", Owner::Ourselves)?;
        let mut server = Self {
            options,
            leash: None,
            folder,
            port: 0,
            named: None,
        };
        server.initialise()?;
        server.launch_on_a_free_port()?;
        server.set_up()?;
        Ok(server)
    }

    /// The server of `MYSQL_TEST_URL` with the databases of `options`, if there is one; else as
    /// [`MariaDb::start`].
    ///
    /// # Errors
    /// As there, or when the server that was named does not answer.
    pub fn named_or_start(options: MariaDbOptions) -> Result<Self> {
        let Some(address) = Address::named("MYSQL_TEST_URL", "mysql")? else {
            return Self::start(options);
        };
        let client = |address: &Address| -> Result<Command> {
            let mut client = command("mariadb")?;
            client.args(BATCH).args(who(address));
            Ok(client)
        };
        let program = client(&address)?;
        let guests = Guests::new(|prefix| {
            let find = format!(
                "SELECT CONCAT('DROP DATABASE `', schema_name, '`;') FROM information_schema.schemata \
                 WHERE LEFT(schema_name, {}) = '{prefix}'",
                prefix.len()
            );
            let mut sweep = Command::new("/bin/sh");
            sweep
                .args([
                    "-c",
                    r#"find=$1; shift; "$@" -e "$find" | "$@""#,
                    "sweep",
                    &find,
                ])
                .arg(program.get_program())
                .args(program.get_args())
                .env("MYSQL_PWD", &address.password);
            sweep
        })?;
        let server = Self {
            port: address.port,
            leash: None,
            folder: Folder::create("datachat-my", Owner::Ourselves)?,
            named: Some((address, guests)),
            options: MariaDbOptions {
                users: Vec::new(),
                ..options
            },
        };
        server.set_up()?;
        Ok(server)
    }

    /// Whether somebody named it: then it is not ours to stop.
    pub fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// What a database of ours is called: as it is, or by a name of its own on a server that somebody named.
    pub fn name_of(&self, database: &str) -> String {
        match &self.named {
            Some((_, guests)) if !database.is_empty() => guests.name_of(database),
            _ => database.to_owned(),
        }
    }

    /// The TCP port, on 127.0.0.1. It stays the same across [`MariaDb::restart`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the server's data, for tests that look for changed files.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The URL of a database for a user, without options. On a server that somebody named it is that user.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        let name = self.name_of(database);
        if let Some((address, _)) = &self.named {
            let Address {
                host,
                port,
                user,
                password,
                ..
            } = address;
            return format!("mysql://{user}:{password}@{host}:{port}/{name}");
        }
        format!(
            "mysql://{user}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// Runs SQL as `root` in a database (none: an empty name). Rows are lines, values are separated by tabs,
    /// both without escapes.
    ///
    /// # Errors
    /// The first statement that fails, in the client's words.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let output = self
            .client()?
            .args(["-e", sql])
            .arg(self.name_of(database))
            .output()
            .context("can't start mariadb")?;
        if !output.status.success() {
            bail!(
                "mariadb: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let text = String::from_utf8(output.stdout).context("the answer is not UTF-8")?;
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Stops the server, cutting its connections; its data stays for [`MariaDb::launch`].
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
        if self.is_named() {
            bail!("the server is not ours");
        }
        // What a killed server leaves behind.
        let _ = fs::remove_file(self.socket());
        let folder = self.folder.path();
        let mut program = command("mariadbd")?;
        program
            .arg("--no-defaults")
            .args(as_root())
            .arg(option("datadir", &self.data_folder()))
            .arg(option("socket", &self.socket()))
            .arg(option("pid-file", &folder.join("pid")))
            .arg(option("tmpdir", folder))
            .arg(format!("--port={}", self.port))
            .args([
                "--bind-address=127.0.0.1",
                "--character-set-server=utf8mb4",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-flush-method=nosync",
                "--innodb-fast-shutdown=1",
                "--innodb-buffer-pool-size=64M",
                "--max-connections=200",
                "--plugin-load-add=auth_ed25519",
                "--skip-name-resolve",
                "--sync-binlog=0",
            ]);
        if self.options.tls.is_some() {
            program
                .arg(option("ssl-cert", &folder.join("server.crt")))
                .arg(option("ssl-key", &folder.join("server.key")));
        }
        for setting in &self.options.settings {
            program.arg(format!("--{setting}"));
        }
        program.current_dir(folder);
        self.leash = Some(Leash::start(
            &program,
            Owner::Ourselves,
            Signal::Terminate,
            &self.log_file(),
            Some(folder),
        )?);
        let end = Instant::now() + PATIENCE;
        // It opens the socket last.
        while UnixStream::connect(self.socket()).is_err() {
            let ended = match &mut self.leash {
                Some(leash) => leash.ended()?.is_some(),
                None => true,
            };
            if ended || Instant::now() > end {
                let _ = self.stop();
                bail!("MariaDB did not start: {}", self.log());
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

    /// Kills the server with signal 9.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_9(&mut self) -> Result<()> {
        let leash = self.leash.take().context("the server is not running")?;
        leash.send(Signal::Kill)?;
        leash.stop(PATIENCE).map(drop)
    }

    fn initialise(&self) -> Result<()> {
        let folder = self.folder.path();
        let output = command("mariadb-install-db")?
            .arg("--no-defaults")
            .args(as_root())
            .arg(option("datadir", &self.data_folder()))
            // A server that starts removes the temporary tables of others from the folder that they share.
            .arg(option("tmpdir", folder))
            .args([
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-flush-method=nosync",
            ])
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .context("can't start mariadb-install-db")?;
        if !output.status.success() {
            bail!(
                "mariadb-install-db: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        if let Some(tls) = &self.options.tls {
            let owner = Owner::Ourselves;
            owner.write(&folder.join("server.crt"), &tls.certificate_pem)?;
            owner.write(&folder.join("server.key"), &tls.key_pem)?;
        }
        Ok(())
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
        let mut sql = String::new();
        for database in &self.options.databases {
            let name = self.name_of(database).replace('`', "``");
            let _ = write!(sql, "CREATE DATABASE `{name}`;");
        }
        for user in &self.options.users {
            sql.push_str(&user.sql());
        }
        self.sql("", &sql).map(drop)
    }

    fn client(&self) -> Result<Command> {
        let mut client = command("mariadb")?;
        client.args(BATCH).stdin(Stdio::null());
        match &self.named {
            Some((address, _)) => client
                .args(who(address))
                .env("MYSQL_PWD", &address.password),
            None => client
                .arg("--user=root")
                .arg(option("socket", &self.socket())),
        };
        Ok(client)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        // Nobody will read the data any more: no need to wait for a clean end.
        if let Some(leash) = self.leash.take() {
            let _ = leash.send(Signal::Kill);
            let _ = leash.stop(PATIENCE);
        }
    }
}

/// How the client writes: rows are lines, values are separated by tabs, both without escapes.
const BATCH: [&str; 5] = [
    "--no-defaults",
    "--batch",
    "--raw",
    "--skip-column-names",
    "--default-character-set=utf8mb4",
];

/// Who the client is on a server that somebody named, but for the password.
fn who(address: &Address) -> [String; 4] {
    [
        "--protocol=tcp".to_owned(),
        format!("--host={}", address.host),
        format!("--port={}", address.port),
        format!("--user={}", address.user),
    ]
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn as_root() -> Option<&'static str> {
    fs::metadata("/proc/self")
        .is_ok_and(|us| us.uid() == 0)
        .then_some("--user=root")
}

/// Debian keeps the server outside of an ordinary user's path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(
            [
                "/usr/sbin",
                "/usr/bin",
                "/usr/local/bin",
                "/opt/homebrew/bin",
            ]
            .map(PathBuf::from),
        )
        .map(|folder| folder.join(name))
        .find(|program| program.exists())
}

fn command(name: &str) -> Result<Command> {
    program(name).map(Command::new).with_context(|| {
        format!("{name} is not installed; on Debian or Ubuntu: sudo apt-get install mariadb-server")
    })
}
