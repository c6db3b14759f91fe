//! Where a plugin may not connect to, and that it can do nothing else with the network.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use datachat::plugins::{PluginError, Target};
use datachat_tests::sandbox::ask;

use crate::{contained, load, silent_server, target};

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
fn assert_never_reached(error: &PluginError, other: SocketAddr, accepted: &AtomicUsize) {
    let reason = "it is not an address of this connection";
    assert_refused(error, &other.to_string(), reason);
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn another_port_of_its_own_host_is_out_of_reach() {
    let plugins = load(&["other_port", "neighbour"], |_| {}).await;
    let (own, _) = silent_server(Ipv4Addr::LOCALHOST).await;
    let (other, accepted) = silent_server(Ipv4Addr::LOCALHOST).await;
    let target = target(own.port(), &other.port().to_string());
    let error = contained(&plugins, "other-port", &target, "").await;
    assert_never_reached(&error, other, &accepted);
}

#[tokio::test]
async fn another_host_is_out_of_reach() {
    let plugins = load(&["other_host", "neighbour"], |_| {}).await;
    let (other, accepted) = silent_server(Ipv4Addr::new(127, 0, 0, 2)).await;
    let error = contained(&plugins, "other-host", &target(other.port(), ""), "").await;
    assert_never_reached(&error, other, &accepted);
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
