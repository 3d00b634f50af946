//! Addresses lent before a call is offered or answered: TURN servers (RFC 8656) are asked through the call's own ports, each
//! through the one from which the system reaches it, and may leave the question unanswered. Those that are reached by a stream are asked through a port that stands for them.

mod bridge;
mod frames;
mod question;

use core::{fmt, time::Duration};
use std::{
    net::{SocketAddr, UdpSocket},
    thread,
};

use rove_base::{Candidate, Entropy};
use rove_driver::{Tls, address_toward};
use rove_io::clock::Clock;
use rove_nat::Lent;
use zeroize::Zeroizing;

use self::question::{Answer, Question};

/// A TURN server and who asks it.
#[derive(Clone)]
pub struct TurnServer {
    /// Where it is asked.
    pub server: SocketAddr,
    /// In what.
    pub over: TurnTransport,
    /// The user.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// It leads into a network for voice alone, which is dearer than any other way: the last that a call takes.
    pub dedicated: bool,
}

/// In what a TURN server is reached (RFC 8656 §3.1). What it lends is reached by UDP all the same.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum TurnTransport {
    /// In datagrams.
    #[default]
    Udp,
    /// In a stream of TCP, where UDP does not lead.
    Tcp,
    /// In a stream of TLS, where nothing else leads.
    Tls {
        /// Whose certificate is expected; that of the address when `None`.
        name: Option<String>,
    },
}

// The password is not shown.
impl fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, over, user, .. } = self;
        f.debug_struct("TurnServer")
            .field("server", server)
            .field("over", over)
            .field("user", user)
            .finish_non_exhaustive()
    }
}

/// One of a call's ports, which must not block.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) socket: UdpSocket,
    pub(crate) local: SocketAddr,
}

/// Somebody who is spoken to through a port, of those in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Through {
    pub(crate) port: usize,
    pub(crate) server: SocketAddr,
}

/// What was lent to ports, on its way to the media thread. Whatever does not get there is given back.
pub(crate) struct Borrowed {
    lent: Vec<(usize, Lent)>,
    /// Who lent it.
    servers: Vec<Through>,
    ports: Vec<Port>,
    clock: Clock,
}

impl Borrowed {
    /// The first port.
    pub(crate) fn socket(&self) -> Option<&UdpSocket> {
        self.ports.first().map(|port| &port.socket)
    }

    /// Who lent something, to be heard from now and then.
    pub(crate) fn servers(&self) -> &[Through] {
        &self.servers
    }

    /// Says something to somebody. It may get lost.
    pub(crate) fn say(&self, to: Through, datagram: &[u8]) {
        if let Some(port) = self.ports.get(to.port) {
            let _ = port.socket.send_to(datagram, to.server);
        }
    }

    /// What was lent.
    pub(crate) fn take(mut self) -> Vec<Lent> {
        core::mem::take(&mut self.lent).into_iter().map(|(_, lent)| lent).collect()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let now = self.clock.mono();
        let ends = |(port, lent): &mut (usize, Lent)| {
            lent.end(now).map(|(server, datagram)| (Through { port: *port, server }, datagram))
        };
        let ends: Vec<_> = self.lent.iter_mut().filter_map(ends).collect();
        // Lost, it costs the server an address until its time is over.
        ends.iter().for_each(|(to, datagram)| self.say(*to, datagram));
    }
}

/// What servers said to ports.
pub(crate) struct Answers {
    pub(crate) borrowed: Borrowed,
    /// The addresses that were lent.
    pub(crate) candidates: Vec<Candidate>,
    /// How one of them sees the first port.
    pub(crate) seen: Option<SocketAddr>,
}

/// Asks all `servers` at once for an address for one of `ports`: the one on the address from which the system sends to a server, or
/// the first where there is none. `tls` says who is believed. What has not come within `patience` is gone without, or within [`STREAM_PATIENCE`] where nothing has come at
/// all and streams are still being opened; what else comes to a port is thrown away: nobody has been told of it yet.
pub(crate) fn ask(
    ports: Vec<Port>,
    clock: Clock,
    servers: Vec<(TurnServer, Entropy)>,
    (tls, patience): (&Tls, Duration),
) -> Answers {
    let began = clock.mono();
    let question = |(server, entropy): (TurnServer, Entropy)| {
        let number = leading(&ports, server.server);
        Question::new((number, ports.get(number)?), server, entropy, (tls, STREAM_PATIENCE))
    };
    let mut asked: Vec<_> = servers.into_iter().filter_map(question).collect();
    let borrowed = Borrowed { lent: Vec::new(), servers: Vec::new(), ports, clock };
    let mut answers = Answers { borrowed, candidates: Vec::new(), seen: None };
    let mut bytes = [0; 1_500];
    loop {
        let by_stream = answers.candidates.is_empty() && asked.iter().any(Question::is_by_stream);
        let patience = if by_stream { patience.max(STREAM_PATIENCE) } else { patience };
        if asked.is_empty() || clock.mono().since(began) >= patience {
            break;
        }
        asked.retain_mut(|question| question.ask(clock.mono(), &answers.borrowed));
        let mut heard = false;
        for (number, port) in answers.borrowed.ports.iter().enumerate() {
            // Nothing is there, or, says the network, nobody listens there; another answer may come.
            let Ok((len, from)) = port.socket.recv_from(&mut bytes) else { continue };
            heard = true;
            let through = Through { port: number, server: from };
            let found = asked.iter_mut().find(|question| question.through() == through);
            if let (Some(question), Some(bytes)) = (found, bytes.get(..len)) {
                question.receive(clock.mono(), bytes);
            }
        }
        if !heard {
            thread::sleep(GLANCE);
        }
        asked = asked.into_iter().filter_map(|question| answers.settle(question)).collect();
    }
    for question in asked {
        let server = question.server();
        tracing::warn!(target: "rove::turn", %server, "the relay does not answer: the call goes on without it");
    }
    answers
}

/// Which of the ports is on the address from which the system sends to `server`; the first where none is.
fn leading(ports: &[Port], server: SocketAddr) -> usize {
    let from = address_toward(server).ok();
    let own = ports.iter().position(|port| Some(port.local.ip()) == from);
    own.or_else(|| ports.iter().position(|port| port.local.is_ipv4() == server.is_ipv4())).unwrap_or(0)
}

impl Answers {
    /// Takes what a server has said; gives the question back that still waits.
    fn settle(&mut self, question: Question) -> Option<Question> {
        let through = question.through();
        let local = self.borrowed.ports.get(through.port).map(|port| port.local)?;
        match question.answer(local) {
            Answer::None(question) => return Some(question),
            Answer::Lent { lent, mapped, preference } => {
                let rank = u16::try_from(self.candidates.len()).unwrap_or(u16::MAX);
                self.candidates.push(lent.candidate(mapped, preference.saturating_sub(rank)));
                self.seen = self.seen.or(mapped.filter(|_| through.port == 0));
                self.borrowed.lent.push((through.port, lent));
                self.borrowed.servers.push(through);
            }
            Answer::Refused => {}
        }
        None
    }
}

/// How long a call waits for an address before it goes on without: a question is lost once at most.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1_500);
/// The same where it is asked for in a stream and nothing else leads: six round trips of half a second.
pub(crate) const STREAM_PATIENCE: Duration = Duration::from_millis(3_000);
/// Servers asked, at most.
pub(crate) const MOST_SERVERS: usize = 4;
/// Between two looks at the socket.
const GLANCE: Duration = Duration::from_millis(4);

#[cfg(test)]
mod tests;
