//! The least that a forwarder does: batches in, a look-up, batches out.

use std::{collections::HashMap, net::SocketAddr, os::fd::AsFd as _};

use rove_base::{Dscp, Flow, Scratch, Transmit, UdpFlow};
use rove_io::{
    Clock,
    net::{BATCH, Poller, RecvBatch, SendBatch, UdpSocket},
};

/// Forwards between the two ends that have named the same call, for ever.
pub(crate) fn run(listen: SocketAddr) {
    let socket = UdpSocket::bind(listen).expect("the port").for_questions();
    let mut poller = Poller::new(1).expect("a poller");
    poller.watch(socket.as_fd(), 0).expect("a poller");
    let (clock, mut scratch) = (Clock::new(), Scratch::with_capacity(1 << 16));
    let (mut inbox, mut outbox) = (RecvBatch::new(BATCH, 2_048), SendBatch::new(BATCH));
    let mut waiting: HashMap<Vec<u8>, SocketAddr> = HashMap::new();
    let mut ways: HashMap<SocketAddr, SocketAddr> = HashMap::new();
    loop {
        let got = inbox.recv(&socket, clock, |got| {
            let UdpFlow { local, remote } = got.flow;
            let to = match ways.get(&remote) {
                Some(to) => *to,
                None => {
                    // A new end is answered by what it has said.
                    if let Some(other) =
                        waiting.insert(got.bytes.to_vec(), remote).filter(|other| *other != remote)
                    {
                        ways.insert(remote, other);
                        ways.insert(other, remote);
                    }
                    remote
                }
            };
            let range = scratch.push(got.bytes);
            let _ = outbox.push(Transmit { flow: Flow::udp(local, to), range, dscp: Dscp::DEFAULT });
        });
        outbox.flush(&scratch, |_| Some(&socket));
        scratch.clear();
        if got.expect("the socket") == 0 {
            poller.wait();
        }
    }
}
