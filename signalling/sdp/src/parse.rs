//! Bytes as a description (RFC 8866 §9).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::str::FromStr;

use crate::{Connection, Description, Line, Media, Origin, ParseError};

impl Description {
    /// Reads a description.
    ///
    /// Lenient where a lack does not matter: lines may end with a bare line feed, name and times may be missing, and
    /// text that is not UTF-8 is repaired. What is not understood is kept.
    ///
    /// # Errors
    ///
    /// [`ParseError`] names the first line that cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_BYTES {
            return Err(ParseError::TooMany("bytes"));
        }
        let text = String::from_utf8_lossy(bytes);
        let mut lines = lines(&text);
        match lines.next().transpose()? {
            Some((_, 'v', "0")) => {}
            _ => return Err(ParseError::Version),
        }
        let mut origin = None;
        let mut name = None;
        let mut connection = None;
        let mut kept = Vec::new();
        let mut media: Vec<Media> = Vec::new();
        for line in lines {
            let (number, kind, value) = line?;
            if kind == 'm' {
                if media.len() >= MAX_MEDIA {
                    return Err(ParseError::TooMany("media"));
                }
                media.push(read(value, number, "media line")?);
                continue;
            }
            match (kind, media.last_mut()) {
                ('c', Some(media)) if media.connection.is_none() => {
                    media.connection = Some(read(value, number, "connection")?);
                }
                (_, Some(media)) => media.lines.push(Line { kind, value: value.into() }),
                ('v', None) => return Err(ParseError::Repeated { line: number, what: "version" }),
                ('o', None) => once(&mut origin, read(value, number, "origin")?, number, "origin")?,
                ('s', None) => once(&mut name, value.to_owned(), number, "session name")?,
                ('c', None) => {
                    once(&mut connection, read(value, number, "connection")?, number, "connection")?;
                }
                (_, None) => kept.push(Line { kind, value: value.into() }),
            }
        }
        if !kept.iter().any(|line| line.kind == 't') {
            kept.push(Line { kind: 't', value: FOR_EVER.into() });
        }
        kept.sort_by_key(|line| rank(line.kind));
        media.iter_mut().for_each(|media| media.lines.sort_by_key(|line| rank(line.kind)));
        let origin = origin.ok_or(ParseError::NoOrigin)?;
        Ok(Self { origin, name: name.unwrap_or_else(|| "-".into()), connection, lines: kept, media })
    }
}

impl FromStr for Origin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let mut word = || words.next().map(str::to_owned).ok_or(());
        let (user, session, version) = (word()?, word()?, word()?);
        let address = Connection { network: word()?, kind: word()?, address: word()? };
        Ok(Self { user, session, version, address })
    }
}

impl FromStr for Connection {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let mut word = || words.next().map(str::to_owned).ok_or(());
        let connection = Self { network: word()?, kind: word()?, address: word()? };
        if words.next().is_none() { Ok(connection) } else { Err(()) }
    }
}

impl FromStr for Media {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let kind = words.next().ok_or(())?.to_owned();
        let ports = words.next().ok_or(())?;
        let (port, port_count) = match ports.split_once('/') {
            Some((port, count)) => (port, Some(count.parse().map_err(|_| ())?)),
            None => (ports, None),
        };
        let port = port.parse().map_err(|_| ())?;
        let protocol = words.next().ok_or(())?.to_owned();
        let formats: Vec<_> = words.map(str::to_owned).collect();
        if formats.is_empty() || formats.len() > MAX_FORMATS {
            return Err(());
        }
        Ok(Self { kind, port, port_count, protocol, formats, connection: None, lines: Vec::new() })
    }
}

/// The lines of a description: number, letter, value. Empty ones are skipped.
pub(crate) struct Lines<'a> {
    rest: core::iter::Enumerate<core::str::Split<'a, char>>,
}

/// The lines of `text`, a description or a part of one.
pub(crate) fn lines(text: &str) -> Lines<'_> {
    Lines { rest: text.split('\n').enumerate() }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<(usize, char, &'a str), ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (index, line) = self.rest.find(|(_, line)| !matches!(*line, "" | "\r"))?;
        let number = index.saturating_add(1);
        if number > MAX_LINES {
            return Some(Err(ParseError::TooMany("lines")));
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut chars = line.chars();
        let item = match (chars.next(), chars.next()) {
            (Some(kind), Some('=')) if kind.is_ascii_alphabetic() && !line.contains('\r') => {
                Ok((number, kind, chars.as_str()))
            }
            _ => Err(ParseError::Line(number)),
        };
        Some(item)
    }
}

fn read<T: FromStr>(value: &str, line: usize, what: &'static str) -> Result<T, ParseError> {
    value.parse().map_err(|_| ParseError::Malformed { line, what })
}

fn once<T>(slot: &mut Option<T>, value: T, line: usize, what: &'static str) -> Result<(), ParseError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParseError::Repeated { line, what }),
    }
}

/// The place of a line in its section (RFC 8866 §5). Lines of the same place keep their order.
pub(crate) const fn rank(kind: char) -> u8 {
    match kind {
        'i' => 0,
        'u' => 1,
        'e' | 'p' => 2,
        'c' => 3,
        'b' => 4,
        't' | 'r' | 'z' => 5,
        'k' => 6,
        'a' => 7,
        _ => 8,
    }
}

/// The times of a session that says none (RFC 8866 §5.9).
pub(crate) const FOR_EVER: &str = "0 0";
/// Bytes of a description that is read.
pub const MAX_BYTES: usize = 65_535;
/// Lines of a description that is read.
pub const MAX_LINES: usize = 2_000;
/// Media of a description that is read.
pub const MAX_MEDIA: usize = 32;
/// Formats of one medium that is read.
pub const MAX_FORMATS: usize = 128;
