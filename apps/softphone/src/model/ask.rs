//! What the person wants, and what is wanted of the world for that.

use rove_phone::CallId;

/// What is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Screen {
    /// Dialling and calls.
    #[default]
    Phone,
    /// People.
    Contacts,
    /// Calls of the past.
    History,
    /// Settings.
    Settings,
}

/// What the person wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Show this.
    Show(Screen),
    /// Show this call at large.
    Select(CallId),
    /// Call whom the field for it says.
    Dial,
    /// Call this target.
    Call(String),
    /// Put a target into the field, and let the person decide: what a link does.
    Prepare(String),
    /// Pick up.
    Answer(CallId),
    /// Refuse.
    Decline(CallId),
    /// End.
    HangUp(CallId),
    /// End all calls.
    HangUpAll,
    /// Let the other side hear nothing of us, or hear us again.
    Mute(CallId, bool),
    /// The same for all calls, those to come included.
    MuteAll(bool),
    /// Hold, or go on.
    Hold(CallId, bool),
    /// Press a key of a telephone.
    Press(CallId, char),
    /// Show the keys of a telephone, or hide them.
    Keypad(bool),
    /// Hand the other side over to whom the field for it says.
    Transfer(CallId),
    /// Connect the other sides of two calls.
    TransferTo(CallId, CallId),
    /// Make one conversation of all calls that stand.
    Confer,
    /// Take it apart: each stands alone again.
    Part,
    /// Write what the field for it says.
    Write(CallId),
    /// Put a call that is over out of sight.
    PutAway(CallId),
    /// Keep the contact that is typed.
    AddContact,
    /// Forget the contact at this place.
    RemoveContact(usize),
    /// Keep who was in a past call as a contact.
    Remember(usize),
    /// Forget all calls of the past.
    ClearHistory,
    /// Take the settings that are typed.
    TakeSettings,
    /// Look for sound devices again.
    LookForDevices,
    /// Take the notice away.
    Dismiss,
}

/// What has to be done for that, outside of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Call; [`Model::dialled`](super::Model::dialled) is to be told.
    Dial(String),
    /// Pick up.
    Answer(CallId),
    /// Refuse.
    Decline(CallId),
    /// End.
    HangUp(CallId),
    /// Whether nothing of us is to be heard.
    Mute(CallId, bool),
    /// Hold.
    Hold(CallId),
    /// Go on.
    Resume(CallId),
    /// Press a key.
    Press(CallId, char),
    /// Hand over; [`Model::refused`](super::Model::refused) is to be told when that cannot be.
    Transfer(CallId, String),
    /// Connect the other sides.
    TransferTo(CallId, CallId),
    /// These are one conversation; none: there is none.
    Confer(Vec<CallId>),
    /// Write inside a call.
    Write(CallId, String),
    /// Store contacts.
    KeepContacts,
    /// Store what happened.
    KeepHistory,
    /// Store settings.
    KeepSettings,
    /// Start the phone anew, by the settings in force: there is no call.
    Restart,
    /// Put up with what the settings in force say, in calls that begin from now on.
    Tolerate,
    /// Look for sound devices.
    LookForDevices,
    /// Tell the desktop that somebody calls, by what name.
    Announce(CallId, String),
    /// That needs to be told no longer.
    Withdraw(CallId),
}
