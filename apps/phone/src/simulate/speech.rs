//! What is said in a simulated call.

/// A clip, said again and again until so many samples are said, then silence.
pub(super) struct Speech<'a> {
    clip: &'a [f32],
    said: u64,
    total: u64,
}

impl<'a> Speech<'a> {
    pub(super) const fn new(clip: &'a [f32], total: u64) -> Self {
        Self { clip, said: 0, total }
    }

    /// Samples asked for so far, silence after the end included.
    pub(super) const fn said(&self) -> u64 {
        self.said
    }

    pub(super) fn fill(&mut self, out: &mut [f32]) {
        for sample in out {
            let at = usize::try_from(self.said.checked_rem(self.clip.len() as u64).unwrap_or(0)).unwrap_or(0);
            *sample = self.clip.get(at).copied().filter(|_| self.said < self.total).unwrap_or(0.0);
            self.said += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_cut_or_begins_again() {
        let said = |total| {
            let mut out = [9.0; 7];
            Speech::new(&[1.0, 2.0, 3.0], total).fill(&mut out);
            out
        };
        assert_eq!(said(2), [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(said(5), [1.0, 2.0, 3.0, 1.0, 2.0, 0.0, 0.0]);
    }
}
