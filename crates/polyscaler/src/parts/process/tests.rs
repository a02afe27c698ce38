use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};

use cluster::{CallerReviews, Review, ReviewedCaller};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use runner::{Metrics, Namespaces, Readiness, SystemClock, Workloads};
use serde_json::{Value, json};
use serve::{CertificateCallers, CertificateFolder, CertificateKeeper, CertificateSlot, Judge};
use sources::{AddressPolicy, Registry};
use testbed::{ControlPlane, Options};

use super::*;

/// What comes much later, or never.
const TOO_LATE: Duration = Duration::from_secs(60);

/// Keeps the only working thread of `runtime` busy until the sender is dropped, and returns once it is.
fn keep_busy(runtime: &Runtime) -> std::sync::mpsc::Sender<()> {
    let (release, released): (_, Receiver<()>) = channel();
    let (begun, begins) = channel();
    runtime.spawn(async move {
        begun.send(()).unwrap();
        let _ = released.recv();
    });
    begins.recv_timeout(TOO_LATE).unwrap();
    release
}

/// A cluster without any workloads.
struct NoWorkloads;

impl Workloads for NoWorkloads {
    fn workload<'a>(&'a self, _: &'a engine::Target) -> BoxFuture<'a, Result<Option<Value>, String>> {
        ready(Ok(None)).boxed()
    }

    fn limit_ranges<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Value>, String>> {
        ready(Ok(Vec::new())).boxed()
    }
}

/// Who calls, and whom that one trusts.
#[derive(Clone, Default)]
struct Caller(Arc<OnceLock<Vec<u8>>>);

impl CertificateCallers for Caller {
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        ready(Ok(vec!["localhost".to_owned()])).boxed()
    }

    fn trust<'a>(&'a self, authority: &'a [u8]) -> BoxFuture<'a, Result<(), String>> {
        self.0.get_or_init(|| authority.to_vec());
        ready(Ok(())).boxed()
    }
}

fn judge() -> Judge {
    let catalog = Arc::new(Registry::new(AddressPolicy::default()));
    Judge {
        policies: engine::POLICIES.clone(),
        own: catalog.clone(),
        catalog,
        allow_cross_namespace: false,
        kinds: resources::KINDS.to_vec(),
        namespaces: Namespaces::default(),
        defaults: Arc::default(),
        owners: Arc::default(),
        workloads: Arc::new(NoWorkloads),
        clock: Arc::new(SystemClock::start()),
        metrics: Arc::new(Metrics::new()),
    }
}

#[test]
fn admission_is_answered_while_the_working_thread_is_busy() {
    let runtime = working_runtime().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (slot, caller, any) =
        (Arc::new(CertificateSlot::default()), Caller::default(), ([127, 0, 0, 1], 0).into());
    let (admission, health, mut servers) = runtime.block_on(async {
        let health = serve::health(any, Arc::new(Readiness::default())).await.unwrap();
        let admission = serve::admission(any, judge(), slot.clone()).await.unwrap();
        let addresses = (admission.address().unwrap(), health.address().unwrap());
        let mut servers = Servers::start(vec![health]);
        servers.serve_apart(Apart::start().unwrap(), vec![admission]);
        (addresses.0, addresses.1, servers)
    });
    let clock = Arc::new(SystemClock::start());
    let vault = Box::new(CertificateFolder::open(folder.path()).unwrap());
    let keeper = CertificateKeeper::new(
        slot,
        vault,
        Box::new(caller.clone()),
        clock,
        Arc::new(Readiness::default()),
        vec!["localhost".to_owned()],
    );
    runtime.block_on(async { servers.spawn(|end| keeper.run(end)) });

    // Whoever calls is another process.
    let elsewhere = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    elsewhere.block_on(async {
        let trusted = async {
            loop {
                match caller.0.get() {
                    Some(authority) => return authority.clone(),
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let authority = tokio::time::timeout(TOO_LATE, trusted).await.unwrap();
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        let client = testbed::http_client().tls_certs_only([authority]).timeout(TOO_LATE).build().unwrap();
        let is_well = client.get(format!("http://{health}/healthz")).send();
        assert_eq!(is_well.await.unwrap().status(), 200, "as long as there is nothing to do");

        let busy = keep_busy(&runtime);
        let is_well = tokio::spawn(client.get(format!("http://{health}/healthz")).send());
        let object = json!({ "apiVersion": "example.com/v1", "kind": "BusinessScaling", "metadata": { "name": "shop" },
            "spec": { "targetDeployment": "web", "metricSource": "https://load.example.com/users" } });
        let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "1", "operation": "CREATE", "name": "shop", "object": object,
            "kind": { "group": "example.com", "version": "v1", "kind": "BusinessScaling" } } });
        for _ in 0..5 {
            let url = format!("https://localhost:{}/validate", admission.port());
            let answer = client.post(url).body(review.to_string()).send().await.unwrap();
            let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert_eq!(answer["response"]["allowed"], true, "{answer}");
        }
        assert!(!is_well.is_finished(), "the working thread was busy all the time");
        drop(busy);
        assert_eq!(is_well.await.unwrap().unwrap().status(), 200);
    });
    runtime.block_on(servers.end());
}

/// Asks whether somebody may do what nobody but administrators may.
async fn ask(clients: cluster::Clients) -> Result<Result<(), String>, String> {
    let caller = ReviewedCaller { name: "somebody".to_owned(), ..ReviewedCaller::default() };
    let reviews = CallerReviews::new(&clients, Arc::new(Metrics::new()));
    reviews.may(&caller, &Review::Path("/metrics".to_owned())).await
}

/// What the external metrics API needs to know of callers, and the webhook of workloads, is asked of the API server.
#[test]
fn the_api_server_is_asked_apart_while_the_working_thread_is_busy() {
    let runtime = working_runtime().unwrap();
    let control_plane = runtime.block_on(ControlPlane::start(Options::default())).unwrap();
    let kubeconfig = control_plane.kubeconfig().to_owned();
    let connect = async move || cluster::connect(Some(&kubeconfig), TOO_LATE).await.unwrap();
    let apart = Apart::start().unwrap();
    let of_parts = runtime.block_on(connect());
    let clients = runtime.block_on(apart.run(async move { connect().await })).unwrap();
    let elsewhere = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    elsewhere.block_on(async {
        let busy = keep_busy(&runtime);
        let waiting = tokio::spawn(ask(of_parts));
        let answer = tokio::time::timeout(TOO_LATE, apart.run(ask(clients))).await;
        assert!(answer.unwrap().unwrap().unwrap().is_err(), "somebody may not");
        assert!(!waiting.is_finished(), "the working thread was busy all the time");
        drop(busy);
        assert!(waiting.await.unwrap().unwrap().is_err());
    });
    runtime.block_on(async { drop(control_plane) });
}
