//! Load straight from Prometheus: the manifest's own queries over the past, in pieces that a server can answer.

use std::time::Duration;

use anyhow::Context as _;
use backtest::Manifest;
use backtest::load::Recorded;
use engine::Time;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Client, ClientBuilder, Url};
use serde::Deserialize;
use serde_json::Value;

/// Points of one series that are asked for at once: Prometheus answers 11,000 at most.
const MOST_POINTS: i64 = 10_000;
/// With fewer points a server that limits what it answers cannot be helped.
const FEWEST_POINTS: i64 = 50;
/// More points than this in all are more than anybody looks at.
const MOST_IN_ALL: i64 = 5_000_000;
/// A piece may take as long as the server lets a query take, and a little more.
const TIMEOUT: Duration = Duration::from_secs(150);
const STEP: Duration = Duration::from_secs(60);

/// What is asked of which server.
#[derive(Clone, Debug)]
pub(super) struct History<'a> {
    pub(super) server: &'a Url,
    /// Headers, as `Name: value`.
    pub(super) headers: &'a [(String, String)],
    pub(super) range: Duration,
    pub(super) step: Option<Duration>,
    pub(super) until: Time,
}

/// One metric of the manifest that Prometheus can answer.
#[derive(Debug, PartialEq)]
struct Asked {
    name: String,
    query: String,
    aggregate: Aggregate,
}

/// What several series come to, as by the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Max,
    Avg,
    Only,
}

/// The load that `manifest` would have read: one column a metric.
pub(super) fn fetch(history: &History<'_>, manifest: &Manifest) -> anyhow::Result<(Vec<String>, Recorded)> {
    let asked = asked(manifest)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(history.fetch_all(asked))
}

/// The queries of the manifest.
fn asked(manifest: &Manifest) -> anyhow::Result<Vec<Asked>> {
    let object = &manifest.object;
    let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array);
    // Those of a ScaledObject are called triggers.
    let mut metrics: Vec<&Value> = match list("/spec/metrics").or_else(|| list("/spec/triggers")) {
        Some(metrics) => metrics.iter().collect(),
        None => object.pointer("/spec/metric").into_iter().collect(),
    };
    // Those that are measured at pods stand behind the others in the plan.
    metrics.sort_by_key(|metric| object["kind"] == "ScaledObject" && is_of_pods(metric));
    let mut asked = Vec::new();
    for (metric, planned) in metrics.iter().zip(&manifest.plan.metrics) {
        let text = |pointer: &str| metric.pointer(pointer).and_then(Value::as_str);
        let query = text("/config/query").or_else(|| text("/metadata/query"));
        let Some(query) = query.filter(|_| text("/type") == Some("prometheus")) else { continue };
        let aggregate = match text("/config/aggregate") {
            // KEDA takes one series and no more.
            None if object["kind"] == "ScaledObject" => Aggregate::Only,
            Some("max") => Aggregate::Max,
            Some("avg") => Aggregate::Avg,
            Some("only") => Aggregate::Only,
            _ => Aggregate::Sum,
        };
        asked.push(Asked { name: planned.name.clone(), query: query.to_owned(), aggregate });
    }
    anyhow::ensure!(
        !asked.is_empty(),
        "{} has no metric of type prometheus, so there is no query; provide its load with --load",
        manifest.name
    );
    Ok(asked)
}

fn is_of_pods(trigger: &Value) -> bool {
    ["cpu", "memory"].iter().any(|type_| trigger["type"] == *type_)
}

/// Why a piece was not answered.
enum Refused {
    /// A smaller piece may be.
    TooMuch(String),
    /// Nothing helps.
    Failed(anyhow::Error),
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    values: Vec<(f64, String)>,
}

impl History<'_> {
    async fn fetch_all(&self, asked: Vec<Asked>) -> anyhow::Result<(Vec<String>, Recorded)> {
        let step = self.step.unwrap_or(STEP);
        let step_millis = (step.as_millis() as i64).max(1);
        let points = self.range.as_millis() as i64 / step_millis;
        anyhow::ensure!(
            points >= 2,
            "--range is shorter than two steps; set a longer one, or a shorter --step"
        );
        anyhow::ensure!(
            points <= MOST_IN_ALL,
            "--range has {points} steps, more than {MOST_IN_ALL}; set a longer --step"
        );
        let first = self.until.as_millis() - points * step_millis;
        let client = client()?;
        let bar = ProgressBar::new(points as u64 * asked.len() as u64);
        let style = ProgressStyle::with_template("{bar:40} {percent} % of the history, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let mut values = vec![f64::NAN; points as usize * asked.len()];
        for (column, metric) in asked.iter().enumerate() {
            let mut grid = Column { first, step_millis, values: &mut values, columns: asked.len(), column };
            self.fetch_column(&client, metric, points, &mut grid, &bar).await?;
        }
        bar.finish_and_clear();
        let mut recorded = Recorded::new(asked.len());
        for (point, row) in values.chunks_exact(asked.len()).enumerate() {
            recorded.push(Time::from_millis(first + point as i64 * step_millis), row);
        }
        let is_empty = values.iter().all(|value| value.is_nan());
        anyhow::ensure!(
            !is_empty,
            "{}: there is nothing in that range; the query is {}",
            self.server,
            asked[0].query
        );
        Ok((asked.into_iter().map(|metric| metric.name).collect(), recorded))
    }

    async fn fetch_column(
        &self,
        client: &Client,
        metric: &Asked,
        points: i64,
        grid: &mut Column<'_>,
        bar: &ProgressBar,
    ) -> anyhow::Result<()> {
        let (mut from, mut size) = (0, MOST_POINTS);
        while from < points {
            let to = (from + size).min(points);
            match self.fetch_piece(client, metric, grid.at(from), grid.at(to - 1), grid.step_millis).await {
                Ok(series) => {
                    grid.put(metric, &series)?;
                    bar.inc((to - from) as u64);
                    from = to;
                }
                Err(Refused::TooMuch(_)) if size > FEWEST_POINTS => size = (size / 2).max(FEWEST_POINTS),
                Err(Refused::TooMuch(why)) => anyhow::bail!(
                    "{}: {}: even {FEWEST_POINTS} points at once are too much: {why}; set a longer --step, \
                     or use a query with fewer series",
                    self.server,
                    metric.name
                ),
                Err(Refused::Failed(error)) => {
                    return Err(error.context(format!("{}: {}", self.server, metric.name)));
                }
            }
        }
        Ok(())
    }

    async fn fetch_piece(
        &self,
        client: &Client,
        metric: &Asked,
        from: i64,
        to: i64,
        step_millis: i64,
    ) -> Result<Vec<Series>, Refused> {
        let failed = |error: anyhow::Error| Refused::Failed(error);
        let mut url = self.server.clone();
        url.path_segments_mut()
            .map_err(|()| failed(anyhow::anyhow!("is not the address of a server")))?
            .pop_if_empty()
            .extend(["api", "v1", "query_range"]);
        let seconds = |millis: i64| format!("{}", millis as f64 / 1000.0);
        let form = [
            ("query", metric.query.clone()),
            ("start", seconds(from)),
            ("end", seconds(to)),
            ("step", seconds(step_millis)),
        ];
        // Any address does to encode a form.
        let mut encoded = url.clone();
        encoded.query_pairs_mut().clear().extend_pairs(&form);
        let body = encoded.query().unwrap_or_default().to_owned();
        let mut request =
            client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_timeout() => {
                return Err(Refused::TooMuch(format!("no response within {} s", TIMEOUT.as_secs())));
            }
            Err(error) => return Err(failed(anyhow::Error::new(error).context("cannot be queried"))),
        };
        let status = response.status();
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) if error.is_timeout() => {
                return Err(Refused::TooMuch("the response takes too long".to_owned()));
            }
            Err(error) => {
                return Err(failed(anyhow::Error::new(error).context("the response is incomplete")));
            }
        };
        let answer: Option<Answer> = serde_json::from_slice(&body).ok();
        match answer {
            Some(Answer { status: said, data: Some(data), .. }) if said == "success" => Ok(data.result),
            // What is too much for a query is 422 or 503, and 400 where the points are too many.
            Some(Answer { error, .. }) if is_too_much(status.as_u16(), &error) => {
                Err(Refused::TooMuch(error))
            }
            Some(Answer { error, .. }) if !error.is_empty() => {
                Err(failed(anyhow::anyhow!("{status}: {error}")))
            }
            _ => Err(failed(anyhow::anyhow!("{status}: the answer is not that of a Prometheus server"))),
        }
    }
}

/// Whether a smaller piece may be answered. Prometheus has no code of its own for it, so the status decides, and the
/// words only where a status has other meanings, too.
fn is_too_much(status: u16, error: &str) -> bool {
    status == 503
        || (status == 422 && !error.is_empty())
        || (status == 400 && error.contains("maximum resolution"))
}

#[expect(clippy::disallowed_methods, reason = "main has chosen the TLS library")]
fn client() -> anyhow::Result<Client> {
    ClientBuilder::new().timeout(TIMEOUT).build().context("no HTTP client can be created")
}

/// The values of one metric on their way into all values.
struct Column<'a> {
    first: i64,
    step_millis: i64,
    values: &'a mut [f64],
    columns: usize,
    column: usize,
}

impl Column<'_> {
    fn at(&self, point: i64) -> i64 {
        self.first + point * self.step_millis
    }

    /// Puts what several series come to in its place.
    fn put(&mut self, metric: &Asked, series: &[Series]) -> anyhow::Result<()> {
        if metric.aggregate == Aggregate::Only && series.len() > 1 {
            anyhow::bail!(
                "{}: aggregate is only, and the query returns {} series",
                metric.name,
                series.len()
            );
        }
        let mut counts = std::collections::HashMap::new();
        for (at, text) in series.iter().flat_map(|series| &series.values) {
            let point = ((at * 1000.0).round() as i64 - self.first) / self.step_millis;
            let Some(place) = usize::try_from(point).ok().map(|point| point * self.columns + self.column)
            else {
                continue;
            };
            let (Some(value), Ok(read)) = (self.values.get_mut(place), text.parse::<f64>()) else { continue };
            let count: &mut f64 = counts.entry(place).or_default();
            *value = match metric.aggregate {
                _ if *count == 0.0 => read,
                Aggregate::Max => value.max(read),
                Aggregate::Sum | Aggregate::Avg | Aggregate::Only => *value + read,
            };
            *count += 1.0;
        }
        if metric.aggregate == Aggregate::Avg {
            for (place, count) in counts {
                self.values[place] /= count;
            }
        }
        Ok(())
    }
}
