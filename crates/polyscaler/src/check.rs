//! `polyscaler check`: the rules of admission, without a cluster.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use engine::Time;
use resources::{Context, Finding};
use runner::{Clock as _, SystemClock};
use serde_json::json;
use sources::{AddressPolicy, Registry};

use crate::policies::policies;

/// Validates manifests by the schema and rules that the API server applies.
///
/// Exit status: 0 if all documents are valid, 1 if one is invalid or cannot be read, 2 if there is no
/// document to check. Warnings do not change it.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Files with YAML or JSON, several documents each; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Output format.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
    /// Allow namespaced objects to act in another namespace, as the operator's flag does.
    #[arg(long)]
    allow_cross_namespace: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One line per problem or warning.
    Text,
    /// A JSON array with one entry for each document.
    Json,
}

/// What was found in one file.
struct Judged {
    file: String,
    result: Result<Vec<Finding>, String>,
}

pub(crate) fn run(arguments: &CheckArgs) -> ExitCode {
    let catalog = Registry::new(AddressPolicy::default());
    let context = Context {
        catalog: &catalog,
        policies: policies(),
        allow_cross_namespace: arguments.allow_cross_namespace,
        admitting: true,
        resolved: None,
    };
    let now = SystemClock::start().now();
    let mut judged: Vec<Judged> = arguments.files.iter().map(|file| judge(file, &context, now)).collect();
    let findings =
        judged.iter_mut().filter_map(|Judged { file, result }| Some((file.as_str(), result.as_mut().ok()?)));
    resources::judge_together(findings.flat_map(|(file, all)| all.iter_mut().map(move |one| (file, one))));
    match arguments.output {
        Output::Text => print_text(&judged),
        Output::Json => print_json(&judged),
    }
    let valid = |judged: &Judged| {
        judged
            .result
            .as_ref()
            .is_ok_and(|findings| findings.iter().all(|finding| finding.problems.is_empty()))
    };
    let is_empty = |judged: &Judged| judged.result.as_ref().is_ok_and(Vec::is_empty);
    if judged.iter().all(is_empty) {
        eprintln!("nothing to check: no documents in {}", list(&judged));
        return ExitCode::from(2);
    }
    if judged.iter().all(valid) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The files, separated by commas.
fn list(judged: &[Judged]) -> String {
    judged.iter().map(|judged| judged.file.as_str()).collect::<Vec<_>>().join(", ")
}

/// The text of a file; `-` is standard input.
pub(crate) fn read(file: &Path) -> std::io::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        return std::io::stdin().read_to_string(&mut text).map(|_| text);
    }
    std::fs::read_to_string(file)
}

fn judge(file: &Path, context: &Context<'_>, now: Time) -> Judged {
    let result = match read(file) {
        Ok(text) => resources::check(&text, context, now).map_err(|problem| problem.to_string()),
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    Judged { file: file.display().to_string(), result }
}

fn print_text(judged: &[Judged]) {
    for Judged { file, result } in judged {
        match result {
            Err(problem) => eprintln!("{file}: {problem}"),
            Ok(findings) => findings.iter().for_each(|finding| print_finding(file, finding)),
        }
    }
}

fn print_finding(file: &str, finding: &Finding) {
    let object = &finding.object;
    for problem in &finding.problems {
        eprintln!("{file}: {object}: {problem}");
    }
    for warning in &finding.warnings {
        eprintln!("{file}: {object}: warning: {warning}");
    }
    match (finding.problems.is_empty(), finding.known) {
        (true, true) => println!("{file}: {object}: valid"),
        // Why, the warning says.
        (true, false) if !finding.warnings.is_empty() => println!("{file}: {object}: skipped"),
        (true, false) => println!("{file}: {object}: skipped, not a kind of polyscaler"),
        (false, _) => {}
    }
}

fn print_json(judged: &[Judged]) {
    let entries: Vec<serde_json::Value> = judged
        .iter()
        .flat_map(|Judged { file, result }| match result {
            Err(problem) => vec![json!({ "file": file, "valid": false,
                "problems": [{ "path": "", "message": problem }], "warnings": [] })],
            Ok(findings) => findings.iter().map(|finding| json_finding(file, finding)).collect(),
        })
        .collect();
    println!("{}", serde_json::Value::Array(entries));
}

fn json_finding(file: &str, finding: &Finding) -> serde_json::Value {
    let problems: Vec<_> = finding
        .problems
        .iter()
        .map(|problem| {
            let fault = &problem.fault;
            json!({ "path": problem.path, "reason": fault.kind.reason(), "message": fault.to_string() })
        })
        .collect();
    json!({ "file": file, "object": finding.object, "known": finding.known,
            "valid": finding.problems.is_empty(), "problems": problems, "warnings": finding.warnings })
}
