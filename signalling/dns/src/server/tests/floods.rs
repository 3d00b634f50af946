//! Forged addresses: what a victim is spared, and who is not limited.

use rove_base::Entropy;

use super::*;

fn limited(per_second: u32) -> Bench {
    let config = ServerConfig { rate: Some(RateLimit::new(per_second)), ..config() };
    let mut bench = Bench::new();
    bench.server = Server::new(config).unwrap().with_entropy(Entropy::from_number(1));
    bench
}

/// Asks as if from `from`; answers what was sent there.
fn forged(bench: &mut Bench, from: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), from.parse().unwrap());
    bench.sent.clear();
    bench.handle(Arrival::Datagram { flow, bytes });
    bench.sent.pop().map(|(_, bytes)| bytes)
}

fn with_cookie(cookie: &[u8]) -> Vec<u8> {
    let len = u16::try_from(cookie.len()).unwrap().to_be_bytes();
    let option = [&[0, 10][..], &len, cookie].concat();
    Message::new(1, 0, "alice.home.example", rtype::A).record(3, ".", rtype::OPT, 1_232, 0, &option).bytes
}

/// The cookie of an answer.
fn cookie_of(answer: &[u8]) -> Vec<u8> {
    answer[answer.len() - 24..].to_vec()
}

#[test]
fn a_flood_in_a_victims_name_brings_him_little_and_others_nothing_less() {
    let mut bench = limited(10);
    let victim = |n: u32| format!("198.51.100.{}:{}", n % 200, 1_024 + n % 60_000);
    let asked = question(1, "alice.home.example", rtype::A);
    let (mut whole, mut cut, mut bytes) = (0, 0, 0);
    for n in 0..10_000 {
        bench.now = bench.now.later(Duration::from_micros(100));
        if let Some(answer) = forged(&mut bench, &victim(n), &asked) {
            bytes += answer.len();
            let is_cut = answer[2] & 2 != 0;
            cut += u32::from(is_cut);
            whole += u32::from(!is_cut);
        }
    }
    assert!((19..=21).contains(&whole), "10 at once and 10 in the second: {whole}");
    assert!((4_900..=5_000).contains(&cut), "every second one beyond: {cut}");
    assert!(bytes < 10_000 * asked.len(), "less than came in");
    assert_eq!(bench.server.counts().of("rate"), 10_000 - u64::from(whole + cut));
    let other = forged(&mut bench, "203.0.113.1:5000", &asked).unwrap();
    assert_eq!(other[2] & 2, 0, "another network has its own count");
    let another = question(1, "ns.home.example", rtype::A);
    assert!(
        forged(&mut bench, &victim(1), &another).is_some_and(|answer| answer[2] & 2 == 0),
        "another answer"
    );
}

#[test]
fn random_names_and_broken_messages_share_one_count() {
    let mut bench = limited(10);
    let mut sent = [0, 0];
    for n in 0..1_000 {
        let absent = question(1, &format!("x{n}.home.example"), rtype::A);
        sent[0] += u32::from(forged(&mut bench, "198.51.100.1:53", &absent).is_some_and(|a| a[2] & 2 == 0));
        let broken = question(1, "home.example", rtype::A)[..20].to_vec();
        sent[1] += u32::from(forged(&mut bench, "198.51.100.1:53", &broken).is_some());
    }
    assert_eq!(sent, [10, 10]);
    let unsigned = update(1).add("bob A 192.0.2.7").bytes;
    assert_eq!(forged(&mut bench, "198.51.100.1:53", &unsigned), None, "nor are refusals of updates a tool");
}

#[test]
fn who_shows_his_cookie_signs_or_comes_by_stream_is_not_limited() {
    let mut bench = limited(1);
    let here = "198.51.100.1:4000";
    let first = forged(&mut bench, here, &with_cookie(&[7; 8])).unwrap();
    let cookie = cookie_of(&first);
    assert_eq!(cookie[..8], [7; 8]);
    for _ in 0..100 {
        assert!(forged(&mut bench, here, &with_cookie(&cookie)).is_some_and(|answer| answer[2] & 2 == 0));
    }
    assert_eq!(forged(&mut bench, "198.51.100.2:4000", &with_cookie(&cookie)), None, "stolen by a neighbour");
    let half = forged(&mut bench, here, &with_cookie(&[7; 8])).unwrap();
    let reply = Reply::from_bytes(&half).unwrap();
    assert_eq!((u16::from(reply.metadata.response_code), reply.answers.len()), (rcode::BADCOOKIE, 0));
    let good = cookie_of(&half);
    assert!(forged(&mut bench, here, &with_cookie(&good)).is_some_and(|answer| answer[2] & 2 == 0));
    for id in 0..100 {
        let (signed, _) = Message::new(id, 0, "alice.home.example", rtype::A).signed(&key(), NOON);
        assert!(forged(&mut bench, here, &signed).is_some_and(|answer| answer[2] & 2 == 0));
    }
    let (stream, remote) = (StreamId(1), here.parse().unwrap());
    bench.handle(Arrival::Connected { stream, local: remote, remote, transport: Transport::Tcp });
    bench.sent.clear();
    let asked = framed(&question(1, "alice.home.example", rtype::A));
    bench.handle(Arrival::Stream { stream, bytes: &asked.repeat(100) });
    assert_eq!(bench.sent.len(), 100);
}

#[test]
fn a_cookie_of_impossible_length_is_a_malformed_message() {
    let mut bench = limited(100);
    for (len, expected) in
        [(7, rcode::FORMERR), (8, 0), (9, rcode::FORMERR), (16, 0), (40, 0), (41, rcode::FORMERR)]
    {
        let answer = forged(&mut bench, "198.51.100.1:4000", &with_cookie(&vec![1; len])).unwrap();
        assert_eq!(rcode_of(&answer), expected, "{len} bytes");
    }
}
