//! Trigger `nats-jetstream`: the messages that a consumer has before it.

use engine::{Fault, FaultKind};

use super::aim::Aim;
use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::{Authentication as A, Metadata as M};
use super::question::Question;
use super::{CompiledTrigger, TriggerType};

const ENDPOINT: Parameter = Parameter::required(&["natsServerMonitoringEndpoint"], &[A, M]);
const ACCOUNT: Parameter = Parameter::required(&["account"], &[A, M]);
const ACCOUNT_ID: Parameter = Parameter::required(&["accountID"], &[A, M]);
const STREAM: Parameter = Parameter::required(&["stream"], &[M]);
const CONSUMER: Parameter = Parameter::required(&["consumer"], &[M]);
const THRESHOLD: Parameter = Parameter::or("10", &["lagThreshold"], &[M]);
const ACTIVATION: Parameter = Parameter::or("0", &["activationLagThreshold"], &[M]);
const USE_HTTPS: Parameter = Parameter::or("false", &["useHttps"], &[M]);

pub(super) const TRIGGER: TriggerType = TriggerType {
    name: "nats-jetstream",
    parameters: &[&[ENDPOINT, ACCOUNT, ACCOUNT_ID, STREAM, CONSUMER, THRESHOLD, ACTIVATION, USE_HTTPS]],
    takes_any: false,
    may_cache: true,
    identities_not_yet: &[],
    compile,
};

fn compile(metadata: &mut Metadata<'_>) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    question.give_address("monitoringEndpoint", metadata, &ENDPOINT);
    question.set("useHttps", metadata.flag(&USE_HTTPS));
    // The identifier leads to the account by itself, and the name stands for it where it is left out.
    if metadata.may_have(&ACCOUNT_ID) || metadata.may_have(&ACCOUNT) {
        question.give_first("account", metadata, &[&ACCOUNT_ID, &ACCOUNT]);
    } else {
        metadata.refuse(&ACCOUNT, Fault::new(FaultKind::Required, "no account name or id given"));
    }
    question.give("stream", metadata, &STREAM);
    question.give("consumer", metadata, &CONSUMER);
    let aim = Aim::whole(metadata, &THRESHOLD, &ACTIVATION);
    let name = format!("nats-jetstream-{}", metadata.known_text(&STREAM));
    let query = question.query("nats", metadata)?;
    metadata.metric(&name, query, aim?)
}
