//! Replicas that another field manager sets back after a scale operation.

/// A reversal of a member's replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// Place of the member in the plan.
    pub member: usize,
    /// The field manager that set the replicas back.
    pub manager: String,
    /// To how many.
    pub replicas: u32,
    /// How often in a row.
    pub times: u32,
    /// Whether it was noticed by this poll.
    pub is_new: bool,
    /// Whether it happened often enough, and not too long ago, to be reported as a condition.
    pub is_reported: bool,
}

impl Reversal {
    /// What happens to `target`, and what to do about it.
    pub(crate) fn message(&self, target: &str) -> String {
        let Self { manager, replicas, times, .. } = self;
        format!(
            "field manager {manager:?} set {target} back to {replicas} replicas {times} times in a row: {}",
            advice(manager)
        )
    }
}

/// What to do about a field manager that keeps setting `spec.replicas`.
fn advice(manager: &str) -> &'static str {
    let is_of = |names: &[&str]| names.iter().any(|name| manager.starts_with(name));
    if is_of(&["argocd"]) {
        "in the Argo CD Application, add ignoreDifferences for /spec/replicas with the sync option \
         RespectIgnoreDifferences=true, or drop replicas from the manifest"
    } else if is_of(&["kustomize-controller"]) {
        "drop replicas from the manifest that Flux applies"
    } else if is_of(&["helm-controller"]) {
        "drop replicas from the chart's values in the HelmRelease of Flux, or ignore /spec/replicas in its driftDetection"
    } else if is_of(&["helm", "Helm"]) {
        "drop replicas from the chart's values"
    } else {
        "drop replicas from what it applies"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_named_with_what_to_do() {
        for (manager, advice) in [
            ("argocd-controller", "ignoreDifferences"),
            ("argocd-application-controller", "ignoreDifferences"),
            ("kustomize-controller", "Flux"),
            ("helm-controller", "driftDetection"),
            ("Helm", "values"),
            ("kubectl-client-side-apply", "drop replicas from what it applies"),
        ] {
            let reversal = Reversal {
                member: 0,
                manager: manager.to_owned(),
                replicas: 2,
                times: 3,
                is_new: true,
                is_reported: true,
            };
            let message = reversal.message("Deployment shop/web");
            let said = format!("{manager:?} set Deployment shop/web back to 2 replicas 3 times in a row: ");
            assert!(message.contains(&said) && message.contains(advice), "{message}");
        }
    }
}
