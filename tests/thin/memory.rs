//! A link that has its flows' contexts allocates nothing for a packet.

use std::time::Duration;

use assert_no_alloc::assert_no_alloc;
use rove_base::{Instant, Machine as _, Now, Scratch, Step, UnixTime};
use rove_rohc::{
    RtpFlow,
    link::{Link, LinkConfig, LinkEvent, LinkInput, Terms},
};

const CONFIG: LinkConfig = LinkConfig {
    terms: Terms::with_flows(15),
    loss_run: 13,
    renumber: true,
    drop_checksums: true,
    shortest: 46,
};

struct Ends {
    links: [Link; 2],
    scratches: [Scratch; 2],
    now: Instant,
    delivered: u64,
}

impl Ends {
    /// Whatever one end wants happens at once, until neither wants anything.
    fn settle(&mut self) {
        let now = Now { mono: self.now, wall: UnixTime::default() };
        let mut busy = true;
        while busy {
            busy = false;
            for side in [0, 1] {
                let [one, other] = &mut self.links;
                let (from, to) = if side == 0 { (one, other) } else { (other, one) };
                let scratch = &mut self.scratches[side];
                loop {
                    match from.poll(scratch) {
                        Step::Event(LinkEvent::Send { kind, range }) => {
                            to.handle(now, LinkInput::Frame(kind, scratch.get(range)));
                            busy = true;
                        }
                        Step::Event(LinkEvent::Deliver { .. }) => self.delivered += 1,
                        Step::Wait(_) => break,
                        _ => {}
                    }
                }
                scratch.clear();
            }
        }
    }

    fn send(&mut self, packet: &[u8]) {
        let now = Now { mono: self.now, wall: UnixTime::default() };
        self.links[0].handle(now, LinkInput::Packet(packet));
        self.settle();
    }
}

#[test]
fn b17_a_packet_costs_no_allocation_at_either_end_once_its_flow_is_known() {
    let links = [1, 2].map(|instance| Link::new(CONFIG, instance));
    let scratches = [0, 1].map(|_| Scratch::with_capacity(8_192));
    let mut ends = Ends { links, scratches, now: Instant::ZERO, delivered: 0 };
    for _ in 0..2 {
        let now = Now { mono: ends.now, wall: UnixTime::default() };
        ends.links.iter_mut().for_each(|link| link.tick(now));
        ends.settle();
        ends.now += Duration::from_millis(100);
    }
    assert!(ends.links.iter().all(|link| link.agreed().is_some()));
    let flow = RtpFlow::new("192.0.2.1:4000".parse().unwrap(), "192.0.2.2:5000".parse().unwrap()).unwrap();
    let packets: Vec<Vec<u8>> = (0..2_000_u32).map(|n| voice(&flow, n)).collect();
    let mut other = packets[0].clone();
    // Something that is no RTP: a version that there is not.
    other[28] = 0;
    for (n, packet) in packets.iter().enumerate() {
        ends.now += Duration::from_millis(if n % 300 == 299 { 400 } else { 20 });
        if n < 200 {
            ends.send(packet);
            ends.send(&other);
        } else {
            assert_no_alloc(|| {
                ends.send(packet);
                ends.send(&other);
            });
        }
    }
    assert_eq!(ends.delivered, 4_000);
}

fn voice(flow: &RtpFlow, n: u32) -> Vec<u8> {
    let mut rtp = vec![0x80, 0];
    rtp.extend_from_slice(&u16::try_from(n).unwrap().to_be_bytes());
    rtp.extend_from_slice(&(n * 160 + n / 300 * 3_200).to_be_bytes());
    rtp.extend_from_slice(&[1, 2, 3, 4]);
    rtp.resize(172, 0xaa);
    let mut packet = Vec::new();
    flow.packet(&rtp, &mut packet).unwrap();
    packet
}
