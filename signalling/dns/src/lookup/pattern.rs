//! The extended regular expressions of substitutions (RFC 3402 §3.2), as far as numbers need them: characters, `.`,
//! classes, `*`, `+`, `?`, groups without repetition, anchors. Time is bounded by [`FUEL`], whatever a zone says.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{iter::Peekable, str::Chars};

/// A pattern that was understood.
#[derive(Debug)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
    groups: usize,
}

#[derive(Debug)]
enum Part {
    Some { what: Class, least: usize, most: usize },
    Open(usize),
    Close(usize),
    Start,
    End,
}

#[derive(Debug)]
enum Class {
    Any,
    These { ranges: Vec<(char, char)>, not: bool },
}

impl Class {
    fn has(&self, char: char) -> bool {
        match self {
            Self::Any => true,
            Self::These { ranges, not } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&char)) != *not
            }
        }
    }
}

/// Where a match is, and where its groups are.
struct Found {
    start: usize,
    end: usize,
    groups: Vec<(usize, usize)>,
}

impl Pattern {
    /// `None` when it is none, or says what numbers do not need.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let (mut parts, mut open, mut groups) = (Vec::new(), Vec::new(), 0_usize);
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            let what = match char {
                '^' => {
                    parts.push(Part::Start);
                    continue;
                }
                '$' => {
                    parts.push(Part::End);
                    continue;
                }
                '(' => {
                    groups = groups.saturating_add(1);
                    open.push(groups);
                    parts.push(Part::Open(groups));
                    continue;
                }
                ')' => {
                    parts.push(Part::Close(open.pop()?));
                    if matches!(chars.peek(), Some('*' | '+' | '?' | '{')) {
                        return None;
                    }
                    continue;
                }
                '.' => Class::Any,
                '[' => class(&mut chars)?,
                '\\' => one(chars.next()?),
                '*' | '+' | '?' | '{' | '|' => return None,
                char => one(char),
            };
            let (least, most) = match chars.peek() {
                Some('*') => (0, usize::MAX),
                Some('+') => (1, usize::MAX),
                Some('?') => (0, 1),
                Some('{') => return None,
                _ => (1, 1),
            };
            if (least, most) != (1, 1) {
                chars.next();
            }
            parts.push(Part::Some { what, least, most });
        }
        open.is_empty().then_some(Self { parts, groups })
    }

    /// `text` with what matches replaced; `\1` to `\9` in the replacement are the groups. `None` when nothing matches.
    pub(crate) fn replace(&self, text: &str, replacement: &str) -> Option<String> {
        let chars: Vec<char> = text.chars().collect();
        let mut fuel = FUEL;
        let found = (0..=chars.len()).find_map(|start| {
            let mut groups = vec![(0, 0); self.groups.saturating_add(1)];
            let end = matches(&self.parts, &chars, start, &mut groups, &mut fuel)?;
            Some(Found { start, end, groups })
        })?;
        let part = |from: usize, to: usize| chars.get(from..to).unwrap_or_default().iter();
        let mut result: String = part(0, found.start).collect();
        let mut said = replacement.chars();
        while let Some(char) = said.next() {
            if char != '\\' {
                result.push(char);
                continue;
            }
            let next = said.next()?;
            match next.to_digit(10) {
                None => result.push(next),
                Some(0) => return None,
                Some(group) => {
                    let (from, to) = *found.groups.get(usize::try_from(group).ok()?)?;
                    result.extend(part(from, to));
                }
            }
        }
        result.extend(part(found.end, chars.len()));
        Some(result)
    }
}

fn one(char: char) -> Class {
    Class::These { ranges: vec![(char, char)], not: false }
}

/// What stands in brackets.
fn class(chars: &mut Peekable<Chars<'_>>) -> Option<Class> {
    let not = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let from = chars.next()?;
        if from == ']' && !ranges.is_empty() {
            return Some(Class::These { ranges, not });
        }
        let mut to = from;
        if chars.next_if_eq(&'-').is_some() {
            match chars.next()? {
                ']' => {
                    ranges.extend([(from, from), ('-', '-')]);
                    return Some(Class::These { ranges, not });
                }
                end => to = end,
            }
        }
        ranges.push((from, to));
    }
}

/// Where a match of `parts` from `at` ends; the longest of each repetition first.
fn matches(
    parts: &[Part],
    text: &[char],
    at: usize,
    groups: &mut [(usize, usize)],
    fuel: &mut usize,
) -> Option<usize> {
    *fuel = fuel.checked_sub(1)?;
    let Some((part, rest)) = parts.split_first() else { return Some(at) };
    match part {
        Part::Start if at > 0 => None,
        Part::End if at < text.len() => None,
        Part::Start | Part::End => matches(rest, text, at, groups, fuel),
        Part::Open(group) => {
            groups.get_mut(*group)?.0 = at;
            matches(rest, text, at, groups, fuel)
        }
        Part::Close(group) => {
            groups.get_mut(*group)?.1 = at;
            matches(rest, text, at, groups, fuel)
        }
        Part::Some { what, least, most } => {
            let fits = text.get(at..)?.iter().take(*most).take_while(|char| what.has(**char)).count();
            (*least..=fits)
                .rev()
                .find_map(|count| matches(rest, text, at.saturating_add(count), groups, fuel))
        }
    }
}

/// Steps that one match may take.
const FUEL: usize = 20_000;
/// Characters of a pattern.
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, text: &str, replacement: &str) -> Option<String> {
        Pattern::parse(pattern)?.replace(text, replacement)
    }

    #[test]
    fn patterns_match_as_they_are_meant() {
        let cases: &[(&str, &str, &str, Option<&str>)] = &[
            ("^.*$", "+4670", "x", Some("x")),
            ("^\\+46(.*)$", "+4670", "\\1", Some("70")),
            ("^\\+46(7[0-9])(.+)$", "+4670123", "\\2-\\1", Some("123-70")),
            ("^\\+46(7[0-9])$", "+4680", "\\1", None),
            ("^\\+?46", "+4670", "n", Some("n70")),
            ("[^0-9]", "+46", "00", Some("0046")),
            ("6$", "+46", "x", Some("+4x")),
        ];
        for (pattern, text, replacement, expected) in cases {
            assert_eq!(replaced(pattern, text, replacement).as_deref(), *expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_understood_is_no_pattern() {
        for wrong in ["", "(", ")", "a{2}", "a|b", "*", "(a)*", "[a", "\\", "[]"] {
            assert!(Pattern::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_pattern_that_would_take_for_ever_gives_up() {
        let pattern = ".*".repeat(60) + "x";
        assert_eq!(replaced(&pattern, "+123456789012345", "y"), None);
    }
}
