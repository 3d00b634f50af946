//! What thin links have counted, in the text format of Prometheus.

use std::fmt::Write as _;

use super::worker::Shown;

/// All lines of one link.
pub(super) fn text(text: &mut String, link: &str, shown: &Shown) {
    let Shown { agreed, counts, unsent, undelivered } = shown;
    let refused = counts.refused;
    let _ = writeln!(text, "rove_thin_agreed{{link={link:?}}} {}", u8::from(*agreed));
    for (name, labels, count) in [
        ("agreements_total", "", counts.agreements),
        ("packets_total", ",direction=\"out\",kind=\"rtp\"", counts.rtp_out),
        ("packets_total", ",direction=\"out\",kind=\"other\"", counts.other_out),
        ("packets_total", ",direction=\"out\",kind=\"plain\"", counts.plain_out),
        ("packets_total", ",direction=\"in\",kind=\"rtp\"", counts.rtp_in),
        ("packets_total", ",direction=\"in\",kind=\"other\"", counts.other_in),
        ("packets_total", ",direction=\"in\",kind=\"plain\"", counts.plain_in),
        ("rtp_header_bytes_total", ",side=\"before\"", counts.rtp_headers_before),
        ("rtp_header_bytes_total", ",side=\"after\"", counts.rtp_headers_after),
        ("bytes_total", ",direction=\"out\",side=\"before\"", counts.bytes_before),
        ("bytes_total", ",direction=\"out\",side=\"after\"", counts.bytes_after),
        ("bytes_total", ",direction=\"in\",side=\"before\"", counts.bytes_in),
        ("bytes_total", ",direction=\"in\",side=\"after\"", counts.bytes_delivered),
        ("contexts", ",direction=\"out\"", counts.contexts_out),
        ("contexts", ",direction=\"in\"", counts.contexts_in),
        ("repairs_total", "", counts.repairs),
        ("repaired_after_packets_total", "", counts.repaired_after),
        ("refused_total", ",cause=\"checksum\"", refused.checksum),
        ("refused_total", ",cause=\"context\"", refused.context),
        ("refused_total", ",cause=\"repairing\"", refused.repairing),
        ("refused_total", ",cause=\"unagreed\"", refused.unagreed),
        ("refused_total", ",cause=\"hello\"", refused.hello),
        ("refused_total", ",cause=\"malformed\"", refused.malformed),
        ("feedback_total", ",direction=\"out\",kind=\"any\"", counts.feedback_out),
        ("feedback_total", ",direction=\"in\",kind=\"ack\"", counts.acks_in),
        ("feedback_total", ",direction=\"in\",kind=\"nack\"", counts.nacks_in),
        ("feedback_total", ",direction=\"in\",kind=\"static_nack\"", counts.static_nacks_in),
        ("feedback_bytes_total", ",direction=\"out\"", counts.feedback_bytes_out),
        ("hellos_total", ",direction=\"out\"", counts.hellos_out),
        ("hellos_total", ",direction=\"in\"", counts.hellos_in),
        ("unsent_total", ",side=\"link\"", *unsent),
        ("unsent_total", ",side=\"device\"", *undelivered),
    ] {
        let _ = writeln!(text, "rove_thin_{name}{{link={link:?}{labels}}} {count}");
    }
}
