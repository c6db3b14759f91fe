//! What a planned question costs over its statement: `cargo xtask bench chat`.
//!
//! The labelled questions for tuning are asked, and the statement of each reply is run alone, taking turns on the same
//! server and connection. What the question takes longer is what reading, planning and saying it cost; the model of
//! the database is warm, as it is after the first question. Also measured is how long the first event of a stream
//! takes. The report goes to standard output.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat_tests::Client;
use datachat_tests::examples::{ENGINES, Servers, informed, labels};
use datachat_tests::stage::text;
use hyper::Method;
use serde_json::{Value, json};

const CHAT: &str = "/api/v1/chat";

/// Times of one engine.
#[derive(Default)]
struct Times {
    statement: Vec<Duration>,
    /// Over the statement.
    over: Vec<Duration>,
    first_event: Vec<Duration>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (most, rounds) = if quick { (3, 2) } else { (usize::MAX, 15) };
    let servers = informed().await?;
    let questions: Vec<Value> = labels("chat.jsonl")?
        .into_iter()
        .filter(|label| label["split"] == "tune" && label["expect"] == "sql")
        .take(most)
        .collect();
    println!(
        "| Engine | Questions planned | Their statement, p50 | Question over statement, p50 | p95 | Aim | First event, p95 | Aim |"
    );
    println!("|---|--:|--:|--:|--:|---|--:|---|");
    for engine in ENGINES {
        let mut times = Times::default();
        for label in &questions {
            measure(servers, engine, label, rounds, &mut times).await?;
        }
        println!(
            "| {engine} | {} | {} | {} | {} | ≤ 20 ms | {} | < 10 ms |",
            times.over.len(),
            shown(part(&mut times.statement, 50)),
            shown(part(&mut times.over, 50)),
            shown(part(&mut times.over, 95)),
            shown(part(&mut times.first_event, 95)),
        );
    }
    Ok(())
}

/// Adds the medians of a question, if it is planned without values to bind.
async fn measure(
    servers: &Servers,
    engine: &str,
    label: &Value,
    rounds: usize,
    times: &mut Times,
) -> Result<()> {
    let client = servers.client();
    let id = servers.id(engine, &text(&label["database"])?)?;
    let body = json!({"message": label["question"], "target_database": id});
    let reply = client.post(CHAT, &body).await?.expect(200)?;
    if !reply["session_state"]["plan"].is_object() {
        return Ok(());
    }
    let statement = json!({"sql": reply["sql"], "target_database": id});
    let (mut whole, mut alone) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for turn in 0..2 {
            let (path, body, times) = if (turn + round) % 2 == 0 {
                (CHAT, &body, &mut whole)
            } else {
                ("/api/v1/query", &statement, &mut alone)
            };
            let begin = Instant::now();
            client.post(path, body).await?.expect(200)?;
            times.push(begin.elapsed());
        }
        times.first_event.push(first_event(&client, &body).await?);
    }
    let alone = part(&mut alone, 50);
    times.statement.push(alone);
    times.over.push(part(&mut whole, 50).saturating_sub(alone));
    Ok(())
}

/// From the request to the first piece of the stream; the rest is read, so that the connection stays good.
async fn first_event(client: &Client, body: &Value) -> Result<Duration> {
    let begin = Instant::now();
    let accept = [("accept", "text/event-stream")];
    let mut stream = client
        .stream(Method::POST, CHAT, &accept, Some(body))
        .await?;
    stream.chunk().await?.context("no event")?;
    let time = begin.elapsed();
    while stream.chunk().await?.is_some() {}
    Ok(time)
}

/// The time that so many percent are not above; zero of none.
fn part(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
