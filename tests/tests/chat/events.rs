//! A turn as it comes: server-sent events and a WebSocket.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use datachat_tests::Client;
use datachat_tests::stage::{direct, stage, until_gone, until_running};
use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::scene::{CHAT, postgres, shop};

/// How long a statement may outlive its client: well under its own time limit.
const BOUND: Duration = Duration::from_secs(5);

/// The events of a turn, by name.
async fn events(body: &Value) -> Result<Vec<(String, Value)>> {
    let (client, _) = shop().await?;
    streamed(&client, body).await
}

/// The events of a turn on a client's server, by name.
pub async fn streamed(client: &Client, body: &Value) -> Result<Vec<(String, Value)>> {
    let request = client.request(
        Method::POST,
        CHAT,
        &[("accept", "text/event-stream")],
        Some(body),
    )?;
    let answer = client.answer(request).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let text = String::from_utf8(answer.body.to_vec())?;
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    blocks
        .map(|block| {
            let (name, data) = block.split_once('\n').context("two lines")?;
            let name = name.strip_prefix("event: ").context("a name")?;
            let data = data.strip_prefix("data: ").context("data")?;
            Ok((name.to_owned(), serde_json::from_str(data)?))
        })
        .collect()
}

#[tokio::test]
async fn stages_rows_and_words_come_before_the_whole_reply() -> Result<()> {
    let (_, id) = shop().await?;
    let body = json!({"message": "how many rows in customers?", "target_database": id});
    let events = events(&body).await?;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "agent_start",
        "agent_complete",
        "agent_start",
        "agent_complete",
        "agent_start",
        "data_chunk",
        "agent_complete",
        "answer_chunk",
        "complete",
    ];
    assert_eq!(names, expected);
    let agents: Vec<_> = events
        .iter()
        .filter_map(|(_, data)| data["agent"].as_str())
        .collect();
    assert_eq!(agents, ["intent", "intent", "table", "table", "sql", "sql"]);
    assert_eq!(events[5].1["rows"], json!([{"row_count": 120}]));
    assert_eq!(events[7].1["text"], "Table `customers` has 120 row(s).");
    let reply = &events[8].1["response"];
    assert_eq!(reply["answer"], "Table `customers` has 120 row(s).");
    assert_eq!(reply["database"]["id"], id);
    Ok(())
}

#[tokio::test]
async fn a_turn_that_fails_ends_with_its_problem() -> Result<()> {
    let (_, id) = shop().await?;
    let body = json!({"message": "DROP TABLE customers", "execution_mode": "direct_sql", "target_database": id});
    let events = events(&body).await?;
    let (name, data) = events.last().context("an event")?;
    assert_eq!(name, "error");
    assert_eq!(data["error"], "query_error");
    assert_eq!(data["code"], "read_only_violation");
    assert_eq!(data["status"], 403);
    assert!(data["message"].is_string(), "{data}");
    Ok(())
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn socket() -> Result<Socket> {
    socket_of(stage().await?.server.port()).await
}

async fn socket_of(port: u16) -> Result<Socket> {
    let url = format!("ws://127.0.0.1:{port}/ws/chat");
    let (socket, _) = tokio_tungstenite::connect_async(url).await?;
    Ok(socket)
}

/// What a socket says to one message, and the code that it closes with.
async fn converse(message: &str) -> Result<(Vec<Value>, u16)> {
    converse_with(stage().await?.server.port(), message).await
}

/// What a socket of the server at a port says to one message, and the code that it closes with.
pub async fn converse_with(port: u16, message: &str) -> Result<(Vec<Value>, u16)> {
    let mut socket = socket_of(port).await?;
    socket.send(Message::text(message)).await?;
    let mut events = Vec::new();
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => events.push(serde_json::from_str(&text)?),
            Message::Close(close) => return Ok((events, close.context("a code")?.code.into())),
            _ => {}
        }
    }
    bail!("the socket ended without a close")
}

#[tokio::test]
async fn a_socket_answers_one_request_and_closes_with_the_code_of_its_end() -> Result<()> {
    let (_, id) = shop().await?;
    let asked = json!({"message": "list tables", "target_database": id}).to_string();
    let (events, code) = converse(&asked).await?;
    assert_eq!(code, 1000);
    let last = events.last().context("an event")?;
    assert_eq!(last["event"], "complete");
    assert_eq!(last["response"]["answer_source"], "sql");
    let nobody = "00000000-0000-4000-8000-000000000001";
    for (message, error, expected) in [
        ("{".to_owned(), "invalid_json", 1003),
        ("{}".to_owned(), "validation_error", 1008),
        (
            json!({"message": "list tables", "target_database": nobody}).to_string(),
            "invalid_target_database",
            1008,
        ),
    ] {
        let (events, code) = converse(&message).await?;
        assert_eq!(events[0]["event"], "error");
        assert_eq!((events[0]["error"].as_str(), code), (Some(error), expected));
    }
    Ok(())
}

#[tokio::test]
async fn leaving_ends_the_statement() -> Result<()> {
    let (client, id) = shop().await?;
    let observer = direct(postgres().await?, "alpha").await?;
    // A sleep is refused, so the statement is one that takes its time.
    let slow = |mark: &str| {
        format!(
            "SELECT count(*) AS {mark} FROM customers a, customers b, customers c, customers d, customers e, customers f"
        )
    };
    let body = |mark: &str| json!({"message": slow(mark), "execution_mode": "direct_sql", "target_database": id});
    let mut socket = socket().await?;
    socket
        .send(Message::text(body("by_socket").to_string()))
        .await?;
    until_running(&observer, "by_socket").await?;
    drop(socket);
    let took = until_gone(&observer, "by_socket").await?;
    assert!(took < BOUND, "after {took:?}");

    let streaming = client
        .stream(
            Method::POST,
            CHAT,
            &[("accept", "text/event-stream")],
            Some(&body("by_stream")),
        )
        .await?;
    until_running(&observer, "by_stream").await?;
    drop(streaming);
    let took = until_gone(&observer, "by_stream").await?;
    assert!(took < BOUND, "after {took:?}");
    Ok(())
}
