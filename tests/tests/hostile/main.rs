//! Components that attack the host: each is contained with an error that names the rule or the limit, while
//! a neighbour goes on answering.
//!
//! The components are built by `cargo xtask plugins --hostile`; their sources are in `tests/hostile/examples`.

mod artifacts;
mod files;
mod http;
mod network;
mod output;
mod quarantine;
mod resources;
mod tool;
mod tool_calls;
mod tool_pries;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use datachat::limits::Limits;
use datachat::plugins::{Components, PluginError, Plugins, Target};
use datachat_tests::sandbox::{self, ask};
use tokio::net::TcpListener;

const PASSWORD: &str = "canary/p@ss-7f3a";

fn component(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    let folder = program
        .ancestors()
        .map(|folder| folder.join("plugins-hostile"))
        .find(|folder| folder.is_dir())
        .expect("the hostile components are not built; run `cargo xtask plugins --hostile`");
    folder.join(name).with_extension("wasm")
}

/// Compiled once for all tests.
fn data_dir() -> &'static Path {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).expect("a folder");
    folder
}

async fn load(names: &[&str], change: impl FnOnce(&mut Limits)) -> Plugins {
    let mut limits = Limits {
        sessions_total: 16,
        call_timeout_ms: 10_000,
        ..Limits::default()
    };
    change(&mut limits);
    let components = names.iter().map(|name| component(name)).collect();
    sandbox::load(data_dir(), Components::Files(components), limits).await
}

fn target(port: u16, database: &str) -> Target {
    sandbox::target(port, database, "user", PASSWORD)
}

/// An attack that lasts at least so long leaves time for an answer to somebody else.
const LASTING: Duration = Duration::from_millis(100);

/// How often a lasting attack is made before its neighbour is said to have waited: a busy machine may stop this
/// program for as long as that.
const ATTEMPTS: usize = 5;

/// Makes an attack, and gives what came of it. A neighbour is asked at the same time and has to answer: while
/// the attack goes on if it lasts, and in any case soon.
async fn attacked(
    plugins: &Plugins,
    attacker: &str,
    target: &Target,
    sql: &str,
) -> Result<Vec<u8>, PluginError> {
    let connector = plugins.connector(attacker).expect("it loads");
    for _ in 0..ATTEMPTS {
        let began = Instant::now();
        let attack = Box::pin(ask(&connector, target, sql));
        let (result, answers) = beside_neighbour(plugins, attack).await;
        if answers > 0 || began.elapsed() < LASTING {
            return result;
        }
    }
    panic!("the neighbour never answered while {attacker} was at work");
}

/// The error that ended the attack.
async fn contained(plugins: &Plugins, attacker: &str, target: &Target, sql: &str) -> PluginError {
    let result = attacked(plugins, attacker, target, sql).await;
    result.expect_err("the attack went through")
}

/// Does the work while a neighbour is asked without a pause; also gives how often it answered before the work was
/// done. What it was asked last, it has to answer all the same, and each time soon.
async fn beside_neighbour<T>(
    plugins: &Plugins,
    mut work: Pin<Box<impl Future<Output = T>>>,
) -> (T, usize) {
    let neighbour = plugins.connector("neighbour").expect("it loads");
    let target = target(2, "n");
    let pong = async || {
        let began = Instant::now();
        let answer = ask(&neighbour, &target, "ping").await;
        assert_eq!(answer.expect("an answer"), b"pong");
        let took = began.elapsed();
        assert!(
            took < Duration::from_secs(2),
            "the neighbour waited {took:?}"
        );
    };
    // Its session is open from here on.
    Box::pin(pong()).await;
    let mut asked = Box::pin(pong());
    let mut answers = 0;
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            () = &mut asked => {
                answers += 1;
                asked = Box::pin(pong());
            }
        }
    };
    asked.await;
    (result, answers)
}

/// Accepts connections, counts them, and never says a word.
async fn silent_server(ip: Ipv4Addr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((ip, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            open.push(stream);
        }
    });
    (address, accepted)
}

#[track_caller]
fn assert_limit(error: &PluginError, wanted: &str) {
    match error {
        PluginError::Limit { limit, .. } => assert_eq!(*limit, wanted),
        other => panic!("not a limit: {other:?}"),
    }
}
