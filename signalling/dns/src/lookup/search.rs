//! One look-up on its way: its goal, and what is known so far.

use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};
use std::net::SocketAddr;

use hickory_proto::rr::RecordType;
use rove_base::Instant;

use super::{
    LookupError, TraceStep,
    procedure::{Facts, Goal},
};
use crate::query::{Answer, Outcome, Question};

/// Where an answer is from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) server: Option<SocketAddr>,
    pub(crate) zone: Option<String>,
    pub(crate) took: Duration,
}

#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) goal: Goal,
    pub(crate) facts: Facts,
    pub(crate) steps: Vec<TraceStep>,
    /// What was asked for its sake, or asked ahead of need.
    pub(crate) wanted: Vec<Question>,
    /// When to go on without the addresses that have not come yet.
    pub(crate) hurry_at: Option<Instant>,
}

impl Lookup {
    pub(crate) fn wants(&self, question: &Question) -> bool {
        self.wanted.contains(question) && !self.facts.contains_key(question)
    }

    pub(crate) fn learn(
        &mut self,
        question: &Question,
        result: Result<&Answer, &LookupError>,
        source: Source,
    ) {
        let answer = match result {
            Ok(answer) => answer.outcome.to_string(),
            Err(error) => error.to_string(),
        };
        self.note(question, answer, source);
        if let Ok(answer) = result {
            self.learn_additional(answer);
            self.learn_absence(question, answer);
        }
        self.facts
            .insert(question.clone(), result.map(|answer| answer.outcome.clone()).map_err(Clone::clone));
    }

    /// Remembers a step.
    pub(crate) fn note(&mut self, question: &Question, answer: String, source: Source) {
        let Source { server, zone, took } = source;
        self.steps.push(TraceStep { question: question.to_string(), answer, server, zone, took });
    }

    /// A name that does not exist has no record of any kind (RFC 8020 §2).
    fn learn_absence(&mut self, question: &Question, answer: &Answer) {
        if answer.outcome == Outcome::NoSuchName {
            for kind in [RecordType::AAAA, RecordType::A, RecordType::NAPTR] {
                let sibling = Question { name: question.name.clone(), kind };
                self.facts.entry(sibling).or_insert(Ok(Outcome::NoSuchName));
            }
        }
    }

    /// Addresses that came along with SRV records. A server that sends one family of a target sends both, so that
    /// nothing more is asked about this target.
    fn learn_additional(&mut self, answer: &Answer) {
        for (name, _) in &answer.additional {
            for kind in [RecordType::AAAA, RecordType::A] {
                let of_kind = |ip: &IpAddr| ip.is_ipv6() == (kind == RecordType::AAAA);
                let matching = answer.additional.iter().filter(|(other, ip)| other == name && of_kind(ip));
                let records: Vec<_> = matching.map(|(_, ip)| (*ip).into()).collect();
                let outcome = if records.is_empty() { Outcome::NoData } else { Outcome::Records(records) };
                self.facts.entry(Question { name: name.clone(), kind }).or_insert(Ok(outcome));
            }
        }
    }
}

/// The addresses of a host that needs no name server: an address itself, or this very host (RFC 6761 §6.3).
pub(crate) fn literal(host: &str, prefer_v6: bool) -> Option<Vec<IpAddr>> {
    let text = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = text.parse() {
        return Some(vec![ip]);
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let mut loopback = vec![IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    if !prefer_v6 {
        loopback.reverse();
    }
    (name == "localhost" || name.ends_with(".localhost")).then_some(loopback)
}
