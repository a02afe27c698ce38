//! What the annotations of a ScaledObject ask for: KEDA's, and those of every kind of ours.

use engine::{Brakes, Fault, Mode, Origin, Pause, Problem, Warning, WarningKind};
use serde_json::{Map, Value};

use crate::common::annotations::{ACTUATION_ANNOTATION, Annotations, MODE_ANNOTATION, path};
use crate::common::conditions::PAUSE_FIELD;
use crate::compile::Findings;

const PAUSED: &str = "autoscaling.keda.sh/paused";
const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
const PAUSED_SCALE_IN: &str = "autoscaling.keda.sh/paused-scale-in";
const PAUSED_SCALE_OUT: &str = "autoscaling.keda.sh/paused-scale-out";
const FORCE_ACTIVATION: &str = "autoscaling.keda.sh/force-activation";
const TRANSFER: &str = "scaledobject.keda.sh/transfer-hpa-ownership";

/// What the annotations of a ScaledObject ask for.
#[derive(Debug, PartialEq)]
pub(super) struct Marks {
    /// Whether decisions are applied.
    pub(super) mode: Mode,
    /// What is paused or overridden, by whichever annotation.
    pub(super) brakes: Brakes,
    /// Which of KEDA's annotations pause, where one does.
    pub(super) paused_by: Option<Origin>,
    /// Whether the target counts as active whatever its triggers say.
    pub(super) forced: bool,
    /// Whether replicas are set without an HPA.
    pub(super) direct: bool,
}

impl Marks {
    /// Reads those of `object`. One that cannot be read is refused before it is stored; of one that is stored already,
    /// the safe half counts.
    pub(super) fn read(object: &Value, admitting: bool, findings: &mut Findings) -> Self {
        let annotations = Annotations::read_with(object, &[ACTUATION_ANNOTATION], &mut findings.problems);
        findings.warnings.extend(annotations.warnings);
        let none = Map::new();
        let all = object.pointer("/metadata/annotations").and_then(Value::as_object).unwrap_or(&none);
        let direct = direct(all, &mut findings.problems);
        let mut brakes = annotations.brakes;
        let by_keda = pause(all, admitting, findings);
        brakes.pause = joined(brakes.pause, by_keda);
        let paused_by =
            by_keda.is_on().then(|| Origin::new(PAUSE_FIELD, by_keda, annotations_of(by_keda, all)));
        Self { mode: annotations.mode, brakes, paused_by, forced: is_set(all, FORCE_ACTIVATION), direct }
    }
}

/// What the annotations of `object`, which may be malformed, pause.
pub(super) fn pause_of(object: &Value) -> Pause {
    Marks::read(object, false, &mut Findings::default()).brakes.pause
}

/// Whether `object` says that it has no HPA.
pub(super) fn is_direct(object: &Value) -> bool {
    object["metadata"]["annotations"][ACTUATION_ANNOTATION] == "direct"
}

/// Whether `object` is only observed.
pub(super) fn observes(object: &Value) -> bool {
    object["metadata"]["annotations"][MODE_ANNOTATION] == "observe"
}

/// Whether `object` may take over an HPA that it names and that is somebody's.
pub(super) fn is_transferred(object: &Value) -> bool {
    object["metadata"]["annotations"][TRANSFER] == "true"
}

/// Whether a warning says that the replicas to pause at cannot be read.
pub(super) fn is_of_paused_replicas(warning: &Warning) -> bool {
    warning.kind == WarningKind::PausedReplicas
}

/// What is wrong with an object that is paused and so not judged; nothing where nothing is.
pub(super) fn withheld(problems: Vec<Problem>) -> Option<Warning> {
    let all: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let message = format!("correct it before the pause ends: {}", all.join("; "));
    (!all.is_empty()).then(|| Warning::new("spec", message).about(WarningKind::Withheld))
}

/// Whether a warning says what is wrong with an object that is paused.
pub(super) fn is_withheld(warning: &Warning) -> bool {
    warning.kind == WarningKind::Withheld
}

/// Whether the annotation is there and not false, as Go's `strconv.ParseBool` reads it. What that cannot read counts as
/// true: whoever misspells a brake believes that it holds.
fn is_set(all: &Map<String, Value>, key: &str) -> bool {
    const FALSE: [&str; 6] = ["0", "f", "F", "FALSE", "false", "False"];
    all.get(key).is_some_and(|value| value.as_str().is_none_or(|text| !FALSE.contains(&text)))
}

fn direct(all: &Map<String, Value>, problems: &mut Vec<Problem>) -> bool {
    match all.get(ACTUATION_ANNOTATION).map(|value| (value, value.as_str())) {
        None | Some((_, Some("hpa"))) => false,
        Some((_, Some("direct"))) => true,
        Some((value, _)) => {
            let fault = Fault::unsupported(value, ["direct", "hpa"]);
            problems.push(Problem::new(path(ACTUATION_ANNOTATION), fault));
            false
        }
    }
}

/// What KEDA's annotations pause. Replicas to pause at win over everything, also over `paused: "false"`.
fn pause(all: &Map<String, Value>, admitting: bool, findings: &mut Findings) -> Pause {
    if let Some(replicas) = all.get(PAUSED_REPLICAS) {
        if let Some(count) = count(replicas) {
            return Pause::At(count);
        }
        let why = format!("{replicas}: must be a whole number from 0 to {}, in quotes", i32::MAX);
        if admitting {
            findings.problems.push(Problem::new(path(PAUSED_REPLICAS), Fault::invalid(why)));
        } else {
            let message = format!("{why}; the target is paused at the replicas that it has");
            let warning = Warning::new(path(PAUSED_REPLICAS), message);
            findings.warnings.push(warning.about(WarningKind::PausedReplicas));
        }
        return Pause::Everything;
    }
    match (is_set(all, PAUSED), is_set(all, PAUSED_SCALE_IN), is_set(all, PAUSED_SCALE_OUT)) {
        (true, ..) => Pause::Everything,
        (false, true, true) => Pause::BothDirections,
        (false, true, false) => Pause::ScaleIn,
        (false, false, true) => Pause::ScaleOut,
        (false, false, false) => Pause::Nothing,
    }
}

/// Which of `all` annotations pause so.
fn annotations_of(pause: Pause, all: &Map<String, Value>) -> String {
    let names = match pause {
        // Also where it cannot be read.
        Pause::At(_) | Pause::Everything if all.contains_key(PAUSED_REPLICAS) => PAUSED_REPLICAS.to_owned(),
        Pause::ScaleIn => PAUSED_SCALE_IN.to_owned(),
        Pause::ScaleOut => PAUSED_SCALE_OUT.to_owned(),
        Pause::BothDirections => format!("{PAUSED_SCALE_IN} and {PAUSED_SCALE_OUT}"),
        Pause::At(_) | Pause::Everything | Pause::Nothing => PAUSED.to_owned(),
    };
    format!("annotation {names}")
}

/// A count as Go's `strconv.ParseInt` reads it; `None` where it is none that a target can have.
fn count(value: &Value) -> Option<u32> {
    let text = value.as_str()?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    let count: i32 = digits.parse().ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    u32::try_from(count).ok()
}

/// What is paused where both are asked for.
fn joined(one: Pause, other: Pause) -> Pause {
    match (one, other) {
        (Pause::At(replicas), _) | (_, Pause::At(replicas)) => Pause::At(replicas),
        (Pause::Everything, _) | (_, Pause::Everything) => Pause::Everything,
        (Pause::Nothing, pause) | (pause, Pause::Nothing) => pause,
        (one, other) if one == other => one,
        _ => Pause::BothDirections,
    }
}

/// Whether nothing at all may be scaled, so that no HPA may stand there either.
pub(super) fn is_whole(pause: Pause) -> bool {
    matches!(pause, Pause::Everything | Pause::At(_))
}

/// Whether the pause holds scaling in, and scaling out.
pub(super) fn directions(pause: Pause) -> (bool, bool) {
    match pause {
        Pause::Nothing => (false, false),
        Pause::ScaleIn => (true, false),
        Pause::ScaleOut => (false, true),
        Pause::BothDirections | Pause::Everything | Pause::At(_) => (true, true),
    }
}
