//! A description as text (RFC 8866 §5, §9).

use core::fmt;

use crate::{
    Connection, Description, Line, Media, Origin,
    parse::{FOR_EVER, rank},
};

impl Description {
    /// The text as bytes, for the body of a message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\no={}\r\ns={}\r\n", self.origin, self.name)?;
        write_lines(&self.lines, f, |rank| rank < CONNECTION)?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        write_lines(&self.lines, f, |rank| (CONNECTION..TIME).contains(&rank))?;
        if !self.lines.iter().any(|line| line.kind == 't') {
            write!(f, "t={FOR_EVER}\r\n")?;
        }
        write_lines(&self.lines, f, |rank| rank >= TIME)?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.user, self.session, self.version, self.address)
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.network, self.kind, self.address)
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {}", self.kind, self.port)?;
        if let Some(count) = self.port_count {
            write!(f, "/{count}")?;
        }
        write!(f, " {}", self.protocol)?;
        self.formats.iter().try_for_each(|format| write!(f, " {format}"))?;
        f.write_str("\r\n")?;
        write_lines(&self.lines, f, |rank| rank < CONNECTION)?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        write_lines(&self.lines, f, |rank| rank >= CONNECTION)
    }
}

fn write_lines(lines: &[Line], f: &mut fmt::Formatter<'_>, wanted: impl Fn(u8) -> bool) -> fmt::Result {
    let wanted = lines.iter().filter(|line| wanted(rank(line.kind)));
    wanted.into_iter().try_for_each(|line| write!(f, "{}={}\r\n", line.kind, line.value))
}

/// Where `c=` and `t=` stand among the other lines.
const CONNECTION: u8 = rank('c');
const TIME: u8 = rank('t');
