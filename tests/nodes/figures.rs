//! What an attach and a detach take, beside what one fsync takes on the same disk in the same run.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use rove_phone::roaming::{Access, AkaKeys, Attachment, SimCredential, TerminalConfig, TerminalEvent, Usim};

use crate::programs::Stage;

/// One of a hundred sorted ones.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len() - 1);
    sorted[at].as_secs_f64() * 1_000.0
}

fn line(what: &str, mut all: Vec<Duration>) -> (f64, f64) {
    all.sort_unstable();
    let (half, most) = (percentile(&all, 50), percentile(&all, 99));
    println!("{what}: p50 {half:.2} ms, p99 {most:.2} ms, n = {}", all.len());
    (half, most)
}

/// What one record of a journal takes to be durable.
fn fsyncs(folder: &std::path::Path, count: usize) -> Vec<Duration> {
    let mut file = std::fs::File::create(folder.join("fsync")).unwrap();
    let one = |_| {
        let start = Instant::now();
        file.write_all(&[7; 400]).unwrap();
        file.sync_data().unwrap();
        start.elapsed()
    };
    (0..count).map(one).collect()
}

fn wait(terminal: &Attachment, wanted: impl Fn(&TerminalEvent) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        match terminal.next_event(Duration::from_millis(100)) {
            Some(event) if wanted(&event) => return,
            Some(TerminalEvent::Refused(why)) => panic!("refused: {why}"),
            _ => {}
        }
    }
    panic!("nothing came of it");
}

/// Attach → name and reverse name answered and durable; detach → both gone. Each is over when the terminal is told, which
/// the other tests show is not before.
#[test]
#[ignore = "figures, not a verdict: to be run in release on a quiet machine"]
fn what_an_attach_takes() {
    let stage = Stage::new();
    stage.subscribe();
    drop(stage.attached());
    let count = 200;
    let config = TerminalConfig { imsi: "001010000000001".parse().unwrap(), name: None, dhcp: false };
    let (k, opc) =
        (0x465b_5ce8_b199_b49f_aa5f_0a2e_e238_a6bc_u128, 0xcd63_cb71_954a_9f4e_48a5_994e_37a0_2baf_u128);
    let keys = AkaKeys::new(k.to_be_bytes(), opc.to_be_bytes());
    let credential = Box::new(SimCredential::new(Usim::new(keys)));
    let authority = vec![stage.path("ca.pem")];
    assert_eq!(std::fs::metadata(&authority[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let terminal = Attachment::start(config, credential, authority).unwrap();
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    let before = fsyncs(stage.folder(), count);
    for _ in 0..count {
        let start = Instant::now();
        terminal.attach(Access { address: stage.attach, network: None });
        wait(&terminal, |event| matches!(event, TerminalEvent::Attached { .. }));
        there.push(start.elapsed());
        let start = Instant::now();
        terminal.detach();
        wait(&terminal, |event| matches!(event, TerminalEvent::Detached));
        gone.push(start.elapsed());
    }
    let after = fsyncs(stage.folder(), count);
    let (f, f99) = line("fsync", before.into_iter().chain(after).collect());
    let (there, there99) = line("attach to both answered and durable, TLS handshake included", there);
    let (gone, gone99) = line("detach to both gone", gone);
    println!("wanted: p50 at most {:.2} ms, p99 at most {:.2} ms", 2.0 * f + 6.0, 2.0 * f99 + 25.0);
    for (what, half, most) in [("attach", there, there99), ("detach", gone, gone99)] {
        println!(
            "{what}: {}",
            if half <= 2.0 * f + 6.0 && most <= 2.0 * f99 + 25.0 { "within" } else { "beyond" }
        );
    }
}
