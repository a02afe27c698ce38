//! Reads in a process of its own, as the environment that says whom to trust belongs to a whole process.
//! Shared by the tests of several sources.

use std::path::Path;

/// Where the child finds what to ask.
const ADDRESS: &str = "ASK_ADDRESS";

/// What the ignored test `test` reports `address` in a child that trusts the authorities in `roots`.
pub(crate) async fn reported_by(test: &str, address: &str, roots: &Path) -> String {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", test])
        .env(ADDRESS, address)
        .env("SSL_CERT_FILE", roots)
        .env_remove("SSL_CERT_DIR")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outcome = text.lines().find_map(|line| line.split_once("outcome: "));
    outcome.unwrap_or_else(|| panic!("the child said {text}")).1.to_owned()
}

/// In the child: the address to ask; `None` where someone else runs the ignored test.
pub(crate) fn address() -> Option<String> {
    std::env::var(ADDRESS).ok()
}

/// In the child: reports what came of it.
pub(crate) fn tell(outcome: impl std::fmt::Debug) {
    println!("\noutcome: {outcome:?}");
}
