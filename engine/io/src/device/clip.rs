//! A clip that many calls say: read once, shared by all.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{WavError, read_mono};

/// The sound of a file at the rates that calls will want. Reading and converting a long file takes longer than a call
/// takes to set up, so it is done before the first one.
#[derive(Clone)]
pub struct Clip {
    path: PathBuf,
    rates: Vec<(u32, Arc<[f32]>)>,
}

impl Clip {
    /// Reads the WAV file at `path` (see [`read_mono`]) at each of `rates`.
    ///
    /// # Errors
    ///
    /// [`WavError`] with the path and what is wrong.
    pub fn read(path: &Path, rates: &[u32]) -> Result<Self, WavError> {
        let at = |&rate: &u32| Ok((rate, read_mono(path, rate)?.into()));
        Ok(Self { path: path.to_owned(), rates: rates.iter().map(at).collect::<Result<_, WavError>>()? })
    }

    /// Where it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The samples at `rate`, mono; read anew when it was not among those asked for.
    pub(super) fn at(&self, rate: u32) -> Result<Arc<[f32]>, WavError> {
        match self.rates.iter().find(|(have, _)| *have == rate) {
            Some((_, samples)) => Ok(Arc::clone(samples)),
            None => Ok(read_mono(&self.path, rate)?.into()),
        }
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clip").field("path", &self.path).finish_non_exhaustive()
    }
}
