//! The media of calls that are one conversation.

use rove_io::device::{Joint, join};
use rove_session::CallId;

use super::Media;
use crate::{Loses, SoundLevels};

impl Media {
    /// Datagrams that are lost on purpose.
    pub(in crate::driver) fn lose(&self, loses: Option<Loses>) {
        // Fails only when the thread is gone, which the calls' own ends tell.
        let _ = self.thread.lose(loses);
    }

    /// Has the other sides of these calls hear each other, and nobody else. `false` when that cannot be.
    pub(in crate::driver) fn join(&mut self, calls: &[CallId]) -> bool {
        let wanted = self.calls.iter_mut().filter(|(id, _)| calls.contains(id));
        if let Some(hall) = &self.hall {
            hall.admit(wanted.filter_map(|(_, entry)| entry.device.as_ref()?.running()));
            return true;
        }
        let mut joints: Vec<&mut Joint> = wanted.filter_map(|(_, entry)| entry.joint.as_mut()).collect();
        joints.len() == calls.len() && join(&mut joints)
    }

    /// Has a call hear its device only.
    pub(in crate::driver) fn part(&mut self, call: CallId) {
        let joint = self.calls.get_mut(&call).and_then(|entry| entry.joint.as_mut());
        // A room parts with whoever is not among those that are joined; one whose media are over is joined with nobody.
        let _ = joint.is_some_and(|joint| join(&mut [joint]));
    }

    /// Whether nobody hears the other side of a call.
    pub(in crate::driver) fn mute(&mut self, call: CallId, muted: bool) {
        if let Some(control) = self.calls.get_mut(&call).and_then(|entry| entry.control.as_mut()) {
            control.output.update(|knobs| knobs.muted = muted);
        }
    }

    /// How loud both sides of a call are; `None` when its media do not run.
    pub(in crate::driver) fn sound_levels(&mut self, call: CallId) -> Option<SoundLevels> {
        let control = self.calls.get_mut(&call)?.control.as_mut()?;
        Some(SoundLevels { said: control.input_levels.get().rms, heard: control.output_levels.get().rms })
    }

    /// How loud the other sides of these calls are, in dBov; who is muted is silent.
    pub(in crate::driver) fn levels(&mut self, calls: &[CallId]) -> impl Iterator<Item = (CallId, f32)> {
        let calls = self.calls.iter_mut().filter(|(id, _)| calls.contains(id));
        calls.filter_map(|(id, entry)| Some((*id, entry.control.as_mut()?.output_levels.get().rms?)))
    }
}
