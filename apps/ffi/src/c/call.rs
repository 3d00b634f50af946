//! Calls.

use core::{ffi::c_char, time::Duration};

use rove_phone::{CallId, Phone};

use super::{RoveCall, RovePhone, Status, pointers, registry, status::answered};
use crate::{agent::pressed, error::RoveError};

/// Calls a host name, IP address, `user@host` or URI.
///
/// # Safety
///
/// `target` is null or ends with a zero; `call` is null or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_phone_dial(
    phone: RovePhone,
    target: *const c_char,
    call: *mut RoveCall,
) -> Status {
    answered(|| {
        pointers::given("call", call)?;
        // SAFETY: promised by the caller.
        let target = unsafe { pointers::text("target", target) }?;
        // SAFETY: promised by the caller.
        unsafe { pointers::write("call", call, registry::find(phone)?.dial(target)?) }
    })
}

/// Picks up an incoming call.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_answer(call: RoveCall) -> Status {
    within(call, |phone, call| phone.answer(call))
}

/// Refuses an incoming call as declined.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_decline(call: RoveCall) -> Status {
    within(call, |phone, call| phone.decline(call))
}

/// Refuses an incoming call as busy.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_refuse_busy(call: RoveCall) -> Status {
    within(call, |phone, call| phone.refuse_busy(call))
}

/// Ends a call, whatever state it is in.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_hang_up(call: RoveCall) -> Status {
    within(call, |phone, call| phone.hang_up(call))
}

/// Whether the other side hears nothing of us.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_mute(call: RoveCall, muted: bool) -> Status {
    within(call, |phone, call| phone.mute_self(call, muted))
}

/// Whether we hear nothing of the other side.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_mute_peer(call: RoveCall, muted: bool) -> Status {
    within(call, |phone, call| phone.mute(call, muted))
}

/// Holds a call.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_hold(call: RoveCall) -> Status {
    within(call, |phone, call| phone.hold(call))
}

/// Goes on with a call that we hold.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_resume(call: RoveCall) -> Status {
    within(call, |phone, call| phone.resume(call))
}

/// Presses a key (RFC 4733): `0` to `9`, `*`, `#`, `A` to `D`, for so many milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn rove_call_press(call: RoveCall, key: c_char, ms: u32) -> Status {
    let key = u8::try_from(key).map_or('?', char::from);
    answered(|| {
        let agent = registry::of_call(call)?;
        let ((phone, call), key) = (agent.in_call(call)?, pressed(key)?);
        phone.press(call, key, Duration::from_millis(ms.into()));
        Ok(())
    })
}

/// Writes to the other side, inside of the call.
///
/// # Safety
///
/// `text` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_call_send_text(call: RoveCall, text: *const c_char) -> Status {
    answered(|| {
        // SAFETY: promised by the caller.
        let text = unsafe { pointers::text("text", text) }?;
        let agent = registry::of_call(call)?;
        let (phone, call) = agent.in_call(call)?;
        phone.write(call, text);
        Ok(())
    })
}

/// Hands the other side over to somebody else.
///
/// # Safety
///
/// `target` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_call_transfer(call: RoveCall, target: *const c_char) -> Status {
    answered(|| {
        // SAFETY: promised by the caller.
        let target = unsafe { pointers::text("target", target) }?;
        let agent = registry::of_call(call)?;
        let (phone, call) = agent.in_call(call)?;
        phone.transfer(call, target).map_err(RoveError::from)
    })
}

fn within(call: RoveCall, act: impl FnOnce(&Phone, CallId)) -> Status {
    answered(|| {
        let agent = registry::of_call(call)?;
        let (phone, call) = agent.in_call(call)?;
        act(phone, call);
        Ok(())
    })
}
