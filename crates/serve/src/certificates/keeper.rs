//! Looks after the certificate: takes it from the vault, makes it where there is none, renews
//! it, has the callers trust it, and shows it.
//!
//! Every replica does so, leader or not, as every replica is called. Two that make the first
//! certificate at the same moment each show their own for one round; callers trust both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runner::{Clock, Readiness};
use tokio::sync::watch;

use super::pair::{Pair, is_name};
use super::{CertificateCallers, CertificateFiles, CertificateSlot, CertificateVault, made};

/// Time between two looks at vault and callers: a rotated certificate is shown by then, and a
/// lost authority is back.
const ROUND: Duration = Duration::from_secs(10);
/// The same while there is nothing to show.
const FIRST_ROUNDS: Duration = Duration::from_secs(1);
/// A made certificate is renewed this long before its end.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What readiness waits for: without a certificate nobody can call.
const AWAITED: &str = "certificate";

/// See the module.
pub struct CertificateKeeper {
    slot: Arc<CertificateSlot>,
    vault: Box<dyn CertificateVault>,
    callers: Box<dyn CertificateCallers>,
    clock: Arc<dyn Clock>,
    readiness: Arc<Readiness>,
    /// The names as they were last known.
    names: Vec<String>,
    shown: Option<CertificateFiles>,
    /// What was last said to go wrong, by step.
    reported: BTreeMap<&'static str, String>,
}

impl CertificateKeeper {
    /// A keeper that fills `slot` once it runs. `names` are what a made certificate is for until
    /// the callers say more.
    pub fn new(
        slot: Arc<CertificateSlot>,
        vault: Box<dyn CertificateVault>,
        callers: Box<dyn CertificateCallers>,
        clock: Arc<dyn Clock>,
        readiness: Arc<Readiness>,
        names: Vec<String>,
    ) -> Self {
        readiness.wait_for(AWAITED, "not looked for yet");
        Self { slot, vault, callers, clock, readiness, names, shown: None, reported: BTreeMap::new() }
    }

    /// Keeps until `stop` turns true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            self.round().await;
            let pause = if self.shown.is_some() { ROUND } else { FIRST_ROUNDS };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = crate::stopped(&mut stop) => return,
            }
        }
    }

    /// One look at everything.
    async fn round(&mut self) {
        let names = self.callers.names().await;
        match names {
            Ok(names) => {
                let new = names.into_iter().filter(|name| is_name(name) && !self.names.contains(name));
                let new: Vec<String> = new.collect();
                self.names.extend(new);
                self.fine("names");
            }
            Err(problem) => self.report("names", problem),
        }
        match self.take().await {
            Ok((files, pair)) => {
                self.fine(AWAITED);
                self.show(files, pair).await;
                self.readiness.arrived(AWAITED);
            }
            Err(problem) => {
                let problem = format!("{}: {problem}", self.vault.name());
                if self.shown.is_none() {
                    self.readiness.wait_for(AWAITED, problem.clone());
                }
                self.report(AWAITED, problem);
            }
        }
    }

    /// What the vault holds, or what is made and put there because that will not do.
    async fn take(&self) -> Result<(CertificateFiles, Pair), String> {
        let kept = self.vault.read().await?;
        let last_use = self.clock.now().plus(RENEWED_BEFORE);
        let version = match kept {
            // Someone else's: whoever put it there renews it.
            Some(kept) if !made::is_made(&kept.files) => {
                let pair = Pair::of(&kept.files)?;
                return Ok((kept.files, pair));
            }
            Some(kept) => match Pair::of(&kept.files) {
                Ok(pair) if pair.holds(&self.names, last_use) => return Ok((kept.files, pair)),
                _ => kept.version,
            },
            None => None,
        };
        let files = made::make(&self.names, self.clock.now())?;
        let pair = Pair::of(&files)?;
        if !pair.holds(&self.names, last_use) {
            return Err(format!("a certificate for {} cannot be created", self.names.join(", ")));
        }
        self.vault.write(files.clone(), version).await?;
        tracing::info!(kept_in = self.vault.name(), names = self.names.join(","), "certificate created");
        Ok((files, pair))
    }

    /// Callers trust the new one before it is shown, so that no call fails in between.
    async fn show(&mut self, files: CertificateFiles, pair: Pair) {
        if let Some(authority) = &files.authority {
            match self.callers.trust(authority).await {
                Ok(()) => self.fine("trust"),
                Err(problem) => self.report("trust", problem),
            }
        }
        if self.shown.as_ref() != Some(&files) {
            let word = if self.shown.is_some() { "certificate changed" } else { "certificate in use" };
            tracing::info!(kept_in = self.vault.name(), "{word}");
            self.slot.set(pair.key);
            self.shown = Some(files);
        }
    }

    /// Says what goes wrong, once.
    fn report(&mut self, step: &'static str, problem: String) {
        if self.reported.get(step) == Some(&problem) {
            return;
        }
        match (step, self.shown.is_some()) {
            (AWAITED, true) => tracing::warn!(problem, "certificate cannot be used, keeping the current one"),
            (AWAITED, false) => tracing::warn!(problem, "there is no certificate yet, retrying"),
            _ => tracing::warn!(problem, "the API server cannot be told of the certificate, retrying"),
        }
        self.reported.insert(step, problem);
    }

    fn fine(&mut self, step: &'static str) {
        self.reported.remove(step);
    }
}

#[cfg(test)]
mod tests;
