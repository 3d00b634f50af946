#![allow(clippy::indexing_slicing, reason = "a test that is wrong must be loud")]

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use rove_base::CodecId;

use super::*;

/// An RTP packet.
fn rtp(pt: u8, seq: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, pt];
    bytes.extend(seq.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Records of packets.
fn ptrace(packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let record = |(at, packet): &(u64, Vec<u8>)| {
        let mut bytes = at.to_le_bytes().to_vec();
        bytes.extend(u16::try_from(packet.len()).unwrap().to_le_bytes());
        bytes.extend(packet);
        bytes
    };
    packets.iter().flat_map(record).collect()
}

/// µ-law speech in packets of 20 ms, with jitter and a hole.
fn call(packets: u16) -> Vec<(u64, Vec<u8>)> {
    let payload = |n: u16| -> Vec<u8> {
        (0..160).map(|k: u16| (n.wrapping_mul(37) ^ k.wrapping_mul(11)) as u8 | 0x80).collect()
    };
    let arrival = |n: u16| 40_000 + u64::from(n) * 20_000 + u64::from(n.wrapping_mul(7_919) % 9_000);
    let there = |n: &u16| n % 17 != 5;
    (0..packets)
        .filter(there)
        .map(|n| (arrival(n), rtp(0, n, (u32::from(n) * 160).wrapping_add(0xffff_f000), 7, &payload(n))))
        .collect()
}

fn play(file: &[u8], replay: &Replay) -> (Vec<Row>, Vec<f32>, Replayed) {
    let (mut rows, mut sound) = (Vec::new(), Vec::new());
    let capture = Capture::read(file).unwrap();
    let replayed = replay.run(&capture, &mut |row, pcm| {
        rows.push(*row);
        sound.extend_from_slice(pcm);
        true
    });
    (rows, sound, replayed.unwrap())
}

/// An Ethernet frame with IPv4 and UDP.
fn ethernet(payload: &[u8], ports: (u16, u16)) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x08, 0x00]);
    let total = u16::try_from(payload.len()).unwrap() + 28;
    frame.extend([0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    frame.extend(ports.0.to_be_bytes());
    frame.extend(ports.1.to_be_bytes());
    frame.extend((total - 20).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

fn pcap(packets: &[(u64, Vec<u8>)], nanos: bool, big: bool) -> Vec<u8> {
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut file = word(if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }).to_vec();
    file.extend(if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] });
    [0, 0, 65_535, 1].into_iter().for_each(|value| file.extend(word(value)));
    for (at, packet) in packets {
        let frame = ethernet(packet, (4_000, 4_002));
        let fraction = u32::try_from(at % 1_000_000).unwrap() * if nanos { 1_000 } else { 1 };
        let length = u32::try_from(frame.len()).unwrap();
        for value in [1_700_000_000 + u32::try_from(at / 1_000_000).unwrap(), fraction, length, length] {
            file.extend(word(value));
        }
        file.extend(frame);
    }
    file
}

fn pcapng(packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let block = |kind: u32, mut body: Vec<u8>| {
        body.resize(body.len().next_multiple_of(4), 0);
        let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
        [&kind.to_le_bytes()[..], &length, &body, &length].concat()
    };
    let mut section = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    let mut file = block(0x0a0d_0d0a, section);
    // Nanoseconds: option 9, if_tsresol.
    file.extend(block(1, vec![1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]));
    for (at, packet) in packets {
        let frame = ethernet(packet, (4_000, 4_002));
        let nanos = (1_700_000_000_000_000 + at) * 1_000;
        let length = u32::try_from(frame.len()).unwrap();
        let mut body = vec![0; 4];
        for value in [(nanos >> 32) as u32, nanos as u32, length, length] {
            body.extend(value.to_le_bytes());
        }
        body.extend(frame);
        file.extend(block(6, body));
    }
    file
}

#[test]
fn there_is_a_row_and_480_samples_for_each_ten_milliseconds_until_400_after_the_last_packet() {
    let call = call(100);
    let last = call.iter().map(|(at, _)| *at).max().unwrap();
    for phase in [0, 3_700, 9_999] {
        let replay = Replay { phase: Duration::from_micros(phase), ..Replay::default() };
        let (rows, sound, replayed) = play(&ptrace(&call), &replay);
        assert_eq!(sound.len(), rows.len() * 480);
        assert_eq!(rows[0].t_us, phase);
        assert!(rows.windows(2).all(|pair| pair[1].t_us == pair[0].t_us + 10_000));
        let end = rows.last().unwrap().t_us;
        assert!(end <= last + 400_000 && end + 10_000 > last + 400_000, "{end} {last}");
        assert_eq!((replayed.codec.as_str(), replayed.lost), ("PCMU", 6));
        assert_eq!(replayed.received, 94);
    }
}

#[test]
fn before_the_first_packet_there_is_no_timestamp_and_then_it_goes_on_by_ten_milliseconds() {
    let (rows, sound, _) = play(&ptrace(&call(100)), &Replay::default());
    let begun = rows.iter().position(|row| row.playout_ts.is_some()).unwrap();
    assert!(rows[begun].t_us >= 40_000 && rows[..begun].iter().all(|row| row.playout_ts.is_none()));
    assert!(sound[..(begun - 1) * 480].iter().all(|sample| *sample == 0.0));
    // 160 ticks of 8 kHz a packet, and the wrap at 2^32 on the way.
    let stamps: Vec<u32> = rows[begun..].iter().map(|row| row.playout_ts.unwrap()).collect();
    assert!(stamps.first() > stamps.last(), "wrapped");
    assert!(
        rows.windows(2).all(|pair| pair[1].concealed >= pair[0].concealed && pair[1].accel >= pair[0].accel)
    );
    assert!(rows.last().unwrap().concealed >= 6 * 960, "in samples of 48 kHz");
    assert_eq!(rows[0].to_string().split(',').count(), Row::HEADER.split(',').count());
    assert!(rows[0].to_string().starts_with("0,-1,"));
}

#[test]
fn what_is_cut_off_at_the_end_changes_nothing_before() {
    let whole = call(150);
    let (rows, sound, _) = play(&ptrace(&whole), &Replay::default());
    for keep in [2, 3, 20, 61, 100] {
        let (fewer, shorter, _) = play(&ptrace(&whole[..keep]), &Replay::default());
        let until = whole[keep].0;
        let same = rows.iter().take_while(|row| row.t_us < until).count();
        assert!(fewer.len() >= same);
        assert_eq!(fewer[..same], rows[..same], "{keep}");
        assert!(shorter[..same * 480] == sound[..same * 480], "{keep}");
    }
}

#[test]
fn one_call_in_all_formats_sounds_the_same() {
    let from_zero: Vec<(u64, Vec<u8>)> =
        call(60).into_iter().map(|(at, packet)| (at - 40_000, packet)).collect();
    let expected = play(&ptrace(&from_zero), &Replay::default());
    let files = [
        ("pcap", pcap(&call(60), false, false)),
        ("pcap, ns", pcap(&call(60), true, false)),
        ("pcap, big-endian", pcap(&call(60), false, true)),
        ("pcapng", pcapng(&call(60))),
    ];
    for (what, file) in files {
        let (rows, sound, replayed) = play(&file, &Replay::default());
        assert!(rows == expected.0 && sound == expected.1, "{what}");
        assert_eq!(replayed.received, expected.2.received, "{what}");
        let addresses = replayed.streams[0].addresses.unwrap();
        assert_eq!((addresses.0.port(), addresses.1.port()), (4_000, 4_002));
    }
}

#[test]
fn of_several_streams_the_first_in_sequence_is_played_or_the_one_asked_for() {
    let mut packets = call(50);
    // A stray packet, another call, and RTCP between them.
    packets.extend(
        (0..50_u16).map(|n| (81_000 + u64::from(n) * 20_000, rtp(8, n, u32::from(n) * 160, 9, &[0xd5; 160]))),
    );
    packets.push((1, rtp(0, 500, 0, 5, &[0xff; 160])));
    packets.push((50_000, rtp(200 - 128, 0, 0, 5, &[0; 16])));
    packets.sort();
    let first = play(&ptrace(&packets), &Replay::default()).2;
    let played: Vec<u32> =
        first.streams.iter().filter(|source| source.played).map(|source| source.ssrc).collect();
    assert_eq!((played, first.codec.as_str(), first.streams.len()), (vec![7], "PCMU", 3));
    let asked = Replay { ssrc: Some(9), ..Replay::default() };
    let second = play(&ptrace(&packets), &asked).2;
    assert_eq!((second.codec.as_str(), second.received), ("PCMA", 50));
    let missing = Replay { ssrc: Some(10), ..Replay::default() };
    let missing = missing.run(&Capture::read(&ptrace(&packets)).unwrap(), &mut |_, _| true);
    assert!(matches!(missing, Err(ReplayError::Capture(CaptureError::NoSource(10)))));
}

#[test]
fn a_source_that_names_itself_anew_is_heard_on() {
    let packets: Vec<(u64, Vec<u8>)> = (0..100_u16)
        .map(|n| {
            let ssrc = if n < 50 { 1 } else { 2 };
            (
                u64::from(n) * 20_000,
                rtp(
                    0,
                    n.wrapping_mul(1) + if n < 50 { 0 } else { 9_000 },
                    u32::from(n) * 160,
                    ssrc,
                    &[0x80; 160],
                ),
            )
        })
        .collect();
    let (rows, _, replayed) = play(&ptrace(&packets), &Replay::default());
    assert!(replayed.received >= 98, "{replayed:?}");
    assert!(rows.last().unwrap().concealed < 48_000);
}

#[test]
fn a_payload_type_can_be_named() {
    let packets: Vec<(u64, Vec<u8>)> = call(30)
        .into_iter()
        .map(|(at, mut packet)| {
            (at, {
                packet[1] = 97;
                packet
            })
        })
        .collect();
    let file = ptrace(&packets);
    let capture = Capture::read(&file).unwrap();
    let unnamed = Replay::default().run(&capture, &mut |_, _| true);
    assert!(
        matches!(&unnamed, Err(ReplayError::Capture(CaptureError::NoCodec(types))) if *types == [97]),
        "{unnamed:?}"
    );
    let mut formats = FormatMap::default();
    formats.set(97, Format::Speech(CodecId::Pcmu));
    assert!(play(&file, &Replay { formats, ..Replay::default() }).2.received > 25);
}

#[test]
fn frames_of_every_link_are_opened() {
    let packet = rtp(0, 1, 1, 1, &[1; 20]);
    let whole = ethernet(&packet, (4, 6));
    let ip = &whole[14..];
    let mut tagged = whole[..12].to_vec();
    tagged.extend([0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0]);
    tagged.extend(ip);
    let mut v6 = vec![0x60, 0, 0, 0];
    let udp = &ip[20..];
    v6.extend(u16::try_from(udp.len() + 8).unwrap().to_be_bytes());
    v6.extend([0, 64]);
    v6.extend([0xfe; 32]);
    v6.extend([17, 0, 0, 0, 0, 0, 0, 0]);
    v6.extend(udp);
    let behind = |front: &[u8]| [front, ip].concat();
    let cases = [
        ("Ethernet", 1, whole.clone()),
        ("two VLAN tags", 1, tagged),
        ("Linux cooked", 113, behind(&[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0])),
        ("Linux cooked v2", 276, behind(&[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("loopback", 0, behind(&[2, 0, 0, 0])),
        ("raw IP", 101, ip.to_vec()),
        ("raw IPv6 with an extension", 101, v6.clone()),
        ("trailing bytes of a short frame", 1, [&whole[..], &[0; 9]].concat()),
    ];
    for (what, link, frame) in cases {
        assert_eq!(frame::udp(link, &frame).map(|udp| udp.payload), Ok(&packet[..]), "{what}");
    }
    let mut fragment = whole.clone();
    fragment[20] = 0x20;
    assert_eq!(frame::udp(1, &fragment), Err(frame::NoUdp::Fragment));
    v6[6] = 44;
    assert_eq!(frame::udp(101, &v6), Err(frame::NoUdp::Fragment));
    assert_eq!(frame::udp(1, &whole[..60]), Err(frame::NoUdp::Cut));
    assert_eq!(frame::udp(105, &whole), Err(frame::NoUdp::Link));
}

#[test]
fn what_is_no_capture_says_so() {
    let cases: [(&str, Vec<u8>, CaptureError); 6] = [
        ("nothing", Vec::new(), CaptureError::NoRtp),
        ("a text", b"This is not a capture, it is a letter to a friend.".to_vec(), CaptureError::Unknown),
        ("a WAV", [&b"RIFF\x24\0\0\0WAVEfmt "[..], &[0; 60_000]].concat(), CaptureError::Unknown),
        ("half a header", vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0], CaptureError::Damaged),
        ("no packets", pcap(&[], false, false), CaptureError::NoRtp),
        ("a thousand years on", ptrace(&[(1 << 55, rtp(0, 1, 1, 1, &[1; 20]))]), CaptureError::Unknown),
    ];
    for (what, file, expected) in cases {
        assert_eq!(Capture::read(&file).err(), Some(expected), "{what}");
    }
    let late = ptrace(&[(400_000_000_000, rtp(0, 1, 1, 1, &[1; 160]))]);
    let late = Replay::default().run(&Capture::read(&late).unwrap(), &mut |_, _| true);
    assert!(matches!(late, Err(ReplayError::Capture(CaptureError::TooLong(111)))), "{late:?}");
}

#[test]
fn a_file_that_ends_in_the_middle_is_played_up_to_there() {
    for file in [ptrace(&call(40)), pcap(&call(40), false, false), pcapng(&call(40))] {
        let capture = Capture::read(&file[..file.len() - 5]).unwrap();
        assert!(capture.counts().cut_short);
        assert_eq!(capture.packets.len(), call(40).len() - 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_a_file_holds_nothing_panics(
        format in 0..4_u8,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let call = call(12);
        let mut file = match format {
            0 => ptrace(&call),
            1 => pcap(&call, false, false),
            2 => pcap(&call, true, true),
            _ => pcapng(&call),
        };
        for (place, byte) in damage {
            let at = place.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len()).max(file.len() / 2));
        if let Ok(capture) = Capture::read(&file) {
            let mut rows = 0;
            let _ = Replay::default().run(&capture, &mut |_, _| { rows += 1; rows < 300 });
        }
    }

    #[test]
    fn no_frame_makes_the_reader_look_beyond_it(link in prop::sample::select(vec![0_u32, 1, 12, 101, 108, 113, 228, 276]), frame in vec(any::<u8>(), 0..200)) {
        if let Ok(udp) = frame::udp(link, &frame) {
            prop_assert!(udp.payload.len() + 28 <= frame.len());
        }
    }
}
