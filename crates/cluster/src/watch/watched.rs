//! The kinds that are watched: those whose objects give plans, and those that such objects refer to.

use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use resources::{Kind, Reference, Scope, Supporting};
use runner::{ActsIn, Event, ObjectKey};

use super::{Changed, HoldsUp, Watches};
use crate::stream::Name;
use crate::supporting::Reported;

/// A kind that is watched.
#[derive(Clone, Copy)]
pub(super) enum Watched {
    /// Its objects give plans.
    Planned(&'static Kind),
    /// Others refer to its objects. Without its CRD there are none, which only those feel that refer to one; the
    /// watch begins when the CRD is there.
    Supporting(&'static Supporting),
}

impl Watched {
    /// All of `kinds`, then the supporting ones that their objects may refer to, each once.
    pub(super) fn all(kinds: &[&'static Kind]) -> Vec<Self> {
        let mut supporting: Vec<&'static Supporting> = Vec::new();
        for kind in kinds.iter().flat_map(|kind| kind.needs.supporting) {
            if supporting.iter().all(|known| known.crd_name() != kind.crd_name()) {
                supporting.push(kind);
            }
        }
        let planned = kinds.iter().copied().map(Self::Planned);
        planned.chain(supporting.into_iter().map(Self::Supporting)).collect()
    }

    /// Name of its CRD.
    pub(super) fn crd_name(self) -> String {
        match self {
            Self::Planned(kind) => kind.crd_name(),
            Self::Supporting(kind) => kind.crd_name(),
        }
    }

    /// Whether its objects live in a namespace.
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Planned(kind) => kind.scope,
            Self::Supporting(kind) => kind.scope,
        }
    }

    /// How the API server is asked for its objects.
    pub(super) fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = match self {
            Self::Planned(Kind { group, version, kind, plural, .. })
            | Self::Supporting(Supporting { group, version, kind, plural, .. }) => {
                (group, version, kind, plural)
            }
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    /// How long its watch keeps all polls waiting.
    pub(super) fn holds_up(self) -> HoldsUp {
        match self {
            Self::Planned(_) => HoldsUp::UntilListed,
            Self::Supporting(_) => HoldsUp::UntilKnown,
        }
    }

    /// Notes what is to be done about the finalizers of an object that we act on.
    fn note_finalizer(self, watches: &Watches, (namespace, name): &Name, object: Option<&serde_json::Value>) {
        let (finalizer, acts_here) = match self {
            Self::Planned(kind) => {
                let acts_in = object.map(|object| kind.acts_in(object));
                (kind.needs.finalizer, acts_in.is_none_or(|acts_in| watches.namespaces.contains(&acts_in)))
            }
            Self::Supporting(kind) => {
                (kind.finalizer, namespace.is_empty() || watches.namespaces.contains(namespace))
            }
        };
        if let Some(finalizer) = finalizer {
            let object = object.filter(|_| acts_here);
            watches.finalizers.note(&finalizer, self.resource(), (namespace, name), object);
        }
    }

    /// Notes whom an object that we act on refers to, or what a supporting one has in its status.
    fn note_users(self, watches: &Watches, (namespace, name): &Name, object: Option<&serde_json::Value>) {
        let namespaces = &watches.namespaces;
        match self {
            Self::Planned(kind) if kind.needs.supporting.is_empty() => {}
            Self::Planned(kind) => {
                let object = object.filter(|object| namespaces.contains(&kind.acts_in(object)));
                let created =
                    object.and_then(|object| object.pointer("/metadata/creationTimestamp")?.as_str());
                let references = object.map(kind.needs.references).unwrap_or_default();
                let key = ObjectKey::new(kind.kind, namespace.clone(), name.clone());
                watches.supporting.refers(&key, created.unwrap_or_default(), references);
            }
            Self::Supporting(kind) => {
                let is_of_cluster = namespace.is_empty();
                let acts_everywhere =
                    matches!(namespaces.acts_in(), ActsIn::AllBut(excluded) if excluded.is_empty());
                let reference =
                    Reference { kind: kind.kind, namespace: namespace.clone(), name: name.clone() };
                watches.supporting.seen(Reported {
                    kind,
                    reference: &reference,
                    object,
                    acts_here: is_of_cluster || namespaces.contains(namespace),
                    sees_all: !is_of_cluster || acts_everywhere,
                });
            }
        }
    }

    /// What a change of one of its objects is to the loop. One that is being deleted counts as gone.
    pub(super) fn event(self, watches: &Watches, change: Changed<DynamicObject>) -> Event {
        let (name, is_there, object) = match change {
            Changed::Applied(mut object) | Changed::Moved(mut object) => {
                let name = (object.namespace().unwrap_or_default(), object.name_any());
                object.managed_fields_mut().clear();
                let is_there = object.metadata.deletion_timestamp.is_none();
                (name, is_there, Some(serde_json::to_value(&object).unwrap_or_default()))
            }
            Changed::Deleted(name) => (name, false, None),
        };
        self.note_finalizer(watches, &name, object.as_ref());
        let object = object.filter(|_| is_there);
        self.note_users(watches, &name, object.as_ref());
        match self {
            Self::Planned(kind) => planned(
                watches,
                kind,
                name,
                object.filter(|object| watches.namespaces.contains(&kind.acts_in(object))),
            ),
            Self::Supporting(kind) => {
                let (namespace, name) = name;
                let reference = Reference { kind: kind.kind, namespace, name };
                Event::Supporting { reference, object: object.map(Box::new) }
            }
        }
    }
}

/// That an object which gives a plan is as `object`, or is not there for us.
fn planned(
    watches: &Watches,
    kind: &'static Kind,
    (namespace, name): Name,
    object: Option<serde_json::Value>,
) -> Event {
    let key = ObjectKey::new(kind.kind, namespace, name);
    match object {
        Some(object) => {
            watches.objects.seen(&key, &object);
            Event::Applied { key, kind, object: Box::new(object) }
        }
        None => {
            watches.objects.remove(&key);
            Event::Deleted(key)
        }
    }
}
