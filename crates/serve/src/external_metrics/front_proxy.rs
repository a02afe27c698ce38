//! The API server's front proxy: known by its certificate, it says in headers who calls.
//!
//! Anyone may write such headers, so they count for nothing unless the certificate of the connection was issued by the
//! authority that the cluster names for this, to one of the names that it lists.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;
use rustls::pki_types::UnixTime;
use tokio::sync::{Notify, watch};

use super::callers::{Authority, Caller, FrontProxy};
use super::recognition::Known;
use crate::tls::PeerCertificates;

/// How often it is read again how the front proxy is known. While its authority changes, the cluster lists both the old
/// and the new one.
const AGAIN: Duration = Duration::from_secs(60);
/// A certificate that is not known may be of an authority that is new: it is read again after so long at the soonest.
const SOONEST: Duration = Duration::from_secs(5);

/// How the front proxy is known at present.
#[derive(Default)]
pub(super) struct Proxies {
    known: RwLock<Option<Arc<Known>>>,
    unknown: Notify,
}

impl Proxies {
    /// Keeps what is known up to date until `stop` turns true.
    pub(super) async fn keep(&self, authority: &dyn Authority, mut stop: watch::Receiver<bool>) {
        let mut problem = None;
        loop {
            let news = match authority.front_proxy().await {
                Ok(proxy) => self.learn(proxy),
                Err(news) => Err(news),
            };
            match news {
                Ok(()) => problem = None,
                Err(news) if problem.as_ref() != Some(&news) => {
                    tracing::warn!(
                        problem = news,
                        "the API server's front proxy cannot be recognized, so callers of the external metrics API need a token"
                    );
                    problem = Some(news);
                }
                Err(_) => {}
            }
            let pause = if problem.is_some() { SOONEST } else { AGAIN };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = crate::stopped(&mut stop) => return,
                () = async { self.unknown.notified().await; tokio::time::sleep(SOONEST).await } => {}
            }
        }
    }

    fn learn(&self, proxy: Option<FrontProxy>) -> Result<(), String> {
        let proxy = proxy.ok_or_else(|| "the cluster has no aggregation layer".to_owned())?;
        let before = self.known();
        if before.is_some_and(|known| known.proxy == proxy) {
            return Ok(());
        }
        let known = Arc::new(Known::new(proxy)?);
        tracing::debug!(names = known.proxy.names.join(","), "front proxy known");
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(())
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The caller that the headers name, where the other side is the front proxy.
    pub(super) fn caller(&self, peer: &PeerCertificates, headers: &HeaderMap) -> Option<Caller> {
        peer.0.first()?;
        let known = self.known().filter(|known| known.is_proxy(peer, UnixTime::now()));
        if known.is_none() {
            self.unknown.notify_one();
        }
        known.and_then(|known| named(&known.proxy, headers))
    }
}

/// The caller as the headers have it; `None` where no header has a name.
fn named(proxy: &FrontProxy, headers: &HeaderMap) -> Option<Caller> {
    let first = |names: &[String]| {
        let values = names.iter().filter_map(|name| headers.get(name.as_str())?.to_str().ok());
        values.map(str::to_owned).find(|value| !value.is_empty())
    };
    let mut caller = Caller {
        name: first(&proxy.name_headers)?,
        uid: first(&proxy.uid_headers).unwrap_or_default(),
        ..Caller::default()
    };
    for name in &proxy.group_headers {
        let values = headers.get_all(name.as_str()).iter().filter_map(|value| value.to_str().ok());
        caller.groups.extend(values.map(str::to_owned));
    }
    for prefix in proxy.extra_prefixes.iter().map(|prefix| prefix.to_ascii_lowercase()) {
        for (name, value) in headers {
            let (Some(key), Ok(value)) = (name.as_str().strip_prefix(&prefix), value.to_str()) else {
                continue;
            };
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            caller.extra.entry(key).or_default().push(value.to_owned());
        }
    }
    Some(caller)
}

/// Takes the headers that name a caller off a request: only here they count, and nobody behind may believe them.
pub(super) fn strip(headers: &mut HeaderMap) {
    let names: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with("x-remote-")).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let entry = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in given.iter().map(entry) {
            headers.append(name, value);
        }
        headers
    }

    fn proxy() -> FrontProxy {
        let of = |name: &str| vec![name.to_owned()];
        FrontProxy {
            name_headers: of("X-Remote-User"),
            uid_headers: of("X-Remote-Uid"),
            group_headers: of("X-Remote-Group"),
            extra_prefixes: of("X-Remote-Extra-"),
            ..FrontProxy::default()
        }
    }

    #[test]
    fn headers_name_a_caller() {
        let given = headers(&[
            ("x-remote-user", "system:serviceaccount:kube-system:horizontal-pod-autoscaler"),
            ("x-remote-group", "system:serviceaccounts"),
            ("x-remote-group", "system:authenticated"),
            ("x-remote-uid", "1234"),
            ("x-remote-extra-example.com%2fpod", "a"),
            ("x-remote-extra-example.com%2fpod", "b"),
            ("accept", "application/json"),
        ]);
        let caller = named(&proxy(), &given).unwrap();
        let expected = Caller {
            name: "system:serviceaccount:kube-system:horizontal-pod-autoscaler".to_owned(),
            uid: "1234".to_owned(),
            groups: vec!["system:serviceaccounts".to_owned(), "system:authenticated".to_owned()],
            extra: [("example.com/pod".to_owned(), vec!["a".to_owned(), "b".to_owned()])].into(),
        };
        assert_eq!(caller, expected);
        assert_eq!(named(&proxy(), &headers(&[("x-remote-group", "system:masters")])), None);
        assert_eq!(named(&proxy(), &headers(&[("x-remote-user", "")])), None);
    }

    #[test]
    fn nothing_of_them_stays() {
        let mut given = headers(&[("x-remote-user", "me"), ("x-remote-extra-a", "b"), ("accept", "a")]);
        strip(&mut given);
        assert_eq!(given, headers(&[("accept", "a")]));
    }
}
