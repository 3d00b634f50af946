use hickory_proto::rr::{
    Name,
    rdata::{NAPTR, SRV},
};
use rove_base::{Entropy, Transport};

use crate::lookup::order::{by_weight, sip_services};

fn srv(priority: u16, weight: u16, port: u16) -> SRV {
    SRV::new(priority, weight, port, Name::root())
}

#[test]
fn a_lower_priority_always_comes_first() {
    let records = [srv(20, 65_535, 3), srv(10, 0, 2), srv(5, 1, 1)];
    for seed in 0..100 {
        let ordered = by_weight(records.iter().collect(), &mut Entropy::from_number(seed));
        assert_eq!(ordered.iter().map(|srv| srv.port).collect::<Vec<_>>(), [1, 2, 3]);
    }
}

#[test]
fn weights_of_60_20_20_share_the_first_place_as_rfc2782_says() {
    let records = [srv(1, 60, 0), srv(1, 20, 1), srv(1, 20, 2), srv(1, 0, 3)];
    let mut entropy = Entropy::from_number(7);
    let mut first = [0_u32; 4];
    for _ in 0..10_000 {
        let ordered = by_weight(records.iter().collect(), &mut entropy);
        assert_eq!(ordered.len(), 4);
        first[usize::from(ordered[0].port)] += 1;
    }
    // 101 draws of which one is the zero weight's.
    for (hits, expected) in first.into_iter().zip([5_940.0, 1_980.0, 1_980.0, 99.0]) {
        assert!((f64::from(hits) - expected).abs() < 200.0, "{first:?}");
    }
}

#[test]
fn naptr_is_sorted_by_order_then_preference_and_other_services_do_not_count() {
    let naptr = |order, preference, flags: &str, services: &str, regexp: &str, replacement: &str| {
        let boxed = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
        let replacement = Name::from_ascii(replacement).unwrap();
        NAPTR::new(order, preference, boxed(flags), boxed(services), boxed(regexp), replacement)
    };
    let records = [
        naptr(2, 1, "s", "SIP+D2U", "", "later.example."),
        naptr(1, 9, "S", "sip+d2u", "", "second.example."),
        naptr(1, 3, "s", "SIP+D2U", "", "first.example."),
        naptr(1, 1, "s", "SIPS+D2T", "", "tls.example."),
        naptr(1, 1, "u", "SIP+D2U", "!^.*$!sip:x!", "rewritten.example."),
        naptr(1, 1, "s", "SIP+D2U", "", "."),
    ];
    let names = |spoken: &[Transport]| -> Vec<String> {
        let services = sip_services(records.iter().collect(), spoken);
        services.iter().map(|(name, transport)| format!("{name} {transport}")).collect()
    };
    assert_eq!(names(&[Transport::Udp]), ["first.example. udp", "second.example. udp"]);
    assert_eq!(
        names(&[Transport::Udp, Transport::Tls]),
        ["tls.example. tls", "first.example. udp", "second.example. udp"],
        "the order is the domain's, not ours"
    );
}
