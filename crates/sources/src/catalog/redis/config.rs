//! The settings of the source, found good or refused with all that is wrong.

use std::fmt;
use std::time::Duration;

use engine::{Fault, FaultKind};

use super::access::{Login, Tls};
use super::measure::{GroupMeasure, Measure, Seen};
use super::node::{Node, REDIS_PORT, SENTINEL_PORT, Written};
use crate::values::fault::{invalid, quoted};
use crate::values::settings::Settings;
use crate::values::settings::given_later::{Form, GivenLater};

/// Most addresses of a cluster, or sentinels, that an object may name. They find the others.
const MAX_ADDRESSES: usize = 32;

/// Highest number of a database. A server has sixteen unless configured otherwise.
const MAX_DB: u64 = 65_535;

/// What may come as a credential, too.
pub(super) const GIVEN_LATER: [GivenLater; 16] = {
    const NAME: GivenLater =
        GivenLater { name: "username", sample: "a", must_be: "a name", form: Form::Text };
    const HOST: GivenLater =
        GivenLater { name: "host", must_be: "a host name or an IP address", form: Form::First, ..NAME };
    const HOSTS: GivenLater = GivenLater {
        name: "cluster.hosts",
        must_be: "host names with commas between",
        form: Form::List,
        ..HOST
    };
    const PORTS: GivenLater = GivenLater {
        name: "cluster.ports",
        sample: "1",
        must_be: "ports with commas between, as many as there are hosts",
        ..HOSTS
    };
    const ADDRESSES: GivenLater = GivenLater {
        name: "cluster.addresses",
        sample: "any.invalid:1",
        must_be: "addresses as HOST:PORT with commas between",
        ..HOSTS
    };
    [
        NAME,
        GivenLater { name: "sentinel.username", ..NAME },
        GivenLater { name: "sentinel.masterName", ..NAME },
        GivenLater { name: "address", must_be: "an address as HOST:PORT", form: Form::First, ..ADDRESSES },
        HOST,
        GivenLater { name: "port", must_be: "the number of a port", form: Form::First, ..PORTS },
        ADDRESSES,
        HOSTS,
        PORTS,
        GivenLater { name: "sentinel.addresses", ..ADDRESSES },
        GivenLater { name: "sentinel.hosts", ..HOSTS },
        GivenLater { name: "sentinel.ports", ..PORTS },
        GivenLater { name: "tlsMode", sample: "enable", must_be: "enable or disable", ..NAME },
        GivenLater { name: "collectionName", must_be: "the name of a key", ..NAME },
        GivenLater { name: "streamName", must_be: "the name of a stream", ..NAME },
        GivenLater { name: "consumerGroup", must_be: "the name of a consumer group", ..NAME },
    ]
};

/// Everything that an object may set.
#[derive(Debug)]
pub(super) struct Config {
    /// One of:
    /// `address`: one server, `redis://HOST:PORT`, `rediss://HOST:PORT` for TLS, or `HOST:PORT`; the
    /// port is 6379 unless given, and a path names the database. Without user and password.
    /// `cluster.addresses`: some servers of a cluster, 1 to 32; the one that has the key is found by them.
    /// `sentinel.addresses`: sentinels, 1 to 32, with port 26379 unless given; they say who is master of
    /// `sentinel.masterName`. Their own user and password are `sentinel.username` and
    /// `sentinel.passwordFrom`.
    pub(super) servers: Servers,
    /// `db`: number of the database, 0 unless given, up to 65535. A cluster has 0 only.
    pub(super) db: u64,
    /// `username`: the ACL user; the server's default user where it is left out.
    /// `passwordFrom.secretKeyRef`: `name` and `key` of the secret that holds the password.
    pub(super) login: Login,
    /// `tls`: an object, which may be empty and switches TLS on like `rediss://` does.
    /// `tls.caFrom.secretKeyRef`: certificates, in PEM, of the authorities that are believed instead
    /// of the system's. `tls.certFrom.secretKeyRef` and `tls.keyFrom.secretKeyRef`: certificate and key, in
    /// PEM, by which the operator shows itself. `tls.keyPasswordFrom.secretKeyRef`: what protects that key. `tls.serverName`: the name that the server's certificate
    /// must be for, where it is not the host of the address. `tls.insecureSkipVerify`: true believes
    /// any certificate.
    pub(super) tls: Option<Tls>,
    /// One of:
    /// `listName`: the length of a list.
    /// `collectionName`: the members of a list, a set, a hash or a sorted set, whichever it is.
    /// `streamName`: a stream, counted as `streamMeasure` says: `length`, its entries (the default
    /// without `consumerGroup`); `pending`, what the group got and did not acknowledge (the default
    /// with it); `lag`, what the group did not yet get, which Redis reports from version 7 on; or
    /// `backlog`, both together.
    /// `sortedSetName`: the members of a sorted set; with `minScore` or `maxScore` only those whose score is
    /// not below or not above it.
    /// `keyName`: the number that a string holds.
    pub(super) measure: Measure,
    /// `timeoutSeconds`: time for the whole reading, 1 to 60, 5 unless given; or `timeoutMillis`.
    pub(super) timeout: Duration,
}

/// Who is asked.
#[derive(Debug, PartialEq)]
pub(super) enum Servers {
    One(Node),
    Cluster(Vec<Node>),
    Sentinel { sentinels: Vec<Node>, master: String, login: Login },
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |nodes: &[Node]| nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::One(node) => node.fmt(f),
            Self::Cluster(nodes) => write!(f, "cluster at {}", list(nodes)),
            Self::Sentinel { sentinels, .. } => write!(f, "sentinels at {}", list(sentinels)),
        }
    }
}

/// What the addresses say of TLS and of the database, besides whom to ask.
#[derive(Default)]
struct Hints {
    tls: Option<bool>,
    db: Option<u64>,
}

impl Config {
    /// The settings; `None` where something is wrong with them, which they have noted.
    pub(super) fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let mut hints = Hints::default();
        let servers = servers(settings, &mut hints);
        let db = database(settings, servers.as_ref(), &hints);
        let login = login(settings);
        let tls = tls(settings, &hints);
        let measure = measure(settings);
        let timeout = settings.timeout(5);
        Some(Self { servers: servers?, db: db?, login, tls, measure: measure?, timeout: timeout? })
    }
}

fn servers(settings: &mut Settings<'_>, hints: &mut Hints) -> Option<Servers> {
    match settings.exactly_one(&["address", "host", "cluster", "sentinel"])? {
        "address" => {
            let Written { node, tls, db } =
                settings.parsed("address", |text| Written::parse(text, REDIS_PORT))?;
            *hints = Hints { tls, db };
            Some(Servers::One(node))
        }
        "host" => {
            let host = settings.required_text("host")?;
            let port = match settings.optional_text("port") {
                None => Some(REDIS_PORT),
                Some(text) => settings.parsed("port", |_| port(text)),
            };
            let node = Node::new(host, port?);
            if node.is_none() {
                settings.refuse("host", Fault::invalid("must be a host name or an IP address"));
            }
            node.map(Servers::One)
        }
        "cluster" => {
            let nodes = settings.section("cluster", |cluster| addresses(cluster, REDIS_PORT, hints))?;
            nodes.map(Servers::Cluster)
        }
        _ => settings.section("sentinel", |sentinel| {
            let sentinels = addresses(sentinel, SENTINEL_PORT, hints);
            let master = sentinel.required_text("masterName").map(str::to_owned);
            let login = login(sentinel);
            Some(Servers::Sentinel { sentinels: sentinels?, master: master?, login })
        })?,
    }
}

/// The port that `text` names.
fn port(text: &str) -> Result<u16, Fault> {
    let port = text.trim().parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| Fault::invalid("must be the number of a port"))
}

/// The lists `hosts` and `ports`, which belong together.
fn hosts(settings: &mut Settings<'_>) -> Vec<Node> {
    let hosts = settings.texts("hosts", MAX_ADDRESSES, |text| match Node::new(text, REDIS_PORT) {
        Some(node) => Ok(node.host),
        None => Err(Fault::invalid("must be a host name or an IP address")),
    });
    let ports = settings.texts("ports", MAX_ADDRESSES, port);
    let sampled = settings.is_sampled("hosts") || settings.is_sampled("ports");
    if hosts.len() != ports.len() && !sampled {
        settings.refuse("ports", Fault::invalid("must have as many items as hosts"));
    }
    hosts.into_iter().zip(ports).map(|(host, port)| Node { host, port }).collect()
}

/// The list `addresses`, whose items agree on TLS.
fn addresses(settings: &mut Settings<'_>, default_port: u16, hints: &mut Hints) -> Option<Vec<Node>> {
    let written = settings.texts("addresses", MAX_ADDRESSES, |text| {
        let written = Written::parse(text, default_port)?;
        match written.db {
            None => Ok(written),
            Some(_) => Err(Fault::invalid("must not name a database")),
        }
    });
    let (some, all) = (written.iter().any(|address| address.tls == Some(true)), Some(true));
    if some && written.iter().any(|address| address.tls != all) {
        let why = "must all begin with rediss://, or none of them";
        settings.refuse("addresses", Fault::invalid(why));
    }
    hints.tls = written.first().and_then(|address| address.tls);
    let mut nodes: Vec<Node> = Vec::new();
    let by_parts = hosts(settings);
    for node in written.into_iter().map(|address| address.node).chain(by_parts) {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    if nodes.is_empty() && settings.has("hosts") {
        return None;
    }
    if nodes.is_empty() {
        settings.require_items("addresses");
        return None;
    }
    Some(nodes)
}

fn database(settings: &mut Settings<'_>, servers: Option<&Servers>, hints: &Hints) -> Option<u64> {
    let given = settings.has("db");
    let db = settings.whole_number("db", 0..=MAX_DB, hints.db.unwrap_or(0))?;
    match hints.db {
        Some(named) if given && named != db => {
            settings.refuse("db", invalid(db, format_args!("address names database {named}")));
        }
        Some(named) if named > MAX_DB => {
            let why = format!("its database must be at most {MAX_DB}");
            settings.refuse("address", Fault::invalid(why));
        }
        _ => {}
    }
    if db != 0 && matches!(servers, Some(Servers::Cluster(_))) {
        settings.refuse("db", invalid(db, "must be 0: a cluster has no other database"));
    }
    Some(db)
}

fn login(settings: &mut Settings<'_>) -> Login {
    settings.forbid("password", "put the password into a secret and name it in passwordFrom");
    let username = settings.optional_text("username").map(str::to_owned);
    Login { username, password: settings.credential("passwordFrom") }
}

fn tls(settings: &mut Settings<'_>, hints: &Hints) -> Option<Tls> {
    let section = settings.section("tls", |tls| {
        let ca = tls.credential("caFrom");
        let (certificate, key) = (tls.credential("certFrom"), tls.credential("keyFrom"));
        for (name, other) in [("certFrom", "keyFrom"), ("keyFrom", "certFrom")] {
            if tls.has_credential(name) && !tls.has_credential(other) {
                tls.refuse(other, Fault::new(FaultKind::Required, format!("it is only valid with {name}")));
            }
        }
        let key_password = tls.credential("keyPasswordFrom");
        if tls.has_credential("keyPasswordFrom") && !tls.has_credential("keyFrom") {
            tls.refuse("keyFrom", Fault::new(FaultKind::Required, "it is only valid with keyPasswordFrom"));
        }
        let server_name = tls.optional_text("serverName").map(str::to_owned);
        if let Some(name) = &server_name
            && rustls::pki_types::ServerName::try_from(name.as_str()).is_err()
        {
            tls.refuse("serverName", invalid(quoted(name), "must be a host name or an IP address"));
        }
        let skip_verify = tls.flag("insecureSkipVerify");
        if skip_verify && ca.is_some() {
            tls.warn("insecureSkipVerify", "with it, caFrom has no effect");
        }
        Tls { ca, certificate, key, key_password, server_name, skip_verify }
    });
    let mode = settings.one_word_of("tlsMode", &[("enable", true), ("disable", false)]);
    match mode {
        Some(true) if hints.tls == Some(false) => {
            settings.refuse("tlsMode", Fault::forbidden("redis:// is without TLS; use rediss://"));
        }
        Some(false) if hints.tls == Some(true) => {
            settings.refuse("tlsMode", Fault::forbidden("rediss:// is with TLS; use redis://"));
        }
        Some(false) => return None,
        Some(true) => return section.or_else(|| Some(Tls::default())),
        None => {}
    }
    if section.is_some() && hints.tls == Some(false) {
        settings.refuse("tls", Fault::forbidden("redis:// is without TLS; use rediss://"));
    }
    section.or_else(|| (hints.tls == Some(true)).then(Tls::default))
}

fn measure(settings: &mut Settings<'_>) -> Option<Measure> {
    let name =
        settings.exactly_one(&["listName", "collectionName", "streamName", "sortedSetName", "keyName"]);
    if name.is_some_and(|name| name != "streamName") {
        for field in ["streamMeasure", "consumerGroup", "missingGroup"] {
            settings.forbid(field, "it is only valid with streamName");
        }
    }
    if name.is_some_and(|name| name != "sortedSetName") {
        for field in ["minScore", "maxScore"] {
            settings.forbid(field, "it is only valid with sortedSetName");
        }
    }
    let name = name?;
    let key = settings.required_text(name).map(str::to_owned);
    match name {
        "listName" => Some(Measure::List { key: key? }),
        "collectionName" => Some(Measure::Collection { key: key?, seen: Seen::default() }),
        "keyName" => Some(Measure::Number { key: key? }),
        "sortedSetName" => {
            let (min, max) = (settings.number("minScore"), settings.number("maxScore"));
            if let (Some(min), Some(max)) = (min, max)
                && min > max
            {
                settings.refuse("maxScore", invalid(max, format_args!("must not be below minScore, {min}")));
            }
            Some(Measure::SortedSet { key: key?, min, max })
        }
        _ => stream(settings, key),
    }
}

fn stream(settings: &mut Settings<'_>, key: Option<String>) -> Option<Measure> {
    let words = [
        ("length", None),
        ("pending", Some(GroupMeasure::Pending)),
        ("lag", Some(GroupMeasure::Lag)),
        ("backlog", Some(GroupMeasure::Backlog)),
    ];
    let group = settings.optional_text("consumerGroup").map(str::to_owned);
    let given = settings.has("streamMeasure");
    let what = settings.one_word_of("streamMeasure", &words);
    if group.is_none() && !settings.has("consumerGroup") {
        settings.forbid("missingGroup", "it is only valid with consumerGroup");
    }
    let must_exist = settings.one_of("missingGroup", &[("length", false), ("absent", true)])?;
    match (what, group) {
        (Some(None), Some(_)) => {
            let why = "the length of a stream is the same for all groups";
            settings.refuse("consumerGroup", Fault::forbidden(why));
            None
        }
        (Some(Some(_)), None) => {
            let why = "streamMeasure needs the name of a group";
            settings.refuse("consumerGroup", Fault::new(FaultKind::Required, why));
            None
        }
        (Some(Some(what)), Some(group)) => Some(Measure::Group { key: key?, group, what, must_exist }),
        (None, _) if given => None,
        (None, Some(group)) => {
            Some(Measure::Group { key: key?, group, what: GroupMeasure::Pending, must_exist })
        }
        (Some(None) | None, None) => Some(Measure::Stream { key: key? }),
    }
}

#[cfg(test)]
mod tests;
