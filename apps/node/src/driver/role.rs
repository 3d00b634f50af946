//! A machine as the driver sees it.

use core::convert::Infallible;

use rove_base::{Arrival, Nested, Now, Scratch, Step, StreamId};
use rove_dns::server::Piece;
use rove_driver::Tls;
use rove_irmv::Pointer;
use serde_json::Value;

use super::{Reply, Seek};
use crate::{
    calls::{CallAnswer, CallQuestion},
    config::{ConfigError, NodeConfig},
    irmv::{AccountOrder, Kept},
    operate::{Act, View},
    roam,
    shared::Share,
};

/// A record of the journal that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// Of `[dns]`.
    #[error(transparent)]
    Names(#[from] rove_dns::update::ReplayError),
    /// Of `[home]` or `[visited]`.
    #[error(transparent)]
    Roaming(#[from] roam::Unreadable),
    /// Of `[irmv]` or `[sip]`.
    #[error(transparent)]
    Registrations(#[from] rove_irmv::WireError),
}

/// A machine that is one of a node's roles. It deals with its own events.
pub(crate) trait Role: Send {
    /// First byte of its records in the node's journal.
    fn tag(&self) -> u8;

    /// Reports that `input` happened at `now`.
    fn handle(&mut self, now: Now, input: Arrival<'_>);

    /// Reports that it is `now` and nothing else happened.
    fn tick(&mut self, now: Now);

    /// The next thing to do.
    fn poll(&mut self, now: Now, out: &mut Scratch) -> Step<Infallible>;

    /// The program ends: what is said now is the last.
    fn leave(&mut self) {}

    /// Whether its last wait was only for what it has sent to leave: more is to be done at once.
    fn is_resting(&self) -> bool {
        false
    }

    /// Repeats what a record of the journal says; `false` when it is about something that is not configured any more.
    fn replay(&mut self, record: &[u8]) -> Result<bool, Unreadable>;

    /// All records were read back, and it is `now`.
    fn start(&mut self, now: Now) {
        let _ = now;
    }

    /// Records that say the same as all it asked for so far, in fewer words; `None` while some of them wait.
    fn snapshot(&self) -> Option<Vec<Vec<u8>>>;

    /// The first of such records, when there may be more of them: those of [`Role::continue_snapshot`]. `None` when now
    /// is not the time.
    fn begin_snapshot(&mut self) -> Option<Vec<Vec<u8>>> {
        self.snapshot()
    }

    /// More of them. They may say some of what is asked for later, too.
    fn continue_snapshot(&mut self) -> Piece {
        Piece::End
    }

    /// Streams on which much is being sent: how many bytes wait on each is to be told by [`Role::waits`].
    fn sending(&self) -> Vec<StreamId> {
        Vec::new()
    }

    /// So many bytes wait to be sent on a stream.
    fn waits(&mut self, stream: StreamId, bytes: usize) {
        let _ = (stream, bytes);
    }

    /// Nothing can be made durable any more.
    fn journal_failed(&mut self, now: Now);

    /// The configuration, or a file that it names, may have changed; all of it is good. Answers the certificates to show
    /// from now on.
    fn reload(&mut self, config: &NodeConfig) -> Option<Tls> {
        let _ = config;
        None
    }

    /// Whether a configuration that is good in itself can be taken over, by what only the role knows.
    fn agrees(&self, config: &NodeConfig) -> Result<(), ConfigError> {
        let _ = config;
        Ok(())
    }

    /// The operator wants something of accounts; hands the answer's way back when it has none.
    fn account(&mut self, now: Now, order: &AccountOrder, reply: Reply) -> Option<Reply> {
        let _ = (now, order);
        Some(reply)
    }

    /// What it has handed to its database is kept, or cannot be.
    fn kept(&mut self, now: Now, kept: &Kept) {
        let _ = (now, kept);
    }

    /// What it has for the operator to see, of all or of one tenant.
    fn view(&self, now: Now, tenant: Option<&str>, view: &mut View) {
        let _ = (now, tenant, view);
    }

    /// Adds its counters, in the text format of Prometheus.
    fn metrics(&self, text: &mut String) {
        let _ = text;
    }

    /// Does to a call what the operator wants; `None` when it knows no such call.
    fn act(&mut self, now: Now, act: &Act) -> Option<Value> {
        let _ = (now, act);
        None
    }

    /// What the whole node is to be asked, as its operator would; [`Role::told`] has the answer.
    fn asks(&mut self) -> Option<(u64, String)> {
        None
    }

    /// What the node has answered.
    fn told(&mut self, id: u64, answer: &str) {
        let _ = (id, answer);
    }

    /// Whether [`Role::order`] understands anything.
    fn takes_orders(&self) -> bool {
        false
    }

    /// What another program of this machine is to be asked; [`Role::outside_said`] answers before there is another.
    fn outside(&mut self, now: Now) -> Option<String> {
        let _ = now;
        None
    }

    /// What that program said; `None` when it could not be reached.
    fn outside_said(&mut self, now: Now, answer: Option<&[u8]>) {
        let _ = (now, answer);
    }

    /// What it wants to know of the other roles about a call; asked after each drain.
    fn question(&mut self) -> Option<CallQuestion> {
        None
    }

    /// What it knows about a call that another role carries.
    fn answer(&mut self, now: Now, question: &CallQuestion) -> Option<CallAnswer> {
        let _ = (now, question);
        None
    }

    /// What the others know of what it has asked; `None` where nobody knows anything.
    fn learned(&mut self, now: Now, question: CallQuestion, answer: Option<CallAnswer>) {
        let _ = (now, question, answer);
    }

    /// What it wants of the search network; asked after each drain until there is nothing.
    fn seeks(&mut self) -> Option<Seek> {
        None
    }

    /// What was found in the search of that number; `None` when there is no more.
    fn sought(&mut self, now: Now, number: u64, pointer: Option<&Pointer>) {
        let _ = (now, number, pointer);
    }

    /// What other nodes of the domain are to know; asked after each drain until there is nothing.
    fn shares(&mut self) -> Option<Share> {
        None
    }

    /// What another node of the domain knows.
    fn heard_elsewhere(&mut self, now: Now, record: &[u8]) {
        let _ = (now, record);
    }

    /// The operator asks something, at its control socket.
    fn order(&mut self, now: Now, line: &str, reply: Reply) {
        let _ = (now, line);
        drop(reply);
    }
}

/// A step, or the event that it was.
pub(crate) fn eventless<E>(step: Step<E>) -> Result<Step<Infallible>, E> {
    match step.nested() {
        Nested::Event(event) => Err(event),
        Nested::Wait(until) => Ok(Step::Wait(until)),
        Nested::Pass(step) => Ok(step),
    }
}
