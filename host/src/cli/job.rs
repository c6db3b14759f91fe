//! Jobs that look through tables: waiting for their end, with a bar where somebody can see it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::failure::Failure;
use super::output::cell;
use super::server::Server;

/// How often a job is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// The job at a path, once it has ended.
///
/// # Errors
/// The server's problem.
pub async fn follow(server: &Server, path: &str) -> Result<Value, Failure> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} tables") {
        bar.set_style(style);
    }
    loop {
        let job = server.get(path).await?;
        let count = |name: &str| job["progress"][name].as_u64().unwrap_or(0);
        if count("total_tables") > 0 {
            let done = ["tables_completed", "tables_failed", "tables_skipped"];
            bar.set_length(count("total_tables"));
            bar.set_position(done.into_iter().map(count).sum());
        }
        if !is_running(&job) {
            bar.finish_and_clear();
            return Ok(job);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A job that has ended without success, as a failure.
///
/// # Errors
/// What the job says.
pub fn completed(what: &str, job: &Value) -> Result<(), Failure> {
    if is_running(job) || job["status"] == "completed" {
        return Ok(());
    }
    let (how, error) = (cell(&job["status"]), cell(&job["error"]));
    Err(Failure::new(format!("the {what} is {how}: {error}")))
}

fn is_running(job: &Value) -> bool {
    job["status"] == "pending" || job["status"] == "running"
}
