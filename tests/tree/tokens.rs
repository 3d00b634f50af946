//! What may not stand in the code of a folder: clocks below floor 2, unsafe code outside its few homes.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

use crate::{assert_none, rust_files};

/// Folders below floor 2: they are told the time and never wait.
const TOLD_THE_TIME: &[&str] = &[
    "codecs/",
    "engine/base/",
    "engine/core/",
    "engine/nat/",
    "engine/relay/",
    "engine/rohc/",
    "signalling/sdp/",
    "signalling/sip/",
    "signalling/dns/",
    "signalling/roam/",
    "signalling/irmv/",
    "signalling/session/",
];

/// Ways to learn the time, wait, or touch the outer world by oneself.
const CLOCKS_AND_IO: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "time::SystemTime",
    "std::time::Instant",
    "thread::sleep",
    "thread::spawn",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "std::fs",
    "std::env::var",
];

/// The only homes of `unsafe`: system calls, the foreign-function face, libopus, the tests that count allocations or
/// trap system calls or stand in for a ring's memory, wires between interfaces, and a rival that is reached through its raw
/// C bindings alone.
const UNSAFE_HOMES: &[&str] = &[
    "engine/io/",
    "apps/ffi/",
    "codecs/src/opus/ffi.rs",
    "benches/rivals/srtp/parties.rs",
    "codecs/tests/no_alloc.rs",
    "tests/ffi/",
    "tests/impair/frames.rs",
    "tests/loom/",
    "tests/realtime/",
];

#[test]
fn nothing_below_floor_2_reads_a_clock_or_does_io() {
    let mut findings = Vec::new();
    for (file, text) in rust_files() {
        let shipped = file.contains("/src/") && !file.ends_with("tests.rs") && !file.contains("/tests/");
        if !shipped || !TOLD_THE_TIME.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        for (line, words) in phrases(&text) {
            if let Some(banned) = CLOCKS_AND_IO.iter().find(|&&banned| said(&words, banned)) {
                findings.push(format!("{file}:{line} {banned}"));
            }
        }
    }
    assert_none(&findings, "Below floor 2 the time is told and nothing waits, reads or writes:");
}

#[test]
fn unsafe_code_lives_only_in_its_homes() {
    let mut findings = Vec::new();
    for (file, text) in rust_files() {
        if UNSAFE_HOMES.iter().any(|home| file.starts_with(home)) {
            continue;
        }
        for (line, words) in phrases(&text) {
            if words == "unsafe" {
                findings.push(format!("{file}:{line}"));
            }
        }
    }
    assert_none(&findings, "`unsafe` outside its homes (tests/tree/tokens.rs lists them):");
}

/// Whether a path ends in, or leads through, the banned one.
fn said(path: &str, banned: &str) -> bool {
    path == banned
        || path.ends_with(&format!("::{banned}"))
        || path.starts_with(&format!("{banned}::"))
        || path.contains(&format!("::{banned}::"))
}

/// Every path (`a::b::c`, groups of `use` written out) and lone word of a file, with its line; comments and strings are no code.
fn phrases(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if let Ok(tokens) = TokenStream::from_str(text) {
        gather(tokens, "", &mut found);
    }
    found
}

fn gather(tokens: TokenStream, prefix: &str, found: &mut Vec<(usize, String)>) {
    let mut path = prefix.to_owned();
    let mut line = 0;
    let mut colons = 2; // A path begins.
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                if colons != 2 {
                    end(&mut path, prefix, line, found);
                }
                path.push_str(&word.to_string());
                line = word.span().start().line;
                colons = 0;
            }
            TokenTree::Punct(point) if point.as_char() == ':' => {
                colons += 1;
                if colons == 2 {
                    path.push_str("::");
                }
            }
            TokenTree::Group(group) => {
                let inner = if path.ends_with("::") { path.clone() } else { String::new() };
                if !path.ends_with("::") {
                    end(&mut path, prefix, line, found);
                }
                gather(group.stream(), &inner, found);
                prefix.clone_into(&mut path);
                colons = 2;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {
                end(&mut path, prefix, line, found);
                colons = 2;
            }
        }
    }
    end(&mut path, prefix, line, found);
}

fn end(path: &mut String, prefix: &str, line: usize, found: &mut Vec<(usize, String)>) {
    if path.as_str() != prefix && !path.is_empty() {
        found.push((line, path.trim_end_matches(':').to_owned()));
    }
    prefix.clone_into(path);
}

#[test]
fn paths_are_read_out_of_groups_and_past_comments() {
    let cases: &[(&str, &str, bool)] = &[
        ("a call", "fn f() { let t = Instant::now(); }", true),
        ("a full path", "fn f() { std::time::Instant::now(); }", true),
        ("a group of use", "use std::{collections::HashMap, time::{Duration, Instant}};", true),
        ("another Instant", "use crate::Instant; fn f(now: Instant) {}", false),
        ("a comment", "// Instant::now\nfn f() {}", false),
        ("a string", "fn f() -> &'static str { \"Instant::now\" }", false),
        ("inside a macro", "proptest! { fn f() { thread::sleep(d); } }", true),
        ("a type annotation", "struct S { time: Instant, now: u8 }", false),
    ];
    for &(what, text, expected) in cases {
        let found =
            phrases(text).iter().any(|(_, words)| CLOCKS_AND_IO.iter().any(|banned| said(words, banned)));
        assert_eq!(found, expected, "{what}: {:?}", phrases(text));
    }
}
