//! The sockets of a mill: what came is laid aside for the call it is for, what is to leave waits for its slot.

use std::{collections::HashMap, net::SocketAddr};

use rove_base::{Instant, Scratch, Transmit, UdpFlow};
use rove_io::{
    clock::Clock,
    net::{BATCH, RecvBatch, SendBatch, UdpSocket},
};

use super::wheel::{PHASES, ROUND};

/// All sockets of a mill, and what is on its way through them.
pub(super) struct Wires {
    /// In the order in which the desk opened them: RTP and RTCP.
    pairs: Vec<[UdpSocket; 2]>,
    /// Which socket has this address.
    by_address: HashMap<SocketAddr, (usize, usize)>,
    /// Whose seat a flow belongs to, and whether it carries reports.
    flows: HashMap<UdpFlow, (usize, bool)>,
    inboxes: Vec<Inbox>,
    free: Vec<usize>,
    slots: Vec<Slot>,
    batch: RecvBatch,
    outbox: SendBatch,
}

/// What came for one call since somebody looked.
#[derive(Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    came: Vec<Came>,
}

/// A datagram.
#[derive(Clone, Copy)]
pub(super) struct Came {
    pub(super) flow: UdpFlow,
    pub(super) arrived: Instant,
    pub(super) is_report: bool,
    start: usize,
    end: usize,
}

/// What leaves in one slot.
struct Slot {
    scratch: Scratch,
    leaving: Vec<(usize, Transmit)>,
}

impl Inbox {
    /// What came, in order.
    pub(super) fn came(&self) -> impl Iterator<Item = (Came, &[u8])> {
        self.came.iter().map(|came| (*came, self.bytes.get(came.start..came.end).unwrap_or_default()))
    }

    /// All of it was seen.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.came.clear();
    }
}

impl Wires {
    pub(super) fn new() -> Self {
        let slot = || Slot { scratch: Scratch::with_capacity(SLOT_BYTES), leaving: Vec::new() };
        Self {
            pairs: Vec::new(),
            by_address: HashMap::new(),
            flows: HashMap::new(),
            inboxes: Vec::new(),
            free: Vec::new(),
            slots: (0..ROUND).map(|_| slot()).collect(),
            batch: RecvBatch::new(BATCH, DATAGRAM_BYTES),
            outbox: SendBatch::new(OUTBOX),
        }
    }

    /// Another pair of sockets.
    pub(super) fn open(&mut self, pair: [UdpSocket; 2]) {
        for (which, socket) in pair.iter().enumerate() {
            self.by_address.insert(socket.local_addr(), (self.pairs.len(), which));
        }
        self.pairs.push(pair);
    }

    /// A place for what comes by these flows, media and reports.
    pub(super) fn seat(&mut self, [media, reports]: [UdpFlow; 2]) -> usize {
        let seat = self.free.pop().unwrap_or(self.inboxes.len());
        if seat == self.inboxes.len() {
            self.inboxes.push(Inbox::default());
        }
        self.flows.insert(reports, (seat, true));
        self.flows.insert(media, (seat, false));
        seat
    }

    /// Nobody sits there any more.
    pub(super) fn leave(&mut self, seat: usize, flows: [UdpFlow; 2]) {
        for flow in flows {
            self.flows.remove(&flow);
        }
        self.inboxes.get_mut(seat).into_iter().for_each(Inbox::clear);
        self.free.push(seat);
    }

    pub(super) fn inbox(&mut self, seat: usize) -> Option<&mut Inbox> {
        self.inboxes.get_mut(seat)
    }

    /// Takes in what waits at the sockets of the slot's phase; reports wait for a round.
    pub(super) fn receive(&mut self, slot: usize, clock: Clock) {
        let Self { pairs, flows, inboxes, batch, .. } = self;
        let phase = slot % PHASES;
        let reports = slot % ROUND < PHASES;
        for [rtp, rtcp] in pairs.iter().skip(phase).step_by(PHASES) {
            for socket in [Some(rtp), Some(rtcp).filter(|_| reports)].into_iter().flatten() {
                // An error here is one of the socket, which the missing packets tell.
                while let Ok(count) = batch.recv(socket, clock, |received| {
                    let seat = flows.get(&received.flow).filter(|_| !received.truncated);
                    let Some((seat, is_report)) = seat else { return };
                    let Some(inbox) = inboxes.get_mut(*seat) else { return };
                    if inbox.came.len() < MOST_WAITING {
                        let start = inbox.bytes.len();
                        inbox.bytes.extend_from_slice(received.bytes);
                        let (flow, arrived, end) = (received.flow, received.arrived, inbox.bytes.len());
                        inbox.came.push(Came { flow, arrived, is_report: *is_report, start, end });
                    }
                }) && count == batch.capacity()
                {}
            }
        }
    }

    /// Where the bytes of what leaves in that slot are written.
    pub(super) fn scratch(&mut self, slot: usize) -> Option<&mut Scratch> {
        self.slots.get_mut(slot % ROUND).map(|slot| &mut slot.scratch)
    }

    /// A datagram of the one at `seat` leaves in that slot; its bytes are in that slot's scratch.
    pub(super) fn leaves(&mut self, slot: usize, seat: usize, transmit: Transmit) {
        self.slots.get_mut(slot % ROUND).into_iter().for_each(|slot| slot.leaving.push((seat, transmit)));
    }

    /// What the one at `seat` has not sent yet never leaves. Answers how many packets of media that were.
    pub(super) fn withdraw(&mut self, seat: usize, media: UdpFlow) -> u64 {
        let mut withdrawn = 0;
        for slot in &mut self.slots {
            slot.leaving.retain(|(whose, transmit)| {
                let stays = *whose != seat;
                withdrawn += u64::from(!stays && transmit.flow == rove_base::Flow::Udp(media));
                stays
            });
        }
        withdrawn
    }

    /// Sends what leaves in that slot.
    pub(super) fn flush(&mut self, slot: usize) {
        let Self { pairs, by_address, slots, outbox, .. } = self;
        let Some(Slot { scratch, leaving }) = slots.get_mut(slot % ROUND) else { return };
        let socket = |local: SocketAddr| {
            let (pair, which) = by_address.get(&local)?;
            pairs.get(*pair)?.get(*which)
        };
        for (_, transmit) in leaving.drain(..) {
            if outbox.is_full() {
                outbox.flush(scratch, socket);
            }
            // There is room.
            let _ = outbox.push(transmit);
        }
        outbox.flush(scratch, socket);
        scratch.clear();
    }
}

/// What a slot's scratch holds before it grows.
const SLOT_BYTES: usize = 16 * 1_024;
/// Datagrams that leave in one slot before the first are given to the system.
const OUTBOX: usize = 512;
/// Datagrams of one call that wait at once: what is more than a second of them is a flood.
const MOST_WAITING: usize = 256;
/// Longer than any voice packet on an Ethernet.
const DATAGRAM_BYTES: usize = 1_536;
