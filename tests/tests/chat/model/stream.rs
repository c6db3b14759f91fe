//! A turn with a model as it comes: rows before words, words as they are judged, and an end when the client leaves.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use datachat_tests::Client;
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::{Value, json};

use super::scene::{Scene, scene};
use crate::scene::CHAT;
use datachat_tests::model::{piece, says, stream, wait};

/// A question whose answer is heard as it comes.
fn asking(scene: &Scene, client: &Client, question: &str) -> Result<Request<Full<Bytes>>> {
    let body = json!({"message": question, "target_database": scene.shop()});
    let accept = [("accept", "text/event-stream")];
    client.request(Method::POST, CHAT, &accept, Some(&body))
}

#[tokio::test]
async fn rows_come_before_words_and_words_sentence_by_sentence() -> Result<()> {
    let scene = scene().await?;
    let question = "Say the paramount ordinal out loud";
    let sql = json!({"kind": "sql", "sql": "SELECT max(id) AS top FROM customers"});
    scene.model.script(
        question,
        [
            says(&sql),
            datachat_tests::model::says_text("The paramount one is 120. No other is above it."),
        ],
    );
    let client = scene.client();
    let request = asking(scene, &client, question)?;
    let text = client.answer(request).await?.text();
    let events: Vec<(&str, Value)> = text
        .split("\n\n")
        .filter_map(|block| block.split_once('\n'))
        .map(|(name, data)| {
            let data = data.trim_start_matches("data: ");
            let name = name.trim_start_matches("event: ");
            Ok((name, serde_json::from_str(data)?))
        })
        .collect::<Result<_>>()?;
    let places = |wanted: &str| -> Vec<usize> {
        let named = events.iter().enumerate();
        named
            .filter(|(_, (name, _))| *name == wanted)
            .map(|(at, _)| at)
            .collect()
    };
    assert_eq!(places("thinking").len(), 1);
    let (rows, words) = (places("data_chunk"), places("answer_chunk"));
    assert!(rows[0] < words[0], "{text}");
    let said: Vec<&str> = words
        .iter()
        .filter_map(|at| events[*at].1["text"].as_str())
        .collect();
    assert_eq!(
        said,
        ["The paramount one is 120. ", "No other is above it."]
    );
    let (name, last) = events.last().context("an event")?;
    assert_eq!(*name, "complete");
    assert_eq!(last["response"]["answer"], said.concat());
    Ok(())
}

#[tokio::test]
async fn leaving_ends_the_models_work() -> Result<()> {
    let scene = scene().await?;
    let question = "Ponder the imponderable for ages";
    scene
        .model
        .script(question, [vec![stream(), piece("{"), wait(60_000)]]);
    let client = scene.client();
    let request = asking(scene, &client, question)?;
    let asked = tokio::spawn(async move { client.answer(request).await });
    let patience = Instant::now() + Duration::from_secs(10);
    while scene.model.asked(question).is_empty() {
        ensure!(Instant::now() < patience, "the model was not asked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    asked.abort();
    while !scene.model.was_left(question) {
        ensure!(Instant::now() < patience, "the model is still at work");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
