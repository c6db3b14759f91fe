//! Which addresses a connection may reach: the only place where that is decided.
//!
//! A connection is registered by an operator, so loopback and private networks are fine. What no database
//! listens on, and what hands out cloud credentials, is refused whatever the operator's lists say. An IPv6
//! address is judged as itself and as every IPv4 address that it spells (mapped, 6to4, NAT64, …), because
//! the network would deliver it there. The order: never rules, the deny list, the allow list.
//!
//! This judges addresses, not names: the host resolves and judges all of them, and the socket layer lets a
//! session reach only those. It does not filter ports.

use std::net::{IpAddr, Ipv4Addr};

/// A block of addresses, as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// Why a list of blocks can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{block:?} is not an address or a block such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidCidr {
    pub block: String,
}

impl std::str::FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let invalid = || InvalidCidr {
            block: text.to_owned(),
        };
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = ip.parse().map_err(|_| invalid())?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|n| *n <= bits)
                .ok_or_else(invalid)?,
        };
        Ok(Self { network, prefix })
    }
}

impl Cidr {
    /// Whether the address lies in the block. Families never match each other.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.network, ip) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.prefix);
                (u32::from(network) ^ u32::from(ip))
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(network), IpAddr::V6(ip)) => {
                let shift = 128 - u32::from(self.prefix);
                (u128::from(network) ^ u128::from(ip))
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

/// The operator's lists. Both empty: everything that the never rules leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    /// If not empty, only these are reachable.
    pub allow: Vec<Cidr>,
    /// Never reachable, even if allowed above.
    pub deny: Vec<Cidr>,
}

impl EgressPolicy {
    /// Reads two comma-separated lists of blocks.
    ///
    /// # Errors
    /// The first block that is none.
    pub fn parse(allow: &str, deny: &str) -> Result<Self, InvalidCidr> {
        let list = |text: &str| {
            text.split(',')
                .map(str::trim)
                .filter(|block| !block.is_empty())
                .map(str::parse)
                .collect::<Result<Vec<Cidr>, _>>()
        };
        Ok(Self {
            allow: list(allow)?,
            deny: list(deny)?,
        })
    }
}

/// The rule that refuses an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("it serves the metadata and credentials of a cloud machine")]
    Metadata,
    #[error("it is link-local")]
    LinkLocal,
    #[error("it is a multicast address")]
    Multicast,
    #[error("it is the unspecified address")]
    Unspecified,
    #[error("it is a broadcast or reserved address")]
    Broadcast,
    #[error("DATACHAT_EGRESS_DENY lists it")]
    Denied,
    #[error("DATACHAT_EGRESS_ALLOW does not list it")]
    NotAllowed,
    #[error("it is not an address of this connection")]
    NotOfConnection,
    #[error("it is not the origin of this connection")]
    OtherOrigin,
    #[error("a connector has the network of its transport only")]
    NotOfTransport,
    #[error("a plugin may connect out, not listen or bind")]
    Listening,
}

/// Addresses of instance metadata services that are not link-local already.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// EC2's block holds several services, of which one gives credentials; nobody else may use it.
const METADATA_V6: [(u16, u16); 2] = [(0xfd00, 0xec2), (0xfd20, 0xce)];

/// Judges one address.
///
/// # Errors
/// The first rule that refuses it.
pub fn judge(ip: IpAddr, policy: &EgressPolicy) -> Result<(), Reason> {
    let spellings = spellings(ip);
    for ip in &spellings {
        never(*ip)?;
    }
    let denied = |ip: &IpAddr| policy.deny.iter().any(|block| block.contains(*ip));
    if spellings.iter().any(denied) {
        return Err(Reason::Denied);
    }
    // Only a mapped address is the IPv4 address; the others merely lead to it.
    let canonical = ip.to_canonical();
    if !policy.allow.is_empty() && !policy.allow.iter().any(|block| block.contains(canonical)) {
        return Err(Reason::NotAllowed);
    }
    Ok(())
}

fn never(ip: IpAddr) -> Result<(), Reason> {
    match ip {
        IpAddr::V4(ip) => {
            let [first, ..] = ip.octets();
            if METADATA_V4.contains(&ip) {
                Err(Reason::Metadata)
            } else if first == 0 {
                Err(Reason::Unspecified)
            } else if ip.is_link_local() {
                Err(Reason::LinkLocal)
            } else if ip.is_multicast() {
                Err(Reason::Multicast)
            } else if first >= 240 {
                Err(Reason::Broadcast)
            } else {
                Ok(())
            }
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            if METADATA_V6.contains(&(first, second)) {
                Err(Reason::Metadata)
            } else if ip.is_unspecified() {
                Err(Reason::Unspecified)
            } else if ip.is_unicast_link_local() {
                Err(Reason::LinkLocal)
            } else if ip.is_multicast() {
                Err(Reason::Multicast)
            } else {
                Ok(())
            }
        }
    }
}

/// The address itself, and each IPv4 address that an IPv6 one stands for.
fn spellings(ip: IpAddr) -> Vec<IpAddr> {
    let mut all = vec![ip];
    let IpAddr::V6(v6) = ip else { return all };
    let segments = v6.segments();
    let at = |i: usize| {
        let bits = u32::from(segments[i]) << 16 | u32::from(segments[i + 1]);
        Ipv4Addr::from(bits)
    };
    let mut push = |v4: Ipv4Addr| all.push(IpAddr::V4(v4));
    match segments {
        // Loopback and the unspecified address are no IPv4 addresses in disguise.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => {}
        // Mapped, compatible, translated (RFC 2765); NAT64 by its well-known prefix; ISATAP.
        [0, 0, 0, 0, 0, 0xffff | 0, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => push(at(6)),
        // NAT64 by the local-use prefix, with the address in any of the places of RFC 6052.
        [0x64, 0xff9b, 1, ..] => {
            push(at(6));
            let octets = v6.octets();
            push(Ipv4Addr::new(octets[6], octets[7], octets[9], octets[10]));
            push(Ipv4Addr::new(octets[7], octets[9], octets[10], octets[11]));
            push(Ipv4Addr::new(octets[9], octets[10], octets[11], octets[12]));
        }
        // 6to4.
        [0x2002, ..] => push(at(1)),
        // Teredo: the server, and the client with its bits inverted.
        [0x2001, 0, ..] => {
            push(at(2));
            push(Ipv4Addr::from(!u32::from(at(6))));
        }
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(ip: &str) -> Result<(), Reason> {
        judge(ip.parse().expect(ip), &EgressPolicy::default())
    }

    #[test]
    fn loopback_private_and_public_addresses_are_allowed() {
        for ip in [
            "127.0.0.1",
            "127.8.9.10",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "93.184.216.34",
            "fd12:3456::1",
            "2606:4700::1",
            "::ffff:127.0.0.1",
        ] {
            assert_eq!(judged(ip), Ok(()), "{ip}");
        }
    }

    #[test]
    fn metadata_addresses_are_refused_in_every_spelling() {
        for ip in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::ffff:a9fe:a9fe",
            "::ffff:0:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:5a9:fe:a9fe:808:808",
            "2002:a9fe:a9fe::1",
            "2001:0:a9fe:a9fe::1",
            "2001:0:808:808:0:0:5601:5601",
            "2001:db8::5efe:169.254.169.254",
        ] {
            assert_eq!(judged(ip), Err(Reason::Metadata), "{ip}");
        }
    }

    #[test]
    fn what_no_database_listens_on_is_refused_with_its_reason() {
        for (ip, reason) in [
            ("169.254.1.1", Reason::LinkLocal),
            ("fe80::1", Reason::LinkLocal),
            ("::ffff:169.254.1.1", Reason::LinkLocal),
            ("224.0.0.1", Reason::Multicast),
            ("ff02::1", Reason::Multicast),
            ("0.0.0.0", Reason::Unspecified),
            ("0.1.2.3", Reason::Unspecified),
            ("::", Reason::Unspecified),
            ("::ffff:0.0.0.0", Reason::Unspecified),
            ("255.255.255.255", Reason::Broadcast),
            ("240.0.0.1", Reason::Broadcast),
        ] {
            assert_eq!(judged(ip), Err(reason), "{ip}");
        }
    }

    #[test]
    fn an_allow_list_admits_only_what_it_names_and_never_the_metadata_address() {
        let policy =
            EgressPolicy::parse("10.0.0.0/8, 169.254.0.0/16", "10.9.0.0/16").expect("valid");
        let judged = |ip: &str| judge(ip.parse().expect(ip), &policy);
        assert_eq!(judged("10.1.1.1"), Ok(()));
        assert_eq!(judged("::ffff:10.1.1.1"), Ok(()));
        assert_eq!(judged("10.9.1.1"), Err(Reason::Denied));
        assert_eq!(judged("::ffff:10.9.1.1"), Err(Reason::Denied));
        assert_eq!(judged("11.0.0.1"), Err(Reason::NotAllowed));
        assert_eq!(judged("169.254.169.254"), Err(Reason::Metadata));
    }

    #[test]
    fn blocks_match_their_edges_and_nothing_beyond() {
        let block: Cidr = "10.1.0.0/16".parse().expect("valid");
        assert!(block.contains("10.1.255.255".parse().expect("ip")));
        assert!(!block.contains("10.2.0.0".parse().expect("ip")));
        let all: Cidr = "0.0.0.0/0".parse().expect("valid");
        assert!(all.contains("8.8.8.8".parse().expect("ip")));
        assert!(!all.contains("2001:db8::1".parse().expect("ip")));
        let one: Cidr = "2001:db8::1".parse().expect("valid");
        assert!(one.contains("2001:db8::1".parse().expect("ip")));
        assert!(!one.contains("2001:db8::2".parse().expect("ip")));
        for bad in ["10.0.0.0/33", "::/129", "x", "10.0.0.0/", "10.0.0.0/-1", ""] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }
}
