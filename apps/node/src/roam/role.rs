//! The machine with what only a running program does: it tells its log, takes orders, and reads its files again.

use core::convert::Infallible;
use std::net::SocketAddr;

use rove_base::{Arrival, Machine as _, Now, Scratch, Step, StreamId, UnixTime};
use rove_driver::Tls;
use rove_roam::hlr::HlrEvent;

use super::{Roam, RoamEvent, RoamSections, control::Orders};
use crate::{
    calls::{CallAnswer, CallQuestion},
    config::NodeConfig,
    dns::{Ration, leave_from, note as note_names},
    driver::{Reply, Role, Unreadable, eventless},
};

/// Home, visited, or both.
pub(crate) struct RoamRole {
    roam: Roam,
    orders: Orders,
    refusals: Ration,
    /// When the journal is read back.
    begun: Now,
    /// Where names are answered.
    listens: Vec<SocketAddr>,
}

impl RoamRole {
    /// Plays `roam`, which answers for names at `listens`. The wall says `wall`.
    pub(crate) fn new(roam: Roam, listens: Vec<SocketAddr>, wall: UnixTime) -> Self {
        let begun = Now { wall, ..Now::default() };
        let (orders, refusals) = (Orders::default(), Ration::default());
        Self { roam, orders, refusals, begun, listens }
    }

    fn note(&mut self, now: Now, event: RoamEvent) {
        match event {
            RoamEvent::Names(event) => note_names(&mut self.refusals, now, event),
            RoamEvent::Home(HlrEvent::Administered { request, result }) => {
                if let Err(error) = &result {
                    tracing::warn!(target: "rove::home", %error, "the operator's order was not carried out");
                }
                self.orders.done(request, result);
            }
            RoamEvent::Home(event) => tracing::info!(target: "rove::home", ?event),
            RoamEvent::Attached { imsi, name, addresses } => {
                tracing::info!(target: "rove::visited", %imsi, %name, ?addresses, "attached");
            }
            RoamEvent::Left { imsi, reason } => {
                tracing::info!(target: "rove::visited", %imsi, %reason, "left");
            }
            RoamEvent::Refused { imsi, reason } => {
                // Anyone can come to be refused; the log is not theirs to fill.
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::visited", ?imsi, %reason, unsaid, "refused");
                }
            }
            RoamEvent::Link { partner, up } => {
                tracing::info!(target: "rove::roaming", partner = partner.0, up, "link");
            }
            RoamEvent::Malformed(partner) => {
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::warn!(target: "rove::roaming", partner = partner.0, unsaid, "sends what makes no sense");
                }
            }
            RoamEvent::Elsewhere(error) => {
                if let Some(unsaid) = self.refusals.admit(now.mono) {
                    tracing::error!(target: "rove::roaming", %error, unsaid, "names could not be changed");
                }
            }
            RoamEvent::NotOurs(error) => {
                tracing::error!(target: "rove::roaming", %error, "names could not be changed");
            }
        }
    }
}

impl Role for RoamRole {
    fn tag(&self) -> u8 {
        TAG
    }

    fn start(&mut self, now: Now) {
        self.roam.start(now);
        let listens = &self.listens;
        self.roam.notify_from(now, |secondary| leave_from(listens, secondary));
    }

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.roam.handle(now, input);
    }

    fn tick(&mut self, now: Now) {
        self.roam.tick(now);
    }

    fn poll(&mut self, now: Now, out: &mut Scratch) -> Step<Infallible> {
        loop {
            match eventless(self.roam.poll(out)) {
                Ok(step) => return step,
                Err(event) => self.note(now, event),
            }
        }
    }

    fn leave(&mut self) {
        self.roam.leave();
    }

    fn is_resting(&self) -> bool {
        self.roam.server().is_resting()
    }

    fn replay(&mut self, record: &[u8]) -> Result<bool, Unreadable> {
        Ok(self.roam.replay(self.begun, record)?)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        self.roam.snapshot()
    }

    fn sending(&self) -> Vec<StreamId> {
        self.roam.transfers().collect()
    }

    fn waits(&mut self, stream: StreamId, bytes: usize) {
        self.roam.waits(stream, bytes);
    }

    fn journal_failed(&mut self, now: Now) {
        self.roam.journal_failed(now);
    }

    fn reload(&mut self, config: &NodeConfig) -> Option<Tls> {
        let sections: RoamSections<'_> = config.roaming_sections().ok()??;
        match sections.tls() {
            Ok(tls) => {
                tracing::info!(target: "rove::roaming", "certificates were read again");
                Some(tls)
            }
            Err(error) => {
                tracing::error!(target: "rove::roaming", %error, "the certificates stay as they are");
                None
            }
        }
    }

    fn outside(&mut self, now: Now) -> Option<String> {
        self.roam.kea_command(now)
    }

    fn outside_said(&mut self, now: Now, answer: Option<&[u8]>) {
        self.roam.kea_answered(now, answer);
    }

    fn answer(&mut self, now: Now, question: &CallQuestion) -> Option<CallAnswer> {
        Some(self.roam.treat(now, question))
    }

    fn metrics(&self, text: &mut String) {
        text.push_str(&super::metrics::text(&self.roam));
    }

    fn takes_orders(&self) -> bool {
        true
    }

    fn order(&mut self, now: Now, line: &str, reply: Reply) {
        self.orders.take(&mut self.roam, now, line, reply);
    }
}

const TAG: u8 = 3;
