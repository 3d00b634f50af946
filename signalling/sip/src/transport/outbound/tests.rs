#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may stop")]

use super::*;

#[test]
fn an_instance_is_a_uuid_that_can_be_kept() {
    let instance = Instance::random(&mut Entropy::from_number(1));
    let text = instance.to_string();
    let digits: Vec<&str> = text.strip_prefix("urn:uuid:").unwrap().split('-').collect();
    assert_eq!(digits.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert!(digits[2].starts_with('4') && digits[3].starts_with(['8', '9', 'a', 'b']), "{text}");
    assert_eq!(Instance::from_bits(instance.to_bits()), instance);
    assert_eq!(instance.contact_params(2), format!(";reg-id=2;+sip.instance=\"<{text}>\""));
    let contact = format!("<sip:a@192.0.2.1>{}", instance.contact_params(1));
    let read: crate::message::NameAddr = contact.parse().unwrap();
    assert_eq!(read.params.get("reg-id"), Some("1"));
}

#[test]
fn a_token_names_its_hop_and_nobody_else_can_make_one() {
    let mut entropy = Entropy::from_number(1);
    let (ours, theirs) = (FlowTokens::new(&mut entropy), FlowTokens::new(&mut entropy));
    let (v4, v6) = (([192, 0, 2, 1], 5060).into(), "[2001:db8::1]:443".parse().unwrap());
    for hop in [
        Hop::udp(v4, ([192, 0, 2, 2], 5062).into()),
        Hop::toward(Transport::Tcp, v4, v4),
        Hop::stream(StreamId(u64::MAX), Transport::Wss, v6, v6),
    ] {
        let token = ours.seal(&hop);
        assert!(
            token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
            "{token}"
        );
        assert_eq!(ours.open(&token), Some(hop));
        assert_eq!(theirs.open(&token), None);
        for at in 0..token.len() {
            let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
            let forged = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert_eq!(ours.open(&forged), None, "changed at {at}");
            assert_eq!(ours.open(&token[..at]), None, "cut at {at}");
        }
    }
}
