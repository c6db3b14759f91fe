use super::*;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::llm::{Finish, Message, Offer, Schema};

/// What a server does with one request.
enum Step {
    Send(Vec<u8>),
    Wait(Duration),
}

/// Answers each connection with the next list of steps and closes it; passes on what it was asked.
async fn server(answers: Vec<Vec<Step>>) -> (Url, mpsc::UnboundedReceiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (requests, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let body = loop {
                let read = stream.read_buf(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request).into_owned();
                let length = text
                    .to_lowercase()
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                if let (Some((_, body)), Some(length)) = (text.split_once("\r\n\r\n"), length)
                    && body.len() >= length
                {
                    break body.to_owned();
                }
                assert!(read > 0, "the request broke off");
            };
            let _ = requests.send(serde_json::from_str(&body).unwrap());
            for step in answer {
                match step {
                    Step::Send(bytes) => {
                        if stream.write_all(&bytes).await.is_err() {
                            break;
                        }
                        stream.flush().await.unwrap();
                    }
                    Step::Wait(time) => tokio::time::sleep(time).await,
                }
            }
        }
    });
    (url.parse().unwrap(), received)
}

fn head(status: &str, more: &str) -> Step {
    Step::Send(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n").into_bytes())
}

fn stream_head() -> Step {
    head("200 OK", "Content-Type: text/event-stream\r\n")
}

fn failing(status: &str, body: &str) -> Vec<Step> {
    let length = format!("Content-Length: {}\r\n", body.len());
    vec![head(status, &length), Step::Send(body.as_bytes().to_vec())]
}

fn said(text: &str) -> Step {
    let data = json!({"choices": [{"delta": {"content": text}}]});
    Step::Send(format!("data: {data}\n\n").into_bytes())
}

fn done() -> Step {
    Step::Send(b"data: [DONE]\n\n".to_vec())
}

fn answering(text: &str) -> Vec<Step> {
    vec![stream_head(), said(text), done()]
}

fn client(url: Url) -> Client {
    Client::new(Settings {
        url,
        key: Some(Secret::new("sk-canary".to_owned())),
        model: Some("small".to_owned()),
        answer_tokens: 100,
        answer_bytes: 10_000,
        connect: Duration::from_secs(1),
        first_byte: Duration::from_millis(300),
        idle: Duration::from_millis(200),
        retry_wait: Duration::from_secs(1),
        failures: 2,
        pause: Duration::from_mins(1),
    })
    .unwrap()
}

async fn ask(client: &Client) -> (Result<Answer, LlmError>, String, Effort) {
    let messages = [
        Message::System("rules".to_owned()),
        Message::User("why?".to_owned()),
    ];
    let offers = [Offer {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({"type": "object"}),
    }];
    let schema = Schema {
        name: "form",
        schema: json!({"type": "object"}),
    };
    let request = Request {
        messages: &messages,
        offers: &offers,
        schema: Some(&schema),
    };
    let mut heard = String::new();
    let mut effort = Effort::default();
    let answer = client
        .ask(request, &mut effort, |words| heard.push_str(words))
        .await;
    (answer, heard, effort)
}

#[tokio::test]
async fn an_answer_is_heard_as_it_comes_whatever_the_borders_of_its_pieces() {
    let mut bytes = b": alive\n\n".to_vec();
    let data =
        json!({"choices": [{"delta": {"content": "Grüße aus 東京"}, "finish_reason": "stop"}]});
    bytes.extend_from_slice(format!("data: {data}\n\n").as_bytes());
    let mut steps = vec![stream_head()];
    // Also inside of characters and of `data:`.
    for piece in bytes.chunks(3) {
        steps.push(Step::Send(piece.to_vec()));
        steps.push(Step::Wait(Duration::from_millis(1)));
    }
    let usage = r#"{"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}"#;
    steps.push(Step::Send(format!("data: {usage}\n\n").into_bytes()));
    let (url, mut received) = server(vec![steps]).await;
    let client = client(url);
    let (answer, heard, effort) = ask(&client).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.text, "Grüße aus 東京");
    assert_eq!((heard, answer.finish), (answer.text, Finish::Stop));
    assert_eq!(effort, Effort::default());
    let asked = received.recv().await.expect("a request");
    assert_eq!(asked["model"], "small");
    assert_eq!(asked["response_format"]["type"], "json_schema");
    assert_eq!(asked["tools"][0]["function"]["name"], "look");
    assert_eq!(asked["messages"][1]["content"], "why?");
}

#[tokio::test]
async fn what_a_server_refuses_is_left_out_and_stays_so() {
    let refusal = r#"{"error": {"message": "response_format is not supported"}}"#;
    let html = "<html>Bad Request</html>";
    let (url, mut received) = server(vec![
        failing("400 Bad Request", refusal),
        failing("422 Unprocessable Entity", html),
        answering("one"),
        answering("two"),
    ])
    .await;
    let client = client(url);
    let (answer, _, effort) = ask(&client).await;
    assert_eq!(answer.expect("an answer").text, "one");
    assert_eq!(effort.retries, 2);
    let forms = |asked: Option<Value>| asked.expect("a request")["response_format"]["type"].clone();
    assert_eq!(forms(received.recv().await), "json_schema");
    assert_eq!(forms(received.recv().await), "json_object");
    assert_eq!(forms(received.recv().await), Value::Null);
    assert_eq!(ask(&client).await.0.expect("an answer").text, "two");
    assert_eq!(
        forms(received.recv().await),
        Value::Null,
        "it is remembered"
    );
}

#[tokio::test]
async fn a_busy_or_failing_server_is_asked_again_and_no_other_is() {
    let (url, _) = server(vec![
        vec![head(
            "429 Too Many Requests",
            "Retry-After: 0\r\nContent-Length: 0\r\n",
        )],
        failing("500 Internal Server Error", "<html>oops</html>"),
        answering("at last"),
        failing(
            "401 Unauthorized",
            r#"{"error": {"message": "bad key sk-canary"}}"#,
        ),
        vec![head(
            "429 Too Many Requests",
            "Retry-After: 60\r\nContent-Length: 0\r\n",
        )],
    ])
    .await;
    let client = client(url);
    let (answer, _, effort) = ask(&client).await;
    assert_eq!(
        (answer.expect("an answer").text.as_str(), effort.retries),
        ("at last", 2)
    );
    let (answer, _, effort) = ask(&client).await;
    let error = answer.expect_err("refused");
    assert!(matches!(error, LlmError::Unauthorized(_)) && effort.retries == 0);
    assert!(!error.to_string().contains("canary"), "{error}");
    // So long nobody waits.
    let (answer, _, effort) = ask(&client).await;
    let error = answer.expect_err("busy").to_string();
    assert!(error.contains("60 s") && effort.retries == 0, "{error}");
}

#[tokio::test]
async fn silence_a_break_and_nonsense_are_told_apart_and_never_waited_for_long() {
    let long = Duration::from_secs(5);
    let (url, _) = server(vec![vec![Step::Wait(long)]]).await;
    let silent = ask(&client(url)).await.0.expect_err("silent").to_string();
    assert!(silent.contains("before its first byte"), "{silent}");
    let (url, _) = server(vec![vec![stream_head(), said("half"), Step::Wait(long)]]).await;
    let (stalled, heard, effort) = ask(&client(url)).await;
    let stalled = stalled.expect_err("stalled").to_string();
    assert!(stalled.contains("in the middle"), "{stalled}");
    assert_eq!(
        (heard.as_str(), effort.retries),
        ("half", 0),
        "nothing is said twice"
    );
    let (url, _) = server(vec![vec![stream_head(), said("half")]]).await;
    let broken = ask(&client(url)).await.0;
    assert!(matches!(broken, Err(LlmError::BrokenOff)), "{broken:?}");
    let (url, _) = server(vec![failing("200 OK", "<html>Welcome</html>")]).await;
    let html = ask(&client(url)).await.0;
    assert!(matches!(html, Err(LlmError::Malformed(_))), "{html:?}");
    let (url, _) = server(vec![vec![stream_head(), said(&"x".repeat(20_000)), done()]]).await;
    let large = ask(&client(url)).await.0;
    assert!(
        matches!(large, Err(LlmError::TooLarge(10_000))),
        "{large:?}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let body = json!({"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]})
        .to_string();
    let more = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    let (url, _) = server(vec![vec![
        head("200 OK", &more),
        Step::Send(body.into_bytes()),
    ]])
    .await;
    let (answer, heard, _) = ask(&client(url)).await;
    assert_eq!(
        (answer.expect("an answer").text.as_str(), heard.as_str()),
        ("whole", "whole")
    );
}

#[tokio::test]
async fn after_failures_in_a_row_the_endpoint_is_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let client = client(url.parse().unwrap());
    for _ in 0..2 {
        let error = ask(&client).await.0.expect_err("nobody is there");
        assert!(matches!(error, LlmError::Send(_)), "{error}");
    }
    let error = ask(&client).await.0.expect_err("left alone");
    assert!(matches!(error, LlmError::LeftAlone(_)), "{error}");
    assert!(client.left_alone().is_some());
}
