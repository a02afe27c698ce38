//! The annotations, KEDA's and ours.

use engine::Mode;

use super::*;

#[test]
fn contract_0_booleans_are_read_as_go_reads_them_and_what_it_cannot_read_holds() {
    for (text, holds) in [
        ("true", true),
        ("1", true),
        ("t", true),
        ("T", true),
        ("TRUE", true),
        ("True", true),
        ("", true),
        ("yes", true),
        ("fALSE", true),
        ("false", false),
        ("0", false),
        ("f", false),
        ("F", false),
        ("FALSE", false),
        ("False", false),
    ] {
        let pause = |key: &str| plan(&annotated(key, text)).brakes.pause;
        let wanted = |pause| if holds { pause } else { Pause::Nothing };
        assert_eq!(pause("autoscaling.keda.sh/paused"), wanted(Pause::Everything), "{text:?}");
        assert_eq!(pause("autoscaling.keda.sh/paused-scale-in"), wanted(Pause::ScaleIn), "{text:?}");
        assert_eq!(pause("autoscaling.keda.sh/paused-scale-out"), wanted(Pause::ScaleOut), "{text:?}");
        assert_eq!(
            activation(&annotated("autoscaling.keda.sh/force-activation", text)).forced,
            holds,
            "{text:?}"
        );
    }
}

#[test]
fn contract_1_1_a_pause_at_replicas_wins_and_those_of_both_kinds_add_up() {
    let cases: &[(&[(&str, &str)], Pause)] = &[
        (&[("autoscaling.keda.sh/paused-replicas", "3")], Pause::At(3)),
        (&[("autoscaling.keda.sh/paused-replicas", "+0")], Pause::At(0)),
        (
            &[("autoscaling.keda.sh/paused-replicas", "3"), ("autoscaling.keda.sh/paused", "false")],
            Pause::At(3),
        ),
        (&[("autoscaling.keda.sh/paused", "true"), ("polyscaler.dev/paused-replicas", "2")], Pause::At(2)),
        (
            &[
                ("autoscaling.keda.sh/paused-scale-in", "true"),
                ("autoscaling.keda.sh/paused-scale-out", "true"),
            ],
            Pause::BothDirections,
        ),
        (
            &[("autoscaling.keda.sh/paused-scale-in", "true"), ("polyscaler.dev/paused-scale-in", "true")],
            Pause::ScaleIn,
        ),
        (
            &[("autoscaling.keda.sh/paused-scale-in", "true"), ("polyscaler.dev/paused", "true")],
            Pause::Everything,
        ),
    ];
    for (annotations, wanted) in cases {
        let annotations: serde_json::Map<String, Value> =
            annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let plan = plan(&with("/metadata/annotations", annotations.into()));
        assert_eq!(plan.brakes.pause, *wanted);
        let is_whole = matches!(wanted, Pause::At(_) | Pause::Everything);
        assert_eq!(plan.actuation == Actuation::Scale, is_whole, "no HPA while all is paused");
        assert_eq!(plan.metrics.is_empty(), is_whole, "and nobody is asked");
    }
}

#[test]
fn a_pause_names_the_annotation_to_remove() {
    let plan = plan(&annotated("autoscaling.keda.sh/paused-scale-in", "true"));
    assert_eq!(plan.origins[0].from, "annotation autoscaling.keda.sh/paused-scale-in");
}

#[test]
fn contract_3_replicas_that_cannot_be_read_pause_all_the_same() {
    for text in ["three", "", "-1", "1.5", "2147483648", " 3"] {
        let object = annotated("autoscaling.keda.sh/paused-replicas", text);
        let wanted = format!(
            "metadata.annotations[autoscaling.keda.sh/paused-replicas]: Invalid value: {text:?}: must be a whole number from \
             0 to 2147483647, in quotes"
        );
        assert_eq!(problems(&object, &CONTEXT), [wanted]);
        let stored = KIND.compile(&object, &STORED).unwrap();
        assert_eq!(stored.plan.brakes.pause, Pause::Everything, "{text:?}");
        assert_eq!(stored.plan.origins[0].from, "annotation autoscaling.keda.sh/paused-replicas");
        assert!(stored.warnings[0].message.ends_with("is paused at the replicas that it has"));
    }
}

#[test]
fn ours_hold_as_for_any_kind() {
    assert_eq!(plan(&annotated("polyscaler.dev/mode", "observe")).mode, Mode::Observe);
    let found = problems(&annotated("polyscaler.dev/pause", "true"), &CONTEXT);
    assert!(found[0].ends_with("did you mean polyscaler.dev/paused?"), "{found:?}");
    let over = r#"{"minReplicas":2,"until":"2026-12-01T00:00:00Z"}"#;
    assert!(plan(&annotated("polyscaler.dev/override", over)).brakes.bounds.is_some());
    // Only kinds that keep an HPA know this one.
    let object = json!({
        "metadata": { "name": "a", "annotations": { "polyscaler.dev/actuation": "direct" } },
        "spec": { "targetDeployment": "web", "minReplicas": 1, "maxReplicas": 2,
                  "metrics": [{ "type": "http", "config": {}, "targetValue": 1 }] },
    });
    assert!(crate::general_scaler::KIND.compile(&object, &CONTEXT).is_err());
}
