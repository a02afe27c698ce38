//! A server's configuration file. Only what it needs to run here.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::Context as _;

use super::NatsServer;

/// Writes it beside the log.
pub(super) fn write(server: &NatsServer) -> anyhow::Result<PathBuf> {
    let path = server.directory().join(format!("{}.conf", server.name));
    std::fs::write(&path, text(server)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn text(server: &NatsServer) -> String {
    let (site, address) = (&server.site, server.address);
    let mut text =
        format!("server_name: {}\nlisten: \"{address}:{}\"\n", server.name, site.ports.clients.port());
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(format_args!("http: \"{address}:{}\"", site.ports.monitoring.port()));
    if !site.options.monitoring_path.is_empty() {
        line(format_args!("http_base_path: {:?}", site.options.monitoring_path));
    }
    if site.options.jetstream {
        let store = server.directory().join(&server.name);
        line(format_args!("jetstream {{ store_dir: {:?} }}", store.display().to_string()));
    }
    if site.options.gateways {
        let (route, port) = (site.ports.routes.port(), site.ports.gateways.port());
        let clusters = (1..=site.size).map(|number| {
            let address = Ipv4Addr::new(127, 0, 0, 1 + number);
            format!("{{ name: c{number}, urls: [\"nats://{address}:{port}\"] }}")
        });
        let (own, clusters) = (server.name.replace('n', "c"), clusters.collect::<Vec<_>>().join(", "));
        // JetStream wants routes, be it to the server itself.
        let routes = format!("routes: [\"nats://{address}:{route}\"]");
        line(format_args!("cluster {{ name: {own}, listen: \"{address}:{route}\", {routes} }}"));
        line(format_args!("gateway {{ name: {own}, listen: \"{address}:{port}\", gateways: [{clusters}] }}"));
    } else if site.size > 1 {
        let port = site.ports.routes.port();
        let peers = (1..=site.size).map(|number| Ipv4Addr::new(127, 0, 0, 1 + number));
        let routes: Vec<_> = peers.map(|peer| format!("\"nats://{peer}:{port}\"")).collect();
        let routes = routes.join(", ");
        // By its tag a stream is put on a server of one's choice.
        line(format_args!("server_tags: [\"{}\"]", server.name));
        line(format_args!("cluster {{ name: testbed, listen: \"{address}:{port}\", routes: [{routes}] }}"));
    }
    if !site.options.accounts.is_empty() {
        let jetstream = if site.options.jetstream { "jetstream: enabled, " } else { "" };
        line(format_args!("accounts {{"));
        for name in &site.options.accounts {
            line(format_args!("  {name}: {{ {jetstream}users: [{{ user: {name}, password: {name} }}] }}"));
        }
        line(format_args!("}}"));
    }
    text
}
