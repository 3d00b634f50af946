//! Who asks name servers: answers of any bytes to a look-up, and to a signed update.

use core::time::Duration;

use rove_base::{
    Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step, StreamId, Transport, UnixTime,
};
use rove_dns::{
    lookup::{self, Resolver, ResolverConfig},
    tsig::{TsigKey, sign, verify},
    updater::{self, Updater, UpdaterConfig},
};

const NOW: Now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };

/// Whatever answers, a look-up ends, an update that nobody signed is not believed, and nothing is asked for ever.
///
/// # Panics
///
/// When that does not hold.
pub fn answer(bytes: &[u8]) {
    look_up(bytes);
    update(bytes);
}

fn look_up(bytes: &[u8]) {
    let (server, local) = (([127, 0, 0, 1], 53).into(), ([127, 0, 0, 1], 4_000).into());
    let mut resolver = Resolver::new(ResolverConfig::new(vec![server], vec![local]), Entropy::from_number(1));
    let query =
        lookup::Query { host: "a.home.example".to_owned(), port: None, transport: None, secure: false };
    resolver.sip(NOW, query);
    resolver.address(NOW, "b.home.example");
    let ended = converse(&mut resolver, bytes, |_| true);
    assert_eq!(ended, 2, "look-ups that ended");
}

fn update(bytes: &[u8]) {
    let (server, local) = (([127, 0, 0, 1], 53).into(), ([127, 0, 0, 1], 4_000).into());
    let key =
        TsigKey::from_base64("k.home.example", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=").expect("a key");
    let mut request = bytes.to_vec();
    if request.len() >= 12 {
        let mac = sign(&mut request, &key, NOW.wall, None);
        // What was signed is known as such unless more follows the first signature; all else is refused, not a panic.
        let _ = verify(&request, std::slice::from_ref(&key), NOW.wall, None);
        let _ = verify(bytes, std::slice::from_ref(&key), NOW.wall, Some(mac.as_bytes()));
    }
    let mut updater = Updater::new(UpdaterConfig::new(server, local, key), Entropy::from_number(1));
    updater.publish(NOW, "a.home.example", vec![[127, 0, 0, 1].into()], Some(5_060));
    converse(&mut updater, bytes, |event| {
        assert!(!matches!(event, updater::Event::Published { .. }), "published by a stranger");
        true
    });
}

/// Answers all that is asked with these bytes, under the id of the question and with it, until nothing more is asked.
/// Answers how many events counted.
fn converse<M>(machine: &mut M, bytes: &[u8], mut counts: impl FnMut(&M::Event) -> bool) -> usize
where
    M: for<'a> Machine<Input<'a> = Arrival<'a>>,
{
    let (mut scratch, mut now, mut counted) = (Scratch::default(), NOW, 0);
    let (mut answered, mut streams) = (0, Vec::new());
    for _ in 0..2_000 {
        match machine.poll(&mut scratch) {
            Step::Send(transmit) => {
                let asked = scratch.get(transmit.range).to_vec();
                // Some questions stay without an answer, so that they are asked again.
                answered += 1;
                if answered % 3 > 0 {
                    answer_to(machine, now, transmit.flow, &asked, bytes);
                }
            }
            Step::Connect(connect) => streams.push((connect.stream, connect.remote)),
            Step::Close(stream) => streams.retain(|(known, _)| *known != stream),
            Step::Event(event) => counted += usize::from(counts(&event)),
            Step::Append(_) => {}
            Step::Wait(until) => {
                let Some(until) = until else { return counted };
                if let Some((stream, remote)) = streams.pop() {
                    let local = ([127, 0, 0, 1], 4_001).into();
                    machine
                        .handle(now, Arrival::Connected { stream, local, remote, transport: Transport::Tcp });
                    continue;
                }
                now = now.later(until.since(now.mono).max(Duration::from_nanos(1)));
                machine.tick(now);
            }
        }
    }
    panic!("it never ends");
}

fn answer_to<M>(machine: &mut M, now: Now, flow: Flow, asked: &[u8], bytes: &[u8])
where
    M: for<'a> Machine<Input<'a> = Arrival<'a>>,
{
    let stream: Option<StreamId> = match flow {
        Flow::Stream(stream) => Some(stream),
        Flow::Udp(_) => None,
    };
    let asked = if stream.is_some() { asked.get(2..).unwrap_or_default() } else { asked };
    // The id, and one question as it was asked, where there is room: else no bytes get far.
    let mut answer = bytes.to_vec();
    for (to, from) in answer.iter_mut().zip(asked.iter().take(2)) {
        *to = *from;
    }
    let question = asked.iter().skip(12).position(|byte| *byte == 0).map_or(0, |at| at + 5);
    if let (Some(head), Some(question)) = (bytes.get(2..12), asked.get(12..12 + question)) {
        let rest = bytes.get(12..).unwrap_or_default();
        let whole = [asked.get(..2).unwrap_or_default(), head, question, rest].concat();
        tell(machine, now, flow, stream, &whole);
    }
    tell(machine, now, flow, stream, &answer);
}

fn tell<M>(machine: &mut M, now: Now, flow: Flow, stream: Option<StreamId>, bytes: &[u8])
where
    M: for<'a> Machine<Input<'a> = Arrival<'a>>,
{
    match stream {
        Some(stream) => {
            let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
            machine.handle(now, Arrival::Stream { stream, bytes: &[&len, bytes].concat() });
        }
        None => machine.handle(now, Arrival::Datagram { flow, bytes }),
    }
}
