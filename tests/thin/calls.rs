//! Calls over a clean link: what their headers cost, and that tshark reads what was sent.

use std::{collections::HashMap, time::Duration};

use rove_tests::programs::root;
use serde_json::Value;

use crate::{
    capture::{Capture, Captured},
    long,
    place::{PATIENCE, Place, SIDES},
};

/// A call from side 0 to side 1.
pub(crate) struct Call {
    /// What each end's report says.
    pub(crate) reports: [Value; 2],
    /// What each node counted between the first two seconds of the call and its end.
    pub(crate) steady: [HashMap<String, f64>; 2],
    /// At the devices of both sides, and on the cable.
    pub(crate) devices: [Captured; 2],
    pub(crate) cable: Captured,
}

/// Makes one. `None`, said aloud, without tshark.
pub(crate) fn call(place: &Place, codec: &str, to: &str, seconds: u64) -> Option<Call> {
    let captures = SIDES.map(|side| Capture::begin(place, side, "rovethin0", "ip or ip6"));
    let cable = Capture::begin(place, 1, "eth1", "ether proto 0x22f1")?;
    let speech = root().join("apps/rove/assets/speech-alice.wav");
    let voice = ["--play", speech.to_str().unwrap(), "--repeat", "--codec", codec, "--srtp", "off"];
    let files = SIDES.map(|side| place.file(&format!("call-{side}.json")));
    let json = files.each_ref().map(|file| file.to_str().unwrap());
    let host = if to.contains(':') { format!("[{to}]") } else { to.to_owned() };
    let (listen, target) = (format!("{host}:5060"), format!("sip:{host}:5060"));
    let own = ["answer", "--calls", "1", "--ready-json", "--listen", &listen, "--json", json[1]];
    let mut callee = place.runs(1, "rove", &[&own[..], &voice].concat());
    callee.ready(PATIENCE);
    let time = seconds.to_string();
    let from = if to.contains(':') { "[fd00:9::1]:0" } else { "10.9.0.1:0" };
    let own = ["call", &target, "--for", &time, "--listen", from, "--json", json[0]];
    let caller = place.runs(0, "rove", &[&own[..], &voice].concat());
    std::thread::park_timeout(Duration::from_secs(3));
    let before = SIDES.map(|side| place.metrics(side));
    std::thread::park_timeout(Duration::from_secs(seconds.saturating_sub(4)));
    let after = SIDES.map(|side| place.metrics(side));
    for (who, end) in [("caller", caller), ("callee", callee)] {
        let (code, said, complaints) = end.outcome(PATIENCE + Duration::from_secs(seconds));
        assert_eq!(code, 0, "{who}: {said} {complaints}");
    }
    let reports = files.map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap());
    let [mut before, after] = [before, after].map(Vec::from);
    let steady = after.into_iter().zip(before.drain(..)).map(|(after, before)| {
        after.into_iter().map(|(name, value)| (name.clone(), value - before[&name])).collect()
    });
    let steady: Vec<HashMap<String, f64>> = steady.collect();
    let [one, other] = captures.map(|capture| capture.map(Capture::end));
    let steady = steady.try_into().expect("two sides");
    Some(Call { reports, steady, devices: [one?, other?], cable: cable.end() })
}

/// Bytes of a header, on average.
pub(crate) fn header(counts: &HashMap<String, f64>) -> f64 {
    counts["rove_thin_rtp_header_bytes_total{side=\"after\"}"]
        / counts["rove_thin_packets_total{direction=\"out\",kind=\"rtp\"}"]
}

#[test]
fn b17_voice_has_three_bytes_of_header_with_checksums_and_one_without_and_tshark_reads_what_was_sent() {
    let seconds = if long() { 60 } else { 9 };
    let all = [("pcmu", false), ("opus", true), ("opus", false), ("pcmu", true)];
    for (codec, drop) in all.into_iter().take(if long() { 4 } else { 2 }) {
        let Some(mut place) = Place::new() else { return };
        place.start_both(&format!("padding = false\ndrop_checksums = {drop}\n"));
        let Some(call) = call(&place, codec, "10.9.0.2", seconds) else { return };
        let total = place.metrics(0);
        for (side, counts) in call.steady.iter().enumerate() {
            let whole = header(&place.metrics(side));
            println!(
                "{codec}, checksums {}: side {side}: {:.3} bytes of header, {whole:.3} with the call's first seconds, of {:.0}",
                if drop { "left out" } else { "carried" },
                header(counts),
                counts["rove_thin_rtp_header_bytes_total{side=\"before\"}"]
                    / counts["rove_thin_packets_total{direction=\"out\",kind=\"rtp\"}"],
            );
            assert!(header(counts) <= if drop { 1.1 } else { 3.1 }, "{counts:?}");
            assert!(!drop || whole <= 3.0, "{whole}");
        }
        assert!(
            total["rove_thin_packets_total{direction=\"out\",kind=\"rtp\"}"] > 40.0 * (seconds as f64 - 1.0)
        );
        same_rtp(&call, "10.9.0.", 0);
        agrees_with_tshark(&call, drop);
        for report in &call.reports {
            let received = report["calls"][0]["received"].as_f64().unwrap();
            assert!(received > 40.0 * (seconds as f64 - 1.0), "{report}");
        }
    }
}

#[test]
fn b17_voice_over_ipv6_has_three_bytes_of_header() {
    let Some(mut place) = Place::new() else { return };
    place.start_both("padding = false\n");
    let Some(call) = call(&place, "opus", "fd00:9::2", if long() { 60 } else { 9 }) else { return };
    for counts in &call.steady {
        let before = counts["rove_thin_rtp_header_bytes_total{side=\"before\"}"];
        let packets = counts["rove_thin_packets_total{direction=\"out\",kind=\"rtp\"}"];
        println!("over IPv6: {:.3} bytes of header, of {:.0}", header(counts), before / packets);
        assert!(header(counts) <= 3.1, "{counts:?}");
    }
    same_rtp(&call, "fd00:9::", 0);
}

/// What came out of one device is what went into the other, byte by byte; at most `lost` of it in a hundred did not. Answers how
/// many did not, of each direction.
pub(crate) fn same_rtp(call: &Call, net: &str, lost: usize) -> [usize; 2] {
    SIDES.map(|side| {
        let from = format!("{net}{}", side + 1);
        let sent = call.devices[side].rtp(&from);
        let came = call.devices[1 - side].rtp(&from);
        let all: HashMap<&str, u16> = sent.iter().map(|(number, bytes)| (bytes.as_str(), *number)).collect();
        for (number, bytes) in &came {
            assert_eq!(all.get(bytes.as_str()), Some(number), "side {side}: {bytes}");
        }
        let missing = sent.len() - came.len();
        assert!(
            sent.len() > 200 && missing * 100 <= sent.len() * lost,
            "{missing} of {} are missing",
            sent.len()
        );
        missing
    })
}

/// tshark finds nothing wrong on the cable, and in each header the number of the packet that was sent.
fn agrees_with_tshark(call: &Call, dropped: bool) {
    let wrong = "_ws.malformed or (_ws.expert.severity == error)";
    assert_eq!(call.cable.fields(wrong, &["frame.number", "_ws.col.Info"]), Vec::<Vec<String>>::new());
    let sent = call.devices[0].rtp("10.9.0.1");
    let columns = ["_ws.col.Info", "rohc.rtp.sn", "rohc.comp.sn", "frame.len"];
    let rows = call.cable.fields("rohc and eth.src == 02:00:00:00:00:01", &columns);
    let mut kinds: HashMap<String, usize> = HashMap::new();
    let mut smallest = 0;
    for row in &rows {
        let kind = row[0].split(" (").next().unwrap().trim().to_owned();
        smallest += usize::from(kind == "UO-0");
        *kinds.entry(kind).or_default() += 1;
    }
    println!("tshark, checksums {}: {kinds:?}", if dropped { "left out" } else { "carried" });
    // Nearly all of the voice.
    assert!(smallest * 10 > sent.len() * 9, "{kinds:?}");
    // The numbers of the smallest headers follow those of the packets: as many of each of the sixteen, less those that went otherwise.
    let mut of_tshark = [0_i64; 16];
    for row in rows.iter().filter(|row| row[0].contains("UO-0")) {
        let number =
            row[2].strip_prefix("0x").map_or_else(|| row[2].parse(), |hex| usize::from_str_radix(hex, 16));
        of_tshark[number.unwrap() & 15] += 1;
    }
    let mut of_rtp = [0_i64; 16];
    sent.iter().for_each(|(number, _)| of_rtp[usize::from(*number & 15)] += 1);
    let others = (sent.len() - smallest) as i64;
    for (theirs, ours) in of_tshark.into_iter().zip(of_rtp) {
        assert!(theirs <= ours && ours - theirs <= others, "{of_tshark:?} {of_rtp:?}");
    }
}
