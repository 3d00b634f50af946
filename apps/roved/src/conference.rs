//! The rooms of `[conference]`: each is a phone beside the node.

use std::net::SocketAddr;

use rove_node::NodeConfig;
#[cfg(feature = "conference")]
use rove_phone::{PhoneConfig, RoomConfig, RoomHost};
use serde::Serialize;

use crate::failure::Failure;

/// Rooms, open until they are dropped.
pub(crate) struct Rooms {
    #[cfg(feature = "conference")]
    _hosts: Vec<RoomHost>,
}

/// This program was built without.
#[cfg(not(feature = "conference"))]
pub(crate) fn open(config: &mut NodeConfig) -> Result<Rooms, Failure> {
    config.check()?;
    match config.conference {
        None => Ok(Rooms {}),
        Some(_) => Err(Failure::usage(
            "[conference]: this program is built without rooms; use one with the feature `conference`",
        )),
    }
}

/// Opens all rooms, and notes in the node's configuration where they are.
#[cfg(feature = "conference")]
pub(crate) fn open(config: &mut NodeConfig) -> Result<Rooms, Failure> {
    config.check()?;
    let Some(rove_node::ConferenceConfig { listen, room, .. }) = &mut config.conference else {
        return Ok(Rooms { _hosts: Vec::new() });
    };
    let mut hosts = Vec::new();
    for room in room {
        let phone = PhoneConfig {
            identity: format!("sip:{}", room.name),
            listen: vec![room.at(*listen)],
            follow_transfers: true,
            ..PhoneConfig::default()
        };
        let own = RoomConfig {
            most: room.most,
            pin: room.pin.clone(),
            moderator_pin: room.moderator_pin.clone(),
            history: room.history,
            ..RoomConfig::named(&room.name)
        };
        let host = RoomHost::start(phone, own)
            .map_err(|error| Failure::environment(format!("[[conference.room]] {}: {error}", room.name)))?;
        room.port = host.sip_addresses().first().map_or(room.port, SocketAddr::port);
        hosts.push(host);
    }
    Ok(Rooms { _hosts: hosts })
}

/// A room, for whoever reads where everything is.
#[derive(Serialize)]
pub(crate) struct At {
    pub(crate) name: String,
    pub(crate) at: SocketAddr,
}

/// Where each room is.
pub(crate) fn places(config: &NodeConfig) -> Vec<At> {
    let rooms = config.conference.iter().flat_map(|one| one.room.iter().map(|room| (one.listen, room)));
    rooms.map(|(listen, room)| At { name: room.name.clone(), at: room.at(listen) }).collect()
}
