//! Terminals of a registry that runs: they register, ask, and watch, each over links that stay open.
//!
//! ```text
//! registry_load certificates --dir FOLDER --names D,D           an authority, and a certificate for each domain
//! registry_load fill  --server A --authority PEM --domain D --users N
//! registry_load hold  --server A --authority PEM --domain D --users N
//! registry_load ask   --server A --authority PEM --domain D --users N [--seconds S] [--window W]
//! registry_load two   --server A --authority PEM --domain D --of D --users N [--count N]
//! registry_load watch --server A --authority PEM --domain D --home B --of D --watchers N [--changes N]
//! ```
//! Prints one JSON object. `hold` keeps each user on a link of its own until its standard input ends; `ask` keeps so many questions under way on one link; `two` asks one server about users of
//! another, one question after the other, and about its own users in turn with that; `watch` tells how long each change of a
//! user of one server takes to be seen by terminals of another.
#![expect(clippy::expect_used, reason = "a tool may stop")]

mod links;
#[path = "../dns_load/tools.rs"]
#[expect(dead_code, reason = "another tool needs the rest")]
mod tools;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use links::Links;
use rove_base::{StreamId, Transport, UnixTime};
use rove_io::Clock;
use rove_irmv::{Claim, Contact, Frames, Identifier, Message, Status, UserKey};
use tools::{Options, object, quantiles};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = Options(words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let told = match words.first().map(String::as_str) {
        Some("certificates") => certificates(&options),
        Some("fill") => runtime.block_on(fill(&options)),
        Some("hold") => runtime.block_on(hold(&options)),
        Some("ask") => runtime.block_on(ask(&options)),
        Some("two") => runtime.block_on(two(&options)),
        Some("watch") => runtime.block_on(watch(&options)),
        _ => {
            eprintln!("usage: registry_load certificates|fill|hold|ask|two|watch OPTIONS");
            std::process::exit(2);
        }
    };
    println!("{told}");
}

fn certificates(options: &Options) -> String {
    let folder = PathBuf::from(options.text("--dir"));
    let write = |name: String, text: String| fs::write(folder.join(name), text).expect("a file");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let issuer = rcgen::CertifiedIssuer::self_signed(params, key).expect("an authority");
    write("ca.pem".into(), issuer.pem());
    let names = options.text("--names");
    for name in names.split(',') {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
        write(format!("{name}.pem"), params.signed_by(&key, &issuer).expect("a certificate").pem());
        write(format!("{name}.key"), key.serialize_pem());
    }
    object(&[("certificates", &names.split(',').count())])
}

/// The users that there are, a thousand on each link, as many as one may register.
async fn fill(options: &Options) -> String {
    let users = u32::try_from(options.number("--users", 10_000)).expect("a number");
    let domain = options.text("--domain");
    let mut links = Links::new(options, "--server", &domain);
    let mut registered = 0;
    for first in (0..users).step_by(PER_LINK) {
        let stream = links.open().await;
        let all = first..users.min(first + 1_000);
        let claims: Vec<Vec<u8>> = all.clone().map(|user| register(user, &domain, Status::Online)).collect();
        links.send(stream, &claims.concat());
        let mut waiting = all.len();
        while waiting > 0 {
            let (_, messages) = links.hear().await;
            waiting -= messages.len();
            let taken = |message: &&Message| matches!(message, Message::Registered { .. });
            registered += messages.iter().filter(taken).count();
        }
    }
    object(&[("registered", &registered)])
}

/// Each user on a link of its own.
async fn hold(options: &Options) -> String {
    let users = u32::try_from(options.number("--users", 1_000)).expect("a number");
    let domain = options.text("--domain");
    let mut links = Links::new(options, "--server", &domain);
    for user in 0..users {
        let stream = links.open().await;
        links.send(stream, &register(user, &domain, Status::Online));
        taken(&links.hear().await.1);
    }
    println!("{}", object(&[("held", &users)]));
    let mut end = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
    loop {
        tokio::select! {
            _ = &mut end => return object(&[("ended", &users)]),
            (_, messages) = links.hear() => taken(&messages),
        }
    }
}

/// As many questions as one link carries.
async fn ask(options: &Options) -> String {
    let users = u32::try_from(options.number("--users", 10_000)).expect("a number");
    let domain = options.text("--domain");
    let (seconds, window) = (options.number("--seconds", 5), options.number("--window", 1_024));
    let mut links = Links::new(options, "--server", &domain);
    let stream = links.open().await;
    let questions: Vec<Vec<u8>> = (0..users).map(|user| query(user, user, &domain)).collect();
    // Far apart, so that no two neighbours are in the same lines of the processor's cache.
    let mut next = 0_usize;
    let mut more = |count: usize| {
        let mut bytes = Vec::new();
        for _ in 0..count {
            next = (next + 4_099) % questions.len();
            bytes.extend_from_slice(questions.get(next).expect("a question"));
        }
        bytes
    };
    links.send(stream, &more(usize::try_from(window).expect("a number")));
    let (start, mut answered, mut empty) = (Instant::now(), 0_u64, 0_u64);
    while start.elapsed() < Duration::from_secs(seconds) {
        let (_, messages) = links.hear().await;
        for message in &messages {
            let Message::Answer { record, .. } = message else { panic_with(message) };
            empty += u64::from(record.is_none());
        }
        answered += messages.len() as u64;
        links.send(stream, &more(messages.len()));
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = answered as f64 / start.elapsed().as_secs_f64();
    object(&[("answered", &answered), ("empty", &empty), ("per_second", &format!("{rate:.0}"))])
}

/// One question after the other about users of another server, over a link that stands.
async fn two(options: &Options) -> String {
    let users = u32::try_from(options.number("--users", 10_000)).expect("a number");
    let count = u32::try_from(options.number("--count", 5_000)).expect("a number");
    let (domain, other) = (options.text("--domain"), options.text("--of"));
    let mut links = Links::new(options, "--server", &domain);
    let stream = links.open().await;
    let (mut near, mut far, mut empty) = (Vec::new(), Vec::new(), 0);
    for number in 0..count + WARM {
        for (times, whose) in [(&mut near, &domain), (&mut far, &other)] {
            let start = Instant::now();
            links.send(stream, &query(number, number % users, whose));
            let (_, messages) = links.hear().await;
            let [Message::Answer { record, .. }] = messages.as_slice() else { panic_with(&messages) };
            if number >= WARM {
                times.push(start.elapsed());
                empty += u32::from(*whose == other && record.is_none());
            }
        }
    }
    object(&[("near_ms", &quantiles(&mut near)), ("far_ms", &quantiles(&mut far)), ("empty", &empty)])
}

/// How long each change of somebody elsewhere takes to everybody who watches.
async fn watch(options: &Options) -> String {
    let watchers = usize::try_from(options.number("--watchers", 1_000)).expect("a number");
    let changes = options.number("--changes", 5);
    let (domain, other) = (options.text("--domain"), options.text("--of"));
    let mut watching = Links::new(options, "--server", &domain);
    let subscription = Message::Subscribe { id: 1, identifier: called(WATCHED, &other), asker: None };
    for _ in 0..watchers {
        let stream = watching.open().await;
        watching.send(stream, &Frames::frame(&subscription.encode()));
        // What is now.
        let _ = watching.hear().await;
    }
    let mut watched = Links::new(options, "--home", &other);
    let stream = watched.open().await;
    let (mut times, mut missing) = (Vec::new(), 0);
    for change in 0..changes {
        let status = if change % 2 == 0 { Status::Busy } else { Status::Online };
        let start = Instant::now();
        watched.send(stream, &register(WATCHED, &other, status));
        let mut waiting = watchers;
        while waiting > 0 && start.elapsed() < Duration::from_secs(10) {
            tokio::select! {
                (_, messages) = watched.hear() => taken(&messages),
                (_, messages) = watching.hear() => {
                    let seen = |message: &&Message| matches!(message, Message::Notify { record: Some(record), .. } if record.claim.status == status);
                    let seen = messages.iter().filter(seen).count();
                    waiting -= seen.min(waiting);
                    times.extend(std::iter::repeat_n(start.elapsed(), seen));
                }
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
        }
        missing += waiting;
    }
    object(&[("ms", &quantiles(&mut times)), ("seen", &times.len()), ("missing", &missing)])
}

fn taken(messages: &[Message]) {
    for message in messages {
        if !matches!(message, Message::Registered { .. }) {
            panic_with(message);
        }
    }
}

fn panic_with(message: &impl std::fmt::Debug) -> ! {
    eprintln!("not expected: {message:?}");
    std::process::exit(1)
}

fn called(user: u32, domain: &str) -> Identifier {
    Identifier::Name(format!("user{user}@{domain}").parse().expect("a name"))
}

fn query(id: u32, user: u32, domain: &str) -> Vec<u8> {
    Frames::frame(&Message::Query { id, identifier: called(user, domain), asker: None }.encode())
}

/// That a user is there for an hour.
fn register(user: u32, domain: &str, status: Status) -> Vec<u8> {
    let mut seed = [9; 32];
    seed.iter_mut().zip(user.to_be_bytes()).for_each(|(to, from)| *to = from);
    let key = UserKey::from_seed(&seed);
    let wall = Clock::new().now().wall;
    let claim = Claim {
        key: key.public(),
        sequence: wall.as_nanos() / 1_000,
        expires: UnixTime::from_secs(wall.as_secs() + 3_600),
        status,
        listed: false,
        name: format!("user{user}@{domain}").parse().expect("a name"),
        number: None,
        fixed: None,
        contacts: vec![Contact { transport: Transport::Udp, address: ([192, 0, 2, 1], 5_060).into() }],
    };
    let signature = claim.sign(&key);
    Frames::frame(&Message::Register { id: user, claim, signature }.encode())
}

/// Users of one link.
const PER_LINK: usize = 1_000;
/// Questions before those that count: by then the servers have their link.
const WARM: u32 = 20;
/// Who is watched.
const WATCHED: u32 = 0;
/// The first stream of ours; the driver names those that it accepts with odd numbers.
const FIRST: StreamId = StreamId(2);
