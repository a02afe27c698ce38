//! Kinds and versions that look like one that is judged, and are none: a document of one is a mistake, or an older form,
//! and not someone else's object.

use engine::{Fault, FaultKind, Problem, Warning};

use super::HPA;
use crate::horizontal_pod_autoscaler;

/// What a document is that is of no kind that is judged, and not someone else's either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// No API server has it.
    Nobodys(Problem),
    /// The API server has it, and it is not judged in this form.
    Older(Warning),
}

impl Unknown {
    /// `None` where the document is of a kind that is judged, or someone else's.
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Self> {
        if crate::find(api_version, kind).is_some() || super::supporting(api_version, kind).is_some() {
            return None;
        }
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        // Groups of Kubernetes itself have no dot, those of others have one.
        let is_hpa = kind == HPA && !group.contains('.');
        if is_hpa && api_version == "autoscaling/v1" {
            return Some(Self::Older(Warning::new(
                "apiVersion",
                in_v2("it is not judged as autoscaling/v1"),
            )));
        }
        if is_hpa {
            let why = in_v2(&format!("{api_version:?}: Kubernetes serves no HPAs of this version"));
            return Some(Self::Nobodys(Problem::new("apiVersion", Fault::invalid(why))));
        }
        of_our_groups(api_version, kind).map(Self::Nobodys)
    }
}

/// What is wrong with a document of this API version and kind where it looks like one that is judged and replayed, and is
/// none: of a version that is not read, or of a kind that its group does not have. `None` where it is one, or someone
/// else's.
pub fn unknown_version(api_version: &str, kind: &str) -> Option<Problem> {
    match Unknown::of(api_version, kind)? {
        Unknown::Nobodys(problem) => Some(problem),
        Unknown::Older(warning) => Some(Problem::new(warning.path, Fault::invalid(warning.message))),
    }
}

/// `why`, and the way out.
fn in_v2(why: &str) -> String {
    format!("{why}; write it as {}", horizontal_pod_autoscaler::KIND.api_version())
}

/// A kind or version that does not exist in a group of ours, or in that of HPAs, is a mistake.
fn of_our_groups(api_version: &str, kind: &str) -> Option<Problem> {
    let group = api_version.split('/').next().unwrap_or_default();
    let kinds = crate::KINDS.iter().chain(crate::READ_ONLY).filter(|known| known.group == group);
    let mut known: Vec<String> =
        kinds.map(|known| format!("{} {}", known.api_version(), known.kind)).collect();
    if known.is_empty() {
        return None;
    }
    let supporting = crate::SUPPORTING.iter().filter(|known| known.group == group);
    known.extend(supporting.map(|known| format!("{} {}", known.api_version(), known.kind)));
    let message =
        format!("no matches for kind {kind:?} in version {api_version:?}; known: {}", known.join(", "));
    Some(Problem::new("", Fault::new(FaultKind::Unreadable, message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(api_version: &str, kind: &str) -> String {
        match Unknown::of(api_version, kind) {
            None => "nothing".to_owned(),
            Some(Unknown::Nobodys(problem)) => format!("error: {problem}"),
            Some(Unknown::Older(warning)) => format!("warning: {warning}"),
        }
    }

    #[test]
    fn an_hpa_of_another_version_is_told_from_what_is_others() {
        for version in
            ["autoscaling/v2beta2", "autoscaling/v2beta1", "autoscaling/v3", "v2", "extensions/v1beta1"]
        {
            let wanted = format!(
                "error: apiVersion: Invalid value: {version:?}: Kubernetes serves no HPAs of this version; write it as \
                 autoscaling/v2"
            );
            assert_eq!(said(version, HPA), wanted);
        }
        assert_eq!(
            said("autoscaling/v1", HPA),
            "warning: apiVersion: it is not judged as autoscaling/v1; write it as autoscaling/v2"
        );
        assert_eq!(
            said("autoscaling/v2", "HorizontalPodAutoScaler"),
            "error: no matches for kind \"HorizontalPodAutoScaler\" in version \"autoscaling/v2\"; known: autoscaling/v2 \
             HorizontalPodAutoscaler"
        );
        for (api_version, kind) in [
            ("autoscaling/v2", HPA),
            ("autoscaling.example.org/v1", HPA),
            ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
            ("apps/v1", "Deployment"),
            ("v1", "ConfigMap"),
        ] {
            assert_eq!(said(api_version, kind), "nothing", "{api_version} {kind}");
        }
    }

    #[test]
    fn a_kind_that_others_refer_to_is_no_mistake() {
        assert_eq!(unknown_version("keda.sh/v1alpha1", "TriggerAuthentication"), None);
        assert!(unknown_version("keda.sh/v1alpha1", "ScaledObjekt").is_some());
        let older = unknown_version("autoscaling/v1", HPA).unwrap().to_string();
        assert!(older.ends_with("write it as autoscaling/v2"), "{older}");
    }
}
