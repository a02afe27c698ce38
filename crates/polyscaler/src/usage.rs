//! Wrong usage, where it does not stand on the command line: a value of the environment is reported
//! by the name of its variable, in one line, as it shows up in the log of a pod.

use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory as _, FromArgMatches as _};

use crate::Arguments;

/// The arguments of this process. Ends it where they make no sense.
pub(crate) fn arguments() -> Arguments {
    let parsed = command().try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| {
        let flag = blamed_flag(&error).filter(|flag| !is_on_command_line(flag));
        match flag.and_then(|flag| variable_of(&Arguments::command(), &flag)) {
            Some(variable) if std::env::var_os(&variable).is_some() => {
                eprintln!("{}; it comes from the environment variable {variable}", in_one_line(&error));
                std::process::exit(2)
            }
            _ => error.exit(),
        }
    })
}

/// By this name kubectl finds a plugin.
const PLUGIN: &str = "kubectl-polyscaler";

/// The command line; where kubectl runs it as a plugin, help and errors name it as people type it.
fn command() -> Command {
    let called = std::env::args_os().next().map(PathBuf::from);
    let is_plugin = called.as_deref().and_then(Path::file_stem).is_some_and(|name| name == PLUGIN);
    let command = Arguments::command();
    if is_plugin { command.bin_name("kubectl polyscaler") } else { command }
}

/// The flag whose value is wrong, without its dashes.
fn blamed_flag(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = shown.strip_prefix("--")?;
    Some(name.split(['=', '[', ' ']).next().unwrap_or(name).to_owned())
}

fn is_on_command_line(flag: &str) -> bool {
    let is_it = |argument: String| {
        argument.strip_prefix("--").is_some_and(|name| name.split('=').next() == Some(flag))
    };
    std::env::args_os().filter_map(|argument| argument.into_string().ok()).any(is_it)
}

/// The environment variable of a flag of any subcommand.
fn variable_of(command: &Command, flag: &str) -> Option<String> {
    let own = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    let own = own.and_then(|argument| argument.get_env()?.to_str().map(str::to_owned));
    own.or_else(|| command.get_subcommands().find_map(|command| variable_of(command, flag)))
}

/// The error without advice about flags and without line breaks.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let reported = text.split("\n\n").next().unwrap_or(&text);
    reported.split_whitespace().collect::<Vec<_>>().join(" ")
}
