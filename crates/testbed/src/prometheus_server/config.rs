//! A server's configuration files and arguments. JSON is YAML, and needs no other writer.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{PrometheusServer, PrometheusTls};

/// Name and password of the only user, where a server asks for one.
pub const PROMETHEUS_USER: (&str, &str) = ("reader", "scrape-me");

/// The password's bcrypt hash, of the least cost: every request pays for it.
const PASSWORD_HASH: &str = "$2b$04$abcdefghijklmnopqrstuuY9IzzDs2KOfMw3usTjoBXx1ZNABU.fW";

/// Writes the files beside the log; gives the arguments that name them.
pub(super) fn write(server: &PrometheusServer) -> anyhow::Result<Vec<String>> {
    let directory = server.directory();
    let main = put(directory, "prometheus.yml", &main(server))?;
    let web = put(directory, "web.yml", &web(server))?;
    Ok(vec![
        format!("--config.file={}", main.display()),
        format!("--web.config.file={}", web.display()),
        format!("--web.listen-address=127.0.0.1:{}", server.port.port()),
        format!("--storage.tsdb.path={}", directory.join("data").display()),
    ])
}

fn put(directory: &Path, name: &str, content: &Value) -> anyhow::Result<PathBuf> {
    let path = directory.join(name);
    std::fs::write(&path, content.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn main(server: &PrometheusServer) -> Value {
    let interval = format!("{}ms", server.options.interval.as_millis());
    let jobs = server.options.scrapes.iter().map(|scrape| {
        json!({
            "job_name": scrape.job,
            "metrics_path": scrape.path,
            "static_configs": [{ "targets": scrape.targets }],
        })
    });
    json!({
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "rule_files": server.options.rule_files,
        "scrape_configs": jobs.collect::<Vec<_>>(),
    })
}

fn web(server: &PrometheusServer) -> Value {
    let mut web = json!({});
    if server.options.basic_auth {
        let (user, _) = PROMETHEUS_USER;
        web["basic_auth_users"] = json!({ user: PASSWORD_HASH });
    }
    if let Some(files) = &server.certificates {
        web["tls_server_config"] =
            json!({ "cert_file": files.server.certificate, "key_file": files.server.key });
        if server.options.tls == PrometheusTls::Mutual {
            web["tls_server_config"]["client_auth_type"] = json!("RequireAndVerifyClientCert");
            web["tls_server_config"]["client_ca_file"] = json!(files.authority);
        }
    }
    web
}
