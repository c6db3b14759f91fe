//! What a session is connected to, and what its user may do that a reader need not.

use std::fmt::Write as _;

use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{DangerousRight, ServerInfo};
use datachat_sdk::net::Transport;

use crate::session::Session;
use crate::settings::Product;

/// Rights over the whole server: the privilege, the code, what it lets do.
const GLOBAL: [(&str, &str, &str); 9] = [
    (
        "SUPER",
        "superuser",
        "may do nearly anything, also change the server's settings",
    ),
    ("FILE", "file", "may read and write files of the server"),
    ("CREATE USER", "create_user", "may create and change users"),
    ("SHUTDOWN", "shutdown", "may stop the server"),
    (
        "RELOAD",
        "reload",
        "may flush the server's tables, logs and rights",
    ),
    (
        "REPLICATION SLAVE",
        "replication",
        "may read the whole server by replication",
    ),
    ("PROCESS", "process", "may see the statements of all users"),
    (
        "SYSTEM_USER",
        "superuser",
        "may change users that have more rights than it",
    ),
    (
        "READ_ONLY ADMIN",
        "read_only_admin",
        "may write to a read-only server",
    ),
];

/// How many of the things that a user may write are named.
const SHOWN: usize = 5;

/// Rights to change data or what holds it.
const WRITING: [&str; 13] = [
    "INSERT",
    "UPDATE",
    "DELETE",
    "DELETE HISTORY",
    "CREATE",
    "DROP",
    "ALTER",
    "INDEX",
    "TRIGGER",
    "CREATE VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
];

impl<T: Transport> Session<T> {
    /// Product, version, user, and the user's dangerous rights, in one round trip.
    ///
    /// # Errors
    /// The connection broke.
    pub fn server(&mut self) -> Result<ServerInfo, DbError> {
        let mut results = self
            .fetch(&["SELECT CURRENT_USER(), DATABASE()", "SHOW GRANTS"])?
            .into_iter();
        let row = results.next().and_then(|rows| rows.into_iter().next());
        let mut values = row.unwrap_or_default().into_iter();
        let role = values.next().flatten().unwrap_or_default();
        let database = values.next().flatten();
        let grants: Vec<String> = results
            .next()
            .unwrap_or_default()
            .into_iter()
            .filter_map(|row| row.into_iter().next().flatten())
            .collect();
        Ok(ServerInfo {
            product: match self.server.product {
                Product::MySql => "MySQL",
                Product::MariaDb => "MariaDB",
            }
            .to_owned(),
            version: self.server.short_version(),
            default_schema: database.clone(),
            database,
            dangerous_rights: rights(&role, &grants),
            reading: vec![("sql_mode".to_owned(), self.sql_mode.clone())],
            role,
        })
    }
}

/// One of the server's `GRANT … ON … TO …`: the privileges, upper case, and what they are for.
fn parse_grant(grant: &str) -> Option<(Vec<String>, &str)> {
    let rest = grant.strip_prefix("GRANT ")?;
    let (privileges, rest) = rest.split_once(" ON ")?;
    // A user's name is behind the object; names are quoted, so this is the first TO outside of quotes, unless
    // somebody has it in a table's name, and then more is taken for the name than is.
    let object = rest.split_once(" TO ")?.0;
    // Columns stand in parentheses behind their privilege.
    let mut depth = 0_u32;
    let without_columns: String = privileges
        .chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect();
    let privileges = without_columns
        .split(',')
        .map(|privilege| privilege.trim().to_ascii_uppercase())
        .collect();
    Some((privileges, object))
}

fn rights(role: &str, grants: &[String]) -> Vec<DangerousRight> {
    let mut rights: Vec<DangerousRight> = Vec::new();
    let mut add = |code: &str, what: &str| {
        if !rights.iter().any(|right| right.code == code) {
            rights.push(DangerousRight {
                code: code.to_owned(),
                message: format!("the user {role:?} {what}"),
            });
        }
    };
    let mut writable: Vec<&str> = Vec::new();
    for (privileges, object) in grants.iter().filter_map(|grant| parse_grant(grant)) {
        let has = |name: &str| privileges.iter().any(|privilege| privilege == name);
        let all = has("ALL PRIVILEGES");
        if object == "*.*" {
            if all {
                add("superuser", "has all privileges on the whole server");
                add("file", "may read and write files of the server");
            }
            for (privilege, code, what) in GLOBAL {
                if has(privilege) {
                    add(code, what);
                }
            }
        }
        if all || WRITING.iter().any(|privilege| has(privilege)) {
            writable.push(object);
        }
    }
    if !writable.is_empty() {
        let more = writable.len().saturating_sub(SHOWN);
        let mut list = writable[..writable.len().min(SHOWN)].join(", ");
        if more > 0 {
            let _ = write!(list, " and {more} more");
        }
        add("write", &format!("may write or change {list}"));
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(grants: &[&str]) -> Vec<String> {
        let grants: Vec<String> = grants.iter().map(|&grant| grant.to_owned()).collect();
        rights("app@%", &grants)
            .into_iter()
            .map(|right| right.code)
            .collect()
    }

    #[test]
    fn a_reader_has_no_dangerous_right() {
        assert!(
            codes(&[
                "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*AB'",
                "GRANT SELECT, SHOW VIEW ON `shop`.* TO `app`@`%`",
                "GRANT SELECT (`insert`, `a b`) ON `shop`.`t` TO `app`@`%`",
                "GRANT `reporting`@`%` TO `app`@`%`",
            ])
            .is_empty()
        );
    }

    #[test]
    fn rights_over_the_server_and_rights_to_write_are_told() {
        assert_eq!(
            codes(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"]),
            ["superuser", "file", "write"]
        );
        assert_eq!(
            codes(&["GRANT SELECT, FILE, PROCESS ON *.* TO `app`@`%`"]),
            ["file", "process"]
        );
        assert_eq!(
            codes(&["GRANT SELECT, UPDATE (`price`) ON `shop`.`t` TO `app`@`%`"]),
            ["write"]
        );
        // Of one database only: no right over the server.
        assert_eq!(
            codes(&["GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`"]),
            ["write"]
        );
    }

    #[test]
    fn what_may_be_written_is_named_but_not_at_length() {
        let grants: Vec<String> = (0..7)
            .map(|n| format!("GRANT INSERT ON `d{n}`.* TO `app`@`%`"))
            .collect();
        assert_eq!(
            rights("app@%", &grants)[0].message,
            "the user \"app@%\" may write or change `d0`.*, `d1`.*, `d2`.*, `d3`.*, `d4`.* and 2 more"
        );
    }
}
