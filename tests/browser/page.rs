//! The page: made of ours and JsSIP, served to the browser, which tells here how it went.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, mpsc},
};

use rove_tests::programs::root;
use serde_json::Value;

/// What the browser has to say.
pub(crate) enum Told {
    /// JSON with what happened.
    News(Value),
    /// What was heard in a call, as mono samples, with their rate.
    Heard { call: usize, rate: u32, pcm: Vec<f32> },
}

/// The page's script in one file, `None` after saying why there is none. Packages come by npm in the versions of its lock
/// file, and stay beside the test's program.
pub(crate) fn script(npm: &Path) -> Option<PathBuf> {
    let source = root().join("tests/browser/page");
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.parent().and_then(Path::parent).expect("tests live in target/PROFILE/deps");
    let folder = profile.join("browser");
    fs::create_dir_all(&folder).expect("a folder");
    let read = |path: PathBuf| fs::read(path).ok();
    let lock = "package-lock.json";
    let is_installed = read(source.join(lock)) == read(folder.join("installed.json"));
    for file in ["package.json", lock, "call.js"] {
        fs::copy(source.join(file), folder.join(file)).expect("a file of ours");
    }
    let run = |program: &Path, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(&folder).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        if !output.status.success() {
            println!("{} {args:?}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
        }
        output.status.success()
    };
    if !is_installed {
        if !run(npm, &["ci", "--no-audit", "--no-fund"]) {
            println!("skipped: npm cannot install JsSIP here");
            return None;
        }
        fs::copy(folder.join(lock), folder.join("installed.json")).expect("a folder of ours");
    }
    let bundle = ["call.js", "--bundle", "--format=iife", "--outfile=page.js", "--log-level=error"];
    assert!(run(&folder.join("node_modules/.bin/esbuild"), &bundle), "the page is not made");
    Some(folder.join("page.js"))
}

/// Serves the page and `setup` for as long as the test lives; what the browser says comes out.
pub(crate) fn serve(listener: TcpListener, script: &Path, setup: &Value) -> mpsc::Receiver<Told> {
    let html = fs::read(root().join("tests/browser/page/index.html")).expect("a page of ours");
    let files = [
        ("/", "text/html", html),
        ("/page.js", "text/javascript", fs::read(script).expect("a script")),
        ("/setup", "application/json", setup.to_string().into_bytes()),
    ];
    let files = Arc::new(files.map(|(path, kind, body)| (path, kind, body)));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), tell, files) = (stream, tell.clone(), files.clone()) else { return };
            // What a browser opens and does not use must not keep the others waiting.
            std::thread::spawn(move || answer(stream, &files[..], &tell));
        }
    });
    told
}

type Content = (&'static str, &'static str, Vec<u8>);

/// One request, and the connection ends.
fn answer(mut stream: TcpStream, files: &[Content], tell: &mpsc::Sender<Told>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let (status, kind, body) = if method == "POST" {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        tell.send(read(&path, &body)?).ok()?;
        ("200 OK", "text/plain", Vec::new())
    } else {
        let file = files.iter().find(|(name, ..)| *name == path);
        file.map_or(("404 Not Found", "text/plain", Vec::new()), |(_, kind, body)| {
            ("200 OK", *kind, body.clone())
        })
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).ok()
}

/// `/told` with JSON, or `/heard?CALL&RATE` with 16-bit samples.
fn read(path: &str, body: &[u8]) -> Option<Told> {
    let Some(query) = path.strip_prefix("/heard?") else {
        return Some(Told::News(serde_json::from_slice(body).ok()?));
    };
    let (call, rate) = query.split_once('&')?;
    let pcm =
        body.chunks_exact(2).map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0).collect();
    Some(Told::Heard { call: call.parse().ok()?, rate: rate.parse().ok()?, pcm })
}
