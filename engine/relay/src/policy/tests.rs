#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::panic, clippy::indexing_slicing)]

use rove_base::Entropy;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn no_special_address_is_public_in_any_of_its_forms() {
    let special = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.8.8.8 169.254.169.254 \
        169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 \
        198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255";
    for text in special.split_whitespace() {
        let IpAddr::V4(v4) = ip(text) else { panic!("{text}") };
        let [a, b, c, d] = v4.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        let forms: [IpAddr; 10] = [
            v4.into(),
            v4.to_ipv6_mapped().into(),
            v4.to_ipv6_compatible().into(),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
            Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf7f7, 0xf7f7).into(),
            Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low).into(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low).into(),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low).into(),
            Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low).into(),
        ];
        for form in forms {
            assert!(!Policy::default().allows(form), "{text} as {form}");
        }
    }
    let special = ":: ::1 ::2 64:ff9b:1::808:808 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:808:808::1 \
        3ffe::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fe80::5efe:7f00:1 fec0::1 ff02::1 ff05::2";
    for text in special.split_whitespace() {
        assert!(!Policy::default().allows(ip(text)), "{text}");
    }
}

#[test]
fn the_public_internet_is_public_also_behind_a_translator() {
    let public = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
        169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 \
        223.255.255.255 2001:4860:4860::8888 2a00:1450::1 2600::1 64:ff9b::808:808 ::ffff:8.8.8.8";
    for text in public.split_whitespace() {
        assert!(Policy::default().allows(ip(text)), "{text}");
    }
}

#[test]
fn what_is_denied_by_name_stays_denied_and_what_is_allowed_by_name_is_allowed() {
    let prefixes = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Prefix>>();
    let policy =
        Policy::new(prefixes(&["127.0.0.0/8", "10.1.0.0/16", "::1"]), prefixes(&["10.1.9.0/24", "8.8.8.8"]));
    let cases = [
        ("127.0.0.1", true),
        ("::ffff:127.0.0.1", true),
        ("::1", true),
        ("10.1.0.1", true),
        ("10.1.9.1", false),
        ("10.2.0.1", false),
        ("8.8.8.8", false),
        ("64:ff9b::808:808", false),
        ("64:ff9b::7f00:1", false),
        ("::127.0.0.1", false),
    ];
    for (text, expected) in cases {
        assert_eq!(policy.allows(ip(text)), expected, "{text}");
    }
    for text in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8"] {
        assert!(text.parse::<Prefix>().is_err(), "{text}");
    }
    assert!(
        prefixes(&["0.0.0.0/0"])[0].holds(ip("255.1.2.3")) && prefixes(&["::/0"])[0].holds(ip("ff02::1"))
    );
}

/// Judges by the standard library and by arithmetic of its own.
fn forbidden(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_documentation()
                || ip.is_broadcast()
                || a == 0
                || a >= 240
                || a == 100 && b & 0xc0 == 64
                || a == 198 && b & 0xfe == 18
                || (a, b, c) == (192, 0, 0)
                || (a, b, c) == (192, 88, 99)
        }
        IpAddr::V6(ip) => {
            let [a, b, .., y, z] = ip.segments();
            let inner = Ipv4Addr::from(u32::from(y) << 16 | u32::from(z));
            match ip.to_ipv4_mapped() {
                Some(mapped) => forbidden(mapped.into()),
                None if (a, b) == (0x64, 0xff9b) && ip.segments()[2..6] == [0; 4] => forbidden(inner.into()),
                None => a & 0xe000 != 0x2000 || a == 0x2002 || a == 0x2001 && (b < 0x200 || b == 0xdb8),
            }
        }
    }
}

fn hunt(rounds: u64) {
    let mut entropy = Entropy::from_number(26);
    let (mut relayed, mut denied) = (0_u64, 0_u64);
    let policy = Policy::default();
    for round in 0..rounds {
        let v4 = Ipv4Addr::from(entropy.next_u32());
        let random = u128::from(entropy.next_u64()) << 64 | u128::from(entropy.next_u64());
        let low = random as u32;
        let ip: IpAddr = match round % 8 {
            0..=2 => v4.into(),
            3 => Ipv6Addr::from(random).into(),
            4 => v4.to_ipv6_mapped().into(),
            5 => Ipv6Addr::from(0x64_ff9b_u128 << 96 | u128::from(low)).into(),
            6 => Ipv6Addr::from(random >> 3 | 1 << 125).into(),
            _ => Ipv6Addr::from(u128::from(low)).into(),
        };
        if policy.allows(ip) {
            assert!(!forbidden(ip), "{ip}");
            relayed += 1;
        } else {
            denied += 1;
        }
    }
    assert!(relayed > rounds / 4 && denied > rounds / 4, "{relayed} relayed, {denied} denied");
}

#[test]
fn of_random_addresses_none_is_relayed_that_is_special() {
    hunt(if std::env::var_os("ROVE_PROVE").is_some() { 10_000_000 } else { 100_000 });
}
