//! The samples of the repository, built and run as their reader would: C calls Python; Kotlin on the JVM; one copy of libopus.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rove_io::device::{WavRecorder, read_mono};
use rove_tests::programs::{Running, peer, root};

use crate::world::{PATIENCE, RATE, library, likeness, voice};

/// The word for the linker that finds the library here.
fn beside(library: &Path) -> String {
    let folder = library.parent().unwrap();
    format!("-Wl,-rpath,{}", folder.display())
}

/// The C sample, compiled with all warnings.
fn talk(into: &Path) -> Option<PathBuf> {
    let (cc, library, ffi) = (peer("cc")?, library(), root().join("apps/ffi"));
    let program = into.join("talk");
    let mut compile = Command::new(cc);
    compile.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]).arg(ffi.join("include"));
    compile.arg(ffi.join("samples/c/talk.c")).arg("-o").arg(&program).arg(&library).arg(beside(&library));
    let done = compile.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(program)
}

/// A folder from which Python imports the bindings, with the library beside them.
fn python(into: &Path) {
    fs::copy(root().join("apps/ffi/bindings/python/rove.py"), into.join("rove.py")).unwrap();
    let library = library();
    std::os::unix::fs::symlink(&library, into.join(library.file_name().unwrap())).unwrap();
}

fn write_wav(path: &Path, samples: &[f32]) {
    let mut wav = WavRecorder::create(path, RATE as u32).unwrap();
    wav.write(samples).unwrap();
    wav.finish().unwrap();
}

#[test]
fn the_c_sample_calls_the_python_sample_and_each_hears_what_the_other_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (Some(python3), Some(talk)) = (peer("python3"), talk(folder.path())) else { return };
    python(folder.path());
    let (c_says, python_says) = (voice(1, 4), voice(2, 4));
    let raw: Vec<u8> = c_says.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
    fs::write(at("c-said.raw"), raw).unwrap();
    write_wav(&at("python-said.wav"), &python_says);

    let mut answer = Command::new(python3);
    answer.arg(root().join("apps/ffi/samples/python/answer.py"));
    answer.args([at("python-said.wav"), at("python-heard.wav")]).env("PYTHONPATH", folder.path());
    let mut answer = Running::spawn(answer);
    let port = answer.ready(PATIENCE)["port"].as_u64().unwrap();
    let target = format!("127.0.0.1:{port}");
    let mut call = Command::new(talk);
    call.arg(target).args([at("c-said.raw"), at("c-heard.raw")]).arg("4");
    let (code, _, why) = Running::spawn(call).outcome(PATIENCE);
    assert_eq!(code, 0, "{why}");
    let report = answer.ready(PATIENCE);
    assert_eq!(report["reason"], "PEER_HUNG_UP");
    assert_eq!(answer.outcome(PATIENCE).0, 0);

    let heard_by_c: Vec<f32> = fs::read(at("c-heard.raw"))
        .unwrap()
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    let heard_by_python = read_mono(&at("python-heard.wav"), RATE as u32).unwrap();
    let late = |said: &[f32], heard: &[f32]| likeness(&said[RATE..3 * RATE], &heard[RATE / 2..]);
    let (c, python) = (late(&python_says, &heard_by_c), late(&c_says, &heard_by_python));
    println!("likeness of what was said and heard: Python to C {c:.3}, C to Python {python:.3}");
    assert!(c > 0.85 && python > 0.85, "Python to C {c}, C to Python {python}");
}

#[test]
fn the_kotlin_sample_runs_on_the_jvm() {
    let jna = ["/usr/share/java/jna.jar"].map(PathBuf::from).into_iter().find(|jar| jar.is_file());
    let (Some(java), Some(npm)) = (peer("java"), peer("npm")) else { return };
    let Some(jna) = jna else { return println!("skipped: libjna-java is not installed") };
    let Some(compiler) = kotlin_compiler(&npm) else {
        return println!("skipped: kotlin-compiler cannot be had from the registry of npm");
    };
    let folder = tempfile::tempdir().unwrap();
    let (ffi, jar) = (root().join("apps/ffi"), folder.path().join("sample.jar"));
    let mut compile = Command::new(&java);
    compile.args(["-Xmx1g", "-cp"]).arg(format!("{}/*", compiler.join("lib").display()));
    compile.args(["org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-nowarn", "-include-runtime"]);
    compile.arg("-kotlin-home").arg(&compiler).arg("-cp").arg(&jna).arg("-d").arg(&jar);
    compile.args([ffi.join("bindings/kotlin/uniffi/rove/rove.kt"), ffi.join("samples/kotlin/Talk.kt")]);
    let done = compile.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut run = Command::new(java);
    run.arg(format!("-Duniffi.component.rove.libraryOverride={}", library().display()));
    run.arg("-cp").arg(format!("{}:{}", jar.display(), jna.display())).arg("TalkKt");
    let (code, said, why) = Running::spawn(run).outcome(4 * PATIENCE);
    assert_eq!(code, 0, "{said}\n{why}");
    assert!(said.contains("a finaliser"), "{said}");
}

/// The compiler's folder, fetched once beside what is built.
fn kotlin_compiler(npm: &Path) -> Option<PathBuf> {
    let target = std::env::current_exe().ok()?.parent()?.parent()?.parent()?.join("kotlin");
    let found = |target: &Path| {
        let package = target.join("node_modules/kotlin-compiler");
        [package.clone(), package.join("kotlinc"), package.join("dist")]
            .into_iter()
            .find(|folder| folder.join("lib/kotlin-compiler.jar").is_file())
    };
    if found(&target).is_none() {
        fs::create_dir_all(&target).ok()?;
        let mut install = Command::new(npm);
        install.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        install.arg(&target).arg("kotlin-compiler");
        install.output().ok()?;
    }
    found(&target)
}

#[test]
fn the_library_has_one_libopus_and_one_set_of_weights() {
    let Some(nm) = peer("nm") else { return };
    let library = library();
    let listed = Command::new(nm).arg("--defined-only").arg(&library).output().unwrap();
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let defined =
        |name: &str| names.lines().filter(|line| line.split_whitespace().last() == Some(name)).count();
    assert_eq!((defined("opus_decode_float"), defined("opus_encode_float")), (1, 1));
    assert_eq!(defined("bbwenet_fnet_conv1_weights_float"), 1, "weights of the neural nets");
    println!(
        "{} has {} KiB with what debuggers want",
        library.display(),
        fs::metadata(&library).unwrap().len() / 1024
    );
    let Some(strip) = peer("strip") else { return };
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("bare");
    assert!(Command::new(strip).arg("-o").arg(&bare).arg(&library).status().unwrap().success());
    let size = fs::metadata(bare).unwrap().len() / 1024;
    println!("without it {size} KiB");
    assert!(size < 64 * 1024, "{size} KiB");
}
