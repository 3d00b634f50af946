//! A bad link made up here: what came lies and waits until it would have come over that link, or never does.

use std::collections::VecDeque;

use rove_base::{Entropy, Instant, UdpFlow};
use rove_io::net::Received;
use rove_phone::netem::{Fate, Impairments, Link};

/// The way in of one call.
pub(super) struct BadLink {
    link: Link,
    /// What reports fare by, so that they change nothing for media.
    beside: Entropy,
    /// In the order of their arrival.
    waiting: VecDeque<Waiting>,
}

/// A packet on its way.
pub(super) struct Waiting {
    pub(super) arrives: Instant,
    pub(super) flow: UdpFlow,
    pub(super) bytes: Box<[u8]>,
}

impl BadLink {
    /// A link on which nothing is on its way.
    pub(super) fn new(impairments: Impairments, mut entropy: Entropy) -> Self {
        let beside = entropy.fork();
        Self { link: Link::new(impairments, entropy), beside, waiting: VecDeque::new() }
    }

    /// Sends on what the system saw come.
    pub(super) fn take(&mut self, received: &Received<'_>, is_report: bool) {
        let at = received.arrived;
        let bytes = u64::try_from(received.bytes.len()).unwrap_or(u64::MAX).saturating_add(HEADERS);
        let fate = match is_report {
            true => self.link.send_beside(at, bytes, &mut self.beside),
            false => self.link.send(at, bytes),
        };
        match fate {
            Fate::Arrives(when) => self.wait(received, when),
            Fate::ArrivesTwice(when, again) => {
                self.wait(received, when);
                self.wait(received, again);
            }
            Fate::Cut | Fate::Dropped | Fate::Lost => {}
        }
    }

    /// The next one that arrives until then.
    pub(super) fn next(&mut self, until: Instant) -> Option<Waiting> {
        self.waiting.pop_front_if(|first| first.arrives <= until)
    }

    fn wait(&mut self, received: &Received<'_>, arrives: Instant) {
        let place = self.waiting.partition_point(|other| other.arrives <= arrives);
        self.waiting.insert(place, Waiting { arrives, flow: received.flow, bytes: received.bytes.into() });
    }
}

/// Of IPv4 and UDP.
const HEADERS: u64 = 28;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn packets_come_when_the_link_says_in_order_and_some_never() {
        let impairments = crate::impair::parse("loss=20,delay=40ms,jitter=30ms").unwrap();
        let mut link = BadLink::new(impairments, Entropy::from_number(7));
        let flow = UdpFlow { local: "127.0.0.1:2".parse().unwrap(), remote: "127.0.0.1:4".parse().unwrap() };
        let ms = |ms: u64| Instant::ZERO + Duration::from_millis(ms);
        for n in 0..1_000_u64 {
            let bytes = n.to_be_bytes();
            let arrived = ms(n * 20);
            link.take(&Received { flow, bytes: &bytes, arrived, truncated: false }, false);
        }
        assert!(link.next(ms(9)).is_none(), "nothing comes before the least delay");
        let came: Vec<Waiting> = std::iter::from_fn(|| link.next(ms(30_000))).collect();
        assert!((750..850).contains(&came.len()), "{}", came.len());
        assert!(
            came.windows(2).all(|pair| pair[0].arrives <= pair[1].arrives && pair[0].bytes < pair[1].bytes)
        );
    }
}
