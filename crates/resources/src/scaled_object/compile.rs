//! A ScaledObject becomes a plan.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use engine::activation::{
    self, Activation, ActivationFallback, Composite, FallbackBehavior, Formula, Trigger,
};
use engine::hpa::spec::BehaviorSpec;
use engine::hpa::{Hpa, HpaSpec};
use engine::{
    Actuation, Bounds, Fault, FaultKind, KeptHpa, Limits, Member, Metric, Plan, Problem, Safeguards, Target,
    TargetType, Time,
};
use serde::Deserialize as _;
use serde_json::Value;

use super::hpa::{self, Parts};
use super::marks::{self, Marks, is_transferred, is_whole};
use super::spec::{FallbackConfig, ScalingModifiers};
use super::triggers::{self, CompiledTrigger, TriggerContext, TriggerSpec};
use super::{ScaledObjectSpec, rules};
use crate::common::fields::own_namespace;
use crate::common::rule;
use crate::compile::{Compiled, Context, Findings, NotCompiled, spec};

const BEHAVIOR: &str = "spec.advanced.horizontalPodAutoscalerConfig.behavior";
const MODIFIERS: &str = "spec.advanced.scalingModifiers";

/// The most replicas that a target can have.
const MOST: u32 = i32::MAX as u32;

pub(super) fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    compile_policy(object, context).map(|(compiled, _)| compiled)
}

/// The same with the plan's policy as what it is.
pub(super) fn compile_policy(
    object: &Value,
    context: &Context<'_>,
) -> Result<(Compiled, Arc<Activation>), NotCompiled> {
    let spec: ScaledObjectSpec = spec(object)?;
    let mut broken_rules = rule::problems(rules::RULES, &spec);
    let mut findings = Findings::default();
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let target = spec.scale_target_ref.in_namespace(own_namespace(object));
    rules::judge(&spec, name, context.admitting, &mut findings);
    let marks = Marks::read(object, context.admitting, &mut findings);
    if !marks.direct {
        findings.warnings.extend(rules::idles_under_hpa(&spec));
    }
    let compiled = Triggers::compile(&spec, name, &target, context, &mut findings);
    let composite = composite(&spec, &mut findings.problems);
    if let Some(behavior) = spec.hpa_config().and_then(|config| config.behavior.clone()) {
        findings.problems.extend(refused_behavior(behavior.into()));
    }
    let parts = Parts {
        spec: &spec,
        object: name,
        metadata: &object["metadata"],
        target: &target,
        triggers: &compiled.triggers,
        of_pods: &compiled.of_pods,
        composite: composite.as_ref(),
        pause: marks.brakes.pause,
        // KEDA asks for the annotation at admission, and takes over without it what is stored. An HPA that has the name
        // which KEDA makes up is one of its own that was restored.
        may_adopt: !context.admitting || is_transferred(object) || !spec.names_hpa(),
    };
    let hpa = parts.kept();
    let direct = marks.direct.then(|| direct(&hpa, &compiled, &mut findings.problems)).flatten();
    let Findings { mut problems, mut warnings } = findings;
    if is_whole(marks.brakes.pause) && !context.admitting {
        // KEDA does not judge who is paused: whoever pauses an object that is broken wants it to hold still.
        warnings.extend(marks::withheld(broken_rules.drain(..).chain(problems.drain(..)).collect()));
    }
    if !broken_rules.is_empty() || !problems.is_empty() {
        return Err(NotCompiled::Problems { broken_rules, others: problems });
    }
    let created = object.pointer("/metadata/creationTimestamp").and_then(|at| Time::deserialize(at).ok());
    let (plan, policy) = plan(&spec, target, marks, created, (compiled, composite), (hpa, direct));
    Ok((Compiled { plan, warnings }, policy))
}

fn plan(
    spec: &ScaledObjectSpec,
    target: Target,
    marks: Marks,
    created: Option<Time>,
    (compiled, composite): (Triggers, Option<Composite>),
    (hpa, direct): (KeptHpa, Option<Hpa>),
) -> (Plan, Arc<Activation>) {
    let pause = marks.brakes.pause;
    let limits = direct.as_ref().map_or_else(Limits::default, |direct| direct.limits.clone());
    let most = if marks.direct { spec.max() } else { MOST };
    let is_kept = !marks.direct && !is_whole(pause);
    let Triggers { mut metrics, of_pods, metrics_of_pods, mut triggers } = compiled;
    let only_pods = triggers.is_empty() && !of_pods.is_empty();
    if marks.direct {
        metrics.extend(metrics_of_pods);
    }
    if is_whole(pause) {
        // As in KEDA: nobody is asked for what nothing is made of.
        (metrics, triggers) = Default::default();
    }
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let activation = Arc::new(Activation {
        triggers,
        only_pods,
        min: spec.min(),
        max: spec.max(),
        idle: spec.idle_replica_count,
        cooldown: seconds(spec.cooldown()),
        initial_cooldown: seconds(spec.initial_cooldown_period.unwrap_or(0)),
        created: created.unwrap_or_default(),
        forced: marks.forced,
        fallback: spec.fallback.as_ref().map(fallback),
        composite: composite.map(Box::new),
        freshness: freshness(spec),
        direct: direct.map(Box::new),
    });
    let plan = Plan {
        members: vec![Member::single(target, Bounds::new(0, most).unwrap_or_else(|| unreachable!("from 0")))],
        metrics,
        policy: activation.clone(),
        limits,
        mode: marks.mode,
        interval: seconds(spec.polling()),
        group: None,
        actuation: if is_kept { Actuation::Hpa(hpa.into()) } else { Actuation::Scale },
        brakes: marks.brakes,
        safeguards: Safeguards::default(),
        origins: marks.paused_by.into_iter().collect(),
        foresight: None,
    };
    (plan, activation)
}

/// How old the values may be by which running replicas are counted; `None` where all triggers are to be cached.
fn freshness(spec: &ScaledObjectSpec) -> Option<Duration> {
    let is_live = |trigger: &TriggerSpec| !rules::is_of_pods(&trigger.type_) && !trigger.use_cached_metrics;
    spec.triggers.iter().any(is_live).then_some(activation::LIVE_POLLING)
}

/// What the triggers of an object come to.
struct Triggers {
    /// Those with a metric of their own, and their metrics in the same order.
    triggers: Vec<Trigger>,
    metrics: Vec<Metric>,
    /// The metrics that an HPA measures at pods, as its spec has them and as a plan without HPA reads them.
    of_pods: Vec<Value>,
    metrics_of_pods: Vec<Metric>,
}

impl Triggers {
    fn compile(
        spec: &ScaledObjectSpec,
        object: &str,
        target: &Target,
        context: &Context<'_>,
        findings: &mut Findings,
    ) -> Self {
        let (triggers, metrics, of_pods, metrics_of_pods) = Default::default();
        let mut all = Self { triggers, metrics, of_pods, metrics_of_pods };
        let mut names = BTreeSet::new();
        for (index, trigger) in spec.triggers.iter().enumerate() {
            let path = format!("spec.triggers[{index}]");
            let about = TriggerContext {
                context,
                path: path.clone(),
                index,
                object,
                namespace: &target.namespace,
                target,
                env_container: spec.scale_target_ref.env_source_container_name.as_deref(),
                is_metric_source: spec.modifiers().is_some(),
            };
            match triggers::compile(trigger, &about, findings) {
                Some(CompiledTrigger::Metric { metric, trigger }) => {
                    if !names.insert(trigger.metric.clone()) {
                        let fault = Fault::new(FaultKind::Duplicate, format!("metric {:?}", trigger.metric));
                        findings.problems.push(Problem::new(path, fault));
                    } else if hpa::milli(trigger.target) == 0 && spec.modifiers().is_none() {
                        let why = "the target is below 0.001, which an HPA cannot aim for";
                        findings.problems.push(Problem::new(format!("{path}.metadata"), Fault::invalid(why)));
                    }
                    all.metrics.push(metric);
                    all.triggers.push(trigger);
                }
                // A formula stands in place of what is measured at single containers, too.
                Some(CompiledTrigger::Pods { hpa_metric, .. })
                    if spec.modifiers().is_some() && hpa_metric["type"] == "ContainerResource" => {}
                Some(CompiledTrigger::Pods { hpa_metric, metric }) => {
                    all.of_pods.push(hpa_metric);
                    all.metrics_of_pods.push(metric);
                }
                None => {}
            }
        }
        // They are kept for as long as the object is as it is.
        all.triggers.shrink_to_fit();
        all
    }
}

/// What the API server would refuse of the `behavior` of the HPA: it is said at once, and not when the HPA is written.
fn refused_behavior(behavior: Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    match BehaviorSpec::deserialize(behavior) {
        Ok(behavior) => {
            engine::hpa::behavior(&behavior, BEHAVIOR, &mut problems);
        }
        Err(error) => problems.push(Problem::new(BEHAVIOR, Fault::invalid(error.to_string()))),
    }
    problems
}

/// The HPA's own arithmetic in place of an HPA, over the plan's metrics: those of triggers or of the formula, then those of
/// pods.
fn direct(kept: &KeptHpa, compiled: &Triggers, problems: &mut Vec<Problem>) -> Option<Hpa> {
    let external = kept.spec["metrics"].as_array().into_iter().flatten();
    let external = external.filter(|metric| metric["type"] == "External");
    let metrics: Vec<Value> = external.chain(&compiled.of_pods).cloned().collect();
    if metrics.is_empty() {
        // Its triggers have problems, which have been said.
        return None;
    }
    let mut spec = kept.spec.clone();
    spec["metrics"] = metrics.into();
    let spec = HpaSpec::deserialize(spec)
        .map_err(|error| vec![Problem::new("spec", Fault::invalid(error.to_string()))]);
    let compiled = spec.and_then(|spec| Hpa::compile(&spec, "spec"));
    compiled.map_err(|more| problems.extend(more)).ok()
}

fn fallback(fallback: &FallbackConfig) -> ActivationFallback {
    let behavior = match fallback.behavior.as_str() {
        "currentReplicas" => FallbackBehavior::CurrentReplicas,
        "currentReplicasIfHigher" => FallbackBehavior::CurrentReplicasIfHigher,
        "currentReplicasIfLower" => FallbackBehavior::CurrentReplicasIfLower,
        "scalingModifiers" => FallbackBehavior::ScalingModifiers,
        _ => FallbackBehavior::Static,
    };
    let &FallbackConfig { failure_threshold, replicas, .. } = fallback;
    ActivationFallback { failure_threshold, replicas, behavior }
}

/// The metric that a formula makes of all triggers; all that is wrong with it otherwise.
fn composite(spec: &ScaledObjectSpec, problems: &mut Vec<Problem>) -> Option<Composite> {
    let modifiers = spec.modifiers()?;
    let mut refuse =
        |field: &str, fault: Fault| problems.push(Problem::new(format!("{MODIFIERS}.{field}"), fault));
    let mut number = |field: &str, text: Option<&str>| match text?.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(number),
        _ => {
            refuse(
                field,
                Fault::invalid_value(format_args!("{:?}", text.unwrap_or_default()), "must be a number"),
            );
            None
        }
    };
    let target = ScalingModifiers::given(&modifiers.target);
    let aim = number("target", target);
    let activation_target =
        number("activationTarget", ScalingModifiers::given(&modifiers.activation_target)).unwrap_or(0.0);
    match aim {
        None if target.is_none() => refuse("target", Fault::required()),
        // An HPA has thousandths.
        Some(aim) if aim < 0.001 => refuse("target", Fault::invalid_value(aim, "must be greater than 0")),
        None | Some(_) => {}
    }
    let named = spec.triggers.iter().filter(|trigger| !rules::is_of_pods(&trigger.type_));
    let names: Vec<&str> =
        named.filter_map(|trigger| trigger.name.as_deref()).filter(|name| !name.is_empty()).collect();
    let formula = match ScalingModifiers::given(&modifiers.formula) {
        None => {
            refuse("formula", Fault::required());
            None
        }
        Some(text) => {
            Formula::compile(text, &names).map_err(|why| refuse("formula", Fault::invalid(why))).ok()
        }
    };
    Some(Composite {
        formula: formula?,
        target: aim?,
        type_: modifiers.metric_type.unwrap_or(TargetType::AverageValue),
        activation_target,
        is_whole: target.is_some_and(|target| target.parse::<i64>().is_ok()),
    })
}
