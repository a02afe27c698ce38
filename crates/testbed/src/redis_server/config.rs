//! A server's configuration file. Only what it needs to run here.

use std::path::{Path, PathBuf};

use crate::certificates::write_private;

use super::{RedisServer, RedisTls};

/// Writes it beside the log, with `lines` at its end.
pub(super) fn write(server: &RedisServer, lines: &[String]) -> anyhow::Result<PathBuf> {
    let name = &server.name;
    let mut all = common(server);
    // Only what a test asks for is saved.
    all.extend([format!("dbfilename {name}.rdb"), "save \"\"".to_owned(), "appendonly no".to_owned()]);
    if let Some(password) = &server.site.options.password {
        // A replica enters its master with it, whichever of them that is.
        all.push(format!("masterauth {password}"));
    }
    all.extend(server.site.options.users.iter().map(|rule| format!("user {rule}")));
    all.extend(server.site.options.lines.iter().chain(lines).cloned());
    save(server, &all)
}

/// The same for a sentinel, which stores no data.
pub(super) fn write_sentinel(server: &RedisServer, lines: &[String]) -> anyhow::Result<PathBuf> {
    let mut all = common(server);
    all.extend_from_slice(lines);
    save(server, &all)
}

fn save(server: &RedisServer, lines: &[String]) -> anyhow::Result<PathBuf> {
    let path = server.directory().join(format!("{}.conf", server.name));
    write_private(&path, &(lines.join("\n") + "\n"))?;
    Ok(path)
}

/// A path as one word, also where there are spaces in it.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

fn common(server: &RedisServer) -> Vec<String> {
    let options = &server.site.options;
    let mut lines = vec![
        // The second is for tests that may not call the first, by which the servers know each other.
        "bind 127.0.0.1 127.0.0.2".to_owned(),
        "protected-mode no".to_owned(),
        format!("port {}", server.port()),
        format!("dir {}", quoted(server.directory())),
    ];
    lines.extend(options.password.iter().map(|password| format!("requirepass {password}")));
    if let (Some(tls), Some(files)) = (options.tls, &server.site.certificates) {
        let clients = if tls == RedisTls::Mutual { "yes" } else { "no" };
        lines.extend([
            format!("tls-port {}", server.ports.tls.port()),
            format!("tls-cert-file {}", quoted(&files.server.certificate)),
            format!("tls-key-file {}", quoted(&files.server.key)),
            // As a client of others of its kind, which want one.
            format!("tls-client-cert-file {}", quoted(&files.client.certificate)),
            format!("tls-client-key-file {}", quoted(&files.client.key)),
            format!("tls-ca-cert-file {}", quoted(&files.authority.certificate)),
            format!("tls-auth-clients {clients}"),
        ]);
    }
    lines
}
