use super::super::InvalidVector;
use super::*;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Answers each connection with the next of `answers`, and passes on what it was asked.
async fn server(answers: Vec<String>) -> (Url, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (requests, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        // Open to the end: who gets half an answer waits for the other half.
        let mut streams = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            loop {
                let read = stream.read_buf(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request).into_owned();
                let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    let length = head.lines().find_map(|line| {
                        line.to_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse()
                            .ok()
                    });
                    body.len() >= length.unwrap_or(0_usize)
                });
                if complete || read == 0 {
                    requests.send(text).unwrap();
                    break;
                }
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            streams.push(stream);
        }
        std::future::pending::<()>().await;
    });
    (url.parse().unwrap(), received)
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn vectors(rows: &[&str]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| format!(r#"{{"embedding": {row}}}"#))
        .collect();
    answer("200 OK", &format!(r#"{{"data": [{}]}}"#, rows.join(", ")))
}

fn endpoint(url: Url) -> Endpoint {
    Endpoint::new(EndpointSettings {
        url,
        key: Some(Secret::new("sk-canary".to_owned())),
        model: Some("small".to_owned()),
        batch: 2,
        timeout: Duration::from_millis(400),
        max_answer: 4096,
    })
    .unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn failure(reply: String) -> EndpointError {
    let (url, _requests) = server(vec![reply]).await;
    match endpoint(url).embed(&texts(&["a"])).await {
        Err(EmbedError::Endpoint(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn texts_go_in_batches_with_key_and_model_and_vectors_come_back_in_order() {
    let (url, mut requests) =
        server(vec![vectors(&["[3, 4]", "[1, 0]"]), vectors(&["[0, 2]"])]).await;
    let endpoint = endpoint(url);
    assert_eq!(endpoint.identity(), None);
    let embedded = endpoint.embed(&texts(&["a", "b", "c"])).await.unwrap();
    let components: Vec<_> = embedded.iter().map(|e| e.vector.components()).collect();
    assert_eq!(components, [[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]]);
    let identity = endpoint.identity().unwrap();
    assert_eq!((identity.name.as_str(), identity.dimensions), ("small", 2));
    let first = requests.recv().await.unwrap();
    assert!(
        first.starts_with("POST /v1/embeddings HTTP/1.1\r\n"),
        "{first}"
    );
    assert!(
        first.contains("authorization: Bearer sk-canary\r\n"),
        "{first}"
    );
    assert!(first.ends_with(r#"{"input":["a","b"],"encoding_format":"float","model":"small"}"#));
    assert!(requests.recv().await.unwrap().contains(r#""input":["c"]"#));
}

#[tokio::test]
async fn every_refusal_has_an_error_of_its_own() {
    let limited = "429 Too Many Requests\r\nRetry-After: 7";
    for (reply, words) in [
        (answer("401 Unauthorized", "{}"), "EMBEDDINGS_API_KEY"),
        (answer(limited, ""), "left alone for 7 s"),
        (
            answer(
                "400 Bad Request",
                r#"{"error": {"message": "no model small"}}"#,
            ),
            "refused the request (400 Bad Request): no model small",
        ),
        (
            answer("302 Found\r\nLocation: http://elsewhere/", ""),
            "302 Found",
        ),
        (answer("200 OK", "<html>"), "in another form"),
        (answer("200 OK", &"x".repeat(5000)), "more than 4096 bytes"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_owned(),
            "took longer than 400 ms",
        ),
    ] {
        let error = failure(reply).await.to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_named_without_a_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let endpoint = endpoint(format!("http://{address}").parse().unwrap());
    let error = endpoint.embed(&texts(&["a"])).await.unwrap_err();
    let shown = format!("{error} {error:?} {endpoint:?}");
    assert!(
        shown.contains(&format!("to speak to at http://{address}: ")),
        "{shown}"
    );
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn another_number_of_dimensions_is_another_model_and_refused() {
    let (url, _requests) = server(vec![vectors(&["[1, 0]"]), vectors(&["[1, 0, 0]"])]).await;
    let endpoint = endpoint(url);
    assert!(endpoint.embed(&texts(&["a"])).await.is_ok());
    let error = endpoint.embed(&texts(&["a"])).await.unwrap_err();
    assert!(
        error.to_string().contains("3 dimensions, before with 2"),
        "{error}"
    );
}

#[tokio::test]
async fn a_vector_that_can_not_be_compared_is_refused() {
    let (url, _requests) = server(vec![vectors(&["[0, 0]"])]).await;
    let error = endpoint(url).embed(&texts(&["a"])).await.unwrap_err();
    assert!(
        matches!(error, EmbedError::Vector(InvalidVector::Zero)),
        "{error}"
    );
}
