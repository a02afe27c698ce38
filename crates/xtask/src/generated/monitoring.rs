//! Alerts and dashboard for clusters, from the rule file of Prometheus and the JSON of Grafana
//! that people edit: as manifests of the kustomization, and as files of the chart.

use std::path::{Path, PathBuf};

use super::BANNER;

const ALERTS: &str = "config/monitoring/alerts.yaml";
const DASHBOARD: &str = "config/monitoring/dashboard.json";

/// Manifests and copies, relative to the root, with what they must hold.
pub(super) fn files(
    read: &dyn Fn(&Path) -> anyhow::Result<String>,
) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let (alerts, dashboard) = (read(Path::new(ALERTS))?, read(Path::new(DASHBOARD))?);
    let rules = without_head(&alerts);
    Ok(vec![
        ("config/monitoring/prometheus_rule.yaml".into(), prometheus_rule(rules)),
        ("config/monitoring/dashboard_config_map.yaml".into(), dashboard_config_map(&dashboard)),
        ("charts/polyscaler/files/monitoring/alerts.yaml".into(), format!("{BANNER}{rules}")),
        ("charts/polyscaler/files/monitoring/dashboard.json".into(), dashboard),
    ])
}

/// The text without the comment that it begins with, which speaks of the file itself.
fn without_head(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\n').filter(|(line, _)| line.starts_with('#')) {
        rest = after;
    }
    rest
}

fn prometheus_rule(rules: &str) -> String {
    let head = head("monitoring.coreos.com/v1", "PrometheusRule", "scaling-operator-alerts", "");
    format!("{head}spec:\n{}", indented(rules, 2))
}

fn dashboard_config_map(dashboard: &str) -> String {
    // By this label the sidecar of Grafana's chart finds dashboards.
    let label = "    grafana_dashboard: \"1\"\n";
    let head = head("v1", "ConfigMap", "scaling-operator-dashboard", label);
    format!("{head}data:\n  polyscaler.json: |\n{}", indented(dashboard, 4))
}

fn head(api_version: &str, kind: &str, name: &str, more_labels: &str) -> String {
    format!(
        "{BANNER}apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n  \
         namespace: scaling-operator-system\n  labels:\n    app.kubernetes.io/name: polyscaler\n{more_labels}"
    )
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

#[cfg(test)]
mod tests {
    use super::{indented, without_head};

    #[test]
    fn only_comments_at_the_beginning_go() {
        assert_eq!(without_head("# a\n# b\ngroups:\n# c\n"), "groups:\n# c\n");
        assert_eq!(without_head("groups:\n"), "groups:\n");
        assert_eq!(indented("a:\n  b\n", 2), "  a:\n    b\n");
    }
}
