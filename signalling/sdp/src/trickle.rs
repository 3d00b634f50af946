//! Candidates that follow later: the body `application/trickle-ice-sdpfrag` (RFC 8840 §9).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use crate::{
    Candidate, Line, ParseError,
    ice::{MOST_CANDIDATES, ice_chars},
    parse::{MAX_BYTES, MAX_MEDIA, lines},
};

/// Candidates for the media of one session, with the credentials that say of which generation they are. The password is
/// never printed.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct TrickleFragment {
    /// Names the generation of all media that have no name of their own; empty when each has.
    pub ufrag: String,
    /// The password that goes with `ufrag`.
    pub pwd: String,
    /// What is said for each medium.
    pub media: Vec<TrickleMedia>,
}

/// Candidates of one medium.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct TrickleMedia {
    /// The value of its `m=` line, which says nothing: `audio 9 RTP/AVP 0` (RFC 8840 §9.2).
    pub line: String,
    /// Which medium of the description it is.
    pub mid: String,
    /// Names its generation where it differs from the session's; empty otherwise.
    pub ufrag: String,
    /// The password that goes with `ufrag`.
    pub pwd: String,
    /// The candidates; all of this generation so far, or only the new ones.
    pub candidates: Vec<Candidate>,
    /// No more will follow.
    pub ended: bool,
}

impl TrickleFragment {
    /// The media type of the body.
    pub const MEDIA_TYPE: &'static str = "application/trickle-ice-sdpfrag";

    /// Reads the body. Lines of other kinds are passed over, and so are candidates that cannot be read.
    ///
    /// # Errors
    ///
    /// [`ParseError`] names the first line that cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_BYTES {
            return Err(ParseError::TooMany("bytes"));
        }
        let text = String::from_utf8_lossy(bytes);
        let mut fragment = Self::default();
        for line in lines(&text) {
            let (_, kind, value) = line?;
            match kind {
                'm' if fragment.media.len() >= MAX_MEDIA => return Err(ParseError::TooMany("media")),
                'm' => {
                    fragment.media.push(TrickleMedia { line: value.to_owned(), ..TrickleMedia::default() });
                }
                'a' => fragment.attribute(value),
                _ => {}
            }
        }
        Ok(fragment)
    }

    /// The candidates for the medium `mid` of the generation `ufrag`, and whether they are the last. `None` when the
    /// fragment is of another generation or says nothing of that medium.
    #[must_use]
    pub fn of(&self, mid: &str, ufrag: &str) -> Option<(&[Candidate], bool)> {
        let media = self.media.iter().find(|media| media.mid == mid)?;
        let theirs = if media.ufrag.is_empty() { &self.ufrag } else { &media.ufrag };
        (theirs == ufrag).then_some((&media.candidates, media.ended))
    }

    fn attribute(&mut self, text: &str) {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.trim();
        let (ufrag, pwd) = match self.media.last_mut() {
            None => (&mut self.ufrag, &mut self.pwd),
            Some(media) => (&mut media.ufrag, &mut media.pwd),
        };
        match name.to_ascii_lowercase().as_str() {
            "ice-ufrag" if ice_chars(value, 4, 256) => *ufrag = value.to_owned(),
            "ice-pwd" if ice_chars(value, 22, 256) => *pwd = value.to_owned(),
            name => {
                let Some(media) = self.media.last_mut() else { return };
                match name {
                    "mid" => media.mid = value.to_owned(),
                    "candidate" if media.candidates.len() < MOST_CANDIDATES => {
                        media.candidates.extend(value.parse::<Candidate>());
                    }
                    "end-of-candidates" => media.ended = true,
                    _ => {}
                }
            }
        }
    }

    /// The body as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl fmt::Display for TrickleFragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_credentials(f, &self.ufrag, &self.pwd)?;
        for media in &self.media {
            write!(f, "m={}\r\n", media.line.replace(['\r', '\n'], " "))?;
            attribute(f, "mid", &media.mid)?;
            write_credentials(f, &media.ufrag, &media.pwd)?;
            media.candidates.iter().try_for_each(|one| attribute(f, "candidate", &one.to_string()))?;
            if media.ended {
                f.write_str("a=end-of-candidates\r\n")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TrickleFragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrickleFragment")
            .field("ufrag", &self.ufrag)
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TrickleMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrickleMedia")
            .field("mid", &self.mid)
            .field("ufrag", &self.ufrag)
            .field("candidates", &self.candidates)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

fn write_credentials(f: &mut fmt::Formatter<'_>, ufrag: &str, pwd: &str) -> fmt::Result {
    attribute(f, "ice-ufrag", ufrag)?;
    attribute(f, "ice-pwd", pwd)
}

/// Nothing for an empty value.
fn attribute(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    if value.is_empty() {
        return Ok(());
    }
    write!(f, "a={}\r\n", Line::attribute(format!("{name}:{value}")).value)
}
