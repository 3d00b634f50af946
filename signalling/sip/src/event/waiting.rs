//! Messages that wait in a mailbox (RFC 3842 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// What a mailbox has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Waiting {
    /// Whether there is anything new.
    pub any: bool,
    /// Whose mailbox it is.
    pub account: Option<String>,
    /// How many voice messages there are. `None`: it is not said.
    pub voice: Option<Count>,
}

/// How many messages of one kind there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Not heard yet.
    pub new: u32,
    /// Heard.
    pub old: u32,
}

impl Waiting {
    /// The media type of such documents.
    pub const KIND: &str = "application/simple-message-summary";

    /// Reads a summary. `None` when it does not say whether messages wait.
    #[must_use]
    pub fn read(document: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(document).ok()?;
        let lines = || text.lines().filter_map(|line| line.split_once(':'));
        let find = |name: &str| {
            lines().find(|(have, _)| have.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        Some(Self {
            any: match find("Messages-Waiting")?.to_ascii_lowercase().as_str() {
                "yes" => true,
                "no" => false,
                _ => return None,
            },
            account: find("Message-Account").map(str::to_owned),
            voice: find("Voice-Message").and_then(Count::read),
        })
    }
}

impl Count {
    /// Reads `new/old`, with or without the urgent ones behind them.
    fn read(text: &str) -> Option<Self> {
        let (new, rest) = text.split_once('/')?;
        let old = rest.split(['(', ' ']).next()?;
        Some(Self { new: new.trim().parse().ok()?, old: old.trim().parse().ok()? })
    }
}
