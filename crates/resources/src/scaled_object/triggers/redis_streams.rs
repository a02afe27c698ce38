//! Triggers `redis-streams`, `redis-cluster-streams` and `redis-sentinel-streams`: how many entries of a stream wait.

use super::aim::Aim;
use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::Metadata as M;
use super::question::Question;
use super::redis_access::{self, Servers};
use super::{CompiledTrigger, TriggerType};

const STREAM: Parameter = Parameter::required(&["stream"], &[M]);
const GROUP: Parameter = Parameter::optional(&["consumerGroup"], &[M]);
const PENDING: Parameter = Parameter::or("5", &["pendingEntriesCount"], &[M]);
const LENGTH: Parameter = Parameter::or("5", &["streamLength"], &[M]);
const LAG: Parameter = Parameter::optional(&["lagCount"], &[M]);
const ACTIVATION: Parameter = Parameter::or("0", &["activationLagCount"], &[M]);
const OWN: &[Parameter] = &[STREAM, GROUP, PENDING, LENGTH, LAG, ACTIVATION];

pub(super) const ONE: TriggerType = TriggerType {
    name: "redis-streams",
    parameters: &[OWN, redis_access::PARAMETERS, redis_access::DATABASES],
    takes_any: false,
    may_cache: true,
    identities_not_yet: &[],
    compile: |metadata| compile(metadata, Servers::One),
};
pub(super) const CLUSTER: TriggerType = TriggerType {
    name: "redis-cluster-streams",
    parameters: &[OWN, redis_access::PARAMETERS],
    compile: |metadata| compile(metadata, Servers::Cluster),
    ..ONE
};
pub(super) const SENTINEL: TriggerType = TriggerType {
    name: "redis-sentinel-streams",
    parameters: &[OWN, redis_access::PARAMETERS, redis_access::DATABASES, redis_access::SENTINEL],
    compile: |metadata| compile(metadata, Servers::Sentinel),
    ..ONE
};

fn compile(metadata: &mut Metadata<'_>, servers: Servers) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    redis_access::give(servers, &mut question, metadata);
    question.give("streamName", metadata, &STREAM);
    let [pending, length, lag, activation] =
        [&PENDING, &LENGTH, &LAG, &ACTIVATION].map(|count| metadata.whole(count));
    let (parameter, target) = if !metadata.has(&GROUP) {
        question.set("streamMeasure", "length");
        (&LENGTH, length)
    } else {
        question.give("consumerGroup", metadata, &GROUP);
        if lag.is_none_or(|lag| lag == 0) {
            question.set("streamMeasure", "pending");
            // There is nothing pending of which anybody would know.
            question.set("missingGroup", "absent");
            (&PENDING, pending)
        } else {
            question.set("streamMeasure", "lag");
            // All of the stream is before a group that is yet to come.
            question.set("missingGroup", "length");
            (&LAG, lag)
        }
    };
    let aim = Aim::of_whole(metadata, parameter, target, activation);
    let name = format!("redis-streams-{}", metadata.known_text(&STREAM));
    let query = question.query("redis", metadata)?;
    metadata.metric(&name, query, aim?)
}
