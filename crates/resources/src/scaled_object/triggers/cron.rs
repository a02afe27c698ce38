//! Trigger `cron`: a number of replicas within a window that recurs.

use engine::Fault;

use super::aim::Aim;
use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::Metadata as M;
use super::question::Question;
use super::{CompiledTrigger, TriggerType};

const TIMEZONE: Parameter = Parameter::required(&["timezone"], &[M]);
const START: Parameter = Parameter::required(&["start"], &[M]);
const END: Parameter = Parameter::required(&["end"], &[M]);
const REPLICAS: Parameter = Parameter::required(&["desiredReplicas"], &[M]);

pub(super) const TRIGGER: TriggerType = TriggerType {
    name: "cron",
    parameters: &[&[TIMEZONE, START, END, REPLICAS]],
    takes_any: false,
    may_cache: false,
    identities_not_yet: &[],
    compile,
};

fn compile(metadata: &mut Metadata<'_>) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    for (setting, parameter) in [("timezone", &TIMEZONE), ("start", &START), ("end", &END)] {
        question.give(setting, metadata, parameter);
    }
    match metadata.whole(&REPLICAS) {
        Some(replicas) if replicas > 0 => question.set("desiredReplicas", replicas),
        Some(replicas) => {
            let why = format!("{replicas}: must be greater than 0");
            metadata.refuse(&REPLICAS, Fault::invalid(why));
        }
        None => {}
    }
    let [timezone, start, end] = [&TIMEZONE, &START, &END].map(|parameter| metadata.known_text(parameter));
    let name = format!("cron-{timezone}-{}-{}", in_name(&start), in_name(&end));
    let query = question.query("cron", metadata)?;
    metadata.metric(&name, query, Aim::fixed(1.0))
}

/// A cron expression as part of a metric's name.
fn in_name(expression: &str) -> String {
    expression.replace(' ', "").replace('*', "x").replace('/', "Sl").replace('?', "Qm").replace(',', "Cm")
}
