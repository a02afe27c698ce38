//! `docs/configuration.md`: every flag and variable, as the binary knows them, and every setting of
//! a metric source, as its file has them. The test fails where the document differs;
//! `make generate` writes it.

use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory as _};
use engine::policy::{PolicyEntry, Serves, Setting, SettingType};
use sources::{AddressPolicy, Registry};

use crate::Arguments;
use crate::policies::policies;

/// With this variable set the test writes the document instead of judging it.
const WRITE: &str = "WRITE_REFERENCE";

const BEGIN: &str = "<!-- Written by `make generate`; changes here are lost. -->
# Configuration reference

Every flag of every command, with its environment variable. A flag takes precedence over its variable.
The values of the Helm chart are in `charts/polyscaler/values.yaml`, the fields of the objects in
`kubectl explain` and in the documentation of each kind.
";

const SOURCES: &str = "
## Metric sources

A metric source is selected by `type` and configured by `config`, for example in `spec.metrics` of a
GeneralScaler or ScalingGroup, or `spec.metric` of a BusinessScaling. A ScalingRule has fields for
the settings of `nats`. A setting that ends in `From` refers to a secret: `{secretKeyRef: {name, key}}`.
";

const OF_POLICIES: &str = "
## Policies

A policy is selected by `spec.policy.type` of a GeneralScaler and configured by `spec.policy.config`.
";

const OF_GROUPS: &str = "
## Policies of groups

A ScalingGroup selects one of these in the same way; see [which policy](scaling-group.md#which-policy).
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn document() -> String {
    let mut command = Arguments::command();
    command.build();
    let commands: String = command.get_subcommands().map(section).collect();
    let registry = Registry::new(AddressPolicy::default());
    let sources: String = registry.names().map(source).collect();
    let table = policies();
    let policies: String = table.serving(Serves::Target).map(policy).collect();
    let of_groups: String = table.serving(Serves::Group).map(policy).collect();
    format!("{BEGIN}{commands}{SOURCES}{sources}{OF_POLICIES}{policies}{OF_GROUPS}{of_groups}")
}

/// One policy: what it does, and a row for each of its settings.
fn policy(policy: &PolicyEntry) -> String {
    let row = |setting: &Setting| {
        let allowed = match setting.type_ {
            SettingType::Number { min, max: f64::MAX } => format!("a number of at least {min}"),
            SettingType::Number { min, max } => format!("a number from {min} to {max}"),
            SettingType::PositiveNumber => "a number above 0".to_owned(),
            SettingType::Integer { min, max } if max < i32::MAX as u32 => {
                format!("a whole number from {min} to {max}")
            }
            SettingType::Share => "a number above 0 and at most 1".to_owned(),
            SettingType::Integer { min, .. } => format!("a whole number of at least {min}"),
            SettingType::Address => "scheme, host and port".to_owned(),
        };
        let required = if setting.required { "required" } else { "optional" };
        format!("| `{}` | {required} | {allowed} | {} |\n", setting.name, setting.help)
    };
    let rows: String = policy.settings.iter().map(row).collect();
    if rows.is_empty() {
        return format!("\n### {}\n\n{} It has no settings.\n", policy.name, policy.summary);
    }
    format!(
        "\n### {}\n\n{}\n\n| setting | | value | meaning |\n|---|---|---|---|\n{rows}",
        policy.name, policy.summary
    )
}

/// One command: what it is for, and a row for each of its flags.
fn section(command: &Command) -> String {
    let name = command.get_name();
    if name == "help" || command.is_hide_set() {
        return String::new();
    }
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    let about = about.unwrap_or_default();
    let paragraphs: Vec<String> = about.split("\n\n").map(sentence).collect();
    let mut text = format!("\n## polyscaler {name}\n\n{}\n", paragraphs.join("\n\n"));
    let is_shown = |argument: &&Arg| !argument.is_hide_set() && argument.get_id() != "help";
    let rows: String = command.get_arguments().filter(is_shown).map(row).collect();
    if !rows.is_empty() {
        text += &format!("\n| argument | variable | default | meaning |\n|---|---|---|---|\n{rows}");
    }
    text
}

/// One line with the full stop that clap takes away.
fn sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.ends_with('.') { line } else { line + "." }
}

fn row(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let value = values.first().filter(|_| argument.get_action().takes_values());
    let name = match (argument.get_long(), value) {
        (Some(long), Some(value)) if argument.is_require_equals_set() => format!("--{long}={value}"),
        (Some(long), Some(value)) => format!("--{long} {value}"),
        (Some(long), None) => format!("--{long}"),
        (None, value) => value.map(ToString::to_string).unwrap_or_default(),
    };
    let variable = argument.get_env().map(|variable| format!("`{}`", variable.display()));
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
    let meaning = argument.get_long_help().or(argument.get_help()).map(ToString::to_string);
    let meaning = sentence(&meaning.unwrap_or_default()).replace('|', "\\|");
    let is_flag = !argument.get_action().takes_values();
    let default = if is_flag { "off".to_owned() } else { defaults.join(", ") };
    let possible: Vec<String> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let possible = if possible.is_empty() || is_flag || possible.concat().contains("true") {
        String::new()
    } else {
        format!(" One of {}.", possible.join(", "))
    };
    format!("| `{name}` | {} | {default} | {meaning}{possible} |\n", variable.unwrap_or_default())
}

/// One source: the first words of its file, and the table of its settings.
fn source(name: &str) -> String {
    let file = match name {
        // One file does for what pods use, and one for what adapters publish.
        "cpu" | "memory" => "usage".to_owned(),
        "external-metric" | "object-metric" | "pods-metric" => "metrics_apis".to_owned(),
        other => other.replace('-', "_"),
    };
    let stem = format!("crates/sources/src/catalog/{file}");
    let read = |file: String| std::fs::read_to_string(root().join(file)).ok();
    let text = read(format!("{stem}.rs")).or_else(|| read(format!("{stem}/mod.rs")));
    let text = text.unwrap_or_else(|| panic!("no file of source {name} at {stem}"));
    let lines: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let first = lines.split(|line| line.is_empty()).next().unwrap_or_default().join(" ");
    let about = first
        .split_once(": ")
        .filter(|(names, _)| names.starts_with("Source") && names.contains(&format!("`{name}`")));
    let (_, about) = about.unwrap_or_else(|| panic!("{stem} does not begin with \"Source `{name}`: \""));
    let table: Vec<&str> = lines.into_iter().filter(|line| line.starts_with('|')).collect();
    assert!(table.len() > 2, "{stem} has no table of settings");
    format!("\n### {name}\n\nReads {about}\n\n{}\n", table.join("\n"))
}

#[test]
fn the_reference_is_that_of_the_binary() {
    let path = root().join("docs/configuration.md");
    let document = document();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, document).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == document, "docs/configuration.md differs from the code; run `make generate`");
}
