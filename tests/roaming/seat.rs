//! A subscriber's terminal.

use std::collections::BTreeMap;

use rove_base::{Entropy, Instant, StreamId};
use rove_roam::{
    Addresses, E164, Forwarding, Generation, HostName, Imsi, NetworkName, Profile, Services, Subscriber,
    aka::{AkaKeys, TerminalKey, Usim},
    attach::{
        Credential, Reason, SimCredential,
        terminal::{Terminal, TerminalConfig, TerminalEvent},
    },
    subscriber::{self, Networks},
};

use crate::network::{NAMES, plmn};

/// A terminal, and what it was told.
pub(crate) struct Seat {
    pub imsi: Imsi,
    pub name: HostName,
    pub terminal: Terminal,
    pub events: Vec<TerminalEvent>,
    /// The name it tells DHCP, which it then asks for its address.
    pub dhcp: Option<Option<String>>,
    /// Its streams: the network, and the network's name for the stream.
    pub open: BTreeMap<StreamId, (usize, StreamId)>,
    pub due: Option<Instant>,
    /// It is switched off without a word.
    pub dead: bool,
}

impl Seat {
    /// The terminal of subscriber `number` of network `home`: with a SIM, or with a key where the number is odd.
    pub(crate) fn new(home: usize, number: u8, told: Option<&str>, dhcp: Option<Option<String>>) -> Self {
        let subscriber = subscriber(home, number);
        let credential = Self::credential(number);
        let config = TerminalConfig {
            imsi: subscriber.imsi,
            name: told.map(|name| name.parse().unwrap()),
            dhcp: dhcp.is_some(),
        };
        let entropy = Entropy::from_number(7_000 + u64::from(number) + 256 * home as u64);
        Self {
            imsi: subscriber.imsi,
            name: subscriber.name,
            terminal: Terminal::new(config, credential, entropy),
            events: Vec::new(),
            dhcp,
            open: BTreeMap::new(),
            due: None,
            dead: false,
        }
    }

    /// What subscriber `number` proves itself with.
    pub(crate) fn credential(number: u8) -> Box<dyn Credential> {
        if number % 2 == 1 {
            Box::new(TerminalKey::from_seed(&[number; 32]))
        } else {
            Box::new(SimCredential::new(Usim::new(keys(number))))
        }
    }

    /// Where it is attached, if it is, as it was told last.
    pub(crate) fn place(&self) -> Option<(Addresses, NetworkName, Generation)> {
        self.events.iter().rev().find_map(|event| match event {
            TerminalEvent::Attached { addresses, network, generation, .. } => {
                Some(Some((*addresses, network.clone(), *generation)))
            }
            TerminalEvent::Ended(_) | TerminalEvent::Detached | TerminalEvent::Refused(_) => Some(None),
            _ => None,
        })?
    }

    /// Why it was not taken in, or not kept, the last time.
    pub(crate) fn refused(&self) -> Option<Reason> {
        self.events.iter().rev().find_map(|event| match event {
            TerminalEvent::Refused(reason) | TerminalEvent::Ended(reason) => Some(*reason),
            _ => None,
        })
    }
}

/// Subscriber `number` of network `home`, who may all.
pub(crate) fn subscriber(home: usize, number: u8) -> Subscriber {
    let services = Services {
        roaming: true,
        packet_data: true,
        caller_id: true,
        caller_id_restricted: false,
        three_way: true,
    };
    let credential = if number % 2 == 1 {
        subscriber::Credential::Ed25519 { public_key: TerminalKey::from_seed(&[number; 32]).public() }
    } else {
        subscriber::Credential::Aka { keys: keys(number), amf: [0x80, 0] }
    };
    let msisdn: E164 = format!("4930{home}{number:03}").parse().unwrap();
    Subscriber {
        imsi: format!("{}{number:010}", plmn(u16::try_from(home).unwrap())).parse().unwrap(),
        msisdn: Some(msisdn),
        name: format!("t{number}.{}", NAMES[home]).parse().unwrap(),
        credential,
        profile: Profile { services, forwarding: Forwarding::default() },
        networks: Networks::All,
        gives_name: true,
        ttl: None,
    }
}

fn keys(number: u8) -> AkaKeys {
    AkaKeys::new([number; 16], [200; 16])
}
