//! What a relay lends an address by.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::net::SocketAddr;

use zeroize::Zeroizing;

use super::{CarryId, Message};
use crate::{
    WireError,
    wire::{Reader, family, put_ip, put_text},
};

/// A name and a password by which relays lend addresses to one end of one call, for a time, and where those relays are; none
/// where the server has none.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct RelayTicket {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// How long both are good, in seconds.
    pub seconds: u32,
    /// TURN servers, over UDP, the best first; at most [`RelayTicket::MOST`].
    pub relays: Vec<SocketAddr>,
}

impl RelayTicket {
    /// Relays of one ticket.
    pub const MOST: usize = 4;
}

// The password is not shown.
impl fmt::Debug for RelayTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, seconds, relays, .. } = self;
        f.debug_struct("RelayTicket")
            .field("user", user)
            .field("seconds", seconds)
            .field("relays", relays)
            .finish_non_exhaustive()
    }
}

pub(super) fn put_ticket(out: &mut Vec<u8>, ticket: &RelayTicket) {
    out.extend_from_slice(&ticket.seconds.to_be_bytes());
    put_text(out, &ticket.user);
    put_text(out, &ticket.password);
    let relays = ticket.relays.get(..RelayTicket::MOST).unwrap_or(&ticket.relays);
    out.push(u8::try_from(relays.len()).unwrap_or_default());
    for relay in relays {
        out.push(family(relay.ip()));
        out.extend_from_slice(&relay.port().to_be_bytes());
        put_ip(out, relay.ip());
    }
}

pub(super) fn take_lend(id: u32, reader: &mut Reader<'_>) -> Result<Message, WireError> {
    let (user, whom) = (reader.name()?, reader.name()?);
    Ok(Message::Lend { id, user, whom, call: CarryId(reader.array("conversation")?) })
}

pub(super) fn take_ticket(reader: &mut Reader<'_>) -> Result<RelayTicket, WireError> {
    let seconds = reader.u32("seconds")?;
    let user = reader.text("user")?.to_owned();
    let password = Zeroizing::new(reader.text("password")?.to_owned());
    let count = reader.u8("relays")?;
    if usize::from(count) > RelayTicket::MOST {
        return Err(WireError::Value("relays"));
    }
    let relay = |_| {
        let kind = reader.u8("relay")?;
        let port = reader.u16("relay")?;
        Ok(SocketAddr::new(reader.ip(kind)?, port))
    };
    let relays = (0..count).map(relay).collect::<Result<_, WireError>>()?;
    Ok(RelayTicket { user, password, seconds, relays })
}
