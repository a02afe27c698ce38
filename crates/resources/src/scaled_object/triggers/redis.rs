//! Triggers `redis`, `redis-cluster` and `redis-sentinel`: how long a list is, or how large a set or a hash.

use super::aim::Aim;
use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::Metadata as M;
use super::question::Question;
use super::redis_access::{self, Servers};
use super::{CompiledTrigger, TriggerType};

const LIST: Parameter = Parameter::required(&["listName"], &[M]);
const LENGTH: Parameter = Parameter::or("5", &["listLength"], &[M]);
const ACTIVATION: Parameter = Parameter::or("0", &["activationListLength"], &[M]);
const OWN: &[Parameter] = &[LIST, LENGTH, ACTIVATION];

pub(super) const ONE: TriggerType = TriggerType {
    name: "redis",
    parameters: &[OWN, redis_access::PARAMETERS, redis_access::DATABASES],
    takes_any: false,
    may_cache: true,
    identities_not_yet: &[],
    compile: |metadata| compile(metadata, Servers::One),
};
pub(super) const CLUSTER: TriggerType = TriggerType {
    name: "redis-cluster",
    parameters: &[OWN, redis_access::PARAMETERS],
    compile: |metadata| compile(metadata, Servers::Cluster),
    ..ONE
};
pub(super) const SENTINEL: TriggerType = TriggerType {
    name: "redis-sentinel",
    parameters: &[OWN, redis_access::PARAMETERS, redis_access::DATABASES, redis_access::SENTINEL],
    compile: |metadata| compile(metadata, Servers::Sentinel),
    ..ONE
};

fn compile(metadata: &mut Metadata<'_>, servers: Servers) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    redis_access::give(servers, &mut question, metadata);
    question.give("collectionName", metadata, &LIST);
    let aim = Aim::whole(metadata, &LENGTH, &ACTIVATION);
    let name = format!("redis-{}", metadata.known_text(&LIST));
    let query = question.query("redis", metadata)?;
    metadata.metric(&name, query, aim?)
}
