//! A real Prometheus that scrapes what a test names and evaluates its rules. Port, samples and
//! certificates stay when it is stopped and started again.

mod config;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Certificate, Client, Identity, Url};
use serde_json::Value;

use crate::certificates::{Authority, KeyFiles};
use crate::http_client::http_client;
use crate::ports::PortClaim;
use crate::programs::{self, PROMETHEUS};
use crate::supervisor::{Signal, Supervisor};
use crate::wait;

pub use config::PROMETHEUS_USER;

/// How long the server may take to be ready.
const READY: Duration = Duration::from_secs(120);

/// How long one question may take.
const ASK: Duration = Duration::from_secs(60);

/// How often starting is tried when the port was taken by a program that does not know our claims.
const ATTEMPTS: usize = 3;

/// The name under which it is supervised.
const NAME: &str = "prometheus";

/// What a server should be like.
#[derive(Debug, Clone)]
pub struct PrometheusOptions {
    /// What it scrapes.
    pub scrapes: Vec<Scrape>,
    /// Between two scrapes, and between two evaluations of the rules.
    pub interval: Duration,
    /// Files with groups of rules.
    pub rule_files: Vec<PathBuf>,
    /// Whether its own port speaks TLS.
    pub tls: PrometheusTls,
    /// Whether its own port asks for [`PROMETHEUS_USER`].
    pub basic_auth: bool,
}

impl Default for PrometheusOptions {
    fn default() -> Self {
        Self {
            scrapes: Vec::new(),
            interval: Duration::from_secs(1),
            rule_files: Vec::new(),
            tls: PrometheusTls::Off,
            basic_auth: false,
        }
    }
}

/// Some endpoints of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrape {
    /// The label `job` of all that is scraped.
    pub job: String,
    /// The endpoints, each `ADDRESS:PORT`.
    pub targets: Vec<String>,
    /// The path of the metrics.
    pub path: String,
}

impl Scrape {
    /// `/metrics` of one endpoint.
    #[must_use]
    pub fn of(job: &str, target: impl Into<String>) -> Self {
        Self { job: job.to_owned(), targets: vec![target.into()], path: "/metrics".to_owned() }
    }
}

/// How a server's port is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrometheusTls {
    /// Not at all.
    Off,
    /// It shows a certificate.
    Server,
    /// It shows a certificate and asks for one.
    Mutual,
}

/// One running server. It ends, and what it stored goes, with this value.
#[derive(Debug)]
pub struct PrometheusServer {
    supervisor: Supervisor,
    port: PortClaim,
    options: PrometheusOptions,
    certificates: Option<Certificates>,
    client: Client,
}

/// The files by which server and callers know each other.
#[derive(Debug)]
struct Certificates {
    authority: PathBuf,
    server: KeyFiles,
    caller: KeyFiles,
}

impl PrometheusServer {
    /// Starts one on a free port and waits until it is ready.
    pub async fn start(options: PrometheusOptions) -> anyhow::Result<Self> {
        let program =
            tokio::task::spawn_blocking(|| programs::ensure(&PROMETHEUS, &mut |line| eprintln!("{line}")));
        let program = program.await.context("looking for Prometheus panicked")??;
        let mut attempt = 1;
        loop {
            match Self::start_once(&program, options.clone()).await {
                Err(error)
                    if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") =>
                {
                    tracing::info!(attempt, "the port of Prometheus was taken, starting again");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn start_once(program: &Path, options: PrometheusOptions) -> anyhow::Result<Self> {
        let supervisor = Supervisor::new("polyscaler-prometheus")?;
        let certificates = match options.tls {
            PrometheusTls::Off => None,
            PrometheusTls::Server | PrometheusTls::Mutual => Some(Certificates::new(supervisor.directory())?),
        };
        let client = client(certificates.as_ref())?;
        let server = Self { supervisor, port: PortClaim::new()?, options, certificates, client };
        let arguments = config::write(&server)?;
        server.supervisor.spawn(NAME, program, arguments, &[])?;
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Its address, `http://127.0.0.1:PORT`, or with https where it speaks TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port.port())
    }

    /// The certificate of the authority that signed its own; none without TLS.
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.certificates.as_ref().map(|files| files.authority.as_path())
    }

    /// A certificate by which callers are let in; none without TLS.
    #[must_use]
    pub fn caller(&self) -> Option<&KeyFiles> {
        self.certificates.as_ref().map(|files| &files.caller)
    }

    /// The temporary folder, with the log in `prometheus.log`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.supervisor.directory()
    }

    /// The answer to an instant query: the fields `resultType` and `result`. What the query is
    /// refused for is the error.
    pub async fn query(&self, expression: &str) -> anyhow::Result<Value> {
        self.ask("/api/v1/query", &[("query", expression)]).await
    }

    /// All groups of rules with what their last evaluation came to.
    pub async fn rules(&self) -> anyhow::Result<Value> {
        self.ask("/api/v1/rules", &[]).await
    }

    /// The values that a label has among the series that a selector matches.
    pub async fn label_values(&self, label: &str, selector: &str) -> anyhow::Result<Value> {
        self.ask(&format!("/api/v1/label/{label}/values"), &[("match[]", selector)]).await
    }

    /// The field `data` of an answer.
    async fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Value> {
        let url = Url::parse_with_params(&format!("{}{path}", self.url()), parameters)?;
        let text = self.get(url).await?;
        let mut answer: Value =
            serde_json::from_str(&text).with_context(|| format!("no JSON: {text:.300}"))?;
        ensure!(answer["status"] == "success", "{path} {parameters:?}: {}", answer["error"]);
        Ok(answer["data"].take())
    }

    async fn get(&self, url: Url) -> anyhow::Result<String> {
        let mut request = self.client.get(url);
        if self.options.basic_auth {
            request = request.basic_auth(PROMETHEUS_USER.0, Some(PROMETHEUS_USER.1));
        }
        Ok(request.send().await?.text().await?)
    }

    /// Asks it to end, and returns when it has.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.supervisor.stop(NAME).await
    }

    /// Ends it as a power cut would.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.supervisor.kill(NAME).await
    }

    /// Starts it again after its end, without waiting for anything.
    pub fn start_again(&self) -> anyhow::Result<()> {
        self.supervisor.spawn_again(NAME).map(drop)
    }

    /// Waits until it answers queries.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let look = || async {
            let said = self.get(Url::parse(&format!("{}/-/ready", self.url()))?).await?;
            ensure!(said.contains("is Ready"), "{}", said.trim());
            Ok(())
        };
        tokio::select! {
            ready = wait::until("Prometheus ready", READY, look) => ready,
            death = self.supervisor.first_death(&[NAME]) => Err(death),
        }
    }

    /// Has it accept connections and answer nothing.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.supervisor.signal(NAME, Signal::STOP)
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) -> anyhow::Result<()> {
        self.supervisor.signal(NAME, Signal::CONT)
    }
}

impl Certificates {
    fn new(directory: &Path) -> anyhow::Result<Self> {
        let authority = Authority::new(directory, "authority")?;
        Ok(Self {
            authority: authority.files().certificate.clone(),
            server: authority.server("server", &[])?,
            caller: authority.client("caller", "caller", &[])?,
        })
    }
}

fn client(certificates: Option<&Certificates>) -> anyhow::Result<Client> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut builder = http_client().timeout(ASK);
    builder = match certificates {
        // A machine without authorities of its own is no hindrance.
        None => builder.tls_certs_only([]),
        Some(files) => {
            let identity = [read(&files.caller.key)?, read(&files.caller.certificate)?].concat();
            builder
                .tls_certs_only([Certificate::from_pem(&read(&files.authority)?)?])
                .identity(Identity::from_pem(&identity)?)
        }
    };
    builder.build().context("no client can be built")
}
