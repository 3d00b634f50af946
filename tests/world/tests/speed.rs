use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use rove_base::{Dscp, Flow, Instant, Now, Scratch, Transmit, UdpFlow};

use crate::{GilbertElliott, Host, Impairments, Jitter, Loss, Outlet, Spread, World};

/// Sends a G.711 packet every 20 ms and pulls sound every 10 ms, as a phone does, without looking at the packets.
struct Talker {
    local: SocketAddr,
    remote: SocketAddr,
    next_pull: Instant,
    pulls: u64,
    heard: u64,
    due: bool,
}

impl Talker {
    fn new(local: &str, remote: &str) -> Self {
        let [local, remote] = [local, remote].map(|text| text.parse().unwrap());
        Self { local, remote, next_pull: Instant::ZERO, pulls: 0, heard: 0, due: false }
    }
}

impl Host for Talker {
    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.local.ip()]
    }

    fn receive(&mut self, _: Now, _: UdpFlow, _: &[u8], _: Instant) {
        self.heard += 1;
    }

    fn tick(&mut self, now: Now) {
        if now.mono >= self.next_pull {
            self.pulls += 1;
            self.due = self.pulls.is_multiple_of(2);
            self.next_pull += Duration::from_millis(10);
        }
    }

    fn drain(&mut self, _: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant> {
        if core::mem::take(&mut self.due) {
            let range = out.push(&[0x80; 172]);
            net.send(Transmit { flow: Flow::udp(self.local, self.remote), range, dscp: Dscp::EF }, out);
        }
        Some(self.next_pull)
    }
}

#[test]
fn the_network_of_an_hour_of_a_two_party_call_takes_well_under_a_second_and_a_half() {
    let hour = || {
        let mut world = World::new(1);
        let bad = Impairments::delay(Duration::from_millis(40))
            .with_jitter(Jitter {
                spread: Spread::Gamma { mean: Duration::from_millis(8), shape: 2.0 },
                correlation: 0.5,
            })
            .with_loss(Loss::Bursts(GilbertElliott::bursts(0.02, 3.0)));
        world.set_default_link(bad);
        let alice = world.add("alice", Talker::new("192.0.2.1:4000", "192.0.2.2:4000"));
        let bob = world.add("bob", Talker::new("192.0.2.2:4000", "192.0.2.1:4000"));
        world.run_for(Duration::from_secs(3_600));
        assert_eq!(world.get(alice).pulls + world.get(bob).pulls, 720_002);
        assert_eq!(world.stats(alice, bob).sent, 180_000);
        assert!(world.get(bob).heard > 170_000);
        world.trace().hash()
    };
    let start = busy_time();
    let first = hour();
    let took = busy_time().zip(start).map(|(end, start)| end - start);
    assert_eq!(first, hour(), "the same hour again");
    match took {
        Some(took) => assert!(took < Duration::from_millis(1_500), "{took:?}"),
        None => println!("skipped: the system does not tell how long this thread ran"),
    }
}

/// How long this thread has run, which the load of the machine does not change as much as the time of day.
fn busy_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
