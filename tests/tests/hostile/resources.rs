//! Memory, time, handles, sessions and bytes: each ends at its limit, and at nobody else's cost.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use datachat::plugins::PluginError;
use datachat_tests::sandbox::{key, statement};

use crate::{assert_limit, beside_neighbour, contained, load, silent_server, target};

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
    let (error, answers) = beside_neighbour(&plugins, waiting).await;
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
    assert!(answers > 0, "the neighbour waited too");
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
