//! `userload`: the program. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    userload::cli::main(std::env::args_os()).into()
}
