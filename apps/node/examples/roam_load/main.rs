//! Terminals that come to a visited network, many a second or one after the other, and how soon their names resolve.
//!
//! ```text
//! roam_load fsync     --dir FOLDER                                     what one fsync takes there
//! roam_load subscribe --control SOCKET --count N --domain D            N subscribers of the home that runs
//! roam_load shake     --access A --authority PEM --count N             N streams after each other, nothing said on them
//! roam_load attach    --access A --authority PEM --home DNS --visited DNS --count N --domain D [--first N]
//!                     [--rate PER_SECOND] [--pids P,P]
//! ```
//! Prints one JSON object. Without a rate each terminal attaches, is looked for, detaches and is looked for again
//! before the next one comes. With a rate they stay, and in the end every name is asked for once more.
#![expect(clippy::expect_used, reason = "a tool may stop")]

mod crowd;
mod names;
#[path = "../dns_load/tools.rs"]
#[expect(dead_code, reason = "another tool needs the rest")]
mod tools;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crowd::{Crowd, Plan};
use tools::{Options, fsync};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = Options(words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let told = match words.first().map(String::as_str) {
        Some("fsync") => fsync(Path::new(&options.text("--dir"))),
        Some("subscribe") => subscribe(&options),
        Some("shake") => runtime.block_on(async { Crowd::new(plan(&options)).shake().await }),
        Some("attach") => runtime.block_on(async { Crowd::new(plan(&options)).run().await }),
        _ => {
            eprintln!("usage: roam_load fsync|subscribe|shake|attach OPTIONS");
            std::process::exit(2);
        }
    };
    println!("{told}");
}

fn plan(options: &Options) -> Plan {
    let nowhere = "127.0.0.1:9".to_owned();
    let server = |name: &str| options.0.get(name).unwrap_or(&nowhere).parse().expect("an address");
    let pids = options.0.get("--pids").cloned().unwrap_or_default();
    Plan {
        access: options.text("--access").parse().expect("an address"),
        authority: options.text("--authority").into(),
        servers: [server("--home"), server("--visited")],
        first: options.number("--first", 1),
        count: usize::try_from(options.number("--count", 100)).expect("a number"),
        domain: options.0.get("--domain").cloned().unwrap_or_else(|| "home.example".into()),
        rate: options.number("--rate", 0),
        pids: pids.split(',').filter_map(|pid| pid.parse().ok()).collect(),
    }
}

/// Who the subscriber with this number is.
pub(crate) fn imsi(number: u64) -> String {
    format!("00101{number:010}")
}

/// Adds subscribers by the home's control socket, several at a time: each is answered when it is durable.
fn subscribe(options: &Options) -> String {
    let (path, domain) = (options.text("--control"), options.text("--domain"));
    let (first, count) = (options.number("--first", 1), options.number("--count", 100));
    let one = |share: u64| {
        let mut stream = UnixStream::connect(&path).expect("the node runs");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        let mut answers = BufReader::new(stream.try_clone().expect("a stream"));
        let mut added = 0_u64;
        for number in (first + share..first + count).step_by(16) {
            let imsi = imsi(number);
            let order = format!(
                r#"{{"add":{{"imsi":"{imsi}","name":"t{number}.{domain}","k":"{}","opc":"{}"}}}}"#,
                crowd::K,
                crowd::OPC
            );
            writeln!(stream, "{order}").expect("an order");
            let mut answer = String::new();
            answers.read_line(&mut answer).expect("an answer");
            added += u64::from(answer.contains("\"ok\""));
        }
        added
    };
    let added: u64 = std::thread::scope(|scope| {
        let one = &one;
        let all: Vec<_> = (0..16).map(|share| scope.spawn(move || one(share))).collect();
        all.into_iter().map(|share| share.join().expect("its share")).sum()
    });
    format!(r#"{{"subscribers": {added}}}"#)
}
