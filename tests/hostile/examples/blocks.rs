//! Waits for ever for a server that says nothing.

use std::time::Duration;

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::DbError;
use datachat_sdk::net::{TcpStream, Transport};

thread_local! {
    static STREAM: std::cell::RefCell<Option<TcpStream>> = const { std::cell::RefCell::new(None) };
}

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "blocks";

    fn open(target: &Target) -> Result<(), DbError> {
        let stream = TcpStream::connect(target, Duration::from_secs(5))?;
        STREAM.with_borrow_mut(|place| *place = Some(stream));
        Ok(())
    }

    fn query(_sql: &str) -> Result<(), DbError> {
        STREAM.with_borrow_mut(|stream| {
            let _ = stream.as_mut().expect("open").read(1);
        });
        Ok(())
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
