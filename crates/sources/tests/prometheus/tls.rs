//! TLS of an object's own, against a server that has it.

use engine::AbsenceReason;
use serde_json::{Value, json};
use testbed::certificates::{Authority, KeyFiles};
use testbed::{PrometheusOptions, PrometheusServer, PrometheusTls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::prometheus::bench::{Bench, SAMPLES, key, scraping, steady};
use crate::support::Vault;
use crate::support::acceptor::acceptor;

/// Puts the file into the secret.
fn put(vault: &Vault, name: &str, file: &std::path::Path) {
    vault.set("shop/token", name, &std::fs::read_to_string(file).unwrap());
}

fn settings(server: &PrometheusServer, more: Value) -> Value {
    let mut settings = json!({"query": "single", "serverAddress": server.url()});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

#[tokio::test]
async fn an_authority_of_the_objects_own_is_trusted_and_no_other() {
    let options = PrometheusOptions { tls: PrometheusTls::Server, ..steady() };
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, options).await);
    let folder = tempfile::tempdir().unwrap();
    let theirs = Authority::new(folder.path(), "theirs").unwrap();
    let with_ca = settings(&server, json!({"caFrom": key("ca")}));

    let (reason, message) = bench.ask(settings(&server, json!({}))).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ConnectionFailed);
    assert!(message.contains("TLS: certificate not trusted"), "{message}");

    put(&bench.vault, "ca", &theirs.files().certificate);
    let (_, message) = bench.ask(with_ca.clone()).await.unwrap_err();
    assert!(message.contains("it is not signed by the given authority"), "{message}");
    put(&bench.vault, "ca", server.authority().unwrap());
    bench.until_answered(7.0, with_ca.clone()).await;
    // What was changed counts at the next reading, connections that are open or not.
    put(&bench.vault, "ca", &theirs.files().certificate);
    assert!(bench.ask(with_ca.clone()).await.is_err());
    bench.vault.set("shop/token", "ca", "no certificate");
    let (reason, message) = bench.ask(with_ca).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::SecretUnavailable, "{message}");
}

#[tokio::test]
async fn a_certificate_lets_in() {
    let options = PrometheusOptions { tls: PrometheusTls::Mutual, ..steady() };
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, options).await);
    put(&bench.vault, "ca", server.authority().unwrap());
    let stranger = bench.ask(settings(&server, json!({"caFrom": key("ca")}))).await.unwrap_err();
    assert_eq!(stranger.0, AbsenceReason::ConnectionFailed);
    assert!(stranger.1.contains("TLS: the server requires a client certificate"), "{stranger:?}");

    let known = json!({"caFrom": key("ca"), "certFrom": key("crt"), "keyFrom": key("key")});
    let folder = tempfile::tempdir().unwrap();
    let theirs = Authority::new(folder.path(), "theirs").unwrap().client("other", "other", &[]).unwrap();
    for (files, lets_in) in
        [(server.caller().unwrap(), true), (&theirs, false), (server.caller().unwrap(), true)]
    {
        put(&bench.vault, "crt", &files.certificate);
        put(&bench.vault, "key", &files.key);
        let settings = settings(&server, known.clone());
        if lets_in {
            bench.until_answered(7.0, settings).await;
        } else {
            bench.ask(settings).await.unwrap_err();
        }
    }
    // The key of another certificate.
    put(&bench.vault, "key", &theirs.key);
    let (_, message) = bench.ask(settings(&server, known)).await.unwrap_err();
    assert!(message.ends_with("the value of its key \"key\" does not match the certificate"), "{message}");
}

/// A server with a certificate that leads everyone to `location`.
async fn leading_to(location: &str, files: &KeyFiles) -> (String, JoinHandle<()>) {
    let acceptor = acceptor(files, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            assert!(head[..length].ends_with(b"\r\n\r\n"));
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (address, task)
}

/// Certificate and authorities are for the server that the object names, and not for one that it leads to.
#[tokio::test]
async fn a_certificate_does_not_leave_the_origin() {
    let options = PrometheusOptions { tls: PrometheusTls::Mutual, ..steady() };
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, options).await);
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours").unwrap();
    let page = format!("{}/api/v1/query?query=single", server.url());
    let (first, task) = leading_to(&page, &ours.server("first", &[]).unwrap()).await;

    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let both = [read(&ours.files().certificate), read(server.authority().unwrap())].concat();
    bench.vault.set("shop/token", "ca", &both);
    put(&bench.vault, "crt", &server.caller().unwrap().certificate);
    put(&bench.vault, "key", &server.caller().unwrap().key);
    let known = json!({"caFrom": key("ca"), "certFrom": key("crt"), "keyFrom": key("key")});
    // Asked by name it lets in.
    bench.until_answered(7.0, settings(&server, known.clone())).await;
    let mut led = settings(&server, known);
    led["serverAddress"] = json!(first);
    let (reason, message) = bench.ask(led).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ConnectionFailed, "{message}");
    let refused = message.contains(&server.url()) && message.contains("certificate not trusted");
    assert!(refused, "{message}");
    task.abort();
}
