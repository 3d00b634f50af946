//! Reading what DHCPv4 clients say (RFC 2131, RFC 2132).
//!
//! The fixed part is read by `dhcproto`, and so are the options that are used, once their lengths have been looked at:
//! its own reader takes a short option for a mistake of its caller, and stops in silence at a name that is not UTF-8.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use dhcproto::{
    Decodable, Decoder,
    v4::{DhcpOption, Message, MessageType, Opcode, OptionCode},
};

use super::names::{self, FullName};
use crate::pool::Token;

/// One message of a client that can be answered.
#[derive(Clone, Debug)]
pub(in crate::pool) struct Request {
    /// The fixed part, and options 50, 53, 54.
    message: Message,
    pub(in crate::pool) kind: MessageType,
    /// Option 61 as it came.
    pub(super) client_id: Option<Vec<u8>>,
    /// Option 82 as it came.
    pub(super) relay: Option<Vec<u8>>,
    /// Option 81.
    pub(super) full_name: Option<FullName>,
    /// Option 12.
    host_name: Option<String>,
}

/// Why a message is not read further; each has no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(in crate::pool) enum Malformed {
    /// Shorter than the fixed part and the cookie, or longer than any client's message.
    #[error("{0} bytes are no DHCP message")]
    Length(usize),
    /// No DHCP: BOOTP, or something else.
    #[error("not a client's DHCP message")]
    Kind,
    /// The length of the hardware address is none.
    #[error("a hardware address of {0} bytes")]
    Hardware(u8),
    /// An option is cut short, or has the wrong length.
    #[error("option {0} has the wrong length")]
    Option(u8),
}

impl Request {
    pub(in crate::pool) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>().ok_or(Malformed::Length(bytes.len()))?;
        let options = rest.strip_prefix(&COOKIE).ok_or(Malformed::Kind)?;
        if bytes.len() > LONGEST {
            return Err(Malformed::Length(bytes.len()));
        }
        let &[_, _, hardware, ..] = fixed;
        if hardware > 16 {
            return Err(Malformed::Hardware(hardware));
        }
        let mut options = Options::read(options, fixed)?;
        let message = options.message(fixed)?;
        let kind = message.opts().msg_type().ok_or(Malformed::Kind)?;
        if message.opcode() != Opcode::BootRequest {
            return Err(Malformed::Kind);
        }
        let full_name = options.0.remove(&FULL_NAME).and_then(|bytes| FullName::read(&bytes));
        let host_name = options.0.remove(&HOST_NAME).and_then(|bytes| names::text(&bytes));
        let (client_id, relay) = (options.0.remove(&CLIENT_ID), options.0.remove(&RELAY));
        Ok(Self { message, kind, client_id, relay, full_name, host_name })
    }

    /// What the client shows to be served.
    pub(in crate::pool) fn token(&self) -> Option<Token> {
        Token::from_client_id(self.client_id.as_deref()?)
    }

    /// How the client calls itself; the full name wins (RFC 4702 §3).
    pub(in crate::pool) fn host_name(&self) -> Option<String> {
        let full = self.full_name.as_ref().map(|full| full.name.clone()).filter(|name| !name.is_empty());
        full.or_else(|| self.host_name.clone())
    }

    /// Option 50.
    pub(in crate::pool) fn requested(&self) -> Option<Ipv4Addr> {
        match self.message.opts().get(OptionCode::RequestedIpAddress)? {
            DhcpOption::RequestedIpAddress(address) => Some(*address),
            _ => None,
        }
    }

    /// Option 54.
    pub(in crate::pool) fn server(&self) -> Option<Ipv4Addr> {
        match self.message.opts().get(OptionCode::ServerIdentifier)? {
            DhcpOption::ServerIdentifier(address) => Some(*address),
            _ => None,
        }
    }

    /// The address the client has; `None` when it has none yet.
    pub(in crate::pool) fn has(&self) -> Option<Ipv4Addr> {
        Some(self.message.ciaddr()).filter(|address| !address.is_unspecified())
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }
}

/// Options by number, those of several pieces joined (RFC 3396). Only those that are used are kept.
struct Options(BTreeMap<u8, Vec<u8>>);

impl Options {
    fn read(field: &[u8], fixed: &[u8; FIXED]) -> Result<Self, Malformed> {
        let mut options = Self(BTreeMap::new());
        options.walk(field)?;
        // RFC 2132 §9.3: the two fields after the hardware address may hold more.
        let more = options.0.remove(&OVERLOAD).and_then(|value| value.first().copied()).unwrap_or(0);
        if more & 1 != 0 {
            options.walk(fixed.get(FILE..).unwrap_or_default())?;
        }
        if more & 2 != 0 {
            options.walk(fixed.get(NAME..FILE).unwrap_or_default())?;
        }
        Ok(options)
    }

    fn walk(&mut self, mut field: &[u8]) -> Result<(), Malformed> {
        while let Some((&code, rest)) = field.split_first() {
            match code {
                PAD => field = rest,
                END => return Ok(()),
                _ => {
                    let (&len, rest) = rest.split_first().ok_or(Malformed::Option(code))?;
                    let (value, rest) =
                        rest.split_at_checked(usize::from(len)).ok_or(Malformed::Option(code))?;
                    if USED.contains(&code) {
                        self.0.entry(code).or_default().extend_from_slice(value);
                    }
                    field = rest;
                }
            }
        }
        Ok(())
    }

    /// The fixed part with the options of a set length, as `dhcproto` reads it.
    fn message(&self, fixed: &[u8; FIXED]) -> Result<Message, Malformed> {
        let mut checked = fixed.get(..NAME).unwrap_or_default().to_vec();
        checked.resize(FIXED, 0);
        checked.extend_from_slice(&COOKIE);
        for (code, len) in SET_LENGTHS {
            let Some(value) = self.0.get(&code) else { continue };
            if value.len() != usize::from(len) {
                return Err(Malformed::Option(code));
            }
            checked.extend_from_slice(&[code, len]);
            checked.extend_from_slice(value);
        }
        checked.push(END);
        Message::decode(&mut Decoder::new(&checked)).map_err(|_| Malformed::Kind)
    }
}

/// RFC 2131 §2, figure 1: up to and with `file`.
const FIXED: usize = 236;
/// Where `sname` begins.
const NAME: usize = 44;
/// Where `file` begins.
const FILE: usize = 108;
/// RFC 2131 §3.
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Clients keep to the 576 bytes that everybody takes; this is what an Ethernet frame carries.
const LONGEST: usize = 1_472;

const PAD: u8 = 0;
const END: u8 = 255;
const HOST_NAME: u8 = 12;
const OVERLOAD: u8 = 52;
const CLIENT_ID: u8 = 61;
pub(super) const FULL_NAME: u8 = 81;
const RELAY: u8 = 82;
/// Requested address, message type, server identifier.
const SET_LENGTHS: [(u8, u8); 3] = [(50, 4), (53, 1), (54, 4)];
const USED: [u8; 8] = [HOST_NAME, 50, OVERLOAD, 53, 54, CLIENT_ID, FULL_NAME, RELAY];
