//! Which addresses may be dialled. Pure.
//!
//! Sources: the IANA special-purpose registries for IPv4 (RFC 6890) and IPv6, and the metadata addresses
//! that the large clouds document.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On the public internet.
    Public,
    /// On this machine or this network: only under a grant that says `private = true`.
    Private,
    /// Under no grant: cloud metadata, link-local, multicast, unspecified, documentation, tunnels that hide
    /// another address.
    Never,
}

/// Judges one resolved address. Addresses that carry another one (v4-mapped, NAT64) are judged by what
/// they carry.
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    let [a, b, c, d] = ip.octets();
    match (a, b, c, d) {
        // Metadata services with addresses that look ordinary: Azure's wire server, Oracle, Alibaba.
        (168, 63, 129, 16) | (192, 0, 0, 192) | (100, 100, 100, 200) => Reach::Never,
        // "This network", link-local with the metadata address of most clouds, protocol assignments.
        (0, ..) | (169, 254, ..) | (192, 0, 0, _) => Reach::Never,
        // Documentation, 6to4 relays, benchmarking.
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) | (192, 88, 99, _) => Reach::Never,
        (198, 18..=19, ..) => Reach::Never,
        // Multicast, reserved, broadcast.
        (224..=255, ..) => Reach::Never,
        // Loopback, RFC 1918, carrier-grade NAT (RFC 6598).
        (127 | 10, ..) | (172, 16..=31, ..) | (192, 168, ..) | (100, 64..=127, ..) => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let s = ip.segments();
    let embedded = || Ipv4Addr::from(((s[6] as u32) << 16) | s[7] as u32);
    match s {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // ::ffff:a.b.c.d and the well-known NAT64 prefix (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => reach_v4(embedded()),
        // AWS's metadata service.
        [0xfd00, 0xec2, ..] => Reach::Never,
        // Unique local addresses (RFC 4193).
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Teredo and the rest of the protocol assignments, documentation (two ranges), 6to4.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x2002, ..] => {
            Reach::Never
        }
        // Global unicast; everything outside of it is not.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(expected: Reach, addresses: &[&str]) {
        for text in addresses {
            assert_eq!(reach(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn public_addresses() {
        all(
            Reach::Public,
            &["20.190.128.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2603:1006::1"],
        );
        all(Reach::Public, &["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]);
    }

    #[test]
    fn private_addresses() {
        all(
            Reach::Private,
            &["127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
        );
        all(
            Reach::Private,
            &[
                "100.64.0.1",
                "100.127.255.255",
                "::1",
                "fc00::1",
                "fdff::1",
                "::ffff:127.0.0.1",
                "64:ff9b::10.0.0.1",
            ],
        );
    }

    #[test]
    fn addresses_that_no_grant_opens() {
        all(
            Reach::Never,
            &[
                "169.254.169.254",
                "169.254.0.1",
                "fd00:ec2::254",
                "168.63.129.16",
                "100.100.100.200",
                "192.0.0.192",
            ],
        );
        all(
            Reach::Never,
            &["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1"],
        );
        all(
            Reach::Never,
            &["192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "2001:db8::1", "3fff::1"],
        );
        all(
            Reach::Never,
            &["fe80::1", "fec0::1", "2002:7f00:1::", "2001:0:1::", "64:ff9b:1::1", "::127.0.0.1"],
        );
        all(Reach::Never, &["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "100::1"]);
    }
}
