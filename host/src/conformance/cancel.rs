//! A statement that nobody waits for any more is gone from the server within a second.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::kit::{Kit, Verdict, failed, phrase, require, unexpected};
use super::{Check, Group};

/// How long a cancelled statement may be seen on the server.
const WITHIN: Duration = Duration::from_secs(1);
/// How long a statement may take to begin.
const TO_BEGIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

pub(super) const GROUP: Group = Group {
    name: "cancel",
    checks: &[Check {
        title: "a statement that is given up is gone from the server within a second",
        run: |kit| Box::pin(given_up(kit)),
    }],
};

async fn given_up(kit: &Kit) -> Verdict {
    let sleep = phrase(kit.phrases().sleep, "statement that sleeps")?;
    let running = phrase(kit.phrases().running, "list of running statements")?;
    let marker = format!("datachat-{}", Uuid::new_v4().simple());
    let (watcher, sleeper) = (kit.another(kit.target()), kit.another(kit.target()));
    let sees = async || -> Result<bool, super::kit::Objection> {
        let seen = kit
            .direct(&watcher, &running(&marker))
            .await
            .map_err(unexpected)?;
        Ok(seen.rows != ["[0]"])
    };
    let sql = sleep(60, &marker);
    let mut sleeping = Box::pin(kit.direct(&sleeper, &sql));
    let began = Instant::now();
    // Both go on at once, until the watcher sees the sleeper.
    loop {
        tokio::select! {
            ended = &mut sleeping => {
                return Err(match ended {
                    Ok(_) => failed("it ended by itself"),
                    Err(error) => unexpected(error),
                });
            }
            seen = sees() => {
                if seen? {
                    break;
                }
            }
        }
        require(began.elapsed() < TO_BEGIN, || {
            "the server does not show it".to_owned()
        })?;
        tokio::time::sleep(PAUSE).await;
    }
    drop(sleeping);
    let dropped = Instant::now();
    while sees().await? {
        require(dropped.elapsed() < WITHIN, || {
            format!("it still runs after {} ms", dropped.elapsed().as_millis())
        })?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Some(format!("after {} ms", dropped.elapsed().as_millis())))
}
