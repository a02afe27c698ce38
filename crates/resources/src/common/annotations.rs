//! The annotations under `polyscaler.dev/` that an object of any kind may have, read and checked in one place.
//!
//! One that nobody knows is a problem and never ignored: whoever misspells a brake would believe that it holds.

mod brakes;

use engine::{Brakes, Fault, FaultKind, Mode, Problem, Warning};
use serde_json::{Map, Value};

pub use brakes::{
    OVERRIDE_ANNOTATION, PAUSED_ANNOTATION, PAUSED_REPLICAS_ANNOTATION, PAUSED_SCALE_IN_ANNOTATION,
    PAUSED_SCALE_OUT_ANNOTATION, expired_override,
};

/// What all annotations that are ours begin with.
pub(crate) const PREFIX: &str = "polyscaler.dev/";

/// Annotation that sets whether decisions are applied (`act`) or only recorded (`observe`).
pub const MODE_ANNOTATION: &str = "polyscaler.dev/mode";

/// Annotation that sets whether an object that keeps an HPA keeps one (`hpa`) or sets replicas without one (`direct`).
pub const ACTUATION_ANNOTATION: &str = "polyscaler.dev/actuation";

/// Annotation in which the operator keeps the memory of decisions, for kinds whose status cannot hold it.
pub const MEMORY_ANNOTATION: &str = "polyscaler.dev/memory";

/// What users may set.
const KNOWN: &[&str] = &[
    MODE_ANNOTATION,
    PAUSED_ANNOTATION,
    PAUSED_REPLICAS_ANNOTATION,
    PAUSED_SCALE_IN_ANNOTATION,
    PAUSED_SCALE_OUT_ANNOTATION,
    OVERRIDE_ANNOTATION,
];

/// So similar, from 0 to 1, a name must be to a known one to be taken for it.
const SIMILAR: f64 = 0.8;

/// What the annotations of an object ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Annotations {
    /// Whether decisions are applied.
    pub(crate) mode: Mode,
    /// What is paused or overridden for a time.
    pub(crate) brakes: Brakes,
    /// What is doubtful about them.
    pub(crate) warnings: Vec<Warning>,
}

impl Annotations {
    /// Reads those of `object`. What cannot be read becomes a problem, and nothing is written then.
    pub(crate) fn read(object: &Value, problems: &mut Vec<Problem>) -> Self {
        Self::read_with(object, &[], problems)
    }

    /// The same of a kind that has others of ours, too.
    pub(crate) fn read_with(object: &Value, others: &[&str], problems: &mut Vec<Problem>) -> Self {
        let none = Map::new();
        let all = object.pointer("/metadata/annotations").and_then(Value::as_object).unwrap_or(&none);
        problems
            .extend(all.keys().filter(|key| !others.contains(&key.as_str())).filter_map(|key| unknown(key)));
        let mut warnings = Vec::new();
        let brakes = brakes::read(all, problems, &mut warnings);
        let mode = all.get(MODE_ANNOTATION).map_or(Mode::Act, |value| mode(value, problems));
        Self { mode, brakes, warnings }
    }
}

fn mode(value: &Value, problems: &mut Vec<Problem>) -> Mode {
    match value.as_str() {
        Some("act") => Mode::Act,
        Some("observe") => Mode::Observe,
        _ => {
            problems.push(Problem::new(path(MODE_ANNOTATION), Fault::unsupported(value, ["act", "observe"])));
            Mode::Observe
        }
    }
}

/// The place of an annotation in a manifest.
pub(crate) fn path(key: &str) -> String {
    format!("metadata.annotations[{key}]")
}

/// The problem of a key that is under our prefix and not known, with the known one that was probably meant.
fn unknown(key: &str) -> Option<Problem> {
    let name = key.strip_prefix(PREFIX)?;
    if KNOWN.contains(&key) || key == MEMORY_ANNOTATION {
        return None;
    }
    let similarity = |known: &&str| {
        let known = known.strip_prefix(PREFIX).unwrap_or(known);
        strsim::jaro_winkler(name, known).max(strsim::jaro_winkler(&sorted(name), &sorted(known)))
    };
    let nearest = KNOWN.iter().copied().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    let advice = match nearest.filter(|nearest| similarity(nearest) >= SIMILAR) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("known annotations are {}", KNOWN.join(", ")),
    };
    Some(Problem::new(
        path(key),
        Fault::new(FaultKind::UnknownField, format!("unknown annotation; {advice}")),
    ))
}

/// The words of a name in the order of the alphabet, as they are easily mixed up.
fn sorted(name: &str) -> String {
    let mut words: Vec<&str> = name.split('-').collect();
    words.sort_unstable();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(annotations: Value) -> (Annotations, Vec<String>) {
        let mut problems = Vec::new();
        let object = json!({ "metadata": { "annotations": annotations } });
        let annotations = Annotations::read(&object, &mut problems);
        (annotations, problems.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn annotations_of_others_are_nobodys_business() {
        let others = json!({
            "kubectl.kubernetes.io/last-applied-configuration": "{}", "mode": "x", "dev.polyscaler.dev/mode": "x",
            "polyscaler.device/mode": "x", "polyscaler.dev": "x",
        });
        assert_eq!(read(others), (Annotations::default(), Vec::new()));
        assert_eq!(read(Value::Null), (Annotations::default(), Vec::new()));
        assert_eq!(read(json!({ "polyscaler.dev/memory": "{}" })).1, [] as [&str; 0]);
    }

    #[test]
    fn the_mode_is_one_of_two() {
        assert_eq!(read(json!({ "polyscaler.dev/mode": "observe" })).0.mode, Mode::Observe);
        assert_eq!(read(json!({ "polyscaler.dev/mode": "act" })).0.mode, Mode::Act);
        for other in [json!("Observe"), json!(""), json!(true), Value::Null] {
            let (annotations, problems) = read(json!({ "polyscaler.dev/mode": other }));
            assert_eq!(annotations.mode, Mode::Observe, "what is not understood writes nothing");
            let wanted = format!(
                "metadata.annotations[polyscaler.dev/mode]: Unsupported value: {other}: supported values: \
                 \"act\", \"observe\""
            );
            assert_eq!(problems, [wanted]);
        }
    }

    #[test]
    fn a_misspelt_one_is_refused_with_the_one_that_was_meant() {
        for misspelt in ["mod", "Mode", "modes", "mdoe"] {
            let (_, problems) = read(json!({ format!("polyscaler.dev/{misspelt}"): "observe" }));
            let wanted = format!(
                "metadata.annotations[polyscaler.dev/{misspelt}]: unknown annotation; did you mean polyscaler.dev/mode?"
            );
            assert_eq!(problems, [wanted]);
        }
        for (misspelt, meant) in [
            ("pause", "paused"),
            ("paused-replica", "paused-replicas"),
            ("pausedReplicas", "paused-replicas"),
            ("scale-in-paused", "paused-scale-in"),
            ("pause-scale-out", "paused-scale-out"),
            ("overide", "override"),
        ] {
            let (_, problems) = read(json!({ format!("polyscaler.dev/{misspelt}"): "x" }));
            assert!(problems[0].ends_with(&format!("did you mean polyscaler.dev/{meant}?")), "{problems:?}");
        }
        let (_, problems) = read(json!({ "polyscaler.dev/zzz": "1", "polyscaler.dev/": "1" }));
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().all(|problem| problem.ends_with(&KNOWN.join(", "))), "{problems:?}");
    }
}
