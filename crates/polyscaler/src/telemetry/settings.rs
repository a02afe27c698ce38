//! What the OTEL variables say. Names, defaults and precedence are those of OpenTelemetry's
//! specification, with two exceptions: nothing is sent unless an endpoint or the exporter is
//! named, and a value that means nothing is an error and not passed over.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use reqwest::{Certificate, Identity, Url};

const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// All that sending traces needs to know.
#[derive(Debug)]
pub(super) struct Settings {
    /// The whole address of a request.
    pub(super) endpoint: Url,
    pub(super) protocol: Protocol,
    /// Whether requests are compressed by gzip.
    pub(super) is_compressed: bool,
    pub(super) headers: HeaderMap,
    /// Of one request.
    pub(super) timeout: Duration,
    /// To trust instead of the system's.
    pub(super) authorities: Option<Vec<Certificate>>,
    /// Certificate and key of this client.
    pub(super) identity: Option<Identity>,
    pub(super) batch: Batch,
    pub(super) sampler: Sampler,
    pub(super) resource: Resource,
}

/// How spans travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    Grpc,
}

/// How spans are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The most spans that wait to be sent.
    pub(super) queue: usize,
    /// The most spans that are sent at once.
    pub(super) size: usize,
    /// How long fewer spans wait for more, and a receiver that is down for the next try.
    pub(super) delay: Duration,
}

/// A variable whose value means nothing, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadVariable(String);

impl BadVariable {
    /// One whose value may be secret.
    pub(super) fn of(name: &str, advice: impl fmt::Display) -> Self {
        Self(format!("{name}: {advice}"))
    }

    fn with_value(name: &str, value: &str, advice: impl fmt::Display) -> Self {
        Self(format!("{name}={value}: {advice}"))
    }
}

impl fmt::Display for BadVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The environment; a variable that is empty counts as not set.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

/// A variable that is set.
struct Variable {
    name: String,
    value: String,
}

impl Variable {
    /// A value that is one of a few, which counts in any case of letters.
    fn choice(&self) -> String {
        self.value.to_lowercase()
    }

    fn bad(&self, advice: impl fmt::Display) -> BadVariable {
        BadVariable::with_value(&self.name, &self.value, advice)
    }

    fn bad_secret(&self, advice: impl fmt::Display) -> BadVariable {
        BadVariable::of(&self.name, advice)
    }
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<Variable> {
        let value = self.0(name)?.trim().to_owned();
        (!value.is_empty()).then(|| Variable { name: name.to_owned(), value })
    }

    /// An exporter's variable: that for traces comes before that for everything.
    fn otlp(&self, name: &str) -> Option<Variable> {
        let of_traces = self.get(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
        of_traces.or_else(|| self.get(&format!("OTEL_EXPORTER_OTLP_{name}")))
    }
}

impl Settings {
    /// What the variables that `get` knows ask for; `None` where they ask for no traces.
    pub(super) fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, BadVariable> {
        let environment = Environment(get);
        if is_off(&environment)? {
            return Ok(None);
        }
        let protocol = protocol(&environment)?;
        let settings = Self {
            endpoint: endpoint(&environment, protocol)?,
            protocol,
            is_compressed: is_compressed(&environment)?,
            headers: headers(&environment)?,
            timeout: timeout(&environment)?,
            authorities: authorities(&environment)?,
            identity: identity(&environment)?,
            batch: batch(&environment)?,
            sampler: sampler(&environment)?,
            resource: resource(&environment)?,
        };
        let is_on =
            environment.otlp("ENDPOINT").is_some() || environment.get("OTEL_TRACES_EXPORTER").is_some();
        Ok(is_on.then_some(settings))
    }
}

/// Whether traces are turned off; then no other variable counts.
fn is_off(environment: &Environment<'_>) -> Result<bool, BadVariable> {
    if let Some(disabled) = environment.get("OTEL_SDK_DISABLED") {
        match disabled.choice().as_str() {
            "true" => return Ok(true),
            "false" => {}
            _ => return Err(disabled.bad("must be true or false")),
        }
    }
    match environment.get("OTEL_TRACES_EXPORTER") {
        Some(exporter) if exporter.choice() == "none" => Ok(true),
        Some(exporter) if exporter.choice() != "otlp" => Err(exporter.bad("must be otlp or none")),
        _ => Ok(false),
    }
}

fn protocol(environment: &Environment<'_>) -> Result<Protocol, BadVariable> {
    match environment.otlp("PROTOCOL") {
        None => Ok(Protocol::Http),
        Some(protocol) => match protocol.choice().as_str() {
            "http/protobuf" => Ok(Protocol::Http),
            "grpc" => Ok(Protocol::Grpc),
            _ => Err(protocol.bad("must be http/protobuf or grpc")),
        },
    }
}

fn endpoint(environment: &Environment<'_>, protocol: Protocol) -> Result<Url, BadVariable> {
    let of_traces = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    // The endpoint for everything is a folder, in which traces have a place of their own.
    let is_whole = of_traces.is_some();
    let port = if protocol == Protocol::Grpc { 4317 } else { 4318 };
    let variable = of_traces.or_else(|| environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")).unwrap_or(Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
        value: format!("http://localhost:{port}"),
    });
    let bad = |advice: &str| {
        let may_be_secret = variable.value.contains(['@', '?']);
        if may_be_secret { variable.bad_secret(advice) } else { variable.bad(advice) }
    };
    let advice = format!("must be an address such as http://collector:{port}");
    let mut url = match protocol {
        Protocol::Grpc => Url::parse(&with_scheme(environment, &variable.value)?),
        Protocol::Http => Url::parse(&variable.value),
    }
    .map_err(|_| bad(&advice))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.fragment().is_some() {
        return Err(bad(&advice));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("an address must not contain a user or password; set them in \
            OTEL_EXPORTER_OTLP_HEADERS=authorization=..."));
    }
    match protocol {
        Protocol::Grpc => url.set_path(GRPC_PATH),
        Protocol::Http if is_whole => {}
        Protocol::Http if url.query().is_some() => {
            return Err(bad(
                "a query is allowed only in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, the complete address",
            ));
        }
        Protocol::Http => {
            let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
    }
    Ok(url)
}

/// An address for gRPC, where it may be `host:port` alone; another variable then says whether TLS is spoken.
fn with_scheme(environment: &Environment<'_>, address: &str) -> Result<String, BadVariable> {
    if address.contains("://") {
        return Ok(address.to_owned());
    }
    let scheme = match environment.otlp("INSECURE") {
        None => "https",
        Some(insecure) => match insecure.choice().as_str() {
            "true" => "http",
            "false" => "https",
            _ => return Err(insecure.bad("must be true or false")),
        },
    };
    Ok(format!("{scheme}://{address}"))
}

/// `name=value` pairs, separated by commas, values percent-encoded.
fn pairs(variable: &Variable) -> Result<Vec<(String, String)>, BadVariable> {
    let entries = variable.value.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty());
    let pair = |(index, entry): (usize, &str)| {
        let bad = || {
            let advice = "is not name=value; separate entries with commas and percent-encode special \
                          characters in values";
            variable.bad_secret(format!("entry {} {advice}", index + 1))
        };
        let (name, value) = entry.split_once('=').ok_or_else(bad)?;
        let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| bad())?;
        if name.trim().is_empty() { Err(bad()) } else { Ok((name.trim().to_owned(), value.into_owned())) }
    };
    entries.map(pair).collect()
}

fn headers(environment: &Environment<'_>) -> Result<HeaderMap, BadVariable> {
    let Some(variable) = environment.otlp("HEADERS") else { return Ok(HeaderMap::new()) };
    let mut headers = HeaderMap::new();
    for (index, (name, value)) in pairs(&variable)?.into_iter().enumerate() {
        let bad = || variable.bad_secret(format!("entry {} cannot be a header", index + 1));
        let name = HeaderName::from_str(&name.to_lowercase()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| bad())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn timeout(environment: &Environment<'_>) -> Result<Duration, BadVariable> {
    let of_exporter = milliseconds(environment.otlp("TIMEOUT"), 10_000)?;
    Ok(of_exporter.min(milliseconds(environment.get("OTEL_BSP_EXPORT_TIMEOUT"), 30_000)?))
}

/// A time from 1 ms to an hour.
fn milliseconds(variable: Option<Variable>, default: u64) -> Result<Duration, BadVariable> {
    let most = 3_600_000;
    number(variable, default, most, "a number of milliseconds").map(Duration::from_millis)
}

fn number(variable: Option<Variable>, default: u64, most: u64, what: &str) -> Result<u64, BadVariable> {
    let Some(variable) = variable else { return Ok(default) };
    match variable.value.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(variable.bad(format!("must be {what} from 1 to {most}"))),
    }
}

fn batch(environment: &Environment<'_>) -> Result<Batch, BadVariable> {
    let count = |name: &str, default: u64, most: u64| {
        let number = number(environment.get(name), default, most, "a number of spans")?;
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    };
    let queue = count("OTEL_BSP_MAX_QUEUE_SIZE", 2048, 1 << 20)?;
    let most = queue as u64;
    Ok(Batch {
        queue,
        size: count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", most.min(512), most)?,
        delay: milliseconds(environment.get("OTEL_BSP_SCHEDULE_DELAY"), 5_000)?,
    })
}

fn sampler(environment: &Environment<'_>) -> Result<Sampler, BadVariable> {
    let Some(variable) = environment.get("OTEL_TRACES_SAMPLER") else {
        return Ok(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    };
    let ratio = || {
        let Some(ratio) = environment.get("OTEL_TRACES_SAMPLER_ARG") else { return Ok(1.0) };
        let parsed: Option<f64> = ratio.value.parse().ok();
        parsed
            .filter(|parsed| (0.0..=1.0).contains(parsed))
            .ok_or_else(|| ratio.bad("must be a ratio from 0 to 1"))
    };
    let choice = variable.choice();
    let (is_parent_based, name) = match choice.strip_prefix("parentbased_") {
        Some(name) => (true, name),
        None => (false, choice.as_str()),
    };
    let sampler = match name {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio()?),
        _ => {
            return Err(variable.bad(
                "must be always_on, always_off or traceidratio, or one of them with the prefix parentbased_",
            ));
        }
    };
    Ok(if is_parent_based { Sampler::ParentBased(Box::new(sampler)) } else { sampler })
}

fn resource(environment: &Environment<'_>) -> Result<Resource, BadVariable> {
    let mut attributes = BTreeMap::from([
        ("service.name".to_owned(), "polyscaler".to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    if let Some(instance) = environment.get("POD_NAME").or_else(|| environment.get("HOSTNAME")) {
        attributes.insert("service.instance.id".to_owned(), instance.value);
    }
    if let Some(variable) = environment.get("OTEL_RESOURCE_ATTRIBUTES") {
        attributes.extend(pairs(&variable)?);
    }
    if let Some(name) = environment.get("OTEL_SERVICE_NAME") {
        attributes.insert("service.name".to_owned(), name.value);
    }
    let attributes = attributes.into_iter().map(|(name, value)| KeyValue::new(name, value));
    let builder = Resource::builder_empty().with_detector(Box::new(TelemetryResourceDetector));
    Ok(builder.with_attributes(attributes).build())
}

fn file(variable: &Variable) -> Result<Vec<u8>, BadVariable> {
    std::fs::read(Path::new(&variable.value))
        .map_err(|error| variable.bad(format!("{error}; name a file in PEM format")))
}

fn authorities(environment: &Environment<'_>) -> Result<Option<Vec<Certificate>>, BadVariable> {
    let Some(variable) = environment.otlp("CERTIFICATE") else { return Ok(None) };
    match Certificate::from_pem_bundle(&file(&variable)?) {
        Ok(authorities) if !authorities.is_empty() => Ok(Some(authorities)),
        _ => Err(variable.bad("the file has no certificate in PEM format")),
    }
}

fn identity(environment: &Environment<'_>) -> Result<Option<Identity>, BadVariable> {
    let (certificate, key) = match (environment.otlp("CLIENT_CERTIFICATE"), environment.otlp("CLIENT_KEY")) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(alone), None) => {
            return Err(alone.bad("also name the key's file in OTEL_EXPORTER_OTLP_CLIENT_KEY"));
        }
        (None, Some(alone)) => {
            return Err(
                alone.bad("also name the certificate's file in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
            );
        }
    };
    let mut pem = file(&certificate)?;
    pem.push(b'\n');
    pem.extend(file(&key)?);
    let identity = Identity::from_pem(&pem);
    identity
        .map(Some)
        .map_err(|_| certificate.bad("it and the key's file are not a certificate and a key in PEM format"))
}

fn is_compressed(environment: &Environment<'_>) -> Result<bool, BadVariable> {
    let Some(compression) = environment.otlp("COMPRESSION") else { return Ok(false) };
    match compression.choice().as_str() {
        "gzip" => Ok(true),
        "none" => Ok(false),
        _ => Err(compression.bad("must be gzip or none")),
    }
}

#[cfg(test)]
mod tests;
