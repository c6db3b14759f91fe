//! Which format an answer has, and when none fits.

use anyhow::{Result, ensure};
use datachat_tests::Client;
use hyper::Method;
use serde_json::{Value, json};

use crate::stage::{question, stage};

async fn connection() -> Result<(Client, String)> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    Ok((client, id))
}

#[tokio::test]
async fn the_accept_header_chooses_where_the_body_does_not() -> Result<()> {
    let (client, id) = connection().await?;
    let body = question("SELECT 1 AS one", id.as_str());
    for (accept, content_type) in [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        (
            "application/vnd.apache.arrow.stream",
            "application/vnd.apache.arrow.stream",
        ),
        (
            "application/vnd.apache.parquet",
            "application/vnd.apache.parquet",
        ),
        (
            "text/html, text/csv;q=0.9, application/json;q=0.5",
            "text/csv",
        ),
        ("application/json;q=0, */*;q=0.1", "application/x-ndjson"),
    ] {
        let headers = [("accept", accept)];
        let request = client.request(Method::POST, "/api/v1/query", &headers, Some(&body))?;
        let answer = client.answer(request).await?;
        answer.expect(200)?;
        let seen = answer.header("content-type");
        // What stands for "anything but JSON" is the server's choice.
        let any = accept.starts_with("application/json;q=0");
        let fits = if any {
            !seen.starts_with("application/json")
        } else {
            seen.starts_with(content_type)
        };
        assert!(fits, "{accept}: {seen}");
    }
    // The body's word goes before the header's.
    let mut named = body.clone();
    named["format"] = json!("csv");
    let headers = [("accept", "application/json")];
    let request = client.request(Method::POST, "/api/v1/query", &headers, Some(&named))?;
    let answer = client.answer(request).await?;
    assert_eq!(answer.text(), "one\r\n1\r\n");
    let headers = [("accept", "image/png, text/html")];
    let request = client.request(Method::POST, "/api/v1/query", &headers, Some(&body))?;
    client
        .answer(request)
        .await?
        .problem(406, "not_acceptable")?;
    named["format"] = json!("xml");
    let problem = client.post("/api/v1/query", &named).await?;
    assert_eq!(
        problem.problem(422, "validation_failed")?["field"],
        "format"
    );
    Ok(())
}

/// A whole answer over HTTP/1.0, where a body ends when the connection does.
async fn http_1_0(body: &Value) -> Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let port = stage().await?.server.port();
    let mut peer = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let body = body.to_string();
    let head = format!(
        "POST /api/v1/query HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    peer.write_all((head + &body).as_bytes()).await?;
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn csv_is_refused_where_a_short_one_would_look_whole() -> Result<()> {
    let (_, id) = connection().await?;
    let mut body = question("SELECT 1 AS one", id.as_str());
    let json = http_1_0(&body).await?;
    ensure!(
        json.contains(" 200 ") && json.contains("\"row_count\":1"),
        "{json}"
    );
    body["format"] = json!("csv");
    let csv = http_1_0(&body).await?;
    ensure!(csv.contains(" 406 ") && csv.contains("HTTP/1.1"), "{csv}");
    ensure!(csv.contains("\"code\":\"not_acceptable\""), "{csv}");
    Ok(())
}
