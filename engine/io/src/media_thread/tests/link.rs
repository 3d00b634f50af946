//! Checks and handshakes on the real thread, with strangers at the same ports.

use rove_base::{
    DtlsPlan, DtlsRole, IceCredentials, IcePlan, IceRole, MediaPlanBuilder, SrtpKeys, SrtpProfile, UdpFlow,
};

use super::*;

/// One side of a call whose media meets more than media in its path.
struct End {
    thread: MediaThread,
    bell: Receiver<()>,
    identity: Identity,
    credentials: IceCredentials,
    socket: Option<UdpSocket>,
    address: SocketAddr,
}

impl End {
    fn new() -> Self {
        let (mut thread, bell) = start();
        let mut entropy = os_entropy().unwrap();
        let identity = Identity::draw(&mut entropy, thread.clock.now().wall);
        thread.identify(identity.clone());
        let socket = UdpSocket::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr();
        let credentials = IceCredentials::draw(&mut entropy);
        Self { thread, bell, identity, credentials, socket: Some(socket), address }
    }

    fn base(&self, remote: SocketAddr) -> MediaPlanBuilder {
        let flow = UdpFlow { local: self.address, remote };
        let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::new(0).unwrap());
        let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: flow, rtcp: flow };
        MediaPlan::builder(codec, "a@b").route(route)
    }

    fn dtls(&self, other: &Self, active: bool) -> MediaPlanBuilder {
        let role = if active { DtlsRole::Active } else { DtlsRole::Passive };
        self.base(other.address).dtls(DtlsPlan { role, fingerprint: other.identity.fingerprint() })
    }

    fn ice(&self, other: &Self, controlling: bool) -> IcePlan {
        IcePlan {
            local: self.credentials.clone(),
            remote: other.credentials.clone(),
            local_candidates: vec![Candidate::host(self.address, 65_535)],
            remote_candidates: Vec::new(),
            complete: false,
            role: if controlling { IceRole::Controlling } else { IceRole::Controlled },
            lite_peer: false,
            stun_server: None,
        }
    }

    fn join(&mut self, plan: &MediaPlan, files: [&Path; 2]) -> Side {
        join(&self.thread, 1, plan, self.socket.take().into_iter().collect(), files)
    }

    fn expect<T>(&self, what: &str, wanted: impl FnMut(MediaEvent) -> Option<T>) -> T {
        expect(&self.thread, &self.bell, what, wanted)
    }

    /// Ends the call and tells what became of it.
    fn end(&self) -> (Quality, MediaCounts) {
        self.thread.remove(1).unwrap();
        self.expect("the last word", |event| match event {
            MediaEvent::Stopped { summary, counts, .. } => Some((summary, counts)),
            _ => None,
        })
    }
}

/// How many datagrams strangers spray, in short and to prove.
fn sprayed() -> usize {
    if std::env::var_os("ROVE_PROVE").is_some() { 1_000_000 } else { 10_000 }
}

/// Sprays what looks like media, checks and hellos at `targets`, from a port that is nobody's; answers what came back.
fn spray(targets: &[SocketAddr], count: usize) -> usize {
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let mut rtp = [0x55_u8; 172];
    let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 48];
    hello.extend([0xfe, 0xfd]);
    hello.extend([7; 46]);
    let mut check = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    check.extend([9; 12]);
    let mut back = 0;
    let mut bytes = [0; 2_048];
    for n in 0..count {
        let number = (n as u32).to_be_bytes();
        rtp[..2].copy_from_slice(&[0x80, 0]);
        rtp[2..4].copy_from_slice(&number[2..]);
        rtp[4..8].copy_from_slice(&number);
        rtp[8..12].copy_from_slice(&[1, 2, 3, 4]);
        let target = targets[n % targets.len()];
        let datagram: &[u8] = match n % 8 {
            6 => &hello,
            7 => &check,
            _ => &rtp,
        };
        // A full queue drops what it drops.
        let _ = stranger.send_to(datagram, target);
        if n % 64 == 0 || n + 1 == count {
            while stranger.recv(&mut bytes).is_ok() {
                back += 1;
            }
        }
    }
    back
}

/// Two ends hear each other by plans that `plans` makes, among strangers.
fn hear_each_other(plans: impl Fn(&End, &End) -> [MediaPlan; 2], trickle: bool) {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    write_sine(&file("low.wav"), 400.0);
    write_sine(&file("high.wav"), 1_000.0);
    let (mut alice, mut bob) = (End::new(), End::new());
    let [here, there] = plans(&alice, &bob);
    let targets = [alice.address, bob.address];
    assert_eq!(spray(&targets, 200), 0, "nobody is there yet");
    let one = alice.join(&here, [&file("low.wav"), &file("a.wav")]);
    let other = bob.join(&there, [&file("high.wav"), &file("b.wav")]);
    spray(&targets, 400);
    if trickle {
        alice.thread.add_candidate(1, Some(Candidate::host(bob.address, 65_535))).unwrap();
        alice.thread.add_candidate(1, None).unwrap();
    }
    for end in [&alice, &bob] {
        end.expect("keys", |event| matches!(event, MediaEvent::Secured { .. }).then_some(()));
    }
    let back = std::thread::scope(|scope| {
        let spraying = scope.spawn(|| spray(&targets, sprayed() / 10));
        for end in [&alice, &bob] {
            end.expect("a second of sound", |event| match event {
                MediaEvent::Quality { quality, .. } => (quality.received > 45).then_some(()),
                _ => None,
            });
        }
        spraying.join().unwrap()
    });
    let ends = [&alice, &bob].map(End::end);
    one.running.stop().unwrap();
    other.running.stop().unwrap();
    assert_eq!(back, 0, "strangers get no media");
    for (summary, counts) in &ends {
        assert!(summary.received >= 40 && counts.sent.sent >= 40, "{summary:?} {counts:?}");
        let expected = [&ends[0].0, &ends[1].0].map(|summary| summary.sent).into_iter().max().unwrap();
        assert!(
            summary.received <= expected,
            "of {expected} sent {} came: some were injected",
            summary.received
        );
    }
    for (heard, hertz) in [("a.wav", 1_000.0), ("b.wav", 400.0)] {
        let heard = read_mono(&file(heard), 8_000).unwrap();
        let part = &heard[heard.len() - 4_000..heard.len() - 2_000];
        let strength = strength(part, 8_000, hertz);
        assert!(strength > 0.8, "{hertz} Hz has {strength} of what was heard");
    }
}

#[test]
fn two_ends_find_a_way_agree_on_keys_and_hear_each_other_among_strangers() {
    hear_each_other(
        |alice, bob| {
            let (mut here, there) = (alice.ice(bob, true), bob.ice(alice, false));
            here.complete = false;
            let here = alice.dtls(bob, false).ice(here).build().unwrap();
            [here, bob.dtls(alice, true).ice(there).build().unwrap()]
        },
        true,
    );
}

#[test]
fn two_ends_agree_on_keys_without_checks_and_hear_each_other_among_strangers() {
    hear_each_other(
        |alice, bob| [alice.dtls(bob, true).build().unwrap(), bob.dtls(alice, false).build().unwrap()],
        false,
    );
}

#[test]
fn a_peer_behind_a_nat_is_followed_by_its_protected_packets() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    write_sine(&file("low.wav"), 400.0);
    let (mut alice, mut bob) = (End::new(), End::new());
    // Alice was told an address behind which nobody is.
    let nobody = UdpSocket::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let profile = SrtpProfile::AeadAes128Gcm;
    let here = alice.base(nobody.local_addr()).srtp(SrtpKeys::new(profile, &[1; 28], &[2; 28]).unwrap());
    let there = bob.base(alice.address).srtp(SrtpKeys::new(profile, &[2; 28], &[1; 28]).unwrap());
    let one = alice.join(&here.build().unwrap(), [&file("low.wav"), &file("a.wav")]);
    let other = bob.join(&there.build().unwrap(), [&file("low.wav"), &file("b.wav")]);
    bob.expect("sound at the real address", |event| match event {
        MediaEvent::Quality { quality, .. } => (quality.received > 30).then_some(()),
        _ => None,
    });
    let ends = [&alice, &bob].map(End::end);
    one.running.stop().unwrap();
    other.running.stop().unwrap();
    assert!(ends.iter().all(|(summary, _)| summary.received > 30), "{ends:?}");
}

#[test]
fn sprayed_media_neither_enters_a_clear_call_nor_moves_it() {
    let (mut alice, bob) = (End::new(), End::new());
    let plan = alice.base(bob.address).build().unwrap();
    let Wired { media, mut input, .. } = wired(&plan);
    alice
        .thread
        .add(1, &plan, alice.socket.take().into_iter().collect::<Vec<_>>(), media, os_entropy().unwrap())
        .unwrap();
    input.capture(alice.thread.clock.mono(), &[0.1; 160]);
    let back = spray(&[alice.address], sprayed());
    input.capture(alice.thread.clock.mono(), &[0.1; 160]);
    alice.expect("quality", |event| matches!(event, MediaEvent::Quality { .. }).then_some(()));
    let (summary, counts) = alice.end();
    assert_eq!((back, summary.received), (0, 0), "{counts:?}");
    assert!(counts.refused.strangers > 0, "{counts:?}");
}

#[test]
fn media_of_a_call_with_keys_agreed_on_costs_no_allocation() {
    let clock = Clock::new();
    let ends = [End::new(), End::new()];
    let mut ends = ends.map(Some);
    let [alice, bob] = [0, 1].map(|index| ends[index].take().unwrap());
    let plans = [alice.dtls(&bob, true), bob.dtls(&alice, false)].map(|plan| plan.build().unwrap());
    let mut buffers = Buffers::new();
    let sides = [(alice, &plans[0]), (bob, &plans[1])].map(|(mut end, plan)| {
        let Wired { media, input, .. } = wired(plan);
        let mut entropy = os_entropy().unwrap();
        let link = Link::new(clock.now(), plan, Some(&end.identity), entropy.fork()).unwrap();
        let stream = Stream::new(clock.now(), plan, media.packets, entropy).unwrap();
        let sockets = end.socket.take().into_iter().collect();
        (Call::new(1, stream, link, sockets, media.pcm, media.meter, true), input)
    });
    let mut sides = sides;
    let mut secured = 0;
    for _ in 0..10_000 {
        for (call, _) in &mut sides {
            call.receive(0, clock, &mut buffers);
            call.turn(clock, &mut buffers, &mut |event| {
                secured += u32::from(matches!(event, MediaEvent::Secured { .. }));
            });
        }
        if secured == 2 {
            break;
        }
        std::thread::yield_now();
    }
    assert_eq!(secured, 2);
    assert_no_alloc::assert_no_alloc(|| {
        for _ in 0..200 {
            for (call, input) in &mut sides {
                input.capture(clock.mono(), &[0.25; 160]);
                call.turn(clock, &mut buffers, &mut |_| {});
                call.receive(0, clock, &mut buffers);
            }
        }
    });
    let mut received = Vec::new();
    for (call, _) in &mut sides {
        call.receive(0, clock, &mut buffers);
        call.stop(clock, &mut buffers, &mut |event| {
            if let MediaEvent::Stopped { summary, .. } = event {
                received.push(summary.received);
            }
        });
    }
    assert!(received.iter().all(|count| *count >= 150), "{received:?}");
}
