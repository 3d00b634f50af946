//! No system call in a callback: a child runs them under a filter that lets it do nothing but end.

#![allow(unsafe_code)]

use rove_base::CodecId;

use crate::{CALLBACKS, scene::Scene};

#[test]
fn callbacks_make_no_system_call() {
    for id in [CodecId::Opus, CodecId::Pcmu, CodecId::Pcma] {
        let mut scene = Scene::new(id, 12);
        let mut out = vec![0.0; scene.pcm.len()];
        let end = confined(|| {
            for _ in 0..CALLBACKS {
                scene.advance();
                scene.input.capture(scene.now, &scene.pcm);
                scene.output.render(scene.now, &mut out);
            }
            scene.output.meter().decoded_packets > u64::from(CALLBACKS) / 20
        });
        assert_eq!(end, End::Exited(0), "{id}");
    }
}

#[test]
fn a_system_call_is_caught() {
    let harmless = confined(|| true);
    assert_eq!(harmless, End::Exited(0));
    let unlucky = confined(|| false);
    assert_eq!(unlucky, End::Exited(1), "the child's own verdict comes home");
    // SAFETY: asks for nothing but a number.
    let cheat = confined(|| unsafe { libc::getppid() } != 0);
    assert_eq!(cheat, End::Killed(libc::SIGSYS));
    let printing = confined(|| std::io::Write::write_all(&mut std::io::stderr(), b"a log line\n").is_ok());
    assert_eq!(printing, End::Killed(libc::SIGSYS));
}

#[derive(Debug, Eq, PartialEq)]
enum End {
    Exited(i32),
    Killed(i32),
}

/// How a forked child ends that runs `body` where every system call but the last kills it.
fn confined(body: impl FnOnce() -> bool) -> End {
    // SAFETY: the child has only this thread and touches no lock another one may have held: it installs the filter, runs
    // `body` and leaves.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
    if child == 0 {
        let code = if forbid_system_calls() { i32::from(!body()) } else { CANNOT_CONFINE };
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    if libc::WIFEXITED(status) {
        End::Exited(libc::WEXITSTATUS(status))
    } else {
        End::Killed(libc::WTERMSIG(status))
    }
}

/// From here on, `exit_group` is the only system call that does not kill. `false` when the kernel refuses.
fn forbid_system_calls() -> bool {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let exit_group = u32::try_from(libc::SYS_exit_group).unwrap_or(u32::MAX);
    let mut program = [
        // The number of the call, first in the kernel's `seccomp_data`.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, exit_group),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: `program` and `filter` outlive the calls, which change this process alone.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) == 0
    }
}

/// The child's exit code when there is no filter to be had.
const CANNOT_CONFINE: i32 = 99;
