//! Trigger `metrics-api`: a number in the answer of an HTTP server.

use super::aim::Aim;
use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::Metadata as M;
use super::question::Question;
use super::{CompiledTrigger, TriggerType, http_access};

const URL: Parameter = Parameter::required(&["url"], &[M]);
const LOCATION: Parameter = Parameter::required(&["valueLocation"], &[M]);
const TARGET: Parameter = Parameter::optional(&["targetValue"], &[M]);
const ACTIVATION: Parameter = Parameter::or("0", &["activationTargetValue"], &[M]);
const FORMAT: Parameter =
    Parameter::or("json", &["format"], &[M]).one_of(&["json", "xml", "yaml", "prometheus"]);
const OF_ENDPOINTS: Parameter = Parameter::or("false", &["aggregateFromKubeServiceEndpoints"], &[M]);
const AGGREGATION: Parameter =
    Parameter::or("average", &["aggregationType"], &[M]).one_of(&["average", "sum", "max", "min"]);

pub(super) const TRIGGER: TriggerType = TriggerType {
    name: "metrics-api",
    parameters: &[
        &[URL, LOCATION, TARGET, ACTIVATION, FORMAT, OF_ENDPOINTS, AGGREGATION],
        http_access::REQUEST,
        http_access::AUTHENTICATION,
    ],
    takes_any: false,
    may_cache: true,
    identities_not_yet: &[],
    compile,
};

fn compile(metadata: &mut Metadata<'_>) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    question.give_address("url", metadata, &URL);
    question.give("valueLocation", metadata, &LOCATION);
    question.give("format", metadata, &FORMAT);
    // KEDA takes no other success for one.
    question.set("onlyStatus", 200);
    let (of_endpoints, aggregation) = (metadata.flag(&OF_ENDPOINTS), metadata.text(&AGGREGATION));
    if of_endpoints {
        question.set("aggregateEndpoints", aggregation.unwrap_or_default());
        question.stands_at("aggregateEndpoints", metadata, &AGGREGATION);
    }
    http_access::give(&mut question, metadata);
    let aim = Aim::number(metadata, &TARGET, &ACTIVATION);
    let name = format!("metric-api-{}", metadata.known_text(&LOCATION));
    let query = question.query("http", metadata)?;
    metadata.metric(&name, query, aim?)
}
