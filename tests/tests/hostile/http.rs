//! Where a plugin that speaks HTTP may not send requests to, and that nobody has the transport of another.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datachat::plugins::PluginError;
use datachat_tests::sandbox::ask;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::{contained, load, silent_server, target};

const OTHER_ORIGIN: &str = "it is not the origin of this connection";
const NOT_OF_TRANSPORT: &str = "a connector has the network of its transport only";

#[track_caller]
fn assert_refused(error: &PluginError, address: &str, reason: &str) {
    match error {
        PluginError::AddressNotAllowed {
            address: a,
            reason: r,
        } => assert_eq!((a.as_str(), r.as_str()), (address, reason)),
        other => panic!("not an address that is refused: {other:?}"),
    }
}

/// Answers every request alike, and counts them.
async fn answering(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut piece = [0; 4096];
                while let Ok(1..) = stream.read(&mut piece).await {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    (address, requests)
}

#[tokio::test]
async fn another_origin_is_out_of_reach() {
    let plugins = load(&["http_other_origin", "neighbour"], |_| {}).await;
    let (own, _) = silent_server(Ipv4Addr::LOCALHOST).await;
    let (port, on_port) = silent_server(Ipv4Addr::LOCALHOST).await;
    let (host, on_host) = silent_server(Ipv4Addr::new(127, 0, 0, 2)).await;
    let own_over_tls = format!("tls:127.0.0.1:{}", own.port());
    for (wanted, shown) in [
        (port.to_string(), port.to_string()),
        (host.to_string(), host.to_string()),
        (
            format!("localhost:{}", own.port()),
            format!("localhost:{}", own.port()),
        ),
        ("169.254.169.254".to_owned(), "169.254.169.254".to_owned()),
        (
            own_over_tls.clone(),
            own_over_tls["tls:".len()..].to_owned(),
        ),
    ] {
        let target = target(own.port(), &wanted);
        let error = contained(&plugins, "http-other-origin", &target, "").await;
        assert_refused(&error, &shown, OTHER_ORIGIN);
    }
    assert_eq!(on_port.load(Ordering::SeqCst), 0);
    assert_eq!(on_host.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_credential_before_the_host_name_is_not_shown() {
    let plugins = load(&["http_other_origin", "neighbour"], |_| {}).await;
    let target = target(1, "secret@169.254.169.254");
    let error = contained(&plugins, "http-other-origin", &target, "").await;
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_to_the_metadata_service_leads_nowhere() {
    let plugins = load(&["http_redirect", "neighbour"], |_| {}).await;
    let (own, requests) = answering(
        "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let error = contained(&plugins, "http-redirect", &target(own.port(), ""), "").await;
    assert_refused(&error, "169.254.169.254", OTHER_ORIGIN);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_can_not_say_that_it_is_for_another_host() {
    let plugins = load(&["http_host_header", "neighbour"], |_| {}).await;
    let (own, requests) = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let error = contained(&plugins, "http-host-header", &target(own.port(), ""), "").await;
    assert!(
        matches!(&error, PluginError::Database(e) if e.message.contains("host")),
        "{error:?}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nobody_has_the_transport_of_another() {
    let plugins = load(&["http_on_tcp", "tcp_on_http", "neighbour"], |_| {}).await;
    let (own, accepted) = silent_server(Ipv4Addr::LOCALHOST).await;
    for attacker in ["http-on-tcp", "tcp-on-http"] {
        let error = contained(&plugins, attacker, &target(own.port(), ""), "").await;
        assert!(
            matches!(&error, PluginError::AddressNotAllowed { reason, .. } if reason == NOT_OF_TRANSPORT),
            "{attacker}: {error:?}"
        );
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
    let neighbour = plugins.connector("neighbour").expect("loaded");
    assert_eq!(
        ask(&neighbour, &target(2, ""), "").await.expect("pong"),
        b"pong"
    );
}
