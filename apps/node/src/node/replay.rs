//! Reading the journal back.

use std::path::Path;

use rove_io::journal::Replay;

use super::NodeError;
use crate::driver::Place;

/// Tells each role what the journal knows of it; how many records there are.
pub(super) fn read_back(places: &mut [Place], mut replay: Replay, path: &Path) -> Result<usize, NodeError> {
    if let Some(cut) = replay.cut() {
        let (offset, bytes) = (cut.offset, cut.bytes);
        tracing::warn!(target: "rove::journal", offset, bytes, "an unfinished record was removed; nobody was told it stood");
    }
    let (mut number, mut stale) = (0, 0_usize);
    while let Some(record) = replay.next_record() {
        let (tag, record) = record.split_first().map_or((0, record), |(tag, record)| (*tag, record));
        let role = places.iter_mut().map(|place| &mut place.role).find(|role| role.tag() == tag);
        let role = role.ok_or_else(|| NodeError::ForeignRecord { path: path.to_owned(), number })?;
        let fail = |source| NodeError::Record { path: path.to_owned(), number, source };
        let applied = role.replay(record).map_err(fail)?;
        stale += usize::from(!applied);
        number += 1;
    }
    tracing::info!(target: "rove::journal", records = number, stale, "read back");
    Ok(number)
}
