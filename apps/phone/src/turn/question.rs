//! A TURN server that is asked for an address, until it has said something.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{Entropy, Instant, UdpFlow};
use rove_driver::Tls;
use rove_nat::{
    Lent,
    turn::{TurnClient, TurnCredentials, TurnNews},
};

use super::{
    Borrowed, Port, Through, TurnServer, TurnTransport,
    bridge::{Bridge, Far},
};

/// One server, and who asks.
pub(super) struct Question {
    server: SocketAddr,
    /// Where datagrams for it go to, and from which port.
    through: Through,
    preference: u16,
    dedicated: bool,
    bridge: Option<Bridge>,
    who: Who,
}

/// Who asks.
#[expect(
    clippy::large_enum_variant,
    reason = "a few of them for each call, all of the larger kind in a moment"
)]
enum Who {
    /// Nobody yet: what is asked before a stream stands would be asked again and again in it.
    Waiting(TurnCredentials, Entropy),
    Asking(TurnClient),
}

/// What became of a question.
pub(super) enum Answer {
    /// Nothing yet.
    None(Question),
    /// An address.
    Lent {
        lent: Lent,
        /// How the server sees the port: where it is asked in datagrams, others are seen so too.
        mapped: Option<SocketAddr>,
        preference: u16,
    },
    Refused,
}

impl Question {
    /// Begins to open a stream if it is to be asked in one. `None`: the system does not let it be asked.
    pub(super) fn new(
        (port, own): (usize, &Port),
        server: TurnServer,
        entropy: Entropy,
        (tls, patience): (&Tls, Duration),
    ) -> Option<Self> {
        let TurnServer { server, over, user, password, dedicated } = server;
        let (secure, preference) = match over {
            TurnTransport::Udp => (None, u16::MAX),
            TurnTransport::Tcp => (Some(None), u16::MAX / 2),
            TurnTransport::Tls { name } => (Some(Some((tls.clone(), name))), u16::MAX / 4),
        };
        let open = |secure| Bridge::open(&own.socket, Far { server, secure }, patience);
        let bridge = secure.map(open).transpose();
        let bridge = bridge.inspect_err(|error| warn_of(server, error)).ok()?;
        let through = Through { port, server: bridge.as_ref().map_or(server, Bridge::at) };
        let who = Who::Waiting(TurnCredentials { user, password }, entropy);
        Some(Self { server, through, preference, dedicated, bridge, who })
    }

    /// Where datagrams for the server go to and come from, and by which port.
    pub(super) const fn through(&self) -> Through {
        self.through
    }

    pub(super) const fn server(&self) -> SocketAddr {
        self.server
    }

    pub(super) const fn is_by_stream(&self) -> bool {
        self.bridge.is_some()
    }

    /// Asks once it can be asked, and again when that is due. `false`: there is no way to the server.
    pub(super) fn ask(&mut self, now: Instant, ports: &Borrowed) -> bool {
        if let Who::Waiting(credentials, entropy) = &mut self.who {
            match self.bridge.as_mut().map(Bridge::stands) {
                Some(None) => return true,
                Some(Some(Err(error))) => {
                    warn_of(self.server, &error);
                    return false;
                }
                Some(Some(Ok(()))) | None => {}
            }
            self.who = Who::Asking(TurnClient::new(now, credentials.clone(), entropy.fork()));
        }
        if let Who::Asking(client) = &mut self.who {
            while let Some(datagram) = client.next_datagram(now) {
                // What cannot be sent now is sent again; the patience is bounded.
                ports.say(self.through, &datagram);
            }
        }
        true
    }

    pub(super) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if let Who::Asking(client) = &mut self.who {
            client.receive(now, bytes);
        }
    }

    /// What the server has said to the port at `local`.
    pub(super) fn answer(self, local: SocketAddr) -> Answer {
        let Self { server, through, preference, dedicated, bridge, who } = self;
        let mut client = match who {
            Who::Asking(client) => client,
            who => return Answer::None(Self { server, through, preference, dedicated, bridge, who }),
        };
        match client.news() {
            None => {
                let who = Who::Asking(client);
                Answer::None(Self { server, through, preference, dedicated, bridge, who })
            }
            Some(TurnNews::Lent { mapped, .. }) => {
                // In a stream, it sees another port.
                let mapped = mapped.filter(|_| bridge.is_none());
                let life = bridge.map(Bridge::life);
                let lent = Lent::new(UdpFlow { local, remote: through.server }, client);
                lent.map_or(Answer::Refused, |lent| {
                    let lent = lent.dedicated(dedicated).keeping(life.map(|life| Box::new(life) as _));
                    Answer::Lent { lent, mapped, preference }
                })
            }
            Some(news) => {
                let code = if let TurnNews::Ended(code) = news { code } else { None };
                tracing::warn!(target: "rove::turn", %server, ?code, "the relay lends no address: look at its user and password");
                Answer::Refused
            }
        }
    }
}

fn warn_of(server: SocketAddr, error: &std::io::Error) {
    tracing::warn!(target: "rove::turn", %server, %error, "the relay cannot be reached in a stream: the call goes on without it");
}
