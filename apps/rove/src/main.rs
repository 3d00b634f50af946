//! The `rove` program: a phone that calls names.

mod cli;
mod command;
mod demo;
mod failure;
mod files;
mod page;
mod publish;
mod report;
mod settings;
mod sheet;
mod show;
mod stop;
mod wav;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
    settings::Settings,
    stop::Stop,
};

/// Calls make many small pieces of memory and give them back soon; this costs less than the system's way.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rove: {failure}");
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    log_to_stderr(&cli.log)?;
    // Before there is a second thread.
    let claimed = match &cli.command {
        Command::Demo(args) if (args.roam || args.story) && !args.loopback => rove_io::spaces::claim(),
        _ => Err(std::io::Error::other("not asked for")),
    };
    let stop = Stop::on_ctrl_c()?;
    if cli.until_stdin_closes {
        stop.at_end_of_input();
    }
    let settings = Settings::read(cli.config.as_deref())?;
    match cli.command {
        Command::Demo(args) => demo::run(&args, &claimed, &stop),
        Command::Call(args) => command::call::run(&settings, &args, &stop),
        Command::Answer(args) => command::answer::run(&settings, &args, &stop),
        Command::Register(args) => command::register::run(&settings, &args, &stop),
        Command::Lookup(args) => command::lookup::run(&settings, &args, &stop),
        Command::Find(args) => command::find::run(&args, &stop),
        Command::Contacts(args) => command::contacts::run(&args, &stop),
        Command::Message(args) => command::message::run(&settings, &args, &stop),
        Command::Watch(args) => command::watch::run(&settings, &args, &stop),
        Command::Attach(args) => command::attach::run(&args, &stop),
        Command::Detach(args) => command::attach::detach(&args),
        Command::Doctor(args) => command::doctor::run(&settings, &args, &stop),
        Command::Devices => command::devices::run(),
        Command::Simulate(args) => command::simulate::run(&args, &stop),
        Command::Replay(args) => command::replay::run(&args, &stop),
        Command::DemoNode => demo::node::run(),
    }
}

fn log_to_stderr(filter: &str) -> Result<(), Failure> {
    let filter = filter
        .parse::<tracing_subscriber::EnvFilter>()
        .map_err(|error| Failure::usage(format!("--log {filter}: {error}")))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    Ok(())
}
