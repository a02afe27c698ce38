//! What the API server asks the admission webhook about, for kustomize and for the chart.
//!
//! The rules come from [`resources::KINDS`], so a new kind is judged as soon as it is in the table.

use std::fmt::Write as _;

use resources::{KINDS, Scope};

/// The name of the one webhook in the configuration.
const NAME: &str = "validate.polyscaler.dev";

/// Everything of the webhook but its address, as the fields of a list's item.
///
/// It is a help and no gate: where no operator answers, objects are let through, and the schema
/// stays. Deletions and statuses are not asked about, so that clearing up never waits.
fn fields() -> String {
    let mut text = format!(
        "name: {NAME}\nadmissionReviewVersions: [v1]\nsideEffects: None\nfailurePolicy: Ignore\n\
         matchPolicy: Equivalent\ntimeoutSeconds: 5\nrules:\n"
    );
    for kind in KINDS {
        let scope = match kind.scope {
            Scope::Namespaced => "Namespaced",
            Scope::Cluster => "Cluster",
        };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "  - apiGroups: [{:?}]\n    apiVersions: [{:?}]\n    resources: [{:?}]\n    scope: {scope}\n    \
             operations: [CREATE, UPDATE]\n",
            kind.group, kind.version, kind.plural
        );
    }
    text
}

/// The configuration of the kustomizations. Its caBundle is set by the operator.
pub(super) fn configuration() -> String {
    let fields: Vec<String> = fields().lines().map(str::to_owned).collect();
    format!(
        "{}apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata:\n  \
         name: polyscaler\n  labels:\n    app.kubernetes.io/name: polyscaler\nwebhooks:\n  - {}\n    \
         clientConfig:\n      service:\n        namespace: scaling-operator-system\n        \
         name: scaling-operator-webhook\n        port: 443\n        path: /validate\n",
        super::BANNER,
        fields.join("\n    "),
    )
}

/// The same for the chart, as a named template.
pub(super) fn chart_template() -> String {
    format!(
        "{{{{- /* Written by `make generate`; changes here are lost. */ -}}}}\n\n\
         {{{{- define \"polyscaler.webhook\" -}}}}\n{}{{{{- end }}}}\n",
        fields()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_asked_about_and_no_status() {
        for text in [configuration(), chart_template()] {
            for kind in KINDS {
                assert!(text.contains(&format!("resources: [{:?}]", kind.plural)), "{text}");
                assert!(text.contains(&format!("apiGroups: [{:?}]", kind.group)), "{text}");
            }
            assert!(!text.contains("/status") && !text.contains("DELETE"), "{text}");
        }
    }
}
