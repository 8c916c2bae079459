//! Parses the command line and calls the command.

use std::process::ExitCode;

use clap::Parser as _;
use quittance::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse())
}
