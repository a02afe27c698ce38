//! Clients for the API server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use crate::refusal::Asker;

/// A connection to the API server that is not made by then is not made at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How requests name their sender: audit logs then tell who it was.
const PRODUCT: &str = concat!("polyscaler/", env!("CARGO_PKG_VERSION"));

/// Two clients for one API server.
#[derive(Clone)]
pub struct Clients {
    /// For watches and reads, which are retried.
    pub read: Client,
    /// For writes and the lease: never retried behind our back, as a scale that lands minutes
    /// after its decision would be worse than none. Also for readings, of which the next comes anyway. Each request
    /// that finds no idle connection opens one, so any number of writes are under way at once.
    pub write: Client,
    /// The namespace of the pod, or of the kubeconfig's context.
    pub namespace: String,
    /// A request that takes longer counts as not answered; watches and the lease have limits of their own.
    pub timeout: Duration,
    /// The API server's address.
    pub server: String,
    /// Whose rights these are.
    pub asker: Asker,
}

/// In words, that a request took longer than `limit`.
pub(crate) fn no_answer(limit: Duration) -> String {
    format!("the API server did not answer within {} ms", limit.as_millis())
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error("kubeconfig {path}: {reason}", path = path.display())]
    Kubeconfig {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Neither a kubeconfig nor a pod's service account was found.
    #[error(
        "no API server is configured: set --kubeconfig or KUBECONFIG, or run in a pod with a service \
         account ({0})"
    )]
    Nowhere(String),
    /// There is no kubeconfig where one is expected.
    #[error("no usable kubeconfig: set --kubeconfig or KUBECONFIG ({0})")]
    NoKubeconfig(String),
    /// The process runs in no pod, or in one without a service account.
    #[error("no usable service account of a pod ({0})")]
    NoPod(String),
    /// The configuration names something that cannot be set up, such as an unreadable certificate.
    #[error("client for the API server: {0}")]
    Client(String),
}

/// Makes the clients: from `kubeconfig` where given, else from `KUBECONFIG` or the home
/// folder, else from the pod's service account. Does not talk to the API server yet.
///
/// # Errors
/// Where no configuration is found or it cannot be used.
pub async fn connect(kubeconfig: Option<&Path>, timeout: Duration) -> Result<Clients, ConnectError> {
    let config = match kubeconfig {
        Some(path) => from_file(path, &KubeConfigOptions::default()).await?,
        None => Config::infer().await.map_err(|error| ConnectError::Nowhere(error.to_string()))?,
    };
    clients(config, timeout)
}

/// Makes the clients of a person at a terminal: as [`connect`] does, but for the kubeconfig's context called `context`,
/// where one is named. Does not talk to the API server yet.
///
/// # Errors
/// Where no configuration is found or it cannot be used, as it has no such context.
pub async fn connect_to(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
    timeout: Duration,
) -> Result<Clients, ConnectError> {
    let by_person = |clients: Clients| Clients { asker: Asker::Person, ..clients };
    let Some(context) = context else { return connect(kubeconfig, timeout).await.map(by_person) };
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let config = match kubeconfig {
        Some(path) => from_file(path, &options).await?,
        None => Config::from_kubeconfig(&options)
            .await
            .map_err(|error| ConnectError::NoKubeconfig(first_line(&error)))?,
    };
    clients(config, timeout).map(by_person)
}

/// Makes the clients from `kubeconfig` where given, else from `KUBECONFIG` or the home folder;
/// never from a pod's service account. Does not talk to the API server yet.
///
/// # Errors
/// Where there is no kubeconfig or it cannot be used.
pub async fn connect_by_kubeconfig(
    kubeconfig: Option<&Path>,
    timeout: Duration,
) -> Result<Clients, ConnectError> {
    let config = match kubeconfig {
        Some(path) => from_file(path, &KubeConfigOptions::default()).await?,
        None => Config::from_kubeconfig(&KubeConfigOptions::default())
            .await
            .map_err(|error| ConnectError::NoKubeconfig(first_line(&error)))?,
    };
    clients(config, timeout)
}

/// Makes the clients from the service account of the pod that this process runs in. Does not talk
/// to the API server yet.
///
/// # Errors
/// Where it runs in no pod, or in one without a service account.
pub fn connect_in_cluster(timeout: Duration) -> Result<Clients, ConnectError> {
    clients(Config::incluster().map_err(|error| ConnectError::NoPod(error.to_string()))?, timeout)
}

fn clients(mut config: Config, timeout: Duration) -> Result<Clients, ConnectError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.headers.push((USER_AGENT, HeaderValue::from_static(PRODUCT)));
    // kube takes it for the kubeconfig's own, and none can be used. Metric sources ask none either.
    if config.proxy_url.is_some() && config.proxy_url == proxy_of_environment() {
        config.proxy_url = None;
    }
    let (namespace, server) = (config.default_namespace.clone(), config.cluster_url.to_string());
    let client = |config| {
        Client::try_from(config).map_err(|error: kube::Error| ConnectError::Client(error.to_string()))
    };
    let read = client(config.clone())?;
    config.default_retry = false;
    Ok(Clients { read, write: client(config)?, namespace, timeout, server, asker: Asker::Operator })
}

/// The proxy that kube puts into a configuration whose kubeconfig names none.
fn proxy_of_environment() -> Option<http::Uri> {
    let given = ["HTTPS_PROXY", "https_proxy"].into_iter().filter_map(|name| std::env::var(name).ok());
    given.into_iter().find(|value| !value.is_empty())?.parse().ok()
}

/// What follows the first line quotes the file, which holds secrets.
fn first_line(error: &KubeconfigError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

async fn from_file(path: &Path, options: &KubeConfigOptions) -> Result<Config, ConnectError> {
    let failed = |error: KubeconfigError| ConnectError::Kubeconfig {
        path: path.to_owned(),
        reason: first_line(&error),
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
    Config::from_custom_kubeconfig(kubeconfig, options).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn every_request_names_program_and_version() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let clients = clients(Config::new(url), Duration::from_secs(5)).unwrap();
        for client in [clients.read, clients.write] {
            let asked = tokio::spawn(async move { client.apiserver_version().await });
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            let _ = asked.await.unwrap();
            let request = String::from_utf8(request).unwrap().to_lowercase();
            assert!(request.contains(&format!("\r\nuser-agent: {PRODUCT}\r\n")), "{request}");
        }
    }
}
