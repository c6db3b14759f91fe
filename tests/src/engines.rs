//! The engines that connectors are shipped for, behind one face: what holds for all of them is one test.
//!
//! A [`House`] is a server with the databases `alpha` and `beta` of [`crate::stage`], and the statements that
//! tests need in its dialect. [`on_every_engine!`](crate::on_every_engine) makes a test of each engine from a function over houses.
//!
//! ClickHouse is two of them: Debian's old server, and today's engine behind its front.
//!
//! `MYSQL_TEST_URL` and `CLICKHOUSE_TEST_URL` put servers that somebody named in the place of MariaDB and of
//! today's engine. They are not stopped or killed: what does that leaves them out ([`Engine::is_ours`]).

mod setup;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use setup::NUMBERS;

use crate::stage::{READER, own_postgres};
use crate::{CANARY, ClickHouse, ClickHouseUser, MariaDb, Postgres, skipped};

/// How long a statement may take to begin or to end before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    PostgreSql,
    MariaDb,
    /// The old server.
    ClickHouse,
    /// Today's engine.
    NewClickHouse,
}

enum Server {
    Postgres(Postgres),
    MariaDb(MariaDb),
    ClickHouse(ClickHouse),
}

/// A server of an engine.
pub struct House {
    engine: Engine,
    server: Server,
}

/// Makes a module of tests for each engine from functions `async fn(Engine) -> Result<()>`, or with `@` one of a
/// name for one engine: what not every engine has is tried on those that do.
#[macro_export]
macro_rules! on_every_engine {
    ($($name:ident),+ $(,)?) => {
        $crate::on_every_engine!(@ postgresql PostgreSql $($name)+);
        $crate::on_every_engine!(@ mariadb MariaDb $($name)+);
        $crate::on_every_engine!(@ old_clickhouse ClickHouse $($name)+);
        $crate::on_every_engine!(@ clickhouse NewClickHouse $($name)+);
    };
    (@ $module:ident $engine:ident $($name:ident)+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() -> anyhow::Result<()> {
                    super::$name($crate::engines::Engine::$engine).await
                }
            )+
        }
    };
}

impl Engine {
    /// The type's name in the API, which is also the scheme of its URLs.
    pub fn database_type(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::MariaDb => "mysql",
            Self::ClickHouse | Self::NewClickHouse => "clickhouse",
        }
    }

    /// The server that the tests of one program share.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn house(self) -> Result<&'static House> {
        static HOUSES: [OnceCell<House>; 4] = [const { OnceCell::const_new() }; 4];
        let start = || async { tokio::task::spawn_blocking(move || House::start(self)).await? };
        HOUSES[self as usize].get_or_try_init(start).await
    }

    /// Whether its servers are started here, so that they may be stopped here. If not, says that `what` is not
    /// tried.
    pub fn is_ours(self, what: &str) -> bool {
        let variable = match self {
            Self::MariaDb => "MYSQL_TEST_URL",
            Self::NewClickHouse => "CLICKHOUSE_TEST_URL",
            Self::PostgreSql | Self::ClickHouse => return true,
        };
        let ours = std::env::var_os(variable).is_none();
        if !ours {
            skipped(
                what,
                &format!("the server of {variable} is not ours to stop"),
            );
        }
        ours
    }

    /// A statement that runs for a minute and holds `tag`.
    pub fn sleep(self, tag: &str) -> String {
        match self {
            Self::PostgreSql => format!("SELECT pg_sleep(60), '{tag}'"),
            Self::MariaDb => format!("SELECT SLEEP(60), '{tag}'"),
            // It looks whether it is still wanted between blocks of 65,536 rows, each of which sleeps.
            Self::ClickHouse | Self::NewClickHouse => format!(
                "SELECT '{tag}', sum(s) FROM (SELECT sleep(0.1) AS s FROM system.numbers LIMIT 39321600)"
            ),
        }
    }

    /// A statement that reads the marker, and holds `tag`, for so many seconds (at most 3).
    pub fn slowly(self, seconds: f64, tag: &str) -> String {
        let sleep = match self {
            Self::PostgreSql => "pg_sleep",
            Self::MariaDb => "SLEEP",
            Self::ClickHouse | Self::NewClickHouse => "sleep",
        };
        format!("SELECT marker, {sleep}({seconds}), '{tag}' FROM whoami")
    }

    /// A statement with far more rows than all buffers between it and a reader hold, of text that does not
    /// repeat: Parquet would write nothing for a long time. A row has some hundreds of bytes at least.
    pub fn long(self, tag: &str) -> String {
        match self {
            // Not a function in FROM, whose rows are all made before the first of them leaves.
            Self::PostgreSql => format!(
                "SELECT repeat(md5(n::text), 60), '{tag}' FROM (SELECT generate_series(1, 5000000) AS n) AS numbers"
            ),
            Self::MariaDb => format!(
                "{NUMBERS} SELECT REPEAT(MD5(a.n * 65536 + b.n * 256 + c.n), 60), '{tag}' \
                 FROM numbers a, numbers b, numbers c LIMIT 5000000"
            ),
            // ClickHouse makes blocks of some 65,000 rows, of which the first has to come soon.
            Self::NewClickHouse => format!(
                "SELECT randomPrintableASCII(200), '{tag}' FROM system.numbers LIMIT 5000000"
            ),
            Self::ClickHouse => format!(
                "SELECT arrayStringConcat(arrayMap(n -> toString(cityHash64(number, n)), range(20))), '{tag}' \
                 FROM system.numbers LIMIT 5000000"
            ),
        }
    }

    /// A statement whose rows come slowly, for half a minute and more, and which holds `tag`.
    pub fn drip(self, tag: &str) -> String {
        match self {
            Self::PostgreSql => format!(
                "SELECT repeat('x', 1000), pg_sleep(0.001), '{tag}' FROM generate_series(1, 100000)"
            ),
            Self::MariaDb => format!(
                "{NUMBERS} SELECT REPEAT('x', 1000), SLEEP(0.001), '{tag}' \
                 FROM numbers a, numbers b, numbers c LIMIT 100000"
            ),
            Self::ClickHouse | Self::NewClickHouse => {
                format!("SELECT number, sleep(0.5), '{tag}' FROM system.numbers LIMIT 5000000")
            }
        }
    }

    /// A statement that fails when it has had 100,000 rows of two kilobytes.
    pub fn failing(self) -> &'static str {
        match self {
            Self::PostgreSql => {
                "SELECT repeat('x', 2000), 1 / (100000 - n) FROM generate_series(1, 200000) n"
            }
            // Division by zero is NULL there; a subquery of two rows is an error.
            Self::MariaDb => {
                "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 440) \
                 SELECT REPEAT('x', 2000), \
                 IF(a.n = 220 AND b.n = 220, (SELECT c.n FROM numbers c WHERE c.n < 3 AND c.n < a.n), 1) \
                 FROM numbers a, numbers b"
            }
            // Slowly, so that the rows before have left: an error overtakes what waits.
            Self::NewClickHouse => {
                "SELECT repeat('x', 2000), throwIf(number = 100000), sleep(0.5)
                 FROM (SELECT number FROM system.numbers LIMIT 200000)"
            }
            Self::ClickHouse => {
                "SELECT arrayStringConcat(arrayMap(n -> 'x', range(2000))), throwIf(number = 100000)
                 FROM system.numbers LIMIT 200000"
            }
        }
    }

    /// A value of so many bytes.
    pub fn large(self, bytes: usize) -> String {
        match self {
            Self::PostgreSql => format!("repeat('x', {bytes})"),
            Self::MariaDb => format!("REPEAT('x', {bytes})"),
            Self::ClickHouse | Self::NewClickHouse => format!(
                "arrayStringConcat(arrayMap(n -> 'xxxxxxxxxx', range(toUInt64({}))))",
                bytes / 10
            ),
        }
    }

    /// The body of a query of one of the 50 orders, with a parameter where the server has them.
    pub fn order(self, id: usize) -> Value {
        let select =
            |condition: &str| format!("SELECT id, marker FROM orders WHERE id = {condition}");
        match self {
            Self::PostgreSql => json!({"sql": select("$1"), "params": [id]}),
            Self::MariaDb => json!({"sql": select("?"), "params": [id]}),
            Self::NewClickHouse => json!({"sql": select("{id:UInt32}"), "params": {"id": id}}),
            Self::ClickHouse => json!({"sql": select(&id.to_string())}),
        }
    }
}

impl House {
    /// Starts a server of one's own.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn start(engine: Engine) -> Result<Self> {
        let server = match engine {
            Engine::PostgreSql => Server::Postgres(own_postgres()?),
            Engine::MariaDb => Server::MariaDb(setup::mariadb()?),
            Engine::ClickHouse => Server::ClickHouse(setup::clickhouse(ClickHouse::old()?)?),
            Engine::NewClickHouse => Server::ClickHouse(setup::clickhouse(ClickHouse::engine()?)?),
        };
        Ok(Self { engine, server })
    }

    /// Of which engine it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Its TCP port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        match &self.server {
            Server::Postgres(server) => server.port(),
            Server::MariaDb(server) => server.port(),
            Server::ClickHouse(server) => server.port(),
        }
    }

    /// The user of [`House::url`], whose password is [`CANARY`] unless somebody named the server.
    pub fn user(&self) -> &str {
        match &self.server {
            Server::Postgres(_) | Server::MariaDb(_) => READER,
            Server::ClickHouse(server) => server.user(),
        }
    }

    /// The URL of a database, without options.
    pub fn url(&self, database: &str) -> String {
        match &self.server {
            Server::Postgres(server) => server.url(READER, CANARY, database),
            Server::MariaDb(server) => server.url(READER, CANARY, database),
            Server::ClickHouse(server) => server.url(database),
        }
    }

    /// The URL of a database for a user that may do one thing at a time.
    ///
    /// # Errors
    /// When there can't be such a user.
    pub fn scarce_url(&self, database: &str) -> Result<String> {
        let scarce = "scarce";
        match &self.server {
            Server::Postgres(server) => {
                server.psql(
                    "alpha",
                    &format!("CREATE ROLE {scarce} LOGIN PASSWORD '{CANARY}' CONNECTION LIMIT 1"),
                )?;
                Ok(server.url(scarce, CANARY, database))
            }
            Server::MariaDb(server) => {
                server.sql(
                    "",
                    &format!(
                        "CREATE USER {scarce}@'%' IDENTIFIED BY '{CANARY}' WITH MAX_USER_CONNECTIONS 1;
                         GRANT SELECT ON {database}.* TO {scarce}@'%'"
                    ),
                )?;
                Ok(server.url(scarce, CANARY, database))
            }
            Server::ClickHouse(server) => Ok(server
                .url(database)
                .replace(server.user(), ClickHouseUser::Scarce.name())),
        }
    }

    /// Runs statements in a database as who may do anything.
    ///
    /// # Errors
    /// The first that fails.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        match &self.server {
            Server::Postgres(server) => server.psql(database, sql),
            Server::MariaDb(server) => server.sql(database, sql),
            Server::ClickHouse(server) => server.sql_in(database, sql),
        }
    }

    /// Keeps everybody else from the orders for so many seconds. `tag` is seen as what runs then.
    ///
    /// # Errors
    /// When it can't be locked; ClickHouse has no such lock.
    pub fn lock_orders(&self, database: &str, seconds: u32, tag: &str) -> Result<()> {
        let sql = match &self.server {
            Server::Postgres(_) => format!(
                "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}), '{tag}'; COMMIT"
            ),
            Server::MariaDb(_) => {
                format!("LOCK TABLES orders WRITE; SELECT SLEEP({seconds}), '{tag}'")
            }
            Server::ClickHouse(_) => bail!("ClickHouse locks no table against readers"),
        };
        self.sql(database, &sql).map(drop)
    }

    /// How many statements that contain `part` run on the server, the asking one excluded.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn running(&self, part: &str) -> Result<usize> {
        let count = match &self.server {
            Server::Postgres(server) => server.psql("alpha", &of_postgres("count(*)", part))?,
            Server::MariaDb(server) => server.sql("", &of_mariadb("COUNT(*)", part))?,
            Server::ClickHouse(server) => server.sql(&of_clickhouse("count()", part))?,
        };
        Ok(count.parse()?)
    }

    /// Waits until a statement that contains `part` runs.
    ///
    /// # Errors
    /// When it never does.
    pub async fn until_running(&self, part: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.running(part)? == 0 {
            if Instant::now() > end {
                bail!("{part} never ran");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// How long it takes until no statement that contains `part` runs.
    ///
    /// # Errors
    /// When it runs on and on.
    pub async fn until_gone(&self, part: &str) -> Result<Duration> {
        let start = Instant::now();
        while self.running(part)? > 0 {
            if start.elapsed() > PATIENCE {
                bail!("{part} still runs");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(start.elapsed())
    }

    /// Kills with signal 9 what runs a statement that contains `part`: of PostgreSQL that is a process of its own,
    /// without which the server restarts itself; any other server is killed and started again.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_runner(&mut self, part: &str) -> Result<()> {
        if let Server::Postgres(server) = &self.server {
            let process = server.psql("alpha", &of_postgres("pid", part))?;
            let killed = Command::new("kill").args(["-9", &process]).status()?;
            ensure!(killed.success(), "no process {process}");
            return Ok(());
        }
        self.kill_9()?;
        self.launch()
    }

    /// Ends a statement that contains `part` as an administrator does: with its session where there are any.
    ///
    /// # Errors
    /// When it does not run.
    pub fn end(&self, part: &str) -> Result<()> {
        match &self.server {
            Server::Postgres(server) => {
                server.psql("alpha", &of_postgres("pg_terminate_backend(pid)", part))?;
            }
            Server::MariaDb(server) => {
                let id = server.sql("", &of_mariadb("id", part))?;
                server.sql("", &format!("KILL CONNECTION {id}"))?;
            }
            Server::ClickHouse(server) => {
                let id = server.sql(&of_clickhouse("query_id", part))?;
                server.sql(&format!("KILL QUERY WHERE query_id = '{id}' ASYNC"))?;
            }
        }
        Ok(())
    }

    /// Kills the server with signal 9.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_9(&mut self) -> Result<()> {
        match &mut self.server {
            Server::Postgres(server) => server.kill_9(),
            Server::MariaDb(server) => server.kill_9(),
            Server::ClickHouse(server) => server.kill_9(),
        }
    }

    /// Stops the server, cutting its connections.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> Result<()> {
        match &mut self.server {
            Server::Postgres(server) => server.stop(),
            Server::MariaDb(server) => server.stop(),
            Server::ClickHouse(server) => server.stop(),
        }
    }

    /// Starts a stopped or killed server again, on the same port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn launch(&mut self) -> Result<()> {
        match &mut self.server {
            Server::Postgres(server) => server.launch(),
            Server::MariaDb(server) => server.launch(),
            Server::ClickHouse(server) => server.launch(),
        }
    }
}

/// A statement over what runs and contains `part`, itself excluded.
fn of_postgres(what: &str, part: &str) -> String {
    format!(
        "SELECT {what} FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() \
         AND position('{part}' in query) > 0"
    )
}

/// As [`of_postgres`].
fn of_mariadb(what: &str, part: &str) -> String {
    format!(
        "SELECT {what} FROM information_schema.processlist WHERE id <> CONNECTION_ID() \
         AND INSTR(info, '{part}') > 0"
    )
}

/// As [`of_postgres`].
fn of_clickhouse(what: &str, part: &str) -> String {
    format!(
        "SELECT {what} FROM system.processes WHERE position(query, '{part}') > 0 \
         AND position(query, 'system.processes') = 0"
    )
}
