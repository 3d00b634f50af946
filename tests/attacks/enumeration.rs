//! Whether a user exists is not told: answers are equal byte by byte and take equally long.

use std::time::{Duration, Instant};

use rove_sip::message::{HeaderName, Response};

use crate::stage::{Client, Server, extent, final_answer, number, proof};

/// A request as it is sent for a user, and how its answers are taken.
type Asked = fn(&Client, &Server, &str) -> Vec<u8>;

const QUESTIONS: &[(&str, Asked)] = &[
    ("REGISTER without proof", |client, _, user| bare(client, "REGISTER", "sip:home.example", user)),
    ("REGISTER with a wrong proof", |client, server, user| wrong(client, server, "REGISTER", user)),
    ("INVITE without proof", |client, _, user| {
        bare(client, "INVITE", &format!("sip:{user}@home.example"), user)
    }),
    ("MESSAGE without proof", |client, _, user| {
        bare(client, "MESSAGE", &format!("sip:{user}@home.example"), user)
    }),
    ("SUBSCRIBE without proof", |client, _, user| {
        bare(client, "SUBSCRIBE", &format!("sip:{user}@home.example"), user)
    }),
    ("PUBLISH without proof", |client, _, user| {
        bare(client, "PUBLISH", &format!("sip:{user}@home.example"), user)
    }),
];

fn bare(client: &Client, method: &str, uri: &str, user: &str) -> Vec<u8> {
    client.request(method, uri, user, "", "").into_bytes()
}

fn wrong(client: &Client, server: &Server, method: &str, user: &str) -> Vec<u8> {
    let uri = "sip:home.example";
    let asked = client.ask(server.udp, &bare(client, method, uri, user));
    // As proven, but for one figure.
    let right = proof(&asked, user, method, uri);
    let at = right.find("response=\"").expect("a response") + "response=\"".len();
    let figure = if right.as_bytes()[at] == b'0' { "1" } else { "0" };
    let answer = format!("{}{figure}{}", &right[..at], &right[at + 1..]);
    client.request(method, uri, user, "", &format!("Authorization: {answer}\r\n")).into_bytes()
}

/// The bytes of the answer, and how long it took.
fn asked(client: &Client, server: &Server, question: Asked, user: &str) -> (String, Duration) {
    let bytes = question(client, server, user);
    let mut buffer = vec![0; 65_536];
    let began = Instant::now();
    client.socket.send_to(&bytes, server.udp).unwrap();
    loop {
        let (len, _) = client.socket.recv_from(&mut buffer).expect("an answer");
        let took = began.elapsed();
        if let Some(response) = final_answer(&buffer[..len], &bytes) {
            return (neutral(&buffer[..len], &response, user), took);
        }
    }
}

/// An answer without what differs between any two: the asker's own words, and what is random.
fn neutral(bytes: &[u8], response: &Response, user: &str) -> String {
    let mut text = String::from_utf8(bytes.to_vec()).unwrap();
    let random: Vec<String> = [HeaderName::Via, HeaderName::From, HeaderName::CallId]
        .iter()
        .filter_map(|name| response.headers.get(name).map(str::to_owned))
        .collect();
    for own in random {
        text = text.replace(&own, "OWN");
    }
    let mut out = String::new();
    for line in text.replace(user, "USER").lines() {
        let line = blank(&blank(line, "nonce=\"", '"'), ";tag=", ';');
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// `line` with what is between `from` and `to` replaced by as many dots: its length counts, not its content.
fn blank(line: &str, from: &str, to: char) -> String {
    let Some((head, rest)) = line.split_once(from) else { return line.to_owned() };
    let end = rest.find(to).unwrap_or(rest.len());
    format!("{head}{from}{}{}", ".".repeat(end), &rest[end..])
}

#[test]
fn known_and_unknown_users_are_answered_with_the_same_bytes() {
    let server = Server::start("requests_per_second = 0");
    let _bob = server.bob(&[]);
    let client = Client::new();
    for (what, question) in QUESTIONS {
        // alice is known, bob is known and registered; of the others nobody is.
        let (alice, _) = asked(&client, &server, *question, "alice");
        for user in ["bob", "zzz", "admin", "alicf", "a-name-that-is-rather-long-and-nobody-s"] {
            let (other, _) = asked(&client, &server, *question, user);
            assert_eq!(alice, other, "{what}: alice and {user} differ");
        }
    }
}

#[test]
fn what_asks_for_proof_does_so_of_every_method_that_reaches_a_user() {
    let server = Server::start("requests_per_second = 0");
    let _bob = server.bob(&[]);
    let client = Client::new();
    for method in [
        "INVITE",
        "MESSAGE",
        "SUBSCRIBE",
        "PUBLISH",
        "NOTIFY",
        "REFER",
        "INFO",
        "OPTIONS",
        "UPDATE",
        "UNKNOWN",
    ] {
        let text = bare(&client, method, "sip:bob@home.example", "alice");
        let answer = client.ask(server.udp, &text);
        // A publication ends at the server itself, which asks as an end does (RFC 3261 §22.2).
        let expected = if method == "PUBLISH" { 401 } else { 407 };
        assert_eq!(answer.status.code(), expected, "{method}: {answer:?}");
    }
}

#[test]
fn known_and_unknown_users_are_answered_equally_fast() {
    let server = Server::start("requests_per_second = 0");
    let _bob = server.bob(&[]);
    let client = Client::new();
    let rounds = extent(300, 5_000);
    for (what, question) in QUESTIONS {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            // By turns, so that whatever else the machine does hits both. Names of equal length, one new each time.
            known.push(asked(&client, &server, *question, "bob").1);
            unknown.push(asked(&client, &server, *question, &format!("n{:02}", number() % 100)).1);
        }
        let [known, unknown] = [known, unknown].map(quarter);
        let apart = known.abs_diff(unknown);
        println!("{what}: {known:?} known, {unknown:?} unknown");
        // What a network hides: less than the spread of one hop.
        assert!(apart < Duration::from_micros(20).max(known / 10), "{what}: {known:?} {unknown:?}");
    }
}

/// The quickest quarter's end: what the machine was kept from meanwhile is in the slower ones.
fn quarter(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 4]
}
