//! Which cluster and namespace: kubectl's flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use cluster::{Clients, View};
use resources::{KINDS, Kind};

use crate::parts::namespace;
use crate::policies::policies;

/// How long the API server may take to answer one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Flags of every command at a terminal.
#[derive(Args)]
pub(crate) struct ClusterArgs {
    /// Kubeconfig of the API server. Default: KUBECONFIG, the home folder's, or the pod's service account.
    #[arg(long, env = "POLYSCALER_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Namespace. Default: that of the context.
    #[arg(long, short, value_name = "NAME", value_parser = namespace)]
    namespace: Option<String>,
}

/// A cluster, and the namespace that is meant where none is named.
pub(super) struct Connection {
    pub(super) clients: Clients,
    pub(super) view: View,
    pub(super) namespace: String,
}

impl ClusterArgs {
    /// Whether a namespace is named.
    pub(super) fn is_namespaced(&self) -> bool {
        self.namespace.is_some()
    }

    /// Makes the connection; nothing is asked yet.
    ///
    /// # Errors
    /// Where no configuration is found or it cannot be used.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        let (kubeconfig, context) = (self.kubeconfig.as_deref(), self.context.as_deref());
        let clients = cluster::connect_to(kubeconfig, context, TIMEOUT).await?;
        let namespace = self.namespace.clone().unwrap_or_else(|| clients.namespace.clone());
        Ok(Connection { view: View::new(&clients), clients, namespace })
    }
}

/// An object as people name it: `scalingrule/orders`.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) kind: &'static Kind,
    pub(super) name: String,
}

/// The object of `KIND/NAME`, where the kind is known by its name, its plural, the plural with the group, or a short name.
pub(super) fn named(text: &str) -> Result<Named, String> {
    let (kind, name) = text
        .split_once('/')
        .filter(|(_, name)| !name.is_empty())
        .ok_or_else(|| "give KIND/NAME, for example scalingrule/orders".to_owned())?;
    let wanted = kind.to_lowercase();
    let is_it = |kind: &&&Kind| {
        [kind.kind.to_lowercase(), kind.plural.to_owned(), kind.crd_name()].contains(&wanted)
            || short_names(kind).contains(&wanted)
    };
    let found = KINDS.iter().find(is_it).ok_or_else(|| {
        let known: Vec<String> = KINDS.iter().map(|kind| kind.kind.to_lowercase()).collect();
        format!("no kind of polyscaler is called {kind:?}; known are {}", known.join(", "))
    })?;
    Ok(Named { kind: found, name: name.to_owned() })
}

fn short_names(kind: &Kind) -> Vec<String> {
    kind.crd(policies()).spec.names.short_names.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_every_name_that_kubectl_takes() {
        for text in [
            "scalingrule/orders",
            "ScalingRule/orders",
            "scalingrules/orders",
            "scalingrules.scaling.example.com/orders",
            "sr/orders",
        ] {
            let Ok(Named { kind, name }) = named(text) else { panic!("{text}") };
            assert_eq!((kind.kind, name.as_str()), ("ScalingRule", "orders"), "{text}");
        }
        for (text, why) in [
            ("orders", "give KIND/NAME"),
            ("scalingrule/", "give KIND/NAME"),
            ("deployment/web", "no kind of polyscaler is called \"deployment\""),
        ] {
            assert!(named(text).err().is_some_and(|error| error.contains(why)), "{text}");
        }
    }
}
