//! Takes a million handles of the host.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::wasip2::clocks::monotonic_clock::subscribe_duration;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "handles";

    fn query(_sql: &str) -> Result<(), DbError> {
        let all: Vec<_> = (0..1_000_000)
            .map(|_| subscribe_duration(1 << 60))
            .collect();
        std::hint::black_box(&all);
        Ok(())
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
