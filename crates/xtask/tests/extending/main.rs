//! `docs/extending.md`, followed to the letter in a copy of the workspace: its files are written, its lines are
//! added, its tests run, that of the kind on the real control plane, and its manifest is judged by the binary that
//! comes out.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod copy;
mod page;

use std::path::Path;
use std::process::{Command, Stdio};

use copy::Workspace;
use page::Page;

/// Besides what the page says: the binary for `check` and the test that writes the configuration reference, so
/// that one build does for all. All packages, as the workspace is built: others want the libraries with other
/// features, and so would build them again.
const ALSO: [&str; 7] = [
    "--offline",
    "--locked",
    "--workspace",
    "--bin=polyscaler",
    "--color=never",
    // Members of another profile have names of their own in the folder that they share with the workspace's.
    "--config=profile.dev.debug=false",
    "--config=profile.dev.incremental=false",
];

const REFERENCE: &str = "reference::";

#[test]
fn the_walk_through_compiles_and_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let page = Page::read(&root.join("docs/extending.md"));
    let workspace = Workspace::of(root, &page.files(root));

    let reported = run_tests(&page, &workspace);
    // One more writes the reference.
    assert_eq!(passed(&reported), page.tests() + 1, "{reported}");

    let reference = std::fs::read_to_string(workspace.folder().join("docs/configuration.md")).unwrap();
    for plugin in page.plugins() {
        assert!(reference.contains(&format!("\n### {plugin}\n")), "the reference does not have {plugin}");
    }

    let session = page.session();
    assert!(!session.is_empty());
    for (command, expected) in session {
        assert_eq!(printed(&command, &workspace), expected, "{command}");
    }
}

/// Runs every `cargo test` of the page as one, and what else the rest needs, and returns what it printed.
fn run_tests(page: &Page, workspace: &Workspace) -> String {
    let lines: Vec<(&str, &str)> = page
        .lines_of("sh", "cargo test ")
        .map(|line| line.split_once(" -- ").expect("`cargo test` has filters"))
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let output = Command::new(env!("CARGO"))
        .arg("test")
        .args(ALSO)
        .args(lines.iter().flat_map(|(arguments, _)| arguments.split(' ')))
        .arg("--")
        .args(lines.iter().flat_map(|(_, filters)| filters.split(' ')))
        .arg(REFERENCE)
        .current_dir(workspace.folder())
        .env("CARGO_TARGET_DIR", workspace.programs())
        .env("CARGO_BUILD_BUILD_DIR", Workspace::build())
        .env("WRITE_REFERENCE", "1")
        // For the program of tests alone (`hack/timed.sh`); Cargo would build everything for it again.
        .env_remove("RUSTC_BOOTSTRAP")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let reported =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{lines:?}\n{reported}");
    reported
}

/// How many tests passed, in all binaries together.
fn passed(reported: &str) -> usize {
    let results = reported.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split_once(" passed")?.0.parse::<usize>().ok()).sum()
}

/// What a command of the page prints, with the binary that was just built in place of `cargo run --`.
fn printed(command: &str, workspace: &Workspace) -> String {
    let binary = workspace.programs().join("debug/polyscaler");
    assert!(command.contains("cargo run --"), "{command} is not of the binary");
    let command = command.replace("cargo run --", &format!("'{}'", binary.display()));
    // A terminal shows both streams.
    let script = format!("{{ {command}; }} 2>&1");
    let output = Command::new("sh").args(["-c", &script]).current_dir(workspace.folder()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
