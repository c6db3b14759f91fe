//! What a session is connected to, and what its user may do that a reader need not.

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::connector::{DangerousRight, ServerInfo};
use datachat_sdk::http::Http;

use crate::errors::Phase;
use crate::facts::Profile;
use crate::session::Session;

/// Rights that lead out of the database: to files and to other servers.
const SOURCES: [&str; 24] = [
    "SOURCES",
    "READ",
    "FILE",
    "URL",
    "REMOTE",
    "MONGO",
    "REDIS",
    "MYSQL",
    "POSTGRES",
    "SQLITE",
    "ODBC",
    "JDBC",
    "HDFS",
    "S3",
    "HIVE",
    "AZURE",
    "KAFKA",
    "NATS",
    "RABBITMQ",
    "YTSAURUS",
    "ARROW FLIGHT",
    "BIGQUERY",
    "DISK",
    "CLUSTER",
];

/// Rights over users.
const ADMINISTRATION: [&str; 6] = [
    "ACCESS MANAGEMENT",
    "CREATE USER",
    "ALTER USER",
    "CREATE ROLE",
    "ROLE ADMIN",
    "IMPERSONATE",
];

impl<H: Http> Session<H> {
    /// Product, version, user, and the user's dangerous rights.
    ///
    /// # Errors
    /// The connection broke.
    pub fn server(&mut self) -> Result<ServerInfo, DbError> {
        let grants = self.grants()?;
        let user = self.user().to_owned();
        Ok(ServerInfo {
            product: "ClickHouse".to_owned(),
            version: self.facts.version.clone(),
            database: self.database().map(str::to_owned),
            default_schema: self.database().map(str::to_owned),
            dangerous_rights: rights(&user, grants.as_deref(), self.profile()),
            // Nothing changes how the server reads a statement.
            reading: Vec::new(),
            role: user,
        })
    }

    /// What is granted to the user, its roles included; none where servers grant nothing.
    fn grants(&mut self) -> Result<Option<Vec<String>>, DbError> {
        // Only newer servers resolve roles; only those from 20.4 on grant at all.
        for sql in ["SHOW GRANTS FINAL", "SHOW GRANTS"] {
            match self.rows_of(sql, &[], Phase::Statement) {
                Ok(rows) => return Ok(Some(rows.into_iter().flatten().collect())),
                Err(error)
                    if matches!(
                        error.code,
                        ErrorCode::Syntax | ErrorCode::PermissionDenied | ErrorCode::Unsupported
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

fn rights(user: &str, grants: Option<&[String]>, profile: Profile) -> Vec<DangerousRight> {
    let right = |code: &str, what: &str| DangerousRight {
        code: code.to_owned(),
        message: format!("the user {user:?} {what}"),
    };
    let mut rights = Vec::new();
    let Some(grants) = grants else {
        // Servers without grants have only the profile.
        if profile == Profile::Open {
            rights.push(right(
                "sources",
                "may read files of the server and other servers, as every user of this release",
            ));
            rights.push(right("write", "may write: its profile is not read-only"));
        }
        return rights;
    };
    let granted: Vec<&str> = grants.iter().flat_map(|grant| privileges(grant)).collect();
    let has = |wanted: &[&str]| {
        granted
            .iter()
            .any(|right| *right == "ALL" || wanted.contains(right))
    };
    if has(&SOURCES) {
        rights.push(right(
            "sources",
            "may read files of the server or other servers",
        ));
    }
    if has(&ADMINISTRATION) {
        rights.push(right("access_management", "may create or change users"));
    }
    rights
}

/// The rights that `GRANT SELECT(a, b), FILE ON *.* TO u` names.
fn privileges(grant: &str) -> Vec<&str> {
    let Some(rest) = grant.strip_prefix("GRANT ") else {
        return Vec::new();
    };
    let list = rest.split(" ON ").next().unwrap_or_default();
    let mut depth = 0usize;
    list.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(|right| right.split('(').next().unwrap_or_default().trim())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(grants: &[&str]) -> Vec<String> {
        let grants: Vec<String> = grants.iter().map(|&grant| grant.to_owned()).collect();
        rights("app", Some(&grants), Profile::Open)
            .into_iter()
            .map(|right| right.code)
            .collect()
    }

    #[test]
    fn a_user_that_only_reads_has_no_dangerous_right() {
        assert!(codes(&["GRANT SELECT, SHOW ON shop.* TO app"]).is_empty());
        assert!(codes(&["GRANT SELECT(url, file) ON shop.t TO app"]).is_empty());
        assert!(rights("app", None, Profile::Closed).is_empty());
    }

    #[test]
    fn rights_that_lead_out_of_the_database_are_named() {
        assert_eq!(codes(&["GRANT SELECT, S3 ON *.* TO app"]), ["sources"]);
        assert_eq!(
            codes(&["GRANT ALL ON *.* TO app"]),
            ["sources", "access_management"]
        );
        assert_eq!(
            codes(&["GRANT CREATE USER ON *.* TO app WITH GRANT OPTION"]),
            ["access_management"]
        );
    }

    #[test]
    fn a_server_without_grants_lets_every_user_read_files() {
        let codes: Vec<_> = rights("app", None, Profile::Open)
            .into_iter()
            .map(|right| right.code)
            .collect();
        assert_eq!(codes, ["sources", "write"]);
    }
}
