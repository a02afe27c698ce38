//! metrics.k8s.io for a control plane whose pods use nothing: an aggregated API server that is
//! asked through the real one, about the pods that really exist there. What they use is set by
//! the test.
//!
//! The API server finds it by an APIService and a Service of type ExternalName. Whoever does not
//! show the front proxy's certificate is not answered.

mod answers;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use kube::Client;
use tokio::net::TcpListener;

use crate::aggregated::listener::{Listening, Tls};
use crate::ports::PortClaim;
use crate::{AggregatedApi, ControlPlane};
use answers::{Asked, router};

const NAMESPACE: &str = "kube-system";
const SERVICE: &str = "testbed-metrics";

/// What all pods of one application use together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Cores.
    pub cpu: f64,
    /// Bytes.
    pub memory: f64,
}

/// Namespace and the value of the label `app`, as [`fixtures`](crate::fixtures) sets it.
type App = (String, String);

/// What is known of the load.
#[derive(Debug, Default)]
struct Book {
    loads: BTreeMap<App, Booked>,
}

/// What the pods of an application use.
#[derive(Debug, Clone, Copy)]
enum Booked {
    /// All of them together.
    Shared(Load),
    /// Each of them.
    Each(Load),
}

/// The server. It ends with this value, and leaves its APIService behind.
pub struct MetricsApi {
    client: Client,
    book: Arc<Mutex<Book>>,
    tls: Tls,
    /// Held so that the port stays ours while it is away.
    port: PortClaim,
    listening: Option<Listening>,
}

impl MetricsApi {
    /// Starts it and waits until the API server asks it. There is one for each control plane.
    pub async fn start(control_plane: &ControlPlane, client: Client) -> anyhow::Result<Self> {
        let tls = Tls::of(control_plane, &format!("{SERVICE}.{NAMESPACE}.svc"))?;
        let book = Arc::<Mutex<Book>>::default();
        let asked = Asked { client: client.clone(), book: Arc::clone(&book) };
        let (port, listener) = PortClaim::listening()?;
        let listening = Listening::start(TcpListener::from_std(listener)?, &tls, router(asked));
        let server = Self { client, book, tls, port, listening: Some(listening) };
        let authority = std::fs::read(&control_plane.authority().files().certificate)?;
        server.api().register(&server.client, Some(authority)).await?;
        server.api().wait_until_available(&server.client, "True").await?;
        Ok(server)
    }

    /// Sets what the running pods of an application use, each of them the same part of it. Pods of
    /// applications that nobody set anything for have no measurements.
    pub fn set(&self, namespace: &str, app: &str, load: Load) {
        self.book().loads.insert((namespace.to_owned(), app.to_owned()), Booked::Shared(load));
    }

    /// Sets what each running pod of an application uses, however many there are.
    pub fn set_each(&self, namespace: &str, app: &str, load: Load) {
        self.book().loads.insert((namespace.to_owned(), app.to_owned()), Booked::Each(load));
    }

    /// Measures the pods of an application no more.
    pub fn forget(&self, namespace: &str, app: &str) {
        self.book().loads.remove(&(namespace.to_owned(), app.to_owned()));
    }

    /// The port on 127.0.0.1 that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.port()
    }

    /// Takes it away, and waits until the API server has noticed.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        drop(self.listening.take());
        self.api().wait_until_available(&self.client, "False").await
    }

    /// Brings it back on the same port, and waits until the API server has noticed.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        let asked = Asked { client: self.client.clone(), book: Arc::clone(&self.book) };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port())).await;
        let listener = listener.with_context(|| format!("cannot listen on port {} again", self.port()))?;
        self.listening = Some(Listening::start(listener, &self.tls, router(asked)));
        self.api().wait_until_available(&self.client, "True").await
    }

    /// Takes the whole API away, as if it had never been installed.
    pub async fn unregister(self) -> anyhow::Result<()> {
        self.api().unregister(&self.client).await
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn api(&self) -> AggregatedApi {
        AggregatedApi {
            group: "metrics.k8s.io",
            version: "v1beta1",
            service: SERVICE.to_owned(),
            namespace: NAMESPACE.to_owned(),
            port: self.port(),
        }
    }
}
