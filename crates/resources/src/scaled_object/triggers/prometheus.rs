//! Trigger `prometheus`: the result of a query to Prometheus.

use super::aim::Aim;
use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::Metadata as M;
use super::question::Question;
use super::{CompiledTrigger, TriggerType, http_access};

const SERVER: Parameter = Parameter::required(&["serverAddress"], &[M]);
const QUERY: Parameter = Parameter::required(&["query"], &[M]);
const THRESHOLD: Parameter = Parameter::required(&["threshold"], &[M]);
const ACTIVATION: Parameter = Parameter::or("0", &["activationThreshold"], &[M]);
const NAMESPACE: Parameter = Parameter::optional(&["namespace"], &[M]);
const QUERY_PARAMETERS: Parameter = Parameter::optional(&["queryParameters"], &[M]);
const CUSTOM_HEADERS: Parameter = Parameter::optional(&["customHeaders"], &[M]);
const IGNORE_NULL: Parameter = Parameter::or("true", &["ignoreNullValues"], &[M]);

pub(super) const TRIGGER: TriggerType = TriggerType {
    name: "prometheus",
    parameters: &[
        &[SERVER, QUERY, THRESHOLD, ACTIVATION, NAMESPACE, QUERY_PARAMETERS, CUSTOM_HEADERS, IGNORE_NULL],
        http_access::REQUEST,
        http_access::AUTHENTICATION,
    ],
    takes_any: false,
    may_cache: true,
    identities_not_yet: &["azure-workload", "gcp", "aws", "aws-eks"],
    compile,
};

fn compile(metadata: &mut Metadata<'_>) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    question.give_address("serverAddress", metadata, &SERVER);
    question.give("query", metadata, &QUERY);
    question.give("namespace", metadata, &NAMESPACE);
    // KEDA refuses a result of several elements.
    question.set("aggregate", "only");
    question.set("emptyAsZero", metadata.flag(&IGNORE_NULL));
    question.give_map("queryParameters", metadata, &QUERY_PARAMETERS);
    question.give_map("headers", metadata, &CUSTOM_HEADERS);
    http_access::give(&mut question, metadata);
    let aim = Aim::number(metadata, &THRESHOLD, &ACTIVATION);
    let query = question.query("prometheus", metadata)?;
    metadata.metric("prometheus", query, aim?)
}
