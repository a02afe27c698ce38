//! The external metrics API: its listener, and whoever calls it, joined to the cluster.

use std::sync::Arc;

use anyhow::Context as _;
use cluster::{ApiServiceRegistration, CallerReviews, Clients, FrontProxyData, Review, ReviewedCaller};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serve::{
    Attributes, Authority, Caller, CallerVerdict, CertificateSlot, ExternalMetrics, FrontProxy, Listening,
    Peers,
};

use super::args::OperatorArgs;
use crate::parts::Shared;

/// Opens the listener, where there is one; what comes with it keeps it up to date.
///
/// # Errors
/// Where the address cannot be listened on.
pub(super) async fn listen(
    arguments: &OperatorArgs,
    shared: &Shared,
    clients: &Clients,
    slot: Arc<CertificateSlot>,
) -> anyhow::Result<Option<(Listening, ExternalMetrics)>> {
    let Some(address) = arguments.external_metrics.external_metrics_address.address() else {
        return Ok(None);
    };
    let peers = Peers::new(Arc::clone(&shared.leadership), Some(Arc::clone(&slot)))
        .context("the client for other replicas cannot be created")?;
    let reviews = CallerReviews::new(clients, Arc::clone(&shared.metrics));
    let api = ExternalMetrics::new(Arc::new(ApiServer(reviews)));
    let listening = api.listen(address, shared.shown.clone(), Arc::new(peers), slot).await?;
    Ok(Some((listening, api)))
}

/// The APIService by which the API server calls, where it is to call.
pub(super) fn registration(
    arguments: &OperatorArgs,
    shared: &Shared,
    clients: &Clients,
    lease_namespace: &str,
) -> Option<ApiServiceRegistration> {
    let flags = &arguments.external_metrics;
    flags.external_metrics_address.address()?;
    let namespace = flags.external_metrics_service_namespace.as_deref().unwrap_or(lease_namespace);
    let service = (namespace, flags.external_metrics_service.as_str());
    let (owner, metrics) = (Arc::clone(&shared.metrics_api), Arc::clone(&shared.metrics));
    let (is_kept, deleted_with) = (flags.external_metrics_api_service, flags.external_metrics_owner.clone());
    Some(ApiServiceRegistration::new(clients, service, is_kept, deleted_with, owner, metrics))
}

struct ApiServer(CallerReviews);

impl Authority for ApiServer {
    fn front_proxy(&self) -> BoxFuture<'_, Result<Option<FrontProxy>, String>> {
        async { Ok(self.0.front_proxy().await?.map(known_as)) }.boxed()
    }

    fn whose<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Caller>, String>> {
        let caller = |ReviewedCaller { name, uid, groups, extra }| Caller { name, uid, groups, extra };
        async move { Ok(self.0.whose(token).await?.map(caller)) }.boxed()
    }

    fn may<'a>(
        &'a self,
        caller: &'a Caller,
        attributes: &'a Attributes,
    ) -> BoxFuture<'a, Result<CallerVerdict, String>> {
        let Caller { name, uid, groups, extra } = caller.clone();
        let caller = ReviewedCaller { name, uid, groups, extra };
        let what = match attributes.clone() {
            Attributes::Metric { namespace, metric } => Review::ExternalMetric { namespace, metric },
            Attributes::Path(path) => Review::Path(path),
        };
        async move {
            Ok(match self.0.may(&caller, &what).await? {
                Ok(()) => CallerVerdict::Allowed,
                Err(why) => CallerVerdict::Denied(why),
            })
        }
        .boxed()
    }
}

fn known_as(data: FrontProxyData) -> FrontProxy {
    let FrontProxyData { authorities, names, name_headers, uid_headers, group_headers, extra_prefixes } =
        data;
    FrontProxy { authorities, names, name_headers, uid_headers, group_headers, extra_prefixes }
}
