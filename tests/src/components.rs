//! Built components, and installing them over a server's API.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};

use crate::client::{Answer, Client};

/// A file in the target folder, such as `plugins-hostile/neighbour.wasm`.
///
/// # Errors
/// It has not been built.
pub fn built(place: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let path = program.ancestors().map(|folder| folder.join(place));
    path.into_iter()
        .find(|path| path.is_file())
        .with_context(|| {
            format!("{place} is missing; run `cargo xtask plugins --hostile --examples`")
        })
}

/// The same component with another digest: with one custom section more.
///
/// # Panics
/// When the mark is long.
pub fn variant(wasm: &[u8], mark: &str) -> Vec<u8> {
    let name = "variant";
    let length = 1 + name.len() + mark.len();
    assert!(length < 0x80, "one byte holds the length");
    let mut wasm = wasm.to_vec();
    let length = u8::try_from(length).expect("short");
    wasm.extend([0, length, u8::try_from(name.len()).expect("short")]);
    wasm.extend(name.bytes());
    wasm.extend(mark.bytes());
    wasm
}

/// Sends a component with further query parameters and headers.
///
/// # Errors
/// When the server does not answer. A status of failure is an answer.
pub async fn install(
    client: &Client,
    wasm: Vec<u8>,
    query: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    let mut all = vec![("content-type", "application/wasm")];
    all.extend(headers);
    let path = format!("/api/v1/plugins?{query}");
    let (head, _) = client
        .request(Method::POST, &path, &all, None)?
        .into_parts();
    let request = Request::from_parts(head, Full::new(Bytes::from(wasm)));
    client.answer(request).await
}
