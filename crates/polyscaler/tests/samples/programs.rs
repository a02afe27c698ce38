//! The programs of the package `examples`. Cargo gives tests the paths of their own package's
//! programs only; `cargo test --workspace` builds these into the same folder, for the tests that
//! the package has itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use crate::harness::POLYSCALER;

/// Where the program of that name is, built if nobody has done so yet.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let folder = Path::new(POLYSCALER).parent().unwrap();
    let path = folder.join(name);
    if !path.exists() {
        BUILT.call_once(|| build(folder));
    }
    path
}

fn build(folder: &Path) {
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--package", "examples", "--profile", profile, "--target-dir"])
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // For the program of tests alone (`hack/timed.sh`); Cargo would build everything for it again.
        .env_remove("RUSTC_BOOTSTRAP")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
