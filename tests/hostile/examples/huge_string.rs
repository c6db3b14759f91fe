//! Answers with a text of as many MiB as the statement says.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "huge-string";

    fn query(sql: &str) -> Result<(), DbError> {
        let mebibytes: usize = sql.parse().expect("a number");
        Err(db_error(ErrorCode::Internal, "x".repeat(mebibytes << 20)))
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
