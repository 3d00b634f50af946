//! Events, asked for or called back with.

use core::{
    ffi::{c_char, c_void},
    ptr,
    time::Duration,
};
use std::{ffi::CString, sync::Arc};

use super::{RoveCall, RovePhone, Status, pointers, registry, status::answered};
use crate::{
    agent::Listen,
    error::RoveError,
    event::{Event, Figures},
    lifecycle::{EndReason, Party},
};

/// What an event tells; which fields of it count is said here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub enum EventKind {
    /// None.
    None = 0,
    /// Somebody calls: `call`, `who`.
    Incoming,
    /// A call goes out: `call`.
    Connecting,
    /// The other side is alerted: `call`.
    Ringing,
    /// Something is heard before the answer: `call`.
    EarlyMedia,
    /// The call stands: `call`.
    Connected,
    /// It is held: `call`, `by`.
    Held,
    /// It goes on: `call`, `by`.
    Resumed,
    /// It is over: `call`, `reason`, `who`, `text` (a sentence), `detail` (a stable word), `figures` of the whole call.
    Ended,
    /// The other side pressed a key: `call`, `text`.
    Key,
    /// Somebody wrote: `call` or 0, `who`, `text`.
    Text,
    /// How the last second was: `call`, `figures`.
    Quality,
    /// Media take this kind of way: `call`, `text`.
    Route,
    /// The other side is heard by a better way: `call`, `who` (kind before, or null), `text` (kind since, or null), `detail`
    /// (what was wrong), `number` (the longest time without a packet, in ms; NaN: unknown), `figures.lost`.
    Rerouted,
    /// The last seconds were worse than the threshold, and no better way is known: `call`, `detail`.
    Complaint,
    /// The other side has handed us over, and we call: `call`, `other`, `who`.
    Transferred,
    /// Something asked for was not done; the call goes on: `call`, `text`.
    Refused,
    /// The account is reached: `other`.
    Registered,
    /// It is not: `other`, `text`, `number` (when it is tried again, in s; NaN: it is given up).
    RegistrationFailed,
    /// It was given up, as asked for: `other`.
    Unregistered,
    /// Who wakes this phone: `other`, `text`, or null for nobody.
    Push,
    /// So many events were thrown away, since nobody took them: `other`.
    Missed,
    /// The phone has left: the last event.
    Stopped,
}

/// An event. Texts belong to it; `rove_event_clear` frees them. Figures that were not measured are NaN.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RoveEvent {
    /// What it tells.
    pub kind: EventKind,
    /// Of which call; 0: of none.
    pub call: RoveCall,
    /// Another call, an account, or a count.
    pub other: u64,
    /// Why a call is over.
    pub reason: EndReason,
    /// Who holds a call.
    pub by: Party,
    /// A figure of its own.
    pub number: f64,
    /// What was measured.
    pub figures: RoveFigures,
    /// Somebody, or null.
    pub who: *mut c_char,
    /// A sentence or words, or null.
    pub text: *mut c_char,
    /// A stable word, or null.
    pub detail: *mut c_char,
}

/// What was measured of a call; NaN: it was not.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RoveFigures {
    /// Packets sent since the start.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Packets lost.
    pub lost: u64,
    /// Packets lost in this second, in percent.
    pub loss_percent: f64,
    /// Interarrival jitter, in ms.
    pub jitter_ms: f64,
    /// There and back, in ms.
    pub round_trip_ms: f64,
    /// Mouth to ear, in ms.
    pub delay_ms: f64,
    /// Conversational quality, 1 to 5.
    pub mos: f64,
}

/// Who is called back: the event is the library's, and is gone after return. It comes on the phone's own thread for events,
/// one at a time; there it may call anything, `rove_phone_free` as well.
pub type RoveCallback = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const RoveEvent)>;
/// Called once, when `user_data` is not used any more, from whichever thread that is found out on.
pub type RoveRelease = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The next event of a phone, into `event`; waits for it so many milliseconds at most, inside of a callback not at all.
/// `ROVE_STATUS_TIMEOUT`: none came. After `ROVE_EVENT_KIND_STOPPED` none comes.
///
/// # Safety
///
/// `event` is null or valid for writing; what it held before is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_phone_next_event(
    phone: RovePhone,
    patience_ms: u32,
    event: *mut RoveEvent,
) -> Status {
    answered(|| {
        pointers::given("event", event)?;
        let next = registry::find(phone)?.next_event(Duration::from_millis(patience_ms.into()));
        let none = || RoveError::Timeout { why: "no event came in time".into() };
        // SAFETY: promised by the caller.
        unsafe { pointers::write("event", event, RoveEvent::from(next.ok_or_else(none)?)) }
    })
}

/// Frees the texts of an event and makes it one that tells nothing; harmless on such a one.
///
/// # Safety
///
/// `event` is null, or was filled in by [`rove_phone_next_event`] and is not freed by another thread meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_event_clear(event: *mut RoveEvent) -> Status {
    answered(|| {
        pointers::given("event", event)?;
        // SAFETY: promised by the caller; the texts are those of `own`, and are forgotten with this.
        unsafe { release(event.replace(RoveEvent::nothing(EventKind::None))) };
        Ok(())
    })
}

/// Who is called back with all events of a phone from now on, instead of keeping them to be asked for; null: nobody. `release`,
/// where it is not null, is called once when `user_data` is not used any more, also when this fails.
///
/// # Safety
///
/// `callback` and `release` may be called with `user_data` from any thread, until `release` was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rove_phone_set_callback(
    phone: RovePhone,
    callback: RoveCallback,
    user_data: *mut c_void,
    release: RoveRelease,
) -> Status {
    let listener = Listener { callback, user_data, release };
    answered(move || {
        let agent = registry::find(phone)?;
        let listener = listener;
        agent.listen(listener.callback.is_some().then(|| Arc::new(listener) as Arc<dyn Listen>));
        Ok(())
    })
}

struct Listener {
    callback: RoveCallback,
    user_data: *mut c_void,
    release: RoveRelease,
}

// SAFETY: `rove_phone_set_callback` is promised that both functions may be called from any thread.
unsafe impl Send for Listener {}
// SAFETY: as above; the pump alone calls back.
unsafe impl Sync for Listener {}

impl Listen for Listener {
    fn on_event(&self, event: Event) {
        let event = RoveEvent::from(event);
        if let Some(callback) = self.callback {
            // SAFETY: promised to `rove_phone_set_callback`; the event lives until this returns.
            unsafe { callback(self.user_data, &raw const event) };
        }
        // SAFETY: its texts are those of `own`, and nobody has it any more.
        unsafe { release(event) };
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: promised to `rove_phone_set_callback`; a value is dropped once.
            unsafe { release(self.user_data) };
        }
    }
}

impl RoveEvent {
    const fn nothing(kind: EventKind) -> Self {
        Self {
            kind,
            call: 0,
            other: 0,
            reason: EndReason::HungUp,
            by: Party::Us,
            number: f64::NAN,
            figures: RoveFigures::nothing(),
            who: ptr::null_mut(),
            text: ptr::null_mut(),
            detail: ptr::null_mut(),
        }
    }
}

impl RoveFigures {
    const fn nothing() -> Self {
        let none = f64::NAN;
        let (sent, received, lost) = (0, 0, 0);
        Self {
            sent,
            received,
            lost,
            loss_percent: none,
            jitter_ms: none,
            round_trip_ms: none,
            delay_ms: none,
            mos: none,
        }
    }
}

impl From<&Figures> for RoveFigures {
    fn from(figures: &Figures) -> Self {
        let known = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Self {
            sent: figures.sent,
            received: figures.received,
            lost: figures.lost,
            loss_percent: known(figures.loss_percent),
            jitter_ms: known(figures.jitter_ms),
            round_trip_ms: known(figures.round_trip_ms),
            delay_ms: known(figures.delay_ms),
            mos: known(figures.mos),
        }
    }
}

impl From<Event> for RoveEvent {
    fn from(event: Event) -> Self {
        let call = event.call().unwrap_or(0);
        let made = |kind| Self { call, ..Self::nothing(kind) };
        match event {
            Event::Incoming { from, .. } => Self { who: own(from), ..made(EventKind::Incoming) },
            Event::Connecting { .. } => made(EventKind::Connecting),
            Event::Ringing { .. } => made(EventKind::Ringing),
            Event::EarlyMedia { .. } => made(EventKind::EarlyMedia),
            Event::Connected { .. } => made(EventKind::Connected),
            Event::Held { by, .. } => Self { by, ..made(EventKind::Held) },
            Event::Resumed { by, .. } => Self { by, ..made(EventKind::Resumed) },
            Event::Ended { reason, report, .. } => {
                let figures = RoveFigures {
                    sent: report.sent.unwrap_or(0),
                    received: report.received.unwrap_or(0),
                    lost: report.lost.unwrap_or(0),
                    mos: report.mos.unwrap_or(f64::NAN),
                    ..RoveFigures::nothing()
                };
                let (who, text, detail) = (own(report.peer), own(report.cause_text), own(report.cause));
                Self { reason, figures, who, text, detail, ..made(EventKind::Ended) }
            }
            Event::Key { key, .. } => Self { text: own(key), ..made(EventKind::Key) },
            Event::Text { from, text, .. } => {
                Self { who: own(from), text: own(text), ..made(EventKind::Text) }
            }
            Event::Quality { figures, .. } => {
                Self { figures: RoveFigures::from(&figures), ..made(EventKind::Quality) }
            }
            Event::Route { kind, .. } => Self { text: own(kind), ..made(EventKind::Route) },
            Event::Rerouted { from, to, cause, gap_ms, lost, .. } => {
                let figures = RoveFigures { lost: lost.unwrap_or(0).into(), ..RoveFigures::nothing() };
                let (who, text, detail) = (maybe(from), maybe(to), own(cause));
                Self {
                    figures,
                    who,
                    text,
                    detail,
                    number: gap_ms.unwrap_or(f64::NAN),
                    ..made(EventKind::Rerouted)
                }
            }
            Event::Complaint { cause, .. } => Self { detail: own(cause), ..made(EventKind::Complaint) },
            Event::Transferred { other, to, .. } => {
                Self { other, who: own(to), ..made(EventKind::Transferred) }
            }
            Event::Refused { why, .. } => Self { text: own(why), ..made(EventKind::Refused) },
            Event::Registered { account } => Self { other: account, ..made(EventKind::Registered) },
            Event::RegistrationFailed { account, why, retry_in_s } => {
                let number = retry_in_s.unwrap_or(f64::NAN);
                Self { other: account, text: own(why), number, ..made(EventKind::RegistrationFailed) }
            }
            Event::Unregistered { account } => Self { other: account, ..made(EventKind::Unregistered) },
            Event::Push { account, provider } => {
                Self { other: account, text: maybe(provider), ..made(EventKind::Push) }
            }
            Event::Missed { events } => Self { other: events, ..made(EventKind::Missed) },
            Event::Stopped => made(EventKind::Stopped),
        }
    }
}

/// A text for C, to be freed by [`release`]. What comes after a zero in it is left out.
fn own(text: String) -> *mut c_char {
    let mut bytes = text.into_bytes();
    if let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
        bytes.truncate(zero);
    }
    CString::new(bytes).unwrap_or_default().into_raw()
}

fn maybe(text: Option<String>) -> *mut c_char {
    text.map_or(ptr::null_mut(), own)
}

/// # Safety
///
/// The texts are null or made by [`own`], and nobody uses them any more.
unsafe fn release(event: RoveEvent) {
    for text in [event.who, event.text, event.detail] {
        if !text.is_null() {
            // SAFETY: promised by the caller.
            drop(unsafe { CString::from_raw(text) });
        }
    }
}
