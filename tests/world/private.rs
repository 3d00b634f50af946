//! Two adapters of the private network face to face: a home and a visited network, in virtual time, and all that goes
//! over the wire between them.

use std::collections::VecDeque;

use rove_base::{Arrival, Flow, Instant, Now, Scratch, Step, StreamId, Transport};
use rove_roam::{
    Addresses, BindClaim, CancelReason, Cause, Challenge, Forwarding, Generation, Imsi, Operation, Outcome,
    Profile, Proof, Quintuplet, Resynchronisation, Services, Subscription, VisitedNetwork,
    private::{DialogueId, Partner, PartnerId, PrivateNetwork, Told},
};
use zeroize::Zeroizing;

/// The home's place, and what the visited network calls it.
pub const HOME: (usize, PartnerId) = (0, PartnerId(1));
/// The visited network's place, and what the home calls it.
pub const VISITED: (usize, PartnerId) = (1, PartnerId(2));

/// A home and a visited network, with one stream between them that the visited one opens.
pub struct Pair<N> {
    /// Now.
    pub now: Now,
    /// Home, visited.
    pub ends: [N; 2],
    /// What each was told.
    pub told: [Vec<Told>; 2],
    /// Who sent what, when it is to be kept.
    pub wire: Option<Vec<(usize, Vec<u8>)>>,
    /// Each end's name for the stream.
    streams: [StreamId; 2],
    scratch: Scratch,
    asked: u64,
}

/// A question with its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// [`HOME`] or [`VISITED`].
    pub asker: (usize, PartnerId),
    /// What is asked.
    pub operation: Operation,
    /// What the home sends before it answers.
    pub before: Option<Operation>,
    /// What is answered.
    pub result: Result<Outcome, Cause>,
}

/// How an adapter is to know the other end.
#[must_use]
pub fn partner(of: (usize, PartnerId)) -> Partner {
    let home = of == HOME;
    Partner {
        id: of.1,
        name: if home { "home.example" } else { "visited.example" }.parse().unwrap(),
        plmn: if home { "00101" } else { "00202" }.parse().unwrap(),
        title: if home { "491770000001" } else { "33600000002" }.parse().unwrap(),
        address: home.then_some(([127, 0, 0, 1], 2_905).into()),
        transport: Transport::Tls,
    }
}

impl<N: PrivateNetwork> Pair<N> {
    /// The two, with a stream between them on which questions can be asked.
    ///
    /// # Panics
    ///
    /// When they do not come so far.
    #[must_use]
    pub fn new(home: N, visited: N) -> Self {
        let streams = [StreamId(1), StreamId(0)];
        let (now, scratch) = (Now::default(), Scratch::default());
        let mut pair = Self {
            now,
            ends: [home, visited],
            told: Default::default(),
            wire: None,
            streams,
            scratch,
            asked: 0,
        };
        pair.ends.iter_mut().for_each(|end| end.tick(now));
        pair.exchange();
        let up = [vec![Told::Up(VISITED.1)], vec![Told::Up(HOME.1)]];
        assert_eq!(core::mem::take(&mut pair.told), up);
        pair
    }

    /// Carries everything from end to end until neither wants anything.
    pub fn exchange(&mut self) {
        let mut idle = 0;
        let mut end = 1;
        while idle < 2 {
            idle = if self.drain(end) { 0 } else { idle + 1 };
            end = 1 - end;
        }
    }

    /// Whether the end wanted anything.
    fn drain(&mut self, end: usize) -> bool {
        let mut busy = false;
        let mut sent = VecDeque::new();
        self.scratch.clear();
        loop {
            match self.ends[end].poll(&mut self.scratch) {
                Step::Wait(_) => break,
                Step::Event(told) => self.told[end].push(told),
                Step::Send(transmit) => {
                    assert_eq!(transmit.flow, Flow::Stream(self.streams[end]));
                    sent.push_back(transmit.range);
                }
                Step::Connect(connect) => self.connect(end, connect.stream),
                step => panic!("{step:?}"),
            }
            busy = true;
        }
        let other = 1 - end;
        for range in sent {
            let bytes = self.scratch.get(range);
            if let Some(wire) = &mut self.wire {
                wire.push((end, bytes.to_vec()));
            }
            self.ends[other].handle(self.now, Arrival::Stream { stream: self.streams[other], bytes });
        }
        busy
    }

    fn connect(&mut self, end: usize, stream: StreamId) {
        assert_eq!(end, VISITED.0, "only the visited network dials");
        self.streams[end] = stream;
        let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
        let name = partner(VISITED).name;
        for (end, stream) in self.streams.into_iter().enumerate() {
            let connected = Arrival::Connected { stream, local, remote, transport: Transport::Tls };
            self.ends[end].handle(self.now, connected);
        }
        self.ends[0].handle(self.now, Arrival::Identified { stream: self.streams[0], name: name.as_str() });
    }

    /// Asks.
    pub fn ask(&mut self, asker: (usize, PartnerId), operation: Operation) -> DialogueId {
        self.asked += 1;
        let id = DialogueId(self.asked);
        self.ends[asker.0].ask(self.now, other(asker).1, id, operation);
        id
    }

    /// Has a question asked, answered as it says, and checks that each side hears what the other said.
    ///
    /// # Panics
    ///
    /// When one does not.
    pub fn converse(&mut self, exchange: &Exchange) {
        let Exchange { asker, operation, before, result } = exchange;
        let id = self.ask(*asker, operation.clone());
        self.exchange();
        let asked = self.asked_at(other(*asker), operation);
        let mut inside = None;
        if let Some(before) = before {
            let id = self.ask(HOME, before.clone());
            self.exchange();
            if self.told[VISITED.0].is_empty() {
                // It goes into the answer.
                inside = Some(before);
            } else {
                let asked = self.asked_at(VISITED, before);
                self.ends[VISITED.0].answer(self.now, HOME.1, asked, Ok(Outcome::Done));
                self.exchange();
            }
            self.answered_at(HOME, id, &Ok(Outcome::Done));
        }
        self.ends[other(*asker).0].answer(self.now, asker.1, asked, result.clone());
        self.exchange();
        if let Some(before) = inside {
            let answer = self.told[VISITED.0].split_off(1);
            self.asked_at(VISITED, before);
            self.told[VISITED.0] = answer;
        }
        self.answered_at(*asker, id, result);
    }

    fn asked_at(&mut self, at: (usize, PartnerId), expected: &Operation) -> DialogueId {
        let told = core::mem::take(&mut self.told[at.0]);
        let [Told::Asked { partner, id, operation }] = told.as_slice() else {
            panic!("{expected:?}: {told:?}")
        };
        assert_eq!((*partner, operation), (other(at).1, expected));
        *id
    }

    fn answered_at(&mut self, at: (usize, PartnerId), id: DialogueId, result: &Result<Outcome, Cause>) {
        let told = core::mem::take(&mut self.told[at.0]);
        assert_eq!(told, [Told::Answered { partner: other(at).1, id, result: result.clone() }]);
    }

    /// When the ends want to be woken.
    pub fn wake(&mut self) -> Option<Instant> {
        let mut scratch = Scratch::default();
        self.ends
            .iter_mut()
            .filter_map(|end| if let Step::Wait(at) = end.poll(&mut scratch) { at } else { None })
            .min()
    }
}

/// The other end.
#[must_use]
pub fn other(end: (usize, PartnerId)) -> (usize, PartnerId) {
    if end == HOME { VISITED } else { HOME }
}

/// A subscriber of the home.
#[must_use]
pub fn imsi() -> Imsi {
    "001010000000001".parse().unwrap()
}

/// Where it is.
#[must_use]
pub fn visited() -> VisitedNetwork {
    let partner = partner(VISITED);
    VisitedNetwork { vlr: partner.title, network: partner.name }
}

/// A vector.
#[must_use]
pub fn quintuplet(seed: u8) -> Quintuplet {
    Quintuplet {
        rand: [seed; 16],
        xres: Zeroizing::new(vec![seed ^ 1; 8]),
        ck: Zeroizing::new([seed ^ 2; 16]),
        ik: Zeroizing::new([seed ^ 3; 16]),
        autn: [seed ^ 4; 16],
    }
}

/// What the home grants.
#[must_use]
pub fn subscription() -> Subscription {
    let services = Services {
        roaming: true,
        packet_data: false,
        caller_id: true,
        caller_id_restricted: true,
        three_way: true,
    };
    let forwarding = Forwarding {
        always: Some("4930987654".to_owned()),
        busy: Some("sip:mailbox@home.example".to_owned()),
        no_answer: Some(("4930123456".to_owned(), 15)),
    };
    Subscription {
        msisdn: Some("4917712345".parse().unwrap()),
        name: Some("t1.home.example".parse().unwrap()),
        profile: Profile { services, forwarding },
    }
}

/// A question to authenticate, for so many challenges.
#[must_use]
pub fn authentication(count: u8) -> Operation {
    Operation::SendAuthenticationInfo {
        imsi: imsi(),
        visited: visited(),
        count,
        resynchronisation: None,
        eps: None,
    }
}

/// A claim, as it is bound.
#[must_use]
pub fn bind() -> Operation {
    let claim = BindClaim {
        imsi: imsi(),
        generation: Generation(7),
        name: "t1.home.example".parse().unwrap(),
        addresses: Addresses {
            v4: Some([192, 0, 2, 7].into()),
            v6: Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()),
        },
        network: visited().network,
    };
    Operation::Bind { claim, proof: Proof(vec![9; 32]), lease: 30 }
}

/// Every question there is, each with an answer and some with a refusal; all but the reset, which has none.
#[must_use]
pub fn exchanges() -> Vec<Exchange> {
    let hlr = partner(HOME).title;
    let ask = |asker, operation, result| Exchange { asker, operation, before: None, result };
    let aka = |seed| Challenge::Aka(Box::new(quintuplet(seed)));
    let key = Challenge::Ed25519 { nonce: [5; 32], public_key: [6; 32] };
    let resynchronised = Operation::SendAuthenticationInfo {
        imsi: imsi(),
        visited: visited(),
        count: 1,
        resynchronisation: Some(Resynchronisation { rand: [1; 16], auts: [2; 14] }),
        eps: None,
    };
    let location = || Operation::UpdateLocation { imsi: imsi(), visited: visited() };
    let insert = || Operation::InsertSubscriberData { imsi: imsi(), subscription: subscription() };
    let services = Services { caller_id: true, packet_data: true, ..Services::default() };
    let delete = Operation::DeleteSubscriberData { imsi: imsi(), services };
    let cancel = |reason| Operation::CancelLocation { imsi: imsi(), reason, generation: Generation(6) };
    let purge = || Operation::PurgeMs { imsi: imsi(), visited: visited(), generation: Generation(7) };
    let located = Ok(Outcome::Located { hlr, generation: Generation(7) });
    let inside = |operation, result| Exchange { asker: VISITED, operation, before: Some(insert()), result };
    vec![
        ask(VISITED, authentication(1), Ok(Outcome::AuthenticationInfo(vec![aka(1)]))),
        ask(VISITED, authentication(5), Ok(Outcome::AuthenticationInfo((1..6).map(aka).collect()))),
        ask(VISITED, resynchronised, Ok(Outcome::AuthenticationInfo(vec![aka(9)]))),
        ask(VISITED, authentication(1), Ok(Outcome::AuthenticationInfo(vec![key]))),
        ask(VISITED, authentication(1), Err(Cause::UnknownSubscriber)),
        inside(location(), located),
        ask(VISITED, location(), Err(Cause::NoAgreement)),
        ask(VISITED, location(), Err(Cause::NoPacketData)),
        ask(VISITED, bind(), Ok(Outcome::Bound { lease: 30 })),
        ask(VISITED, bind(), Err(Cause::ProofInvalid)),
        ask(VISITED, bind(), Err(Cause::Overload)),
        ask(HOME, insert(), Ok(Outcome::Done)),
        ask(HOME, insert(), Err(Cause::UnknownSubscriber)),
        ask(HOME, delete, Ok(Outcome::Done)),
        ask(HOME, cancel(CancelReason::UpdateProcedure), Ok(Outcome::Done)),
        ask(HOME, cancel(CancelReason::SubscriptionWithdrawn), Err(Cause::DataMissing)),
        ask(VISITED, purge(), Ok(Outcome::Done)),
        ask(VISITED, purge(), Err(Cause::StaleGeneration)),
        inside(Operation::RestoreData { imsi: imsi() }, Ok(Outcome::Restored { hlr })),
        ask(VISITED, Operation::RestoreData { imsi: imsi() }, Err(Cause::SystemFailure)),
        ask(HOME, cancel(CancelReason::UpdateProcedure), Err(Cause::NotSupported)),
    ]
}
