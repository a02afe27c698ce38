//! The operator's own metrics, as Prometheus would read them.

use std::collections::BTreeMap;

/// All of them at one moment: line by line, name with labels and value.
#[derive(Clone, Debug)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Those that a process serves at this port of this machine.
    pub async fn read(port: u16) -> anyhow::Result<Self> {
        let url = format!("http://127.0.0.1:{port}/metrics");
        let text = testbed::http_client().build()?.get(url).send().await?.bytes().await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter_map(|line| line.rsplit_once(' '));
        Ok(Self(values.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()))
    }

    /// The sum of all series of `name` whose labels contain `label`.
    #[must_use]
    pub fn sum(&self, name: &str, label: &str) -> f64 {
        // The sum of none is -0.
        self.series(name).filter(|(key, _)| key.contains(label)).map(|(_, value)| value).sum::<f64>() + 0.0
    }

    /// How many series of `name` there are.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.series(name).count()
    }

    fn series(&self, name: &str) -> impl Iterator<Item = (&String, &f64)> {
        self.0.iter().filter(move |(key, _)| key.split('{').next() == Some(name))
    }
}

/// The lateness in seconds that a share of the polls stayed below, between two moments:
/// interpolated within a bucket of the histogram, as Prometheus does.
#[must_use]
pub fn lateness(before: &Metrics, after: &Metrics, share: f64) -> f64 {
    let name = "polyscaler_poll_lateness_seconds_bucket{le=\"";
    let mut buckets: Vec<(f64, f64)> = after
        .0
        .iter()
        .filter_map(|(key, count)| {
            let bound = key.strip_prefix(name)?.strip_suffix("\"}")?.parse().unwrap_or(f64::INFINITY);
            Some((bound, count - before.0.get(key).copied().unwrap_or(0.0)))
        })
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = buckets.last().map_or(0.0, |(_, all)| all * share);
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= wanted {
            return if bound.is_finite() {
                lower + (bound - lower) * (wanted - below) / (count - below).max(1.0)
            } else {
                lower
            };
        }
        (lower, below) = (bound, count);
    }
    lower
}
