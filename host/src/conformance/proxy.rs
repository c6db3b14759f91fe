//! A TCP proxy of the kit's own, between the connector and its server, that can cut what goes through it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Forwards connections until it is dropped.
pub(super) struct Proxy {
    port: u16,
    /// Ends the connections that are open now.
    cut: Arc<Mutex<CancellationToken>>,
    /// How many connections there have been.
    accepted: Arc<AtomicUsize>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    /// A proxy to a server.
    ///
    /// # Errors
    /// The server has no address, or there is no free port.
    pub(super) async fn start(host: &str, port: u16) -> std::io::Result<Self> {
        let mut found = tokio::net::lookup_host((host, port)).await?;
        let server = found
            .next()
            .ok_or_else(|| std::io::Error::other("the host name has no address"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let cut = Arc::new(Mutex::new(CancellationToken::new()));
        let accepted = Arc::new(AtomicUsize::new(0));
        let accepting = accept(listener, server, Arc::clone(&cut), Arc::clone(&accepted));
        let accepting = tokio::spawn(accepting);
        Ok(Self {
            port,
            cut,
            accepted,
            _accepting: AbortOnDropHandle::new(accepting),
        })
    }

    /// The port on the loopback address.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Whether anybody has connected.
    pub(super) fn was_used(&self) -> bool {
        self.accepted.load(Ordering::Relaxed) > 0
    }

    /// Cuts every open connection. New ones are forwarded.
    pub(super) fn cut(&self) {
        let mut token = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *token).cancel();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    cut: Arc<Mutex<CancellationToken>>,
    accepted: Arc<AtomicUsize>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::Relaxed);
        let token = cut.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tokio::spawn(async move {
            let Ok(mut upstream) = TcpStream::connect(server).await else {
                return;
            };
            tokio::select! {
                () = token.cancelled() => {}
                _ = tokio::io::copy_bidirectional(&mut client, &mut upstream) => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_go_through_until_the_cut_and_again_after_it() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let port = server.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = server.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let proxy = Proxy::start("127.0.0.1", port).await.expect("a proxy");
        for _ in 0..2 {
            let mut stream = TcpStream::connect(("127.0.0.1", proxy.port()))
                .await
                .expect("open");
            stream.write_all(b"ping").await.expect("sent");
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).await.expect("echoed");
            assert_eq!(&answer, b"ping");
            proxy.cut();
            assert!(matches!(stream.read(&mut answer).await, Ok(0) | Err(_)));
        }
    }
}
