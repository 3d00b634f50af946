//! A line for each call.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use rove_base::UnixTime;
use rove_sip::server::{CallEnd, CallRecord};

use crate::node::NodeError;

/// The file of calls. Written line by line, so that what was written stays whatever happens to the program.
pub(super) struct Ledger {
    file: File,
    path: PathBuf,
}

impl Ledger {
    pub(super) fn open(path: &Path) -> Result<Self, NodeError> {
        let fail = |source| NodeError::File { path: path.to_owned(), source };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn write(&mut self, record: &CallRecord) {
        let mut line = serde_json::json!({
            "call_id": record.call_id,
            "caller": record.caller,
            "callee": record.callee,
            "user": record.user,
            "begun": seconds(record.begun),
            "answered": record.answered.map(seconds),
            "ended": record.ended.map(seconds),
            "seconds": record.answered.zip(record.ended).map(|(from, to)| {
                seconds(UnixTime::from_nanos(to.as_nanos().saturating_sub(from.as_nanos())))
            }),
            "status": record.status.code(),
            "end": match record.end {
                CallEnd::Unanswered => "unanswered",
                CallEnd::Caller => "caller",
                CallEnd::Callee => "callee",
                CallEnd::Operator => "operator",
                CallEnd::Unseen => "unseen",
            },
        })
        .to_string();
        line.push('\n');
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            tracing::error!(target: "rove::sip", path = %self.path.display(), %error, "a call was not written down");
        }
    }
}

/// Seconds since 1970, to the millisecond.
fn seconds(at: UnixTime) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of centuries fit 53 bits")]
    let millis = (at.as_nanos() / 1_000_000) as f64;
    millis / 1_000.0
}
