//! What is run when all is there that is to be measured.

use anyhow::{Context as _, ensure};

/// Runs the shell command in the variable `BEFORE`, where there is one: on a machine that others use, it may wait until
/// they are done, which may take longer than what is measured.
pub async fn before_measuring() -> anyhow::Result<()> {
    let Ok(command) = std::env::var("BEFORE") else { return Ok(()) };
    let ended = tokio::process::Command::new("sh").arg("-c").arg(&command).status().await;
    let ended = ended.with_context(|| format!("BEFORE: {command:?} cannot be run"))?;
    ensure!(ended.success(), "BEFORE: {command:?} ended with {ended}");
    Ok(())
}
