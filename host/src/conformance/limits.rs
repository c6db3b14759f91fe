//! Rows, bytes and time end where they are told to, and memory does not grow with the result.

use std::time::{Duration, Instant};

use super::kit::{
    Kit, Verdict, database_error, failed, not_applicable, phrase, require, unexpected,
};
use super::{Check, Group, MEMORY_BYTES};
use crate::plugins::{ErrorCode, Parameters, PluginError};
use crate::query::{OnLimit, QueryError, QueryLimits};

/// Rows of 1000 bytes: twice the memory of an instance.
const MANY: u32 = 130_000;

/// How late a statement may end after its time, on a busy machine.
const SLACK: Duration = Duration::from_secs(2);

pub(super) const GROUP: Group = Group {
    name: "limits",
    checks: &[
        Check {
            title: "a result ends at the row limit and says so",
            run: |kit| Box::pin(rows(kit)),
        },
        Check {
            title: "a result ends at the byte limit and says so",
            run: |kit| Box::pin(bytes(kit)),
        },
        Check {
            title: "a statement ends when its time is up",
            run: |kit| Box::pin(time(kit)),
        },
        Check {
            title: "a result larger than the instance's memory streams through",
            run: |kit| Box::pin(large(kit)),
        },
    ],
};

async fn rows(kit: &Kit) -> Verdict {
    let (sql, wanted) = match kit.phrases().many {
        Some(many) => (many(1000), 7),
        None => (format!("SELECT * FROM {}", kit.name_of(kit.sample()?)), 1),
    };
    let limits = QueryLimits {
        max_rows: wanted,
        on_limit: OnLimit::Truncate,
        ..Kit::unlimited()
    };
    let none = Parameters::Positional(Vec::new());
    let answer = kit.ask_with(&sql, none, limits).await.map_err(unexpected)?;
    if kit.phrases().many.is_none() && !answer.summary.truncated {
        return Err(not_applicable("the table has at most one row"));
    }
    require(answer.rows.len() as u64 == wanted, || {
        format!("{} rows", answer.rows.len())
    })?;
    require(answer.summary.truncated_by == Some("max_rows"), || {
        format!("it says {:?}", answer.summary.truncated_by)
    })?;
    Ok(None)
}

async fn bytes(kit: &Kit) -> Verdict {
    let many = phrase(kit.phrases().many, "statement with a large result")?;
    let limits = QueryLimits {
        max_bytes: 1 << 20,
        on_limit: OnLimit::Truncate,
        ..Kit::unlimited()
    };
    let none = Parameters::Positional(Vec::new());
    let answer = kit
        .ask_with(&many(20_000), none, limits)
        .await
        .map_err(unexpected)?;
    let rows = answer.rows.len();
    require((500..=1100).contains(&rows), || {
        format!("{rows} rows of about 1000 bytes")
    })?;
    require(answer.summary.truncated_by == Some("max_bytes"), || {
        format!("it says {:?}", answer.summary.truncated_by)
    })?;
    Ok(None)
}

async fn time(kit: &Kit) -> Verdict {
    let slow = phrase(kit.phrases().slow, "statement that takes long")?;
    let limits = QueryLimits {
        timeout_ms: 700,
        ..Kit::unlimited()
    };
    let began = Instant::now();
    let none = Parameters::Positional(Vec::new());
    let outcome = kit.ask_with(slow, none, limits).await;
    let took = began.elapsed();
    match outcome {
        Ok(_) => return Err(failed("it ran to its end")),
        Err(QueryError::Plugin(PluginError::Timeout { .. })) => {}
        Err(error) => match database_error(&error).map(|told| told.code) {
            Some(ErrorCode::Timeout) => {}
            _ => return Err(unexpected(error)),
        },
    }
    require(took < Duration::from_millis(700) + SLACK, || {
        format!("after {took:?}")
    })?;
    Ok(Some(format!("after {} ms of 700", took.as_millis())))
}

async fn large(kit: &Kit) -> Verdict {
    let many = phrase(kit.phrases().many, "statement with a large result")?;
    let began = Instant::now();
    let mut stream = kit
        .stream(&many(MANY), Kit::unlimited())
        .await
        .map_err(unexpected)?;
    let (mut rows, mut bytes) = (0, 0);
    while let Some(batch) = stream.next().await.map_err(unexpected)? {
        rows += batch.num_rows();
        // Of the values alone: batches of one message share its buffer.
        let sizes = batch
            .columns()
            .iter()
            .map(|column| column.to_data().get_slice_memory_size());
        bytes += sizes.flatten().sum::<usize>();
    }
    require(rows == MANY as usize, || {
        format!("{rows} rows instead of {MANY}")
    })?;
    Ok(Some(format!(
        "{} MiB through {} MiB in {} ms",
        bytes >> 20,
        MEMORY_BYTES >> 20,
        began.elapsed().as_millis()
    )))
}
