//! One running operator: the real binary, with its log and what it serves.

use std::time::Duration;

use serde_json::Value;
use testbed::ports::PortClaim;
use testbed::{ChildHandle, Signal, Supervisor, wait};

use super::{LIMIT, POLYSCALER};

/// Ends with the scene that started it.
pub(crate) struct Operator {
    pub(crate) process: ChildHandle,
    http: reqwest::Client,
    metrics: PortClaim,
    health: PortClaim,
    activity: PortClaim,
}

impl Operator {
    pub(super) fn start(supervisor: &Supervisor, name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let claim = || PortClaim::new().unwrap();
        let (metrics, health, activity) = (claim(), claim(), claim());
        let mut all = vec![
            "operator".to_owned(),
            format!("--metrics-address=127.0.0.1:{}", metrics.port()),
            format!("--health-address=127.0.0.1:{}", health.port()),
            format!("--activity-address=127.0.0.1:{}", activity.port()),
        ];
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        let process = supervisor.spawn(name, POLYSCALER, all, env).unwrap();
        let http = testbed::http_client().timeout(Duration::from_secs(30)).build().unwrap();
        Self { process, http, metrics, health, activity }
    }

    /// Status and text at a path of one of its listeners.
    async fn get(&self, port: &PortClaim, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://127.0.0.1:{}{path}", port.port());
        let answer = self.http.get(url).send().await.map_err(|error| format!("{error:?}"))?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.map_err(|error| error.to_string())?))
    }

    /// What `/readyz` says.
    pub(crate) async fn readyz(&self) -> Result<(u16, String), String> {
        self.get(&self.health, "/readyz").await
    }

    /// What `/healthz` says.
    pub(crate) async fn healthz(&self) -> Result<(u16, String), String> {
        self.get(&self.health, "/healthz").await
    }

    pub(crate) async fn wait_until_ready(&self) {
        let look = || async {
            match self.readyz().await {
                Ok((200, _)) => Ok(()),
                Ok((_, text)) | Err(text) => Err(text),
            }
        };
        wait::until("operator ready", LIMIT, look).await.unwrap();
    }

    /// Where its metrics are scraped.
    pub(crate) fn metrics_target(&self) -> String {
        format!("127.0.0.1:{}", self.metrics.port())
    }

    /// Everything at `/metrics`.
    pub(crate) async fn metrics_text(&self) -> String {
        self.get(&self.metrics, "/metrics").await.unwrap().1
    }

    /// The sum of all series of `name` that have these labels.
    pub(crate) async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        sum(&self.metrics_text().await, name, labels)
    }

    /// The number of polls that came to `outcome` so far.
    pub(crate) async fn polls(&self, outcome: &str) -> f64 {
        self.metric("polyscaler_decisions_total", &[("outcome", outcome)]).await
    }

    /// The number of writes of `resource` with this result so far.
    pub(crate) async fn writes(&self, resource: &str, result: &str) -> f64 {
        self.metric("polyscaler_writes_total", &[("resource", resource), ("result", result)]).await
    }

    /// Whether it says that it leads. One that does not answer says nothing.
    pub(crate) async fn leads(&self) -> bool {
        match self.get(&self.metrics, "/metrics").await {
            Ok((_, text)) => sum(&text, "polyscaler_leader", &[]) == 1.0,
            Err(_) => false,
        }
    }

    /// Waits until a sum of series is at least so much.
    pub(crate) async fn wait_for_metric(&self, name: &str, labels: &[(&str, &str)], least: f64) {
        let look = || async {
            let found = self.metric(name, labels).await;
            if found >= least { Ok(()) } else { Err(format!("{found}")) }
        };
        wait::until(&format!("{name} {labels:?} of {least}"), LIMIT, look).await.unwrap();
    }

    /// Waits until a sum of series is exactly this.
    pub(crate) async fn wait_until_metric(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let look = || async {
            let found = self.metric(name, labels).await;
            if found == value { Ok(()) } else { Err(format!("{found}")) }
        };
        wait::until(&format!("{name} {labels:?} to be {value}"), LIMIT, look).await.unwrap();
    }

    /// Waits until it counted so many writes of `resource` with this result. It counts a write when it
    /// has the answer, when others may have seen long since what was written.
    pub(crate) async fn wait_for_writes(&self, resource: &str, result: &str, least: f64) {
        let labels = [("resource", resource), ("result", result)];
        self.wait_for_metric("polyscaler_writes_total", &labels, least).await;
    }

    /// Waits until so many lines of the log, or more, have these words; gives how many.
    pub(crate) async fn wait_for_lines(&self, words: &str, least: usize) -> usize {
        let look = || async {
            let log = self.log();
            let count = log.lines().filter(|line| line.contains(words)).count();
            if count >= least { Ok(count) } else { Err(log) }
        };
        wait::until(&format!("{least} lines with {words:?}"), LIMIT, look).await.unwrap()
    }

    /// Waits for so many more polls that come to `outcome`.
    pub(crate) async fn wait_for_polls(&self, outcome: &str, more: f64) {
        let least = self.polls(outcome).await + more;
        self.wait_for_metric("polyscaler_decisions_total", &[("outcome", outcome)], least).await;
    }

    /// Where its activity page is.
    pub(crate) fn activity_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.activity.port())
    }

    /// What it answers at a path of the activity listener.
    pub(crate) async fn activity_text(&self, path: &str) -> String {
        self.get(&self.activity, path).await.unwrap().1
    }

    /// Waits until so many actions, or more, are reported; gives them, newest first. An action is reported when
    /// its write has been answered, when others may have seen long since what was written.
    pub(crate) async fn wait_for_activity(&self, least: usize) -> Vec<Value> {
        let look = || async {
            let actions = self.activity().await;
            if actions.len() >= least { Ok(actions) } else { Err(format!("{actions:?}")) }
        };
        wait::until(&format!("{least} actions"), LIMIT, look).await.unwrap()
    }

    /// `/scaling-activity`, newest first.
    pub(crate) async fn activity(&self) -> Vec<Value> {
        serde_json::from_str(&self.get(&self.activity, "/scaling-activity").await.unwrap().1).unwrap()
    }

    /// The activity page as a browser gets it.
    pub(crate) async fn activity_page(&self) -> String {
        self.get(&self.activity, "/").await.unwrap().1
    }

    /// The actions for the object called `name`, oldest first.
    pub(crate) async fn actions_of(&self, name: &str) -> Vec<Value> {
        let mut actions = self.activity().await;
        actions.retain(|action| action["name"] == name);
        actions.reverse();
        actions
    }

    /// All that it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.process.log_path()).unwrap()
    }

    /// Ends it without asking; returns when it has gone.
    pub(crate) async fn kill(&self) {
        self.process.kill();
        assert!(self.process.wait(LIMIT).await);
    }

    /// Asks it to end, and waits until it has, which it must within `limit` and with status 0.
    pub(crate) async fn terminate(&self, limit: Duration) {
        self.process.signal(Signal::TERM);
        assert!(
            self.process.wait(limit).await,
            "still there after {limit:?}:\n{}",
            self.process.last_lines(20)
        );
        assert_eq!(self.process.exit_status().and_then(|status| status.code()), Some(0), "{}", self.log());
    }
}

/// The sum of all series of `name` with these labels in a text of the OpenMetrics format.
fn sum(text: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let mut sum = 0.0;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(name) else { continue };
        let (found, value) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some(split) => split,
            None if rest.starts_with(' ') => ("", rest),
            None => continue,
        };
        let has = |(label, wanted): &(&str, &str)| {
            found.split(',').any(|pair| pair == format!("{label}=\"{wanted}\""))
        };
        if labels.iter().all(has) {
            sum += value.trim().split(' ').next().and_then(|value| value.parse::<f64>().ok()).unwrap();
        }
    }
    sum
}
