//! Kubeconfig files. They are written as JSON, which is YAML, and name
//! certificate files by absolute path.

use std::path::Path;

use serde_json::json;

use crate::certificates::{KeyFiles, write_private};

/// Writes a kubeconfig with one cluster and one user.
pub(crate) fn write(
    path: &Path,
    server: &str,
    authority: &Path,
    user: &str,
    client: &KeyFiles,
) -> anyhow::Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "testbed",
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": user}}],
        "clusters": [{"name": "testbed", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{
            "name": user,
            "user": {"client-certificate": client.certificate, "client-key": client.key},
        }],
    });
    write_private(path, &format!("{config:#}\n"))
}
