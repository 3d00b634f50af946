//! The two commands as programs: their files, their codes, their complaints.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use rove_tests::programs::program;
use serde_json::Value;

use crate::speech_file;

fn rove(line: &str) -> Output {
    Command::new(program("rove")).args(line.split_whitespace()).output().unwrap()
}

fn succeeds(line: &str) -> String {
    let output = rove(line);
    let (said, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{line}\n{said}\n{complaints}");
    said.into_owned()
}

fn fails(line: &str, code: i32, parts: &[&str]) {
    let output = rove(line);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}\n{complaints}");
    for part in parts {
        assert!(complaints.contains(part), "{line}: {part} is not in\n{complaints}");
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_same_seed_writes_the_same_files_and_the_report_has_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let run = |name: &str, seed: u32| {
        succeeds(&format!(
            "simulate --play {} --record {} --json {} --html {} --loss 0.1 --burst 2 --jitter gamma:10 --rate 64 \
             --bitrate 24 --seconds 6 --seed {seed}",
            speech_file().display(),
            file(&format!("{name}.wav")).display(),
            file(&format!("{name}.json")).display(),
            file(&format!("{name}.html")).display(),
        ))
    };
    assert_eq!(run("one", 5), run("two", 5));
    run("other", 6);
    let read = |name: &str| fs::read(file(name)).unwrap();
    assert!(read("one.wav") == read("two.wav") && read("one.json") == read("two.json"));
    assert!(read("one.wav") != read("other.wav") && read("one.json") != read("other.json"));
    let report = json(&file("one.json"));
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let path = ["sent", "delivered", "lost", "loss_percent", "mean_burst", "jitter_ms", "delay_ms"];
    let first = [
        "seed",
        "truth",
        "reported",
        "bitrate_kbps",
        "playout_delay_ms",
        "concealed_percent",
        "mos_lq",
        "mos",
    ];
    assert_eq!(keys(&report)[..first.len()], first);
    assert_eq!(
        (keys(&report["truth"]), keys(&report["reported"])),
        (path.map(String::from).into(), path.map(String::from).into())
    );
    assert_eq!(keys(&report["playout_delay_ms"]), ["mean", "p95"]);
    assert!(report["bitrate_kbps"].as_f64().unwrap() <= 24.0 * 1.02, "{report}");
    let recording = read("one.wav");
    assert!(recording.len() >= 44 + 6 * 96_000, "all of it is heard");
    assert!(String::from_utf8(read("one.html")).unwrap().contains("<svg"));
}

#[test]
fn wav_and_csv_of_a_replay_have_a_row_each_ten_milliseconds() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let packet = |n: u64| {
        let mut bytes = vec![0x80, 0, 0, n as u8];
        bytes.extend((n as u32 * 160).to_be_bytes());
        bytes.extend([0, 0, 0, 1]);
        bytes.extend([0x55; 160]);
        bytes
    };
    let records = (0..50)
        .flat_map(|n| [&(n * 20_000_u64).to_le_bytes()[..], &172_u16.to_le_bytes(), &packet(n)].concat());
    fs::write(file("in.ptrace"), records.collect::<Vec<u8>>()).unwrap();
    succeeds(&format!(
        "replay {} --wav {} --csv {} --json {} --pull-phase-us 2500",
        file("in.ptrace").display(),
        file("out.wav").display(),
        file("out.csv").display(),
        file("out.json").display(),
    ));
    let table = fs::read_to_string(file("out.csv")).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(
        rows[0],
        "t_us,playout_ts,target_ms,filt_ms,cur_ms,concealed,accel,preempt,cng,muted,conc_events"
    );
    assert!(rows[1].starts_with("2500,-1,") && rows.iter().skip(1).all(|row| row.split(',').count() == 11));
    assert_eq!(rows.len() as u64 - 1, (49 * 20_000 + 400_000 - 2_500) / 10_000 + 1);
    assert_eq!(fs::read(file("out.wav")).unwrap().len(), 44 + (rows.len() - 1) * 960);
    let report = json(&file("out.json"));
    assert_eq!(
        (&report["received"], &report["lost"], &report["codec"]),
        (&50.into(), &0.into(), &"PCMU".into())
    );
}

#[test]
fn bad_files_and_numbers_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let speech = speech_file().display().to_string();
    let text = file("letter.txt", b"Dear Alice, this is no sound.\n");
    let delays = file("delays.txt", b"40\n41\nsoon\n");
    let play = format!("simulate --play {speech}");
    fails("simulate", 2, &["--play"]);
    fails("simulate --play no/such.wav", 3, &["no/such.wav"]);
    fails(&format!("simulate --play {text}"), 3, &["letter.txt"]);
    fails(&format!("{play} --loss 1.5"), 2, &["--loss", "0 to 1"]);
    fails(&format!("{play} --burst 3"), 2, &["--loss"]);
    fails(&format!("{play} --loss 0.9 --burst 2"), 2, &["0.9", "bursts of 2"]);
    fails(&format!("{play} --jitter pareto:3"), 2, &["gamma:MS"]);
    fails(&format!("{play} --delay-trace {delays}"), 3, &["delays.txt", "line 3", "soon"]);
    fails(&format!("{play} --delay-trace no/such.txt"), 3, &["no/such.txt"]);
    fails(&format!("{play} --rate 0"), 2, &["--rate"]);
    fails(&format!("{play} --codec mp3"), 2, &["opus", "pcmu"]);
    fails(&format!("{play} --codec pcma --bitrate 34"), 2, &["64 kb/s"]);
    fails(&format!("{play} --packet-time 25"), 2, &["25 ms"]);
    fails(&format!("{play} --seconds -1"), 2, &["--seconds"]);
    fails(&format!("{play} --record {speech}"), 2, &["recording", "what is read"]);
    fails(&format!("{play} --json no/such/report.json"), 2, &["no/such/report.json"]);
    fails(&format!("{play} --min-playout 300 --max-playout 200"), 2, &["300", "200"]);
    fails("replay no/such.pcap", 3, &["no/such.pcap"]);
    fails(&format!("replay {text}"), 3, &["letter.txt", "pcap"]);
    fails(&format!("replay {speech}"), 3, &["speech-alice.wav", "pcap"]);
    fails(&format!("replay {text} --pt 200=opus"), 2, &["0 to 127"]);
    fails(&format!("replay {text} --pull-phase-us 10000"), 2, &["10000"]);
    fails(&format!("replay {text} --csv {text}"), 2, &["what is read"]);
}
