//! Reads our objects and their Events for people at a terminal, by their own rights. It writes nothing.

use std::time::Duration;

use engine::{Target, Time};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use resources::{KINDS, Kind, Reference, SUPPORTING, Scope};
use serde_json::Value;

use crate::Clients;
use crate::connect::no_answer;
use crate::refusal::{Asked, Cause, Refusals};

/// Objects that one request lists at most.
const PAGE: u32 = 500;

/// The API server as people at a terminal see it.
pub struct View {
    client: Client,
    timeout: Duration,
    server: String,
    refusals: Refusals,
}

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The kind's CRD is not installed.
    #[error("{0} is not installed in this cluster; `polyscaler crds | kubectl apply -f -` installs it")]
    NotInstalled(String),
    /// The API server does not answer.
    #[error(
        "the API server at {server} does not answer: see whether it runs and can be reached from here, or name another \
         by --kubeconfig and --context ({why})"
    )]
    NoAnswer {
        /// Its address.
        server: String,
        /// What happened.
        why: String,
    },
    /// The API server refuses.
    #[error("{asked}: {message}")]
    Refused {
        /// What was asked, in the words of RBAC.
        asked: String,
        /// Why it was not answered, and what to do.
        message: String,
    },
}

/// A kind of others.
#[derive(Clone, Copy, Debug)]
pub struct OtherKind {
    /// API group.
    pub group: &'static str,
    /// API version within the group.
    pub version: &'static str,
    /// Kind, in the singular.
    pub kind: &'static str,
    /// Resource name, as in URLs and RBAC rules.
    pub plural: &'static str,
}

/// An Event of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedEvent {
    /// When it was last published; `None` where it does not say.
    pub at: Option<Time>,
    /// Whether something went wrong.
    pub is_warning: bool,
    /// In one word.
    pub reason: String,
    /// In a sentence.
    pub note: String,
}

impl View {
    /// By the rights of `clients`.
    pub fn new(clients: &Clients) -> Self {
        let Clients { read: client, timeout, server, .. } = clients.clone();
        Self { client, timeout, server, refusals: Refusals::new(clients) }
    }

    /// The objects of `kind` in `namespace`, or in all where that is `None`; all of a cluster-scoped kind.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub async fn list(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Value>, ViewError> {
        let api = self.api(kind, namespace);
        let asked = asked(kind, "list", namespace.unwrap_or_default(), "");
        let objects = self.pages(&kind.crd_name(), &asked, &api, ListParams::default()).await?;
        Ok(objects.iter().map(|object| value(&kind.api_version(), kind.kind, object)).collect())
    }

    /// The objects of a kind of others that match the field selector `fields`, in `namespace` or everywhere.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub async fn list_other(
        &self,
        kind: &OtherKind,
        namespace: Option<&str>,
        fields: &str,
    ) -> Result<Vec<Value>, ViewError> {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let asked = Asked::of(&resource, namespace.unwrap_or_default(), "").to("list", "");
        let name = format!("{}.{}", kind.plural, kind.group);
        let objects = self.pages(&name, &asked, &api, ListParams::default().fields(fields)).await?;
        Ok(objects.iter().map(|object| value(&resource.api_version, kind.kind, object)).collect())
    }

    /// All that a list comes to, page by page.
    async fn pages(
        &self,
        resource: &str,
        asked: &Asked,
        api: &Api<DynamicObject>,
        params: ListParams,
    ) -> Result<Vec<DynamicObject>, ViewError> {
        let mut objects = Vec::new();
        let mut params = params.limit(PAGE);
        loop {
            let list = self.answer(resource, asked, api.list(&params)).await?;
            objects.extend(list.items);
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(objects),
            }
        }
    }

    /// One object of `kind`; `None` where it does not exist.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Option<Value>, ViewError> {
        let api = self.api(kind, Some(namespace));
        let asked = asked(kind, "get", namespace, name);
        let object = self.answer(&kind.crd_name(), &asked, api.get_opt(name)).await?;
        if object.is_none() {
            // The API server says the same of an object and of a kind that it does not have.
            self.answer(&kind.crd_name(), &asked, api.list(&ListParams::default().limit(1))).await?;
        }
        Ok(object.map(|object| value(&kind.api_version(), kind.kind, &object)))
    }

    /// The Events of the object called `name` that has this `uid`, oldest first.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub async fn events(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<Vec<PublishedEvent>, ViewError> {
        // Where kubectl looks for those of cluster-scoped objects.
        let namespace = if kind.scope == Scope::Cluster { "default" } else { namespace };
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let of_it =
            ListParams::default().fields(&format!("regarding.name={name},regarding.kind={}", kind.kind));
        let asked = Asked {
            verb: "list",
            group: "events.k8s.io".to_owned(),
            resource: "events".to_owned(),
            namespace: namespace.to_owned(),
            ..Asked::default()
        };
        let listed = self.answer("events.events.k8s.io", &asked, api.list(&of_it)).await?;
        let of_it = listed.items.into_iter().filter(|event| {
            event.regarding.as_ref().and_then(|regarding| regarding.uid.as_deref()) == Some(uid)
        });
        let mut events: Vec<PublishedEvent> = of_it.map(published).collect();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    /// A supporting object; `None` where it does not exist, or its kind is not installed.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn supporting(&self, reference: &Reference) -> Result<Option<Value>, ViewError> {
        let Some(kind) = SUPPORTING.iter().find(|kind| kind.kind == reference.kind) else { return Ok(None) };
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        let api: Api<DynamicObject> = match kind.scope {
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), &reference.namespace, &resource),
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
        };
        let asked = Asked::of(&resource, &reference.namespace, &reference.name).to("get", "");
        let object = self.answer(&kind.crd_name(), &asked, api.get_opt(&reference.name)).await?;
        Ok(object.map(|object| serde_json::to_value(object).unwrap_or_default()))
    }

    /// The HPAs in `namespace` that no object of ours controls, with what they scale.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub async fn foreign_hpas(&self, namespace: &str) -> Result<Vec<(String, Target)>, ViewError> {
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(self.client.clone(), namespace);
        let asked = Asked {
            verb: "list",
            group: "autoscaling".to_owned(),
            resource: "horizontalpodautoscalers".to_owned(),
            namespace: namespace.to_owned(),
            ..Asked::default()
        };
        let listed =
            self.answer("horizontalpodautoscalers", &asked, api.list(&ListParams::default())).await?;
        let foreign = listed.items.into_iter().filter(|hpa| !is_controlled_by_ours(hpa));
        let target = |hpa: HorizontalPodAutoscaler| {
            let scaled = hpa.spec.scale_target_ref;
            let target = Target {
                api_version: scaled.api_version.unwrap_or_default(),
                kind: scaled.kind,
                namespace: namespace.to_owned(),
                name: scaled.name,
            };
            Some((hpa.metadata.name?, target))
        };
        Ok(foreign.filter_map(target).collect())
    }

    fn api(&self, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        match namespace.filter(|_| kind.scope == Scope::Namespaced) {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// What the API server answers, within the time.
    async fn answer<T>(
        &self,
        resource: &str,
        asked: &Asked,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ViewError> {
        let refused = |message| ViewError::Refused { asked: asked.to_string(), message };
        let silent = |why| ViewError::NoAnswer { server: self.server.clone(), why };
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let refusal = self.refusals.explain(asked, &error).await;
                match refusal.cause {
                    Some(Cause::NotServed) => Err(ViewError::NotInstalled(resource.to_owned())),
                    Some(_) => Err(refused(refusal.message)),
                    None => Err(silent(refusal.message)),
                }
            }
            Err(_) => Err(silent(no_answer(self.timeout))),
        }
    }
}

fn is_controlled_by_ours(hpa: &HorizontalPodAutoscaler) -> bool {
    let controllers =
        hpa.metadata.owner_references.iter().flatten().filter(|owner| owner.controller == Some(true));
    let is_ours = |owner: &OwnerReference| {
        KINDS.iter().any(|kind| kind.kind == owner.kind && kind.api_version() == owner.api_version)
    };
    controllers.into_iter().any(is_ours)
}

fn asked(kind: &Kind, verb: &'static str, namespace: &str, name: &str) -> Asked {
    Asked {
        verb,
        group: kind.group.to_owned(),
        resource: kind.plural.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..Asked::default()
    }
}

/// The object as JSON; in a list the API server leaves out of what kind each is.
fn value(api_version: &str, kind: &str, object: &DynamicObject) -> Value {
    let mut object = serde_json::to_value(object).unwrap_or_default();
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object
}

fn published(event: Event) -> PublishedEvent {
    let series = event.series.map(|series| series.last_observed_time.0);
    let at =
        series.or(event.event_time.map(|time| time.0)).or(event.deprecated_last_timestamp.map(|time| time.0));
    PublishedEvent {
        at: at.map(|at: Timestamp| Time::from_millis(at.as_millisecond())),
        is_warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.unwrap_or_default(),
        note: event.note.unwrap_or_default(),
    }
}
