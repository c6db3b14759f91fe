//! What a session is connected to, and what its role may do that a reader need not.

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::connector::{DangerousRight, ServerInfo};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::session::Session;

/// One row: database, role, first schema, five attributes of the role, and its memberships.
const QUERY: &str = "SELECT pg_catalog.current_database(), CURRENT_USER, pg_catalog.current_schema(), \
    r.rolsuper, r.rolreplication, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, \
    (SELECT pg_catalog.string_agg(m.rolname, ',') FROM pg_catalog.pg_roles m \
     WHERE m.rolname IN ('pg_read_server_files', 'pg_write_server_files', \
       'pg_execute_server_program', 'pg_write_all_data') \
     AND pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER')) \
    FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER";

/// Attributes of a role, in the order of the query.
const ATTRIBUTES: [(&str, &str); 5] = [
    (
        "superuser",
        "may do anything, also read and write the server's files",
    ),
    ("replication", "may read the whole server by replication"),
    ("bypassrls", "ignores row-level security"),
    ("createrole", "may create and change roles"),
    ("createdb", "may create databases"),
];

/// Predefined roles that give more than reading.
const MEMBERSHIPS: [(&str, &str, &str); 4] = [
    (
        "pg_read_server_files",
        "read_server_files",
        "may read files of the server",
    ),
    (
        "pg_write_server_files",
        "write_server_files",
        "may write files of the server",
    ),
    (
        "pg_execute_server_program",
        "execute_server_program",
        "may run programs on the server",
    ),
    (
        "pg_write_all_data",
        "write_all_data",
        "may write all tables",
    ),
];

impl<T: Transport> Session<T> {
    /// Product, version, role, and the role's dangerous rights.
    ///
    /// # Errors
    /// The connection broke.
    pub fn server(&mut self) -> Result<ServerInfo, DbError> {
        self.settle()?;
        let rows = self.fetch(QUERY, &[])?;
        let row = rows.first().ok_or_else(|| {
            db_error(
                ErrorCode::Internal,
                "the server does not list the session's own role",
            )
        })?;
        let text = |index: usize| row.get(index).cloned().flatten();
        let role = text(1).unwrap_or_default();
        Ok(ServerInfo {
            product: "PostgreSQL".to_owned(),
            version: self
                .server_version()
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            database: text(0),
            default_schema: text(2),
            dangerous_rights: rights(&role, row),
            // `standard_conforming_strings` changes how text is read; the host judges it both ways.
            reading: Vec::new(),
            role,
        })
    }
}

fn rights(role: &str, row: &[Option<String>]) -> Vec<DangerousRight> {
    let right = |code: &str, what: &str| DangerousRight {
        code: code.to_owned(),
        message: format!("the role {role:?} {what}"),
    };
    let has = |index: usize| row.get(index).and_then(Option::as_deref) == Some("t");
    let mut rights: Vec<_> = ATTRIBUTES
        .iter()
        .enumerate()
        .filter(|(index, _)| has(index + 3))
        .map(|(_, (code, what))| right(code, what))
        .collect();
    // A superuser is a member of everything; saying so again would not help anybody.
    if !has(3) {
        let memberships = row.get(8).and_then(Option::as_deref).unwrap_or_default();
        rights.extend(
            MEMBERSHIPS
                .iter()
                .filter(|(name, ..)| memberships.split(',').any(|member| member == *name))
                .map(|(_, code, what)| right(code, what)),
        );
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(flags: [&str; 5], memberships: Option<&str>) -> Vec<String> {
        let mut row = vec![None; 3];
        row.extend(flags.map(|flag| Some(flag.to_owned())));
        row.push(memberships.map(str::to_owned));
        rights("app", &row)
            .into_iter()
            .map(|right| right.code)
            .collect()
    }

    #[test]
    fn a_plain_role_has_no_dangerous_right() {
        assert!(codes(["f"; 5], None).is_empty());
    }

    #[test]
    fn memberships_count_unless_the_role_may_do_anything_anyway() {
        let member = Some("pg_read_server_files,pg_write_all_data");
        assert_eq!(
            codes(["f", "f", "f", "f", "t"], member),
            ["createdb", "read_server_files", "write_all_data"]
        );
        assert_eq!(
            codes(["t", "t", "f", "f", "f"], member),
            ["superuser", "replication"]
        );
    }
}
