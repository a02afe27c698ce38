//! All endpoints of a Service, and what their numbers come to.

use std::collections::BTreeSet;

use engine::{Absence, AbsenceReason};
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use reqwest::Url;

use crate::net::http_client::absence;
use crate::source::ServiceReader;
use crate::values::names::{is_label, is_subdomain};

/// Endpoints that are asked at once.
const AT_ONCE: usize = 5;

/// A Service, and the port at which its endpoints are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    namespace: String,
    name: String,
    port: u16,
}

/// What several numbers come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregation {
    Average,
    Sum,
    Max,
    Min,
}

impl Aggregation {
    /// The names that users write.
    pub(super) const NAMES: [(&'static str, Self); 4] =
        [("average", Self::Average), ("sum", Self::Sum), ("max", Self::Max), ("min", Self::Min)];

    /// `None` for no numbers.
    fn of(self, numbers: &[f64]) -> Option<f64> {
        let sum: f64 = numbers.iter().sum();
        match self {
            _ if numbers.is_empty() => None,
            Self::Average => Some(sum / numbers.len() as f64),
            Self::Sum => Some(sum),
            Self::Max => numbers.iter().copied().reduce(f64::max),
            Self::Min => numbers.iter().copied().reduce(f64::min),
        }
    }
}

impl Service {
    /// The one that the host of `url` names as `SERVICE.NAMESPACE`; `None` where it does not.
    pub(super) fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let (name, rest) = host.split_once('.')?;
        let namespace = rest.split('.').next().unwrap_or_default();
        let is_address = host.parse::<std::net::Ipv4Addr>().is_ok();
        let good = is_subdomain(name) && is_label(namespace) && !is_address;
        let port = url.port_or_known_default()?;
        good.then(|| Self { namespace: namespace.to_owned(), name: name.to_owned(), port })
    }

    /// The addresses at which its ready endpoints are asked: those of `url` with other hosts, and without its query.
    pub(super) async fn urls(&self, url: &Url, services: &dyn ServiceReader) -> Result<Vec<Url>, Absence> {
        let endpoints = services.endpoints(&self.namespace, &self.name).await?;
        let with_port = endpoints.iter().filter(|endpoint| endpoint.ports.contains(&self.port));
        let addresses: BTreeSet<_> = with_port.map(|endpoint| endpoint.address).collect();
        if addresses.is_empty() {
            let Self { namespace, name, port } = self;
            let what = match endpoints.len() {
                0 => format!("the service {namespace}/{name} has no endpoint that is ready"),
                _ => format!("no ready endpoint of the service {namespace}/{name} has port {port}"),
            };
            return Err(absence(AbsenceReason::ValueMissing, url, what));
        }
        let at = |address| {
            let mut url = url.clone();
            url.set_query(None);
            url.set_ip_host(address).ok().map(|()| url)
        };
        Ok(addresses.into_iter().filter_map(at).collect())
    }
}

/// What `asked` come to, as far as there are answers; one of the failures where there is none.
pub(super) async fn aggregated(
    asked: Vec<BoxFuture<'_, Result<f64, Absence>>>,
    aggregation: Aggregation,
) -> Result<f64, Absence> {
    let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    let numbers: Vec<f64> = answers.iter().filter_map(|answer| answer.as_ref().ok().copied()).collect();
    let failure = || answers.into_iter().find_map(Result::err);
    match aggregation.of(&numbers) {
        Some(number) => Ok(number),
        None => Err(failure().unwrap_or_else(|| Absence {
            reason: AbsenceReason::ValueMissing,
            message: "no endpoint was asked".to_owned(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_service_is_named_by_the_host() {
        let of = |url: &str| {
            Service::of(&url.parse().unwrap()).map(|found| (found.namespace, found.name, found.port))
        };
        let shop = |port| Some(("shop".to_owned(), "web".to_owned(), port));
        assert_eq!(of("http://web.shop/load"), shop(80));
        assert_eq!(of("https://web.shop.svc.cluster.local/load"), shop(443));
        assert_eq!(of("http://web.shop.svc:8080/"), shop(8080));
        for url in ["http://web/", "http://10.0.0.1/", "http://[::1]/", "http://a_b.shop/"] {
            assert_eq!(of(url), None, "{url}");
        }
    }

    #[test]
    fn contract_6_6_what_fails_is_left_out_until_nothing_is_left() {
        let read = |aggregation, numbers: [Option<f64>; 3]| {
            let late = || Absence { reason: AbsenceReason::Timeout, message: "too late".to_owned() };
            let asked = numbers.map(|number| std::future::ready(number.ok_or_else(late)).boxed());
            aggregated(asked.into(), aggregation).now_or_never().unwrap().map_err(|absence| absence.reason)
        };
        let numbers = [Some(4.0), None, Some(1.0)];
        for (aggregation, expected) in [
            (Aggregation::Average, 2.5),
            (Aggregation::Sum, 5.0),
            (Aggregation::Max, 4.0),
            (Aggregation::Min, 1.0),
        ] {
            assert_eq!(read(aggregation, numbers), Ok(expected), "{aggregation:?}");
        }
        assert_eq!(read(Aggregation::Sum, [None; 3]), Err(AbsenceReason::Timeout));
    }
}
