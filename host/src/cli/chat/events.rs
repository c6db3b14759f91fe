//! A turn's events as the server sends them, told apart.

use axum::body::Body;
use bytes::Buf;
use http_body_util::BodyExt;
use serde_json::value::RawValue;

use super::super::failure::Failure;
use crate::query::members;

/// One event of a turn.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub data: Box<RawValue>,
}

/// Reads events off a body, as they come.
pub struct Events {
    body: Body,
    unread: Vec<u8>,
}

impl Events {
    pub fn new(body: Body) -> Self {
        Self {
            body,
            unread: Vec::new(),
        }
    }

    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or what came is no event.
    pub async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                return event(&block).map(Some);
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(_)) => return Err(Failure::new("the server's answer broke off")),
                Some(Ok(frame)) => {
                    if let Ok(mut data) = frame.into_data() {
                        self.unread.extend_from_slice(data.chunk());
                        data.advance(data.remaining());
                    }
                }
            }
        }
    }
}

fn event(block: &[u8]) -> Result<Event, Failure> {
    let broken = || Failure::new("the server sent something that is no event");
    let text = std::str::from_utf8(block).map_err(|_| broken())?;
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim_start)
    };
    let name = field("event:").ok_or_else(broken)?.to_owned();
    let data = field("data:").ok_or_else(broken)?.to_owned();
    let data = RawValue::from_string(data).map_err(|_| broken())?;
    Ok(Event { name, data })
}

/// The member of an event's data.
pub fn member<'a>(data: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let members = members::read(data);
    members
        .into_iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(pieces: &[&'static str]) -> Result<Vec<(String, String)>, Failure> {
        let pieces: Vec<Result<&'static str, std::convert::Infallible>> =
            pieces.iter().map(|piece| Ok(*piece)).collect();
        let mut events = Events::new(Body::from_stream(futures_util::stream::iter(pieces)));
        let mut found = Vec::new();
        while let Some(event) = events.next().await? {
            found.push((event.name, event.data.get().to_owned()));
        }
        Ok(found)
    }

    #[tokio::test]
    async fn events_are_whole_however_they_are_cut() {
        let pair = |name: &str, data: &str| (name.to_owned(), data.to_owned());
        let found = all(&[
            "event: a\nda",
            "ta: {\"n\": 1.10}\n",
            "\nevent: b\ndata: {}\n\n",
        ])
        .await;
        let expected = [pair("a", "{\"n\": 1.10}"), pair("b", "{}")];
        assert_eq!(found.expect("events"), expected);
        assert!(all(&["event: a\n\n"]).await.is_err());
        assert!(all(&["event: a\ndata: {\n\n"]).await.is_err());
    }
}
