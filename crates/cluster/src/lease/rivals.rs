//! Other installations that act on the same objects, known by their Leases, whatever names and namespaces those have.
//!
//! Each installation marks its Lease with where and on which kinds it acts. Of two that meet, the one whose Lease was
//! created first acts; of two Leases of the same second, as the API server counts no finer, the first by namespace and
//! name. A Lease lives while it changes, counted on this machine's clock, as for the own one.

use std::collections::BTreeSet;

use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use runner::{ActsIn, Namespaces};
use tokio::time::Instant;

use super::living::Living;
use super::object;

/// The label that marks the Lease of an installation.
const INSTALLATION: &str = "polyscaler.dev/installation";
/// The annotation with the namespaces in which it acts.
const ACTS_IN: &str = "polyscaler.dev/acts-in";
/// The annotation with the kinds on which it acts.
const KINDS: &str = "polyscaler.dev/kinds";

/// On what this installation acts.
#[derive(Clone, Debug)]
pub struct Installation {
    /// In which namespaces.
    pub namespaces: Namespaces,
    /// On which kinds.
    pub kinds: BTreeSet<String>,
}

impl Installation {
    /// Marks its Lease.
    pub(super) fn mark(&self, lease: &mut LeaseObject) {
        let labels = lease.metadata.labels.get_or_insert_default();
        labels.insert(INSTALLATION.to_owned(), "true".to_owned());
        let annotations = lease.metadata.annotations.get_or_insert_default();
        annotations.insert(ACTS_IN.to_owned(), self.namespaces.acts_in().to_string());
        let kinds: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
        annotations.insert(KINDS.to_owned(), kinds.join(","));
    }

    /// Whether it acts on objects that the installation of `lease` acts on, too.
    fn meets(&self, lease: &LeaseObject) -> bool {
        let text = |key: &str| lease.annotations().get(key).cloned().unwrap_or_default();
        let Ok(acts_in) = text(ACTS_IN).parse::<ActsIn>();
        let has_kind = text(KINDS).split(',').any(|kind| self.kinds.contains(kind));
        has_kind && self.namespaces.acts_in().meets(&acts_in)
    }
}

/// When a Lease was created, and its namespace and name, by which the older of two is known.
type Age = (Option<Time>, String, String);

fn age(lease: &LeaseObject) -> Age {
    (lease.creation_timestamp(), lease.namespace().unwrap_or_default(), lease.name_any())
}

/// What is seen of rivals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Those that live, as namespace and name of their Leases: those that act, and those that stand back.
    pub(super) living: Vec<String>,
    /// Whether one of them acts: a replica holds its Lease.
    pub(super) one_acts: bool,
    /// The oldest of those that act and are older than this installation, for which it stands back.
    pub(super) elder: Option<String>,
}

/// Knows the Leases of other installations.
pub(super) struct Rivals {
    installation: Installation,
    everywhere: Api<LeaseObject>,
    nearby: Api<LeaseObject>,
    living: Living,
    /// Whether Leases of other namespaces may not be listed.
    is_confined: bool,
}

impl Rivals {
    pub(super) fn new(client: &Client, namespace: &str, installation: Installation) -> Self {
        let (everywhere, nearby) = (Api::all(client.clone()), Api::namespaced(client.clone(), namespace));
        Self { installation, everywhere, nearby, living: Living::default(), is_confined: false }
    }

    /// Looks at the Leases of all installations; `own` is this one's, which is called `name` in `namespace`. Where they may
    /// not be listed there are none, as an installation with rights in its own namespaces only has no others in sight.
    pub(super) async fn look(&mut self, own: Option<&LeaseObject>, namespace: &str, name: &str) -> Seen {
        let leases = self.list().await;
        self.living.keep(&leases);
        let is_own =
            |lease: &LeaseObject| lease.name_any() == name && lease.namespace().as_deref() == Some(namespace);
        let others = leases.into_iter().filter(|lease| !is_own(lease) && self.installation.meets(lease));
        let mut others: Vec<LeaseObject> = others.collect();
        let now = Instant::now();
        others.retain(|lease| self.living.lives(lease, now));
        others.sort_by_key(age);
        let shown =
            |lease: &LeaseObject| format!("{}/{}", lease.namespace().unwrap_or_default(), lease.name_any());
        // One without a Lease so far is the youngest.
        let is_older = |lease: &&LeaseObject| own.is_none_or(|own| age(lease) < age(own));
        let mut acting = others.iter().filter(|lease| !object::holder(lease).is_empty()).peekable();
        Seen {
            one_acts: acting.peek().is_some(),
            elder: acting.find(is_older).map(shown),
            living: others.iter().map(shown).collect(),
        }
    }

    async fn list(&mut self) -> Vec<LeaseObject> {
        let marked = ListParams::default().labels(INSTALLATION);
        if !self.is_confined {
            match self.everywhere.list(&marked).await {
                Ok(found) => return found.items,
                Err(kube::Error::Api(status)) if status.is_forbidden() => {
                    self.is_confined = true;
                    tracing::warn!(
                        "no permission to list Leases of other namespaces, so another installation on the same objects cannot be detected: grant list on leases.coordination.k8s.io"
                    );
                }
                Err(_) => return Vec::new(),
            }
        }
        self.nearby.list(&marked).await.map(|found| found.items).unwrap_or_default()
    }
}
