//! Addresses lent before a call is offered or answered: TURN servers (RFC 8656) are asked through the call's own port, and may
//! leave the question unanswered.

use core::{fmt, time::Duration};
use std::{
    net::{SocketAddr, UdpSocket},
    thread,
};

use rove_base::{Candidate, Entropy, UdpFlow};
use rove_io::clock::Clock;
use rove_nat::{
    Lent,
    turn::{TurnClient, TurnCredentials, TurnNews},
};
use zeroize::Zeroizing;

/// A TURN server and who asks it.
#[derive(Clone)]
pub struct TurnServer {
    /// Where it is asked, over UDP.
    pub server: SocketAddr,
    /// The user.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
}

// The password is not shown.
impl fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, user, .. } = self;
        f.debug_struct("TurnServer").field("server", server).field("user", user).finish_non_exhaustive()
    }
}

/// What was lent to a port, on its way to the media thread. Whatever does not get there is given back.
pub(crate) struct Borrowed {
    lent: Vec<Lent>,
    /// Who lent it.
    servers: Vec<SocketAddr>,
    socket: UdpSocket,
    clock: Clock,
}

impl Borrowed {
    /// The port.
    pub(crate) const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Who lent something, to be heard from now and then.
    pub(crate) fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// What was lent.
    pub(crate) fn take(mut self) -> Vec<Lent> {
        core::mem::take(&mut self.lent)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        for (server, datagram) in self.lent.iter_mut().filter_map(|lent| lent.end(self.clock.mono())) {
            // Lost, it costs the server an address until its time is over.
            let _ = self.socket.send_to(&datagram, server);
        }
    }
}

/// What servers said to a port.
pub(crate) struct Answers {
    pub(crate) borrowed: Borrowed,
    /// The addresses that were lent.
    pub(crate) candidates: Vec<Candidate>,
    /// How one of them sees the port.
    pub(crate) seen: Option<SocketAddr>,
}

/// Asks all `servers` at once for an address for `socket`, which is bound to `local` and may be a non-blocking one. What has
/// not come within `patience` is gone without; what else comes to the port is thrown away: nobody has been told of it yet.
pub(crate) fn ask(
    socket: UdpSocket,
    local: SocketAddr,
    clock: Clock,
    servers: Vec<(TurnServer, Entropy)>,
    patience: Duration,
) -> Answers {
    let borrowed = Borrowed { lent: Vec::new(), servers: Vec::new(), socket, clock };
    let mut answers = Answers { borrowed, candidates: Vec::new(), seen: None };
    let until = clock.mono() + patience;
    let client = |(server, entropy): (TurnServer, Entropy)| {
        let TurnServer { server, user, password } = server;
        (server, TurnClient::new(clock.mono(), TurnCredentials { user, password }, entropy))
    };
    let mut asked: Vec<_> = servers.into_iter().map(client).collect();
    let mut bytes = [0; 1_500];
    while !asked.is_empty() && clock.mono() < until {
        for (server, client) in &mut asked {
            while let Some(datagram) = client.next_datagram(clock.mono()) {
                // What cannot be sent now is sent again; the patience is bounded.
                let _ = answers.borrowed.socket.send_to(&datagram, *server);
            }
        }
        match answers.borrowed.socket.recv_from(&mut bytes) {
            Ok((len, from)) => {
                let found = asked.iter_mut().find(|(server, _)| *server == from);
                if let (Some((_, client)), Some(bytes)) = (found, bytes.get(..len)) {
                    client.receive(clock.mono(), bytes);
                }
            }
            // Nothing is there, or, says the network, nobody listens there; another answer may come.
            Err(_) => thread::sleep(GLANCE),
        }
        asked = asked.into_iter().filter_map(|one| answers.settle(local, one)).collect();
    }
    for (server, _) in asked {
        tracing::warn!(target: "rove::turn", %server, "the relay does not answer: the call goes on without it");
    }
    answers
}

impl Answers {
    /// Takes what a server has said; gives the client back that still waits.
    fn settle(
        &mut self,
        local: SocketAddr,
        (server, mut client): (SocketAddr, TurnClient),
    ) -> Option<(SocketAddr, TurnClient)> {
        match client.news() {
            None => Some((server, client)),
            Some(TurnNews::Lent { mapped, .. }) => {
                let preference = u16::MAX - u16::try_from(self.candidates.len()).unwrap_or(u16::MAX);
                let lent = Lent::new(UdpFlow { local, remote: server }, client)?;
                self.candidates.push(lent.candidate(mapped, preference));
                self.seen = self.seen.or(mapped);
                self.borrowed.lent.push(lent);
                self.borrowed.servers.push(server);
                None
            }
            Some(news) => {
                let code = if let TurnNews::Ended(code) = news { code } else { None };
                tracing::warn!(target: "rove::turn", %server, ?code, "the relay lends no address: look at its user and password");
                None
            }
        }
    }
}

/// How long a call waits for an address before it goes on without: a question is lost once at most.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1_500);
/// Servers asked, at most.
pub(crate) const MOST_SERVERS: usize = 4;
/// Between two looks at the socket.
const GLANCE: Duration = Duration::from_millis(4);
