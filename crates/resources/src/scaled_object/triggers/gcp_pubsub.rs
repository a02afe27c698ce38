//! Trigger `gcp-pubsub`: a figure that Cloud Monitoring has of a subscription or a topic.

use std::time::Duration;

use engine::{Fault, FaultKind};

use super::aim::Aim;
use super::metadata::{Metadata, Param};
use super::parameter::Parameter;
use super::parameter::Place::{Authentication as A, Env as E, Metadata as M};
use super::question::Question;
use super::{CompiledTrigger, TriggerType};

const SUBSCRIPTION: Parameter = Parameter::optional(&["subscriptionName"], &[M, E]);
const TOPIC: Parameter = Parameter::optional(&["topicName"], &[M, E]);
const MODE: Parameter = Parameter::or("SubscriptionSize", &["mode"], &[M]);
const VALUE: Parameter = Parameter::or("10", &["value"], &[M]);
const ACTIVATION: Parameter = Parameter::or("0", &["activationValue"], &[M]);
const AGGREGATION: Parameter = Parameter::optional(&["aggregation"], &[M]);
const HORIZON: Parameter = Parameter::optional(&["timeHorizon"], &[M]);
const IF_NULL: Parameter = Parameter::optional(&["valueIfNull"], &[M]);
const SIZE: Parameter = Parameter::deprecated("use mode and value instead", &["subscriptionSize"], &[M]);
const APPLICATION: Parameter = Parameter::required(&["GoogleApplicationCredentials"], &[A]);
const CREDENTIALS: Parameter = Parameter::required(&["credentials"], &[E]);

pub(super) const TRIGGER: TriggerType = TriggerType {
    name: "gcp-pubsub",
    parameters: &[&[
        SUBSCRIPTION,
        TOPIC,
        MODE,
        VALUE,
        ACTIVATION,
        AGGREGATION,
        HORIZON,
        IF_NULL,
        SIZE,
        APPLICATION,
        CREDENTIALS,
    ]],
    takes_any: false,
    may_cache: true,
    identities_not_yet: &["azure-workload", "aws", "aws-eks"],
    compile,
};

/// How far back an aggregation reaches, unless `timeHorizon` says so.
const AGGREGATED: Duration = Duration::from_secs(300);

/// The mode whose figure has a name of its own.
const SUBSCRIPTION_SIZE: &str = "SubscriptionSize";

fn compile(metadata: &mut Metadata<'_>) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    let resource = resource(metadata);
    match resource {
        Some(parameter) if parameter.name() == TOPIC.name() => question.give("topic", metadata, parameter),
        Some(parameter) => question.give("subscription", metadata, parameter),
        None => {}
    }
    if let Some(mode) = metadata.text(&MODE) {
        let metric = if mode == SUBSCRIPTION_SIZE { "NumUndeliveredMessages" } else { &mode };
        question.set("metric", snake_case(metric));
        question.stands_at("metric", metadata, &MODE);
    }
    give_window(&mut question, metadata);
    if let Some(value) = metadata.float(&IF_NULL) {
        question.set("valueIfNull", value);
    }
    give_credentials(&mut question, metadata);
    let aim = Aim::number(metadata, &VALUE, &ACTIVATION);
    let name = resource.map(|parameter| name_of(metadata, parameter));
    let query = question.query("pubsub", metadata)?;
    metadata.metric(&format!("gcp-ps-{}", name?), query, aim?)
}

/// The parameter that names what is measured.
fn resource(metadata: &mut Metadata<'_>) -> Option<&'static Parameter> {
    match (metadata.has(&SUBSCRIPTION), metadata.has(&TOPIC)) {
        (true, false) => Some(&SUBSCRIPTION),
        (false, true) => Some(&TOPIC),
        (true, true) => {
            let why = "must not be given together with subscriptionName";
            metadata.refuse(&TOPIC, Fault::forbidden(why));
            None
        }
        (false, false) => {
            let why = "one of subscriptionName and topicName must be given";
            metadata.refuse(&SUBSCRIPTION, Fault::new(FaultKind::Required, why));
            None
        }
    }
}

/// The name of what is measured, or of the variable that has it, as nobody knows its value yet.
fn name_of(metadata: &mut Metadata<'_>, parameter: &Parameter) -> String {
    match metadata.given(parameter) {
        Some(Param::Known(name)) => name,
        Some(Param::Sought(sought)) => {
            sought.places.into_iter().map(|place| place.key).next().unwrap_or_default()
        }
        None => String::new(),
    }
}

/// Over which time the figure is taken, and how its values come to one.
fn give_window(question: &mut Question, metadata: &mut Metadata<'_>) {
    let aggregation = metadata.text(&AGGREGATION);
    let horizon = metadata.duration(&HORIZON).filter(|horizon| !horizon.is_zero());
    // Without an aggregation the newest point counts, however far back it has to be looked for.
    if let Some(horizon) = horizon.or(aggregation.is_some().then_some(AGGREGATED)) {
        question.set("timeHorizonSeconds", horizon.as_secs().max(1));
        question.stands_at("timeHorizonSeconds", metadata, &HORIZON);
    }
    if aggregation.is_some() {
        question.give("aggregation", metadata, &AGGREGATION);
    }
}

/// How the operator proves who it is.
fn give_credentials(question: &mut Question, metadata: &mut Metadata<'_>) {
    // Whoever has the cloud tell who it is needs no key.
    if metadata.shows_identity("gcp") {
        // Also in which project it is, where no name says that.
        question.set("identityProject", true);
        return;
    }
    if metadata.may_have(&APPLICATION) || metadata.may_have(&CREDENTIALS) {
        question.give_first("credentials", metadata, &[&APPLICATION, &CREDENTIALS]);
    } else {
        let why = "no credentials given: name a variable in credentialsFromEnv, or an authentication with \
                   GoogleApplicationCredentials or podIdentity gcp";
        metadata.refuse(&CREDENTIALS, Fault::new(FaultKind::Required, why));
    }
}

/// `NumUndeliveredMessages` as `num_undelivered_messages`.
fn snake_case(words: &str) -> String {
    let mut snake = String::new();
    let mut before: Option<char> = None;
    let mut letters = words.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && letters.peek().is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn modes_become_names_of_figures() {
        for (mode, figure) in [
            ("NumUndeliveredMessages", "num_undelivered_messages"),
            ("OldestUnackedMessageAge", "oldest_unacked_message_age"),
            ("SendRequestCount", "send_request_count"),
            ("AckURLLatency2Ms", "ack_url_latency2_ms"),
            ("already_snake", "already_snake"),
        ] {
            assert_eq!(snake_case(mode), figure);
        }
    }
}
