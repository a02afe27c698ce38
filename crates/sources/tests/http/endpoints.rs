//! All endpoints of a Service: two servers at one port of two loopback addresses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use engine::{Absence, AbsenceReason};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use sources::{Endpoint, ServiceReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http::bench::{Bench, Question, outcome};

/// What stands behind `shop/web`.
#[derive(Default)]
struct Scripted(Mutex<Vec<Endpoint>>);

impl ServiceReader for Scripted {
    fn endpoints<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Endpoint>, Absence>> {
        assert_eq!((namespace, name), ("shop", "web"));
        let endpoints = self.0.lock().unwrap().clone();
        async move { Ok(endpoints) }.boxed()
    }
}

/// Answers `/load` with its number, as long as it is asked without a query.
async fn serve(address: SocketAddr, number: u32) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |uri: axum::http::Uri| async move {
        assert_eq!(uri.query(), None);
        json!({"n": number}).to_string()
    };
    let router = Router::new().route("/load", get(answer));
    (address, tokio::spawn(async move { drop(axum::serve(listener, router).await) }))
}

#[tokio::test]
async fn contract_6_6_the_numbers_of_all_ready_endpoints_are_aggregated() {
    let services = Arc::new(Scripted::default());
    let bench = Bench::with_services(Arc::clone(&services) as Arc<dyn ServiceReader>);
    let (first, one) = serve("127.0.0.1:0".parse().unwrap(), 10).await;
    let port = first.port();
    let (_, other) = serve(SocketAddr::new("127.0.0.2".parse().unwrap(), port), 4).await;
    let read = async |aggregation: &str| {
        let url = format!("http://web.shop.svc:{port}/load?token=hidden");
        let config = json!({
            "url": url, "valueLocation": "n", "aggregateEndpoints": aggregation, "timeoutSeconds": 20,
        });
        outcome(bench.read(&Question { source: "http", config }).await)
    };
    let (reason, message) = read("sum").await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueMissing);
    let words =
        format!("http://web.shop.svc:{port}/load: the service shop/web has no endpoint that is ready");
    assert_eq!(message, words);

    let endpoint =
        |address: &str, port: u16| Endpoint { address: address.parse().unwrap(), ports: vec![1, port] };
    *services.0.lock().unwrap() = vec![endpoint("127.0.0.1", 2)];
    assert!(read("sum").await.unwrap_err().1.ends_with(&format!("has port {port}")));
    // The third is of no use, as nothing answers there; an address that is named twice counts once.
    *services.0.lock().unwrap() =
        ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"].map(|at| endpoint(at, port)).into();
    for (aggregation, expected) in [("average", 7.0), ("sum", 14.0), ("max", 10.0), ("min", 4.0)] {
        assert_eq!(read(aggregation).await, Ok(expected), "{aggregation}");
    }
    one.abort();
    other.abort();
}
