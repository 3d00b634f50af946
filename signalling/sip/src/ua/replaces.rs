//! Replaces: a new call takes the place of one that stands (RFC 3891).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    CallId, UserAgent,
    call::{Call, State},
    context::LocalTag,
};
use crate::message::{HeaderName, Headers, StatusCode};

/// The dialog that a header names, as its receiver sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Replaces {
    call_id: String,
    to_tag: String,
    from_tag: String,
    early_only: bool,
}

impl UserAgent {
    /// The call whose place an INVITE is to take, or the refusal that RFC 3891 §3 wants.
    pub(super) fn replaced(&self, headers: &Headers) -> Result<Option<CallId>, StatusCode> {
        let mut values = headers.all(&HeaderName::Replaces);
        let (first, second) = (values.next(), values.next());
        let Some(first) = first else { return Ok(None) };
        let replaces = read(first).filter(|_| second.is_none()).ok_or(StatusCode::BAD_REQUEST)?;
        let id = LocalTag::parse(&replaces.to_tag).and_then(|tag| self.tags.get(&tag).copied());
        let Some(call) = id.and_then(|id| self.calls.get(&id)) else {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        };
        call.may_be_replaced(&replaces).map(|()| Some(call.id))
    }
}

impl Call {
    fn may_be_replaced(&self, by: &Replaces) -> Result<(), StatusCode> {
        let (call_id, tag) = (by.call_id.as_str(), by.from_tag.as_str());
        match &self.state {
            State::Talking(talking) if talking.leg.dialog.is_with(call_id, tag) => {
                if by.early_only {
                    Err(StatusCode::BUSY_HERE)
                } else {
                    Ok(())
                }
            }
            // An early dialog may be replaced by who has begun it.
            State::Calling(calling)
                if calling.fork.iter().any(|early| early.leg.dialog.is_with(call_id, tag)) =>
            {
                Ok(())
            }
            State::Ending(ending) if ending.leg.dialog.is_with(call_id, tag) => Err(StatusCode::DECLINE),
            _ => Err(StatusCode::CALL_DOES_NOT_EXIST),
        }
    }
}

fn read(value: &str) -> Option<Replaces> {
    let mut parts = value.split(';').map(str::trim);
    let call_id = parts.next().filter(|call_id| !call_id.is_empty())?.to_owned();
    let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let slot = match name.trim().to_ascii_lowercase().as_str() {
            "to-tag" => &mut to_tag,
            "from-tag" => &mut from_tag,
            "early-only" => {
                early_only = true;
                continue;
            }
            _ => continue,
        };
        if slot.replace(value.trim().to_owned()).is_some() {
            return None;
        }
    }
    Some(Replaces { call_id, to_tag: to_tag?, from_tag: from_tag?, early_only })
}

/// The option tag.
pub(super) const REPLACES: &str = "replaces";
