//! The media of calls that are one conversation.

use rove_io::device::{Joint, join};
use rove_session::CallId;

use super::Media;

impl Media {
    /// Has the other sides of these calls hear each other, and nobody else. `false` when that cannot be.
    pub(in crate::driver) fn join(&mut self, calls: &[CallId]) -> bool {
        let wanted = self.calls.iter_mut().filter(|(id, _)| calls.contains(id));
        if let Some(hall) = &self.hall {
            hall.admit(wanted.filter_map(|(_, entry)| entry.device.as_ref()));
            return true;
        }
        let mut joints: Vec<&mut Joint> = wanted.filter_map(|(_, entry)| entry.joint.as_mut()).collect();
        joints.len() == calls.len() && join(&mut joints)
    }

    /// Whether nobody hears the other side of a call.
    pub(in crate::driver) fn mute(&mut self, call: CallId, muted: bool) {
        if let Some(control) = self.calls.get_mut(&call).and_then(|entry| entry.control.as_mut()) {
            control.output.update(|knobs| knobs.muted = muted);
        }
    }

    /// How loud the other sides of these calls are, in dBov; who is muted is silent.
    pub(in crate::driver) fn levels(&mut self, calls: &[CallId]) -> impl Iterator<Item = (CallId, f32)> {
        let calls = self.calls.iter_mut().filter(|(id, _)| calls.contains(id));
        calls.filter_map(|(id, entry)| Some((*id, entry.control.as_mut()?.output_levels.get().rms?)))
    }
}
