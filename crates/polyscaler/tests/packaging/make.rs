//! The tasks that need a program which may not be there say so in one plain line.

use std::process::Command;

use crate::packaging::repository;

/// What `make` says where a program is missing.
fn refused(task: &str, path: &str) -> String {
    let output = Command::new("make")
        .args(["--silent", task, "DOCKER=no-such-docker"])
        .current_dir(repository(""))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env("PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{task}: {said}");
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("make: ***")).collect();
    assert_eq!(lines.len(), 1, "{task}: {said}");
    lines[0].to_owned()
}

#[test]
fn a_missing_program_is_named() {
    let path = std::env::var("PATH").unwrap();
    for task in ["docker-build", "test-docker"] {
        let said = refused(task, &path);
        assert!(said.contains("no-such-docker is not on PATH") && said.contains("DOCKER="), "{said}");
    }
    // A PATH with a shell and without kubectl.
    let folder = tempfile::tempdir().unwrap();
    let shell = ["/bin/sh", "/usr/bin/sh"].into_iter().find(|shell| std::path::Path::new(shell).exists());
    std::os::unix::fs::symlink(shell.unwrap(), folder.path().join("sh")).unwrap();
    let make = std::env::split_paths(&path).map(|folder| folder.join("make")).find(|make| make.exists());
    std::os::unix::fs::symlink(make.unwrap(), folder.path().join("make")).unwrap();
    for task in ["install", "uninstall", "deploy", "undeploy"] {
        let said = refused(task, &folder.path().display().to_string());
        assert!(said.starts_with("kubectl is not on PATH"), "{said}");
    }
}
