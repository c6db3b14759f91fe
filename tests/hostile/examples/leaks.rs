//! Shows its password wherever text leaves the sandbox.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::secrets;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "leaks";

    fn query(_sql: &str) -> Result<(), DbError> {
        let password = secrets::password().expect("there is one");
        println!("password={password}");
        eprintln!("password={password}");
        print!("no line end {password}");
        datachat_sdk::log::error!("password={password}\nforged line {password}");
        Err(DbError {
            code: ErrorCode::Syntax,
            message: format!("m {password}"),
            vendor_code: Some(password.clone()),
            detail: Some(format!("d {password}")),
            hint: Some(format!("h {password}")),
            position: None,
            retryable: false,
        })
    }

    fn read(_n: u32) -> Result<Vec<u8>, DbError> {
        panic!("never reached")
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
