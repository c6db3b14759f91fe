//! Components that attack the host: each is contained with an error that names the rule or the limit, while
//! a neighbour goes on answering.
//!
//! The components are built by `cargo xtask plugins --hostile`; their sources are in `tests/hostile/examples`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use datachat::limits::Limits;
use datachat::plugins::tool::{BoxFuture, DatabaseInfo, ResultColumn};
use datachat::plugins::{
    Components, ConnectionKey, Connector, DbError, EgressPolicy, ErrorCode, Parameters,
    PluginError, PluginOptions, Plugins, Relation, RelationFilter, Statement, Target, Tls, TlsMode,
    ToolCallError, ToolContext, ToolRows,
};
use datachat::secret::Secret;
use datachat_tests::{CANARY, ServerOptions, TestServer};
use tokio::net::TcpListener;
use uuid::Uuid;

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
    Plugins::load(PluginOptions {
        limits,
        data_dir: data_dir().to_owned(),
        egress: EgressPolicy::default(),
        components: Components::Files(names.iter().map(|name| component(name)).collect()),
        extra_dirs: Vec::new(),
    })
    .await
    .expect("an engine")
}

fn target(port: u16, database: &str) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port,
        database: Some(database.to_owned()),
        user: Some("user".to_owned()),
        password: Some(Secret::new(PASSWORD.to_owned())),
        options: Vec::new(),
        tls: Tls {
            mode: TlsMode::Disable,
            roots: None,
        },
    }
}

fn key(id: u128) -> ConnectionKey {
    ConnectionKey {
        id: Uuid::from_u128(id),
        revision: 1,
    }
}

fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Parameters::Positional(Vec::new()),
        read_only: true,
        max_rows: None,
        timeout_ms: 0,
    }
}

/// One statement from session to the end of its result.
async fn ask(connector: &Connector, target: &Target, sql: &str) -> Result<Vec<u8>, PluginError> {
    let id = u128::from(target.port);
    let session = connector.session(key(id), target).await?;
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut cursor = session.query(statement(sql), deadline).await?;
    let mut all = Vec::new();
    while let Some(chunk) = cursor.read().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// Runs the attack while a neighbour is asked again and again; gives the error that ended the attack.
async fn contained(plugins: &Plugins, attacker: &str, target: &Target, sql: &str) -> PluginError {
    let connector = plugins.connector(attacker).expect("it loads");
    let neighbour = plugins.connector("neighbour").expect("it loads");
    let mut attack = std::pin::pin!(ask(&connector, target, sql));
    let mut answers = 0;
    let result = loop {
        tokio::select! {
            result = &mut attack => break result,
            () = tokio::time::sleep(Duration::from_millis(5)) => {
                let began = Instant::now();
                let answer = ask(&neighbour, &self::target(2, "n"), "ping").await.expect("an answer");
                assert_eq!(answer, b"pong");
                assert!(began.elapsed() < Duration::from_secs(2), "the neighbour waited {:?}", began.elapsed());
                answers += 1;
            }
        }
    };
    let answer = ask(&neighbour, &self::target(2, "n"), "ping").await;
    assert_eq!(answer.expect("an answer afterwards"), b"pong");
    let error = result.expect_err("the attack went through");
    eprintln!("{attacker}: {error} ({answers} answers of the neighbour meanwhile)");
    error
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
fn assert_refused(error: &PluginError, address: &str, reason: &str) {
    match error {
        PluginError::AddressNotAllowed {
            address: a,
            reason: r,
        } => {
            assert_eq!((a.as_str(), r.as_str()), (address, reason));
        }
        other => panic!("not an address that is refused: {other}"),
    }
}

#[track_caller]
fn assert_limit(error: &PluginError, wanted: &str) {
    match error {
        PluginError::Limit { limit, .. } => assert_eq!(*limit, wanted),
        other => panic!("not a limit: {other:?}"),
    }
}

#[tokio::test]
async fn another_port_of_its_own_host_is_out_of_reach() {
    let plugins = load(&["other_port", "neighbour"], |_| {}).await;
    let (own, _) = silent_server(Ipv4Addr::LOCALHOST).await;
    let (other, accepted) = silent_server(Ipv4Addr::LOCALHOST).await;
    let target = target(own.port(), &other.port().to_string());
    let error = contained(&plugins, "other-port", &target, "").await;
    assert_refused(
        &error,
        &other.to_string(),
        "it is not an address of this connection",
    );
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn another_host_is_out_of_reach() {
    let plugins = load(&["other_host", "neighbour"], |_| {}).await;
    let (other, accepted) = silent_server(Ipv4Addr::new(127, 0, 0, 2)).await;
    let error = contained(&plugins, "other-host", &target(other.port(), ""), "").await;
    assert_refused(
        &error,
        &other.to_string(),
        "it is not an address of this connection",
    );
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_metadata_service_is_out_of_reach() {
    let plugins = load(&["metadata", "neighbour"], |_| {}).await;
    let error = contained(&plugins, "metadata", &target(1, ""), "").await;
    assert_refused(
        &error,
        "169.254.169.254:80",
        "it serves the metadata and credentials of a cloud machine",
    );
}

#[tokio::test]
async fn no_ipv6_spelling_of_the_metadata_address_helps() {
    let plugins = load(&["metadata_mapped", "neighbour"], |_| {}).await;
    // WASI itself has no mapped addresses on IPv6 sockets.
    let mapped = contained(
        &plugins,
        "metadata-mapped",
        &target(1, "::ffff:169.254.169.254"),
        "",
    )
    .await;
    assert!(
        matches!(&mapped, PluginError::Database(e) if e.message.contains("invalid-argument")),
        "{mapped:?}"
    );
    let nat64 = contained(
        &plugins,
        "metadata-mapped",
        &target(1, "64:ff9b::169.254.169.254"),
        "",
    )
    .await;
    assert_refused(
        &nat64,
        "[64:ff9b::a9fe:a9fe]:80",
        "it serves the metadata and credentials of a cloud machine",
    );
}

#[tokio::test]
async fn a_connection_to_the_metadata_service_can_not_be_registered() {
    let plugins = load(&["neighbour"], |_| {}).await;
    let neighbour = plugins.connector("neighbour").expect("loaded");
    for host in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"] {
        let target = Target {
            host: host.to_owned(),
            ..target(80, "")
        };
        for error in [
            neighbour.vet(&target).await.expect_err(host),
            neighbour.probe(&target).await.expect_err(host),
            ask(&neighbour, &target, "").await.expect_err(host),
        ] {
            assert!(
                matches!(error, PluginError::AddressNotAllowed { .. }),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_plugin_can_not_listen() {
    let plugins = load(&["listens", "neighbour"], |_| {}).await;
    let error = contained(&plugins, "listens", &target(1, ""), "").await;
    let PluginError::AddressNotAllowed { reason, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(reason, "a plugin may connect out, not listen or bind");
}

#[tokio::test]
async fn datagrams_name_lookup_and_a_tool_with_a_network_are_refused_at_load_with_the_names() {
    let plugins = load(
        &["udp", "name_lookup", "tool_with_network", "neighbour"],
        |_| {},
    )
    .await;
    for (name, imports) in [
        ("udp", &["wasi:sockets/udp-create-socket@"][..]),
        ("name_lookup", &["wasi:sockets/ip-name-lookup@"]),
        (
            "tool_with_network",
            &[
                "wasi:sockets/instance-network@",
                "wasi:sockets/tcp-create-socket@",
            ],
        ),
    ] {
        let status = plugins.status();
        let status = status.iter().find(|s| s.name == name).expect(name);
        assert_eq!(status.state, "failed");
        let detail = status.detail.as_deref().unwrap_or_default();
        for import in imports {
            assert!(detail.contains(import), "{name}: {detail}");
        }
    }
    assert!(plugins.tools().is_empty());
    let neighbour = plugins.connector("neighbour").expect("not harmed");
    assert_eq!(
        ask(&neighbour, &target(2, ""), "").await.expect("pong"),
        b"pong"
    );
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let plugins = load(&["grows", "neighbour"], |_| {}).await;
    let error = contained(&plugins, "grows", &target(1, ""), "").await;
    assert_limit(&error, "plugin_memory_bytes");
}

#[tokio::test]
async fn an_endless_loop_is_cut_and_yields_meanwhile() {
    let plugins = load(&["spins", "neighbour"], |limits| limits.plugin_cpu_ms = 500).await;
    let began = Instant::now();
    let error = contained(&plugins, "spins", &target(1, ""), "").await;
    assert_limit(&error, "plugin_cpu_ms");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_read_that_never_returns_ends_at_the_deadline() {
    let plugins = load(&["blocks", "neighbour"], |_| {}).await;
    let (own, accepted) = silent_server(Ipv4Addr::LOCALHOST).await;
    let connector = plugins.connector("blocks").expect("loaded");
    let session = connector
        .session(key(1), &target(own.port(), ""))
        .await
        .expect("connects");
    let began = Instant::now();
    let deadline = began + Duration::from_millis(300);
    let waiting = async { session.query(statement(""), deadline).await.map(drop) };
    let neighbour = plugins.connector("neighbour").expect("loaded");
    let (error, answer) =
        tokio::join!(waiting, async { ask(&neighbour, &target(2, ""), "").await });
    assert!(
        matches!(
            error,
            Err(PluginError::Timeout {
                limit: "timeout_ms",
                ..
            })
        ),
        "{error:?}"
    );
    assert_eq!(answer.expect("meanwhile"), b"pong");
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_million_handles_end_at_the_limit() {
    let plugins = load(&["handles", "resources", "neighbour"], |_| {}).await;
    for attacker in ["handles", "resources"] {
        let error = contained(&plugins, attacker, &target(1, ""), "").await;
        assert_limit(&error, "plugin_handles");
    }
}

#[tokio::test]
async fn a_huge_text_neither_fits_the_guest_nor_the_way_out_of_it() {
    let plugins = load(&["huge_string", "neighbour"], |_| {}).await;
    let gibibyte = contained(&plugins, "huge-string", &target(1, ""), "1024").await;
    assert_limit(&gibibyte, "plugin_memory_bytes");
    let large = contained(&plugins, "huge-string", &target(1, ""), "64").await;
    assert_limit(&large, "plugin_hostcall_bytes");
    // One that passes is cut before anybody sees it.
    let PluginError::Database(error) =
        contained(&plugins, "huge-string", &target(1, ""), "4").await
    else {
        panic!("not the guest's own error");
    };
    assert!(
        error.message.len() < 16 << 10,
        "{} bytes",
        error.message.len()
    );
}

#[tokio::test]
async fn a_result_that_breaks_off_is_an_error_and_never_a_short_result() {
    let plugins = load(&["traps_midway", "neighbour"], |_| {}).await;
    let error = contained(&plugins, "traps-midway", &target(1, ""), "").await;
    assert!(matches!(error, PluginError::Failed { .. }), "{error:?}");
}

/// Collects what is logged on this thread.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn start(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let captured = Self::default();
        let writer = captured.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (captured, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("lock")).into_owned()
    }
}

#[tokio::test]
async fn a_password_that_a_plugin_shows_is_redacted_in_logs_and_errors() {
    let (captured, _guard) = Captured::start(tracing::Level::TRACE);
    let plugins = load(&["leaks", "neighbour"], |_| {}).await;
    let error = contained(&plugins, "leaks", &target(1, ""), "").await;
    let PluginError::Database(shown) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(shown.message, "m [redacted]");
    assert_eq!(shown.vendor_code.as_deref(), Some("[redacted]"));
    assert_eq!(shown.detail.as_deref(), Some("d [redacted]"));
    assert_eq!(shown.hint.as_deref(), Some("h [redacted]"));
    plugins.shutdown().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let log = captured.text();
    for source in ["source=\"stdout\"", "source=\"stderr\"", "source=\"log\""] {
        let line = log
            .lines()
            .find(|line| line.contains(source))
            .unwrap_or_else(|| panic!("no line of {source} in\n{log}"));
        assert!(line.contains("password=[redacted]"), "{line}");
    }
    assert!(log.contains("[redacted]\\nforged line [redacted]"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
    assert!(!format!("{error:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_flood_of_output_is_dropped_beyond_its_budget() {
    let (captured, _guard) = Captured::start(tracing::Level::DEBUG);
    let plugins = load(&["floods", "neighbour"], |_| {}).await;
    let connector = plugins.connector("floods").expect("loaded");
    assert_eq!(
        ask(&connector, &target(1, ""), "").await.expect("pong"),
        b"pong"
    );
    let log = captured.text();
    let flood: usize = log
        .lines()
        .filter(|line| line.contains("datachat::plugin: ") && line.contains("flood flood"))
        .map(str::len)
        .sum();
    assert!(flood > 1000, "nothing was logged");
    assert!(flood < 100_000, "{flood} bytes of flood were logged");
    assert!(
        log.contains("log lines of the plugin were dropped"),
        "{log}"
    );
}

#[tokio::test]
async fn a_plugin_that_traps_again_and_again_is_quarantined_and_let_back() {
    let plugins = load(&["traps", "neighbour"], |limits| {
        limits.plugin_failures = 5;
        limits.plugin_quarantine_ms = 400;
    })
    .await;
    let traps = plugins.connector("traps").expect("loaded");
    for _ in 0..5 {
        let error = ask(&traps, &target(1, ""), "war").await.expect_err("traps");
        assert!(matches!(error, PluginError::Failed { .. }), "{error:?}");
    }
    let status = |plugins: &Plugins| {
        let all = plugins.status();
        let one = all.iter().find(|s| s.name == "traps").expect("listed");
        (one.state, one.detail.clone())
    };
    let (state, detail) = status(&plugins);
    assert_eq!(state, "quarantined");
    let detail = detail.expect("why");
    assert!(detail.contains("after 5 failures in a row"), "{detail}");
    let error = ask(&traps, &target(1, ""), "peace")
        .await
        .expect_err("refused");
    assert!(
        matches!(
            error,
            PluginError::Quarantined {
                retry_after_secs: 1,
                ..
            }
        ),
        "{error:?}"
    );
    let neighbour = plugins.connector("neighbour").expect("loaded");
    assert_eq!(
        ask(&neighbour, &target(2, ""), "").await.expect("pong"),
        b"pong"
    );
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(
        ask(&traps, &target(1, ""), "peace").await.expect("pong"),
        b"pong"
    );
    assert_eq!(status(&plugins).0, "ready");
}

#[tokio::test]
async fn a_hundred_traps_in_a_row_quarantine_the_plugin_and_readiness_says_so() -> anyhow::Result<()>
{
    let mut server = TestServer::start(ServerOptions::new("quarantine")).await?;
    server.stop()?;
    let folder = server.data_folder().join("plugins");
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(component("traps"), folder.join("traps.wasm"))?;
    server.launch().await?;
    let url = format!("traps://user:{CANARY}@127.0.0.1:9/war");
    let body = serde_json::json!({"name": "w", "database_url": url, "database_type": "traps"});
    for _ in 0..100 {
        let answer = server
            .client()
            .post("/api/v1/databases/test", &body)
            .await?;
        answer.problem(502, "plugin_failed")?;
    }
    let plugin = async || -> anyhow::Result<serde_json::Value> {
        let ready = server.client().get("/ready").await?.expect(200)?;
        let all = ready["checks"]["plugins"].clone();
        assert_eq!(all["status"], "degraded");
        let mut all = all["plugins"]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .into_iter();
        all.find(|plugin| plugin["name"] == "traps")
            .context("listed")
    };
    let state = plugin().await?;
    assert_eq!(state["state"], "quarantined");
    let detail = state["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("after 100 failures in a row"), "{detail}");
    let refused = server
        .client()
        .post("/api/v1/databases/test", &body)
        .await?;
    refused.problem(503, "connector_unavailable")?;
    Ok(())
}

#[tokio::test]
async fn a_changed_artifact_is_compiled_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = async || {
        Plugins::load(PluginOptions {
            limits: Limits::default(),
            data_dir: folder.path().to_owned(),
            egress: EgressPolicy::default(),
            components: Components::Files(vec![component("neighbour")]),
            extra_dirs: Vec::new(),
        })
        .await
        .expect("an engine")
    };
    load().await;
    let artifact = std::fs::read_dir(folder.path().join("cache"))
        .expect("a cache")
        .flatten()
        .next()
        .expect("an artifact")
        .path();
    let good = std::fs::read(&artifact).expect("readable");
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&artifact, &bad).expect("written");
    let plugins = load().await;
    let neighbour = plugins.connector("neighbour").expect("loaded all the same");
    assert_eq!(
        ask(&neighbour, &target(2, ""), "").await.expect("pong"),
        b"pong"
    );
    let now = std::fs::read(&artifact).expect("written anew");
    assert_ne!(now, bad, "the changed artifact is still there");
}

#[tokio::test]
async fn what_is_no_component_is_refused_and_harms_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let junk = folder.path().join("junk.wasm");
    std::fs::write(&junk, b"\0asm\x0d\0\x01\0 and then nonsense").expect("written");
    let empty = folder.path().join("empty.wasm");
    std::fs::write(&empty, b"\0asm\x0d\0\x01\0").expect("written");
    let big = folder.path().join("big.wasm");
    std::fs::write(&big, vec![0; 3 << 20]).expect("written");
    let limits = Limits {
        plugin_wasm_bytes: 2 << 20,
        ..Limits::default()
    };
    let plugins = Plugins::load(PluginOptions {
        limits,
        data_dir: data_dir().to_owned(),
        egress: EgressPolicy::default(),
        components: Components::Files(vec![junk, empty, big, component("neighbour")]),
        extra_dirs: Vec::new(),
    })
    .await
    .expect("an engine");
    let detail = |name: &str| {
        let all = plugins.status();
        let one = all.iter().find(|s| s.name == name).expect(name);
        one.detail.clone().unwrap_or_default()
    };
    assert!(detail("junk").contains("no valid WebAssembly component"));
    assert!(detail("empty").contains("neither a connector nor a tool"));
    assert!(detail("big").contains("plugin_wasm_bytes"));
    assert!(plugins.connector("NEIGHBOUR").is_some());
}

#[tokio::test]
async fn a_busy_connection_leaves_its_neighbour_alone() {
    let plugins = load(&["neighbour"], |limits| {
        limits.sessions_per_connection = 2;
        limits.session_wait_ms = 100;
    })
    .await;
    let neighbour = plugins.connector("neighbour").expect("loaded");
    let one = neighbour
        .session(key(1), &target(1, ""))
        .await
        .expect("first");
    let _two = neighbour
        .session(key(1), &target(1, ""))
        .await
        .expect("second");
    let error = neighbour.session(key(1), &target(1, "")).await.map(drop);
    assert!(
        matches!(error, Err(PluginError::Busy { max: 2 })),
        "{error:?}"
    );
    neighbour
        .session(key(2), &target(1, ""))
        .await
        .expect("another connection");
    drop(one);
    neighbour
        .session(key(1), &target(1, ""))
        .await
        .expect("given back");
}

#[tokio::test]
async fn forgetting_a_connection_cancels_what_it_runs() {
    let plugins = load(&["blocks"], |_| {}).await;
    let (own, _) = silent_server(Ipv4Addr::LOCALHOST).await;
    let connector = plugins.connector("blocks").expect("loaded");
    let session = connector
        .session(key(7), &target(own.port(), ""))
        .await
        .expect("connects");
    let deadline = Instant::now() + Duration::from_secs(30);
    let began = Instant::now();
    let (ended, ()) = tokio::join!(
        async { session.query(statement(""), deadline).await.map(drop) },
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            plugins.forget_connection(key(7).id).await;
        }
    );
    assert!(matches!(ended, Err(PluginError::Cancelled)), "{ended:?}");
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

/// A database of three rows and two relations.
struct Context;

struct Rows(Vec<String>);

impl ToolContext for Context {
    fn describe(&self) -> BoxFuture<'_, Result<DatabaseInfo, DbError>> {
        Box::pin(async { Err(no("describe")) })
    }

    fn relations(&self, _: RelationFilter) -> BoxFuture<'_, Result<Vec<Relation>, DbError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn query(
        &self,
        sql: String,
        _: Parameters,
        _: Option<u64>,
    ) -> BoxFuture<'_, Result<Box<dyn ToolRows>, DbError>> {
        Box::pin(async move {
            if sql == "bad" {
                return Err(no("bad"));
            }
            Ok(Box::new(Rows(vec!["[1]".to_owned(); 3])) as Box<dyn ToolRows>)
        })
    }

    fn quote_identifier(&self, name: &str) -> String {
        format!("\"{name}\"")
    }

    fn progress(&self, _: u32, _: Option<u32>, note: &str) {
        assert_eq!(note, "done\\n", "escaped");
    }
}

impl ToolRows for Rows {
    fn columns(&self) -> Vec<ResultColumn> {
        Vec::new()
    }

    fn next(&mut self, max: u32) -> BoxFuture<'_, Result<Vec<String>, DbError>> {
        let count = self.0.len().min(max as usize);
        Box::pin(async move { Ok(self.0.drain(..count).collect()) })
    }

    fn truncated_by(&self) -> Option<String> {
        None
    }
}

fn no(message: &str) -> DbError {
    DbError {
        code: ErrorCode::Syntax,
        message: message.to_owned(),
        vendor_code: None,
        detail: None,
        hint: None,
        position: None,
        retryable: false,
    }
}

#[tokio::test]
async fn a_tool_reaches_its_database_and_ends_at_its_limits() {
    let plugins = load(&["tool_lists"], |limits| {
        limits.plugin_cpu_ms = 60_000;
        limits.tool_result_bytes = 1 << 20;
    })
    .await;
    let tools = plugins.tools();
    let tool = tools.first().expect("loaded");
    assert_eq!(tool.definitions().len(), 6);
    let call = async |name: &str, arguments: &str| {
        let deadline = Instant::now() + Duration::from_millis(700);
        tool.call(name, arguments, Box::new(Context), deadline)
            .await
    };
    assert_eq!(call("echo", "{\"a\":1}").await.expect("echo"), "{\"a\":1}");
    assert_eq!(call("count", "select").await.expect("count"), "3");
    assert_eq!(call("relations", "").await.expect("none"), "0");
    let error = call("count", "bad")
        .await
        .expect_err("the database's error");
    assert!(
        matches!(&error, ToolCallError::Tool(e) if e.database.as_ref().is_some_and(|d| d.message == "bad")),
        "{error:?}"
    );
    let error = call("spin", "").await.expect_err("time is up");
    assert!(
        matches!(
            error,
            ToolCallError::Plugin(PluginError::Timeout {
                limit: "tool_timeout_ms",
                ..
            })
        ),
        "{error:?}"
    );
    let error = call("flood", "").await.expect_err("too large");
    assert!(
        matches!(
            error,
            ToolCallError::Plugin(PluginError::Limit {
                limit: "tool_result_bytes",
                ..
            })
        ),
        "{error:?}"
    );
    let error = call("fall", "").await.expect_err("traps");
    assert!(
        matches!(error, ToolCallError::Plugin(PluginError::Failed { .. })),
        "{error:?}"
    );
    assert_eq!(call("echo", "{}").await.expect("a fresh instance"), "{}");
}
