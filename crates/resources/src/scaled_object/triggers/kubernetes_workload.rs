//! Trigger `kubernetes-workload`: how many pods match a selector in the object's namespace.

use super::aim::Aim;
use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::Metadata as M;
use super::question::Question;
use super::{CompiledTrigger, TriggerType};

const SELECTOR: Parameter = Parameter::required(&["podSelector"], &[M]);
const VALUE: Parameter = Parameter::optional(&["value"], &[M]);
const ACTIVATION: Parameter = Parameter::or("0", &["activationValue"], &[M]);
const BY_NODE: Parameter = Parameter::or("false", &["groupByNode"], &[M]);

pub(super) const TRIGGER: TriggerType = TriggerType {
    name: "kubernetes-workload",
    parameters: &[&[SELECTOR, VALUE, ACTIVATION, BY_NODE]],
    takes_any: false,
    may_cache: true,
    identities_not_yet: &[],
    compile,
};

fn compile(metadata: &mut Metadata<'_>) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    question.give("podSelector", metadata, &SELECTOR);
    question.set("groupByNode", metadata.flag(&BY_NODE));
    let aim = Aim::number(metadata, &VALUE, &ACTIVATION);
    let name = format!("workload-{}", metadata.about.namespace);
    let query = question.query("kubernetes-workload", metadata)?;
    metadata.metric(&name, query, aim?)
}
