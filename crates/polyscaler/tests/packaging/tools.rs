//! helm, kubectl and others, each built the first time that it is asked for.

use std::path::PathBuf;
use std::process::Command;

use crate::packaging::repository;

/// Where helm or kubectl is.
pub(crate) fn tool(name: &str) -> PathBuf {
    built_by(&format!("hack/tools/{name}.sh"))
}

/// Where the program is that a script of the repository builds.
pub(crate) fn built_by(script: &str) -> PathBuf {
    let built = Command::new(repository(script)).output().unwrap_or_else(|error| panic!("{script}: {error}"));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    PathBuf::from(String::from_utf8(built.stdout).unwrap().trim())
}
