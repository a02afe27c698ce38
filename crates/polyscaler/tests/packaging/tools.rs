//! helm, kubectl and others, each built the first time that it is asked for.

use std::path::PathBuf;
use std::process::Command;

use crate::packaging::repository;

/// Where a program is that `hack/tool.sh` builds.
pub(crate) fn tool(name: &str) -> PathBuf {
    let script = "hack/tool.sh";
    let built = Command::new(repository(script)).arg(name).output();
    let built = built.unwrap_or_else(|error| panic!("{script}: {error}"));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    PathBuf::from(String::from_utf8(built.stdout).unwrap().trim())
}
