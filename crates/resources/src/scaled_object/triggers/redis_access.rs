//! How a trigger reaches Redis: one server, a cluster, or whichever server the sentinels say is the master.

use engine::{Fault, FaultKind, Otherwise, Sought, Warning};
use serde_json::Value;

use super::grammar;
use super::metadata::{Metadata, Param};
use super::parameter::Parameter;
use super::parameter::Place::{Authentication as A, Env as E, Metadata as M};
use super::question::Question;

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Servers {
    One,
    Cluster,
    Sentinel,
}

const ADDRESSES: Parameter = Parameter::required(&["address", "addresses"], &[M, A, E]);
const HOSTS: Parameter = Parameter::required(&["host", "hosts"], &[M, E, A]);
const PORTS: Parameter = Parameter::required(&["port", "ports"], &[M, E, A]);
const USERNAME: Parameter = Parameter::optional(&["username"], &[M, E, A]);
const PASSWORD: Parameter = Parameter::optional(&["password"], &[M, E, A]);
const DATABASE: Parameter = Parameter::or("0", &["databaseIndex"], &[M]);
const SENTINEL_USERNAME: Parameter = Parameter::optional(&["sentinelUsername"], &[M, A, E]);
const SENTINEL_PASSWORD: Parameter = Parameter::optional(&["sentinelPassword"], &[M, A, E]);
const SENTINEL_MASTER: Parameter = Parameter::optional(&["sentinelMaster"], &[M, A, E]);
const ENABLE_TLS: Parameter = Parameter::or("false", &["enableTLS"], &[M]);
const UNSAFE_SSL: Parameter = Parameter::or("false", &["unsafeSsl"], &[M]);
const TLS: Parameter = Parameter::or("disable", &["tls"], &[A]).one_of(&["enable", "disable"]);
const CA: Parameter = Parameter::optional(&["ca"], &[A]);
const CERT: Parameter = Parameter::optional(&["cert", "Cert"], &[A]);
const KEY: Parameter = Parameter::optional(&["key"], &[A]);
const KEY_PASSWORD: Parameter = Parameter::optional(&["keyPassword"], &[A]);

/// The parameters of all of them.
pub(super) const PARAMETERS: &[Parameter] =
    &[ADDRESSES, HOSTS, PORTS, USERNAME, PASSWORD, ENABLE_TLS, UNSAFE_SSL, TLS, CA, CERT, KEY, KEY_PASSWORD];

/// The parameter of those that have several databases.
pub(super) const DATABASES: &[Parameter] = &[DATABASE];

/// The parameters of sentinels besides.
pub(super) const SENTINEL: &[Parameter] = &[SENTINEL_USERNAME, SENTINEL_PASSWORD, SENTINEL_MASTER];

/// Adds all of this to `question`.
pub(super) fn give(servers: Servers, question: &mut Question, metadata: &mut Metadata<'_>) {
    give_addresses(servers, question, metadata);
    question.give("username", metadata, &USERNAME);
    give_password("password", question, metadata, &PASSWORD);
    match servers {
        Servers::One => give_database(question, metadata),
        // A cluster has one database only.
        Servers::Cluster => {}
        Servers::Sentinel => {
            give_database(question, metadata);
            question.give("sentinel.masterName", metadata, &SENTINEL_MASTER);
            question.give("sentinel.username", metadata, &SENTINEL_USERNAME);
            give_password("sentinel.password", question, metadata, &SENTINEL_PASSWORD);
        }
    }
    give_tls(question, metadata);
}

/// A password that is written in the object is used, with a warning: whoever may read the object can use it, too.
fn give_password(setting: &str, question: &mut Question, metadata: &mut Metadata<'_>, parameter: &Parameter) {
    if let Some(Param::Known(text)) = metadata.given(parameter) {
        let name = parameter.name();
        let why = format!(
            "whoever may read the object can read it; name a variable in {name}FromEnv, or an authentication that gives \
             {name}"
        );
        let path = metadata.path(parameter);
        metadata.findings.warnings.push(Warning::new(path, why));
        let written = Sought { places: Vec::new(), otherwise: Otherwise::Text(text) };
        question.credential(&format!("{setting}From"), written);
        return question.stands_at(setting, metadata, parameter);
    }
    question.give(setting, metadata, parameter);
}

fn give_database(question: &mut Question, metadata: &mut Metadata<'_>) {
    if let Some(index) = metadata.whole(&DATABASE) {
        question.set("db", index);
        question.stands_at("db", metadata, &DATABASE);
    }
}

fn give_addresses(servers: Servers, question: &mut Question, metadata: &mut Metadata<'_>) {
    let by_host = metadata.has(&HOSTS) || metadata.has(&PORTS);
    if !by_host && !metadata.may_have(&ADDRESSES) {
        let why = "no addresses or hosts given. address should be a comma separated list of host:port or set the \
                   host/port values";
        metadata.refuse(&ADDRESSES, Fault::new(FaultKind::Required, why));
        return;
    }
    if by_host {
        refuse_unequal(metadata);
    }
    let section = match servers {
        // Of several the first one answers.
        Servers::One if metadata.has(&ADDRESSES) || !by_host => {
            return give_first("address", question, metadata, &ADDRESSES);
        }
        Servers::One => {
            give_first("host", question, metadata, &HOSTS);
            return give_first("port", question, metadata, &PORTS);
        }
        Servers::Cluster => "cluster",
        Servers::Sentinel => "sentinel",
    };
    if metadata.has(&ADDRESSES) || !by_host {
        question.give_list(&format!("{section}.addresses"), metadata, &ADDRESSES);
    }
    if by_host {
        question.give_list(&format!("{section}.hosts"), metadata, &HOSTS);
        question.give_list(&format!("{section}.ports"), metadata, &PORTS);
    }
}

/// Gives the first item of a list, where it is known.
fn give_first(setting: &str, question: &mut Question, metadata: &mut Metadata<'_>, parameter: &Parameter) {
    match metadata.given(parameter) {
        Some(Param::Known(text)) => {
            let first = grammar::list(&text).into_iter().next().unwrap_or_default();
            question.set(setting, Value::String(first));
            question.stands_at(setting, metadata, parameter);
        }
        Some(Param::Sought(_)) => question.give(setting, metadata, parameter),
        None => {}
    }
}

/// Refuses hosts and ports of which there are not equally many, as far as that is known.
fn refuse_unequal(metadata: &mut Metadata<'_>) {
    let [hosts, ports] = [&HOSTS, &PORTS].map(|parameter| metadata.given(parameter));
    if let (Some(Param::Known(hosts)), Some(Param::Known(ports))) = (hosts, ports)
        && grammar::list(&hosts).len() != grammar::list(&ports).len()
    {
        let why = "not enough hosts or ports given. number of hosts should be equal to the number of ports";
        metadata.refuse(&PORTS, Fault::invalid(why));
    }
}

fn give_tls(question: &mut Question, metadata: &mut Metadata<'_>) {
    let is_enabled = metadata.flag(&ENABLE_TLS);
    let is_unsafe = metadata.flag(&UNSAFE_SSL);
    let has_mode = metadata.is_looked_for(&TLS) && !metadata.has(&ENABLE_TLS);
    if metadata.has(&ENABLE_TLS) && metadata.has(&TLS) {
        let why = "unable to set `tls` in both ScaledObject and TriggerAuthentication together";
        metadata.refuse(&ENABLE_TLS, Fault::forbidden(why));
    }
    if !is_enabled && !has_mode {
        return;
    }
    question.open("tls");
    if has_mode {
        question.give("tlsMode", metadata, &TLS);
    }
    for (setting, parameter) in [("tls.cert", &CERT), ("tls.key", &KEY)] {
        question.give(setting, metadata, parameter);
    }
    if metadata.has(&KEY) {
        question.give("tls.keyPassword", metadata, &KEY_PASSWORD);
    }
    if is_unsafe {
        // Then no authority has a say.
        question.set("tls.insecureSkipVerify", true);
    } else {
        question.give("tls.ca", metadata, &CA);
    }
}
