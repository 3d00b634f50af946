//! Words by which people may be found who want to be: a city, a language, a trade.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::collections::BTreeSet;

use crate::{
    WireError,
    wire::{Reader, put_text},
};

/// A few words, each once, in small letters.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Words(BTreeSet<Box<str>>);

/// A text that is no word, or one too many.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadWord {
    /// It is empty, too long, or has something else in it than letters, digits, and `-`, `.` or `:` among them.
    #[error("{0:?} is no word: give 1 to 32 bytes of letters, digits, and - . : among them")]
    Text(String),
    /// More than [`Words::MOST`].
    #[error("more than eight words")]
    Many,
}

impl Words {
    /// These words, in small letters.
    ///
    /// # Errors
    ///
    /// [`BadWord`] says which is none, or that there are too many.
    pub fn new<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> Result<Self, BadWord> {
        let mut all = BTreeSet::new();
        for word in words {
            let small = word.as_ref().to_lowercase();
            if !is_word(&small) {
                return Err(BadWord::Text(word.as_ref().chars().take(64).collect()));
            }
            all.insert(small.into());
            if all.len() > Self::MOST {
                return Err(BadWord::Many);
            }
        }
        Ok(Self(all))
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Number of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of `sought` are among them.
    #[must_use]
    pub fn has_all(&self, sought: &Self) -> bool {
        self.0.is_superset(&sought.0)
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.len()).unwrap_or_default());
        self.iter().for_each(|word| put_text(out, word));
    }

    /// There is one way to write them: in order, each once.
    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = usize::from(reader.u8("words")?);
        let mut all = BTreeSet::<Box<str>>::new();
        for _ in 0..count {
            let word = reader.text("word")?;
            let follows = all.last().is_none_or(|last| last.as_ref() < word);
            if count > Self::MOST || !follows || !is_word(word) || word.to_lowercase() != word {
                return Err(WireError::Value("word"));
            }
            all.insert(word.into());
        }
        Ok(Self(all))
    }

    /// Words of one user, and of one search.
    pub const MOST: usize = 8;
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{word}")?;
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    let among = |one: char| matches!(one, '-' | '.' | ':');
    let ends = !text.starts_with(among) && !text.ends_with(among);
    ends && (1..=LONGEST).contains(&text.len()) && text.chars().all(|one| one.is_alphanumeric() || among(one))
}

/// Bytes of one word.
const LONGEST: usize = 32;
