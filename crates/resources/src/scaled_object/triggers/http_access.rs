//! How a trigger reaches an HTTP server, and proves who it is: the same for all triggers that ask one.

use std::time::Duration;

use engine::Fault;

use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::{Authentication as A, Metadata as M};
use super::question::Question;

const TIMEOUT: Parameter = Parameter::optional(&["timeout"], &[M]);
const UNSAFE_SSL: Parameter = Parameter::or("false", &["unsafeSsl"], &[M]);
/// The parameters of the request itself.
pub(super) const REQUEST: &[Parameter] = &[TIMEOUT, UNSAFE_SSL];

const MODES: Parameter = Parameter::optional(&["authModes", "authMode"], &[M, A])
    .one_of(&["apiKey", "basic", "tls", "bearer", "custom", "oauth"]);
const BEARER_TOKEN: Parameter = Parameter::required(&["bearerToken", "token"], &[A]);
const USERNAME: Parameter = Parameter::required(&["username"], &[A]);
const PASSWORD: Parameter = Parameter::optional(&["password"], &[A]);
const CERT: Parameter = Parameter::required(&["cert"], &[A]);
const KEY: Parameter = Parameter::required(&["key"], &[A]);
const CA: Parameter = Parameter::optional(&["ca"], &[A]);
const HEADER: Parameter = Parameter::required(&["customAuthHeader"], &[A]);
const HEADER_VALUE: Parameter = Parameter::required(&["customAuthValue"], &[A]);
const API_KEY: Parameter = Parameter::required(&["apiKey"], &[M, A]);
const METHOD: Parameter = Parameter::or("header", &["method"], &[M, A]).one_of(&["header", "query"]);
const KEY_NAME: Parameter = Parameter::optional(&["keyParamName"], &[M, A]);
const TOKEN_URI: Parameter = Parameter::required(&["oauthTokenURI"], &[A]);
const CLIENT_ID: Parameter = Parameter::required(&["clientID"], &[A]);
const CLIENT_SECRET: Parameter = Parameter::optional(&["clientSecret"], &[A]);
const SCOPES: Parameter = Parameter::optional(&["scopes", "scope"], &[A]);
const ENDPOINT_PARAMS: Parameter = Parameter::optional(&["endpointParams"], &[A]);
/// The parameters of the proof.
pub(super) const AUTHENTICATION: &[Parameter] = &[
    MODES,
    BEARER_TOKEN,
    USERNAME,
    PASSWORD,
    CERT,
    KEY,
    CA,
    HEADER,
    HEADER_VALUE,
    API_KEY,
    METHOD,
    KEY_NAME,
    TOKEN_URI,
    CLIENT_ID,
    CLIENT_SECRET,
    SCOPES,
    ENDPOINT_PARAMS,
];

/// KEDA's own timeout of a request.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// Of these a request can carry one.
const EXCLUSIVE: [&str; 3] = ["bearer", "basic", "oauth"];

/// Adds all of this to `question`.
pub(super) fn give(question: &mut Question, metadata: &mut Metadata<'_>) {
    give_timeout(question, metadata);
    if metadata.flag(&UNSAFE_SSL) {
        question.set("insecureSkipVerify", true);
        question.stands_at("insecureSkipVerify", metadata, &UNSAFE_SSL);
    }
    let modes = modes(metadata);
    for mode in &modes {
        give_mode(mode, question, metadata);
    }
    if !modes.is_empty() {
        question.give("ca", metadata, &CA);
    }
}

/// Adds the time that a request may take.
pub(super) fn give_timeout(question: &mut Question, metadata: &mut Metadata<'_>) {
    let timeout = metadata.duration(&TIMEOUT).filter(|timeout| !timeout.is_zero()).unwrap_or(DEFAULT_TIMEOUT);
    question.set("timeoutMillis", u64::try_from(timeout.as_millis().max(1)).unwrap_or(u64::MAX));
    question.stands_at("timeoutMillis", metadata, &TIMEOUT);
}

fn modes(metadata: &mut Metadata<'_>) -> Vec<String> {
    let mut modes = metadata.list(&MODES);
    let exclusive = modes.iter().filter(|mode| EXCLUSIVE.contains(&mode.as_str())).count();
    if exclusive > 1 {
        let (name, only) = (MODES.name(), EXCLUSIVE.join(" "));
        let value = engine::one_line(&modes.join(","), 100);
        let why = format!("parameter {name:?} value {value:?} must contain only one of [{only}]");
        metadata.refuse(&MODES, Fault::invalid(why));
    }
    modes.sort();
    modes.dedup();
    modes
}

fn give_mode(mode: &str, question: &mut Question, metadata: &mut Metadata<'_>) {
    match mode {
        "bearer" => question.give("bearerToken", metadata, &BEARER_TOKEN),
        "basic" => {
            question.give("username", metadata, &USERNAME);
            question.give("password", metadata, &PASSWORD);
        }
        "tls" => {
            question.give("cert", metadata, &CERT);
            question.give("key", metadata, &KEY);
        }
        "custom" => {
            question.give("authHeader.name", metadata, &HEADER);
            question.give("authHeader.value", metadata, &HEADER_VALUE);
        }
        "apiKey" => {
            question.give("apiKey.key", metadata, &API_KEY);
            question.give("apiKey.in", metadata, &METHOD);
            question.give("apiKey.name", metadata, &KEY_NAME);
        }
        _ => give_oauth(question, metadata),
    }
}

fn give_oauth(question: &mut Question, metadata: &mut Metadata<'_>) {
    question.give("oauth2.tokenUrl", metadata, &TOKEN_URI);
    question.give("oauth2.clientId", metadata, &CLIENT_ID);
    question.give("oauth2.clientSecret", metadata, &CLIENT_SECRET);
    question.give_list("oauth2.scopes", metadata, &SCOPES);
    let params = metadata.token_url_params();
    if params.is_empty() {
        question.give("oauth2.endpointParams", metadata, &ENDPOINT_PARAMS);
    } else {
        question.set_map("oauth2.endpointParams", params);
    }
}
