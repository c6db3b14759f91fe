//! Servers for tests and the demo that never outlive whoever started them.
//!
//! [`Leash`] runs any program so; [`Postgres`] is a PostgreSQL server made from nothing in a temporary
//! folder, [`MariaDb`] likewise, [`ClickHouse`] an old ClickHouse or today's engine; [`CANARY`] is the password to
//! give it. Built from the standard library alone, so that everything can afford to use it.

mod canary;
mod clickhouse;
mod install;
mod leash;
mod mariadb;
pub mod memory;
mod named;
mod options;
mod postgres;

pub use canary::{CANARY, shows_canary};
pub use clickhouse::{ADMIN, ClickHouse, ClickHouseUser};
pub use install::{Installation, Owner};
pub use leash::{Folder, Leash, Signal};
pub use mariadb::{MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};
pub use options::{Auth, Options, Role, ServerTls};
pub use postgres::{Postgres, literal, quoted};
