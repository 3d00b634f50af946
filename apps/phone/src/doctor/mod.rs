//! Why a call does not connect: each step of the way tried by itself, with a verdict and what to do.
//!
//! Unlike all else here this waits for the network, for a few seconds at most at each address.

mod judge;
mod probe;

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::{net::SocketAddr, path::Path, time::SystemTime};

use rove_driver::{Tls, TlsError};
use rove_session::Target;

use crate::{Candidate, LookupError, TraceStep, Transport};

/// What one step has shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Which step: `dns`, `port`, `certificate`, `nat`, `clock`, `codec` or `firewall`.
    pub step: &'static str,
    /// The name or the address that was looked at.
    pub subject: String,
    /// How that is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when nothing is to be done.
    pub advice: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, but may not always.
    Doubtful,
    /// No call gets through because of it.
    Bad,
    /// It could not be tried.
    NotTested,
}

impl Verdict {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
            Self::NotTested => "not tested",
        }
    }
}

/// What is examined, and with what.
#[derive(Clone, Debug)]
pub struct Doctor<'a> {
    /// Who is to be called.
    pub target: &'a Target,
    /// Names of the codecs we have.
    pub codecs: Vec<String>,
    /// Authorities to trust instead of the system's.
    pub tls_ca: Option<&'a Path>,
    /// Who is asked how the world sees this host.
    pub stun_server: Option<SocketAddr>,
}

impl Doctor<'_> {
    /// Examines every way that a look-up has found, or why it has found none.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when the file of authorities cannot be used.
    pub fn examine(
        &self,
        found: Result<Vec<Candidate>, LookupError>,
        steps: &[TraceStep],
    ) -> Result<Vec<Finding>, TlsError> {
        let tls = Tls::new(self.tls_ca, None)?;
        let mut findings = vec![judge::names(self.target, &found, steps)];
        findings.extend(self.stun_server.map(|server| judge::stun(server, probe::stun(server))));
        let candidates = found.unwrap_or_default();
        let mut answers = Vec::new();
        for candidate in candidates.iter().take(MOST_WAYS) {
            let began = SystemTime::now();
            let outcome = probe::options(self.target, candidate, &tls, PATIENCE);
            findings.extend(judge::way(candidate, &outcome));
            if let Ok(answer) = outcome {
                findings.push(judge::nat(candidate, &answer));
                answers.push((candidate.clone(), answer, began));
            }
        }
        match answers.first() {
            Some((candidate, answer, began)) => {
                findings.push(judge::clock(candidate, answer, *began));
                findings.push(judge::codec(candidate, answer, &self.codecs));
            }
            None => findings.push(judge::nobody(self.target, &candidates)),
        }
        if answers.iter().any(|(candidate, ..)| candidate.transport == Transport::Udp) || !answers.is_empty()
        {
            findings.push(judge::firewall(self.target));
        }
        Ok(findings)
    }
}

/// Whether a call can get through, by what was found.
#[must_use]
pub fn can_connect(findings: &[Finding]) -> bool {
    let reached = findings.iter().any(|one| one.step == "port" && one.verdict != Verdict::Bad);
    let hopeless = findings
        .iter()
        .any(|one| one.step != "port" && one.step != "certificate" && one.verdict == Verdict::Bad);
    reached && !hopeless
}

/// Addresses that are tried.
const MOST_WAYS: usize = 8;
/// How long each may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);
