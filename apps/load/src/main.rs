//! The `rove-load` program: calls by schedule with real media both ways, counted and judged.

mod cli;
mod desk;
mod drive;
mod failure;
mod impair;
mod limits;
mod mill;
mod report;
mod run;
mod scenario;
mod schedule;
mod stats;
mod threshold;
mod voice;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::Parser as _;

use crate::{
    cli::{AnswerArgs, ArrivalArgs, CallArgs, Cli, Command, LookupArgs, MessageArgs, RegisterArgs},
    drive::{drive, play},
    failure::{Ending, FATAL, Failure},
    run::Act,
};

/// Calls make many small pieces of memory and give them back soon; this costs less than the system's way.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            let _ = told.print();
            return if told.use_stderr() { ExitCode::from(FATAL) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli.command) {
        Ok(ending) => ExitCode::from(ending.code()),
        Err(failure) => {
            eprintln!("rove-load: {failure}");
            Failure::exit_code()
        }
    }
}

fn run(command: Command) -> Result<Ending, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Ending::Stopped.code()));
        }
    })
    .map_err(|error| Failure::fatal(format!("signals cannot be handled: {error}")))?;
    match command {
        Command::Call(CallArgs { target, hold, media, arrivals, common }) => {
            drive(Act::Call { hold }, target, Some(media), &arrivals, common, stop)
        }
        Command::Register(RegisterArgs { server, address, password, arrivals, common }) => {
            drive(Act::Register { address, password }, server, None, &arrivals, common, stop)
        }
        Command::Message(MessageArgs { target, text, arrivals, common }) => {
            drive(Act::Message { text }, target, None, &arrivals, common, stop)
        }
        Command::Lookup(LookupArgs { target, arrivals, common }) => {
            drive(Act::LookUp, target, None, &arrivals, common, stop)
        }
        Command::Answer(AnswerArgs { after, length, calls, until_stdin_closes, media, common }) => {
            at_end_of_input(until_stdin_closes, &stop);
            let length = length.unwrap_or(FOR_EVER);
            let arrivals = ArrivalArgs { rate: "0".into(), length, calls, users: None };
            drive(Act::Answer { after }, String::new(), Some(media), &arrivals, common, stop)
        }
        Command::Scenario(args) => {
            at_end_of_input(args.until_stdin_closes, &stop);
            play(args, stop)
        }
    }
}

/// Takes the end of standard input for Ctrl-C, where that is wanted.
fn at_end_of_input(wanted: bool, stop: &Arc<AtomicBool>) {
    if wanted {
        let flag = Arc::clone(stop);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            flag.store(true, Ordering::Relaxed);
        });
    }
}

/// A year.
const FOR_EVER: Duration = Duration::from_secs(31_536_000);
