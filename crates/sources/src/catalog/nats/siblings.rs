//! Where the other servers of a cluster may be asked.
//!
//! No server reports its peers' monitoring ports. Nearly always they have the same number
//! and path on each server, so the hosts by which servers and clients find one another are
//! tried with them; and, as Kubernetes names pods, the server's name before that of the
//! service. Where servers share a host, their ports mostly count up alike (4222 and 8222, 4223 and 8223), so
//! a monitoring port is tried that is as far from the known one as the server's other port is. These are
//! guesses: what answers there has to prove by its id that it is one of the cluster.

use std::collections::BTreeSet;
use std::net::IpAddr;

use reqwest::Url;
use serde_json::Value;

use super::wire::{Route, Varz};

/// Most places that are tried.
const MAX_PLACES: usize = 64;

/// Where the peers of the server at `base`, which is known as `own`, may be asked.
/// `names` are names of servers, as far as they are known.
pub(super) fn addresses<'a>(
    base: &Url,
    own: &Varz,
    names: &BTreeSet<String>,
    routes: impl Iterator<Item = &'a Route>,
) -> Vec<Url> {
    let (mut hosts, mut names) = (BTreeSet::new(), names.clone());
    for route in routes {
        hosts.extend(route.ip.clone());
        names.extend(route.remote_name.clone());
    }
    for host in
        own.cluster.iter().flat_map(|cluster| cluster.urls.iter().flatten()).filter_map(|url| host_of(url))
    {
        // Often a pod's short name, which is good in its own namespace only.
        names.extend(host.split('.').next().map(str::to_owned));
        hosts.insert(host);
    }
    hosts.extend(own.connect_urls.iter().flatten().filter_map(|url| host_of(url)));
    if let Some(domain) = domain_of_servers(base, &own.server_name) {
        let labels = names.iter().filter(|name| is_label(name));
        hosts.extend(labels.map(|name| format!("{name}.{domain}")));
    }
    let mut places: Vec<_> = hosts.iter().filter_map(|host| at_host(base, host)).collect();
    let cluster = own.cluster.iter();
    let by_cluster =
        cluster.flat_map(|cluster| cluster.urls.iter().flatten().map(|place| (place, &cluster.cluster_port)));
    let by_client = own.connect_urls.iter().flatten().map(|place| (place, &own.port));
    let shifted: BTreeSet<_> =
        by_cluster.chain(by_client).filter_map(|(place, port)| at_distance(base, place, port)).collect();
    places.extend(shifted);
    places.retain(|place| place != base);
    places.dedup();
    places.truncate(MAX_PLACES);
    places
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host_of(place: &str) -> Option<String> {
    let (host, _) = place.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| host.to_owned())
}

/// The address whose port is as far from that of `base` as the port of `place` is from `own`; none where that
/// is the same port.
fn at_distance(base: &Url, place: &str, own: &Value) -> Option<Url> {
    let (_, port) = place.rsplit_once(':')?;
    let distance = i64::from(port.parse::<u16>().ok()?) - own.as_i64()?;
    let port = i64::from(base.port_or_known_default()?).checked_add(distance)?;
    let mut url = at_host(base, &host_of(place)?)?;
    url.set_port(Some(u16::try_from(port).ok().filter(|port| *port > 0)?)).ok()?;
    (distance != 0).then_some(url)
}

/// The name under which servers have names: `nats` of `nats`, and of `nats-0.nats` for server `nats-0`.
fn domain_of_servers<'a>(base: &'a Url, own_name: &str) -> Option<&'a str> {
    let host = base.domain()?;
    match host.split_once('.') {
        Some((label, rest)) if label.eq_ignore_ascii_case(own_name) => Some(rest),
        _ => Some(host),
    }
}

/// Whether a server's name can be the first part of a host's.
fn is_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name.bytes().any(|byte| !byte.is_ascii_digit())
}

/// The same address at another host.
fn at_host(base: &Url, host: &str) -> Option<Url> {
    let mut url = base.clone();
    match host.parse::<IpAddr>() {
        Ok(address) => url.set_ip_host(address).ok()?,
        Err(_) => url.set_host(Some(host)).ok()?,
    }
    Some(url)
}

#[cfg(test)]
mod tests;
