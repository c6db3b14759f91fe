//! From the host name of a target to the addresses that its sessions may reach.
//!
//! The host resolves, so a guest never sees a name server. Every address is judged, and one that is refused
//! refuses the name: a name that leads to a forbidden place is not to be trusted with the rest.

use std::net::SocketAddr;

use super::PluginError;
use super::egress::{self, EgressPolicy};

/// The addresses of `host`, in the resolver's order, each allowed.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    policy: &EgressPolicy,
) -> Result<Vec<SocketAddr>, PluginError> {
    let not_found = || PluginError::HostNotFound {
        host: host.to_owned(),
    };
    let mut addresses = Vec::new();
    for mut address in tokio::net::lookup_host((host, port))
        .await
        .map_err(|_| not_found())?
    {
        // A mapped address is its IPv4 address; sockets of guests speak IPv6 only or IPv4 only.
        address.set_ip(address.ip().to_canonical());
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(not_found());
    }
    for address in &addresses {
        egress::judge(address.ip(), policy).map_err(|reason| PluginError::AddressNotAllowed {
            address: address.ip().to_string(),
            reason: reason.to_string(),
        })?;
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_resolves_and_a_mapped_metadata_address_is_refused() {
        let policy = EgressPolicy::default();
        let local = resolve("127.0.0.1", 5432, &policy).await.expect("allowed");
        assert_eq!(local, ["127.0.0.1:5432".parse().expect("address")]);
        for host in ["169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "::"] {
            let error = resolve(host, 80, &policy).await.expect_err(host);
            assert!(
                matches!(error, PluginError::AddressNotAllowed { .. }),
                "{host}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_not_found() {
        let error = resolve("no-such-host.invalid", 1, &EgressPolicy::default())
            .await
            .expect_err("nothing there");
        assert!(matches!(error, PluginError::HostNotFound { .. }), "{error}");
    }
}
