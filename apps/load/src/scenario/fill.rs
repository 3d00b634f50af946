//! A message of a scenario becomes bytes: its keywords in brackets are filled in, its lines end as SIP wants them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::SocketAddr;

use super::ScenarioError;

/// What keywords of one call stand for.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// Where media would go to.
    pub(crate) media: SocketAddr,
    pub(crate) service: String,
    pub(crate) number: u64,
    pub(crate) pid: u32,
    pub(crate) call_id: String,
    /// The columns of the call's user, in their order.
    pub(crate) fields: Vec<String>,
}

/// Refuses keywords that are not known.
pub(super) fn check(text: &str) -> Result<(), ScenarioError> {
    pieces(text).into_iter().try_for_each(|piece| match piece {
        Piece::Keyword(name) if !is_known(name) => Err(ScenarioError::Keyword(name.to_owned())),
        _ => Ok(()),
    })
}

/// The message of step `step`, to be sent. `last` is what was received last.
pub(super) fn fill(text: &str, facts: &Facts, step: usize, last: &str) -> Vec<u8> {
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    let (head, body) = match lines.iter().position(|line| line.is_empty()) {
        Some(at) => {
            (lines.get(..at).unwrap_or_default(), lines.get(at.saturating_add(1)..).unwrap_or_default())
        }
        None => (lines.as_slice(), [].as_slice()),
    };
    let written = |lines: &[&str], len: usize| {
        let mut out = String::new();
        for line in lines {
            if let Some(line) = fill_line(line, facts, (step, len), last) {
                out.push_str(&line);
                out.push_str("\r\n");
            }
        }
        out
    };
    let body = written(body, 0);
    let mut message = written(head, body.len());
    message.push_str("\r\n");
    message.push_str(&body);
    message.into_bytes()
}

/// `None`: the line is about a header that was not there.
fn fill_line(line: &str, facts: &Facts, (step, len): (usize, usize), last: &str) -> Option<String> {
    let mut out = String::new();
    for piece in pieces(line) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Keyword(name) => {
                if let Some(header) = name.strip_prefix("last_") {
                    let all = headers(last, header.trim_end_matches(':'));
                    if all.is_empty() {
                        return None;
                    }
                    out.push_str(&all.join("\r\n"));
                } else {
                    out.push_str(&value(name, facts, step, len, last));
                }
            }
        }
    }
    Some(out)
}

fn value(name: &str, facts: &Facts, step: usize, len: usize, last: &str) -> String {
    let Facts { local, remote, media, service, number, pid, call_id, fields } = facts;
    let family = |address: &SocketAddr| if address.is_ipv4() { "4" } else { "6" }.to_owned();
    let host = |address: &SocketAddr| {
        if address.is_ipv4() { address.ip().to_string() } else { format!("[{}]", address.ip()) }
    };
    match name {
        "service" => service.clone(),
        "local_ip" => host(local),
        "local_port" => local.port().to_string(),
        "local_ip_type" => family(local),
        "remote_ip" => host(remote),
        "remote_port" => remote.port().to_string(),
        "media_ip" => media.ip().to_string(),
        "media_port" => media.port().to_string(),
        "media_ip_type" => family(media),
        "transport" => "UDP".to_owned(),
        "call_id" => call_id.clone(),
        "call_number" => number.to_string(),
        "pid" => pid.to_string(),
        "cseq" => step.saturating_add(1).to_string(),
        "branch" => format!("z9hG4bK-{pid}-{number}-{step}"),
        "len" => len.to_string(),
        "peer_tag_param" => tag(last).map(|tag| format!(";tag={tag}")).unwrap_or_default(),
        other => {
            let field = other.strip_prefix("field").and_then(|index| index.parse::<usize>().ok());
            field.and_then(|index| fields.get(index)).cloned().unwrap_or_default()
        }
    }
}

fn is_known(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "service",
        "local_ip",
        "local_port",
        "local_ip_type",
        "remote_ip",
        "remote_port",
        "media_ip",
        "media_port",
        "media_ip_type",
        "transport",
        "call_id",
        "call_number",
        "pid",
        "cseq",
        "branch",
        "len",
        "peer_tag_param",
    ];
    let header = name.strip_prefix("last_").and_then(|rest| rest.strip_suffix(':'));
    let field = name.strip_prefix("field").is_some_and(|index| index.parse::<u8>().is_ok());
    NAMES.contains(&name) || header.is_some_and(|header| !header.is_empty()) || field
}

/// The lines of a header, as they came.
pub(super) fn headers<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    let is_meant =
        |line: &&str| line.split_once(':').is_some_and(|(have, _)| have.trim().eq_ignore_ascii_case(name));
    message.lines().skip(1).take_while(|line| !line.is_empty()).filter(is_meant).collect()
}

/// What stands behind a header's name.
pub(super) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    headers(message, name).first()?.split_once(':').map(|(_, value)| value.trim())
}

/// The tag of whom we call.
fn tag(message: &str) -> Option<&str> {
    let (_, rest) = header(message, "To")?.split_once(";tag=")?;
    rest.split([';', '>', ',']).next()
}

enum Piece<'a> {
    Text(&'a str),
    Keyword(&'a str),
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((before, rest)) = text.split_once('[') {
        let Some((name, after)) = rest.split_once(']') else { break };
        pieces.extend([Piece::Text(before), Piece::Keyword(name)]);
        text = after;
    }
    pieces.push(Piece::Text(text));
    pieces
}
