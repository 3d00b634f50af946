//! What is seen over HTTP.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rove_tests::programs::peer;

use crate::stage::{PATIENCE, Stage, TOKEN, config, get};

#[test]
fn health_and_counters_are_everybodys_and_the_dashboard_is_its_tokens() {
    let stage = Stage::new(&config(&["bob"], ""));
    let at = stage.http();
    assert_eq!(get(at, "/healthz", None).0, 200);
    assert_eq!(get(at, "/readyz", None).0, 200);
    let (status, said) = get(at, "/metrics", None);
    assert!(status == 200 && said.contains("\nrove_sip_bindings 0\n"), "{said}");
    for token in [None, Some("another-token-than-it"), Some("")] {
        assert_eq!(get(at, "/view.json", token).0, 401, "{token:?}");
    }
    let (status, said) = get(at, "/view.json", Some(TOKEN));
    assert!(status == 200 && said.contains("\"registrations\":[]"), "{said}");
    let _bob = stage.answers("bob", &[]);
    let (_, said) = get(at, "/view.json", Some(TOKEN));
    assert!(said.contains("\"name\":\"bob@ops.example\""), "{said}");
    assert!(get(at, "/metrics", None).1.contains("\nrove_sip_bindings 1\n"));
}

/// The page as a browser has it after some seconds of its own time.
fn seen(chromium: &Path, folder: &Path, url: &str) -> String {
    let mut command = Command::new(chromium);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]);
    command.arg("--virtual-time-budget=3000");
    command.arg(format!("--user-data-dir={}", folder.join("browser").display()));
    let output = command.arg(url).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_browser_sees_a_registration_and_a_call_appear_and_end() {
    let Some(chromium) = peer("chromium") else { return };
    let stage = Stage::new(&config(&["alice", "bob"], ""));
    let url = format!("http://{}/#token={TOKEN}", stage.http());
    let shows = |parts: &[&str], lacks: &str| {
        let until = Instant::now() + PATIENCE;
        loop {
            let page = seen(&chromium, &stage.path(""), &url);
            if parts.iter().all(|part| page.contains(part)) && !page.contains(lacks) {
                return;
            }
            assert!(Instant::now() < until, "{parts:?} without {lacks}: {page}");
            std::thread::park_timeout(Duration::from_millis(200));
        }
    };
    shows(&["as of"], "bob@ops.example");
    let _bob = stage.answers("bob", &[]);
    shows(&["<td>bob@ops.example</td>"], "<td>up</td>");
    let call = stage.calls("alice", "bob", &["--for", "600"]);
    shows(&["<td>up</td>", "<td>sip:alice@ops.example</td>"], "not answered");
    let said = stage.sees(&["calls", "list"], "up");
    let id = said.split(' ').next().unwrap();
    assert_eq!(stage.operator(&["calls", "hangup", id]).0, 0);
    shows(&["<td>bob@ops.example</td>"], "<td>up</td>");
    drop(call);
}
