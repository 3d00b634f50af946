//! M3UA (RFC 4666): its messages, on a stream that carries them one after the other.
//!
//! A message's own length (§3.1) frames it, so no other framing is needed on TCP or TLS.

/// Bytes that are no message of M3UA.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum M3uaError {
    /// The version is not 1 (§3.1.1).
    #[error("version {0} is not spoken here")]
    Version(u8),
    /// The length is less than a header, more than [`MAX_MESSAGE`], or not the message's own.
    #[error("a message of {0} bytes")]
    Length(usize),
    /// A parameter ends beyond the message.
    #[error("a parameter ends beyond the message")]
    Parameter,
    /// The message does not carry what it must.
    #[error("the parameter {0:#06x} is missing")]
    Missing(u16),
}

/// What a message is for: its class and type (§3.1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u16)]
pub enum Kind {
    /// Something was wrong with what we sent.
    Error = 0x0000,
    /// News of the other end.
    Notify = 0x0001,
    /// Signalling.
    Data = 0x0101,
    /// The other end is there.
    AspUp = 0x0301,
    /// It goes.
    AspDown = 0x0302,
    /// Are you there?
    Heartbeat = 0x0303,
    /// Heard.
    AspUpAck = 0x0304,
    /// Heard.
    AspDownAck = 0x0305,
    /// Yes.
    HeartbeatAck = 0x0306,
    /// The other end takes signalling.
    AspActive = 0x0401,
    /// It takes none.
    AspInactive = 0x0402,
    /// Heard.
    AspActiveAck = 0x0403,
    /// Heard.
    AspInactiveAck = 0x0404,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Error,
        Self::Notify,
        Self::Data,
        Self::AspUp,
        Self::AspDown,
        Self::Heartbeat,
        Self::AspUpAck,
        Self::AspDownAck,
        Self::HeartbeatAck,
        Self::AspActive,
        Self::AspInactive,
        Self::AspActiveAck,
        Self::AspInactiveAck,
    ];
}

/// One message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Message<'a> {
    /// What it is for; `None` for one that is not known here, with its class and type in [`Message::code`].
    pub kind: Option<Kind>,
    /// Class and type.
    pub code: u16,
    parameters: &'a [u8],
}

/// Signalling: who sends it to whom, and the message of the layer above (§3.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Data<'a> {
    /// The sender's point code.
    pub origin: u32,
    /// The receiver's.
    pub destination: u32,
    /// What the user data is: 3 for SCCP.
    pub service: u8,
    /// The layer above.
    pub user: &'a [u8],
}

/// How long the first message of `bytes` is; `None` until its header is there.
///
/// # Errors
///
/// [`M3uaError`] when what stands there is none.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, M3uaError> {
    let Some(&[version, _, _, _, a, b, c, d]) = bytes.first_chunk::<HEADER>() else {
        // A first byte that is wrong is not waited upon.
        return match bytes.first() {
            Some(&version) if version != VERSION => Err(M3uaError::Version(version)),
            _ => Ok(None),
        };
    };
    if version != VERSION {
        return Err(M3uaError::Version(version));
    }
    let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if (HEADER..=MAX_MESSAGE).contains(&len) { Ok(Some(len)) } else { Err(M3uaError::Length(len)) }
}

impl<'a> Message<'a> {
    /// Reads one whole message.
    ///
    /// # Errors
    ///
    /// [`M3uaError`] says what is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, M3uaError> {
        if length(bytes)? != Some(bytes.len()) {
            return Err(M3uaError::Length(bytes.len()));
        }
        let &[_, _, class, kind] = bytes.first_chunk().ok_or(M3uaError::Length(bytes.len()))?;
        let code = u16::from_be_bytes([class, kind]);
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u16 == code);
        let parameters = bytes.get(HEADER..).unwrap_or_default();
        // All of them must be in it, or later look-ups would depend on which is asked for.
        let mut rest = parameters;
        while !rest.is_empty() {
            (_, _, rest) = parameter(rest)?;
        }
        Ok(Self { kind, code, parameters })
    }

    /// The first parameter with this tag.
    #[must_use]
    pub fn parameter(&self, tag: u16) -> Option<&'a [u8]> {
        let mut rest = self.parameters;
        while let Ok((found, value, after)) = parameter(rest) {
            if found == tag {
                return Some(value);
            }
            rest = after;
        }
        None
    }

    /// What a DATA carries.
    ///
    /// # Errors
    ///
    /// [`M3uaError::Missing`] when there is no protocol data, or too little of it.
    pub fn data(&self) -> Result<Data<'a>, M3uaError> {
        let missing = M3uaError::Missing(PROTOCOL_DATA);
        let value = self.parameter(PROTOCOL_DATA).ok_or(missing)?;
        let (&[a, b, c, d, e, f, g, h, service, _, _, _], user) = value.split_first_chunk().ok_or(missing)?;
        let (origin, destination) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        Ok(Data { origin, destination, service, user })
    }
}

/// Writes a message with these parameters.
pub fn write(out: &mut Vec<u8>, kind: Kind, parameters: &[(u16, &[u8])]) {
    let [class, number] = (kind as u16).to_be_bytes();
    let len = parameters.iter().map(|(_, value)| padded(value.len().saturating_add(4))).sum::<usize>();
    let len = u32::try_from(len.saturating_add(HEADER)).unwrap_or(u32::MAX);
    out.extend_from_slice(&[VERSION, 0, class, number]);
    out.extend_from_slice(&len.to_be_bytes());
    for (tag, value) in parameters {
        head(out, *tag, value.len());
        out.extend_from_slice(value);
        pad(out, value.len());
    }
}

/// Writes a DATA with the SCCP message `user`.
pub fn write_data(out: &mut Vec<u8>, (origin, destination): (u32, u32), user: &[u8]) {
    let value = user.len().saturating_add(12);
    let len = padded(value.saturating_add(4)).saturating_add(HEADER);
    out.extend_from_slice(&[VERSION, 0, 1, 1]);
    out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
    head(out, PROTOCOL_DATA, value);
    out.extend_from_slice(&origin.to_be_bytes());
    out.extend_from_slice(&destination.to_be_bytes());
    out.extend_from_slice(&[SCCP, INTERNATIONAL, 0, 0]);
    out.extend_from_slice(user);
    pad(out, value);
}

fn head(out: &mut Vec<u8>, tag: u16, len: usize) {
    out.extend_from_slice(&tag.to_be_bytes());
    let len = u16::try_from(len.saturating_add(4)).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
}

fn pad(out: &mut Vec<u8>, len: usize) {
    let missing = padded(len).saturating_sub(len);
    out.extend_from_slice([0; 4].get(..missing).unwrap_or_default());
}

/// §3.2: parameters begin at multiples of four.
const fn padded(len: usize) -> usize {
    len.saturating_add(3) & !3
}

/// The first parameter: its tag, its value, and what comes after it. The padding of the last may be missing.
fn parameter(bytes: &[u8]) -> Result<(u16, &[u8], &[u8]), M3uaError> {
    let (&[a, b, c, d], rest) = bytes.split_first_chunk().ok_or(M3uaError::Parameter)?;
    let len = usize::from(u16::from_be_bytes([c, d])).checked_sub(4).ok_or(M3uaError::Parameter)?;
    let value = rest.get(..len).ok_or(M3uaError::Parameter)?;
    Ok((u16::from_be_bytes([a, b]), value, rest.get(padded(len)..).unwrap_or_default()))
}

/// Information for people.
pub const INFO: u16 = 0x0004;
/// Which routes a message is about.
pub const ROUTING_CONTEXT: u16 = 0x0006;
/// Comes back as it went.
pub const HEARTBEAT_DATA: u16 = 0x0009;
/// What was wrong.
pub const ERROR_CODE: u16 = 0x000c;
/// Addresses and user data.
pub const PROTOCOL_DATA: u16 = 0x0210;

/// §3.8.1: a class of messages that is not known.
pub const UNSUPPORTED_CLASS: u32 = 3;
/// §3.8.1: a message that does not belong there.
pub const UNEXPECTED_MESSAGE: u32 = 6;
/// §3.8.1: a parameter is missing.
pub const MISSING_PARAMETER: u32 = 0x16;

/// The service indicator of SCCP.
pub const SCCP: u8 = 3;
/// The network indicator between networks.
const INTERNATIONAL: u8 = 0;
const VERSION: u8 = 1;
const HEADER: usize = 8;
/// More than any message of SCCP needs.
pub const MAX_MESSAGE: usize = 8_192;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
