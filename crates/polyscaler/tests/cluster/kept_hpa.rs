//! HPAs that plans want kept, on the real API server: created, adopted, put back, renamed and taken away.

use std::sync::Arc;
use std::time::Duration;

use cluster::{HpaKeeper, Hpas, Objects, Watches};
use engine::KeptHpa;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use resources::{Reason, WriteFailure, general_scaler};
use runner::{Event, KeepHpa, Metrics, ObjectKey, Readiness, Reconciler as _};
use serde_json::{Value, json};
use testbed::wait;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::harness::{LIMIT, Scene};

/// A keeper beside the watch that it rests on, as in the operator.
struct Keeping<'a> {
    scene: &'a Scene,
    keeper: HpaKeeper,
    metrics: Arc<Metrics>,
    events: mpsc::Receiver<Event>,
    watch: JoinHandle<()>,
    owner: ObjectKey,
    uid: String,
}

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// An object of ours that may own HPAs; nobody scales by it.
async fn owner(scene: &Scene) -> String {
    let spec = json!({ "targetDeployment": "web", "minReplicas": 1, "maxReplicas": 5,
        "metrics": [{ "type": "http", "config": { "url": scene.metrics.url("/x"), "valuePath": "$.x" }, "targetValue": 1 }],
        "policy": { "type": "slo" } });
    scene.general_scaler("owner", spec).await.get().await.uid().unwrap()
}

impl<'a> Keeping<'a> {
    /// One that has seen every HPA of the scene.
    async fn start(scene: &'a Scene, uid: &str) -> Keeping<'a> {
        let clients = cluster::connect(Some(&scene.kubeconfig), LIMIT).await.unwrap();
        let (hpas, metrics) = (Arc::new(Hpas::default()), Arc::new(Metrics::new()));
        let (sender, mut events) = mpsc::channel(1024);
        let watch = tokio::spawn(cluster::watch(Watches {
            client: clients.read.clone(),
            kinds: Vec::new(),
            namespaces: runner::Namespaces::named(vec![scene.namespace.clone()]),
            selector: None,
            events: sender,
            readiness: Arc::new(Readiness::default()),
            objects: Arc::new(Objects::default()),
            supporting: std::sync::Arc::default(),
            hpas: Arc::clone(&hpas),
            labels: None,
            observe_hpas: false,
            leave_to_keda: None,
            finalizers: std::sync::Arc::default(),
        }));
        while !matches!(events.recv().await.unwrap(), Event::Synced) {}
        let owner = ObjectKey::new("GeneralScaler", scene.namespace.clone(), "owner");
        let keeper = HpaKeeper::new(&clients, hpas, Arc::clone(&metrics));
        Keeping { scene, keeper, metrics, events, watch, owner, uid: uid.to_owned() }
    }

    /// Keeps `hpa`; returns what was done, as `Created name`.
    async fn keep(&self, hpa: Option<&KeptHpa>) -> Result<Vec<String>, WriteFailure> {
        self.keep_while(hpa, || Some(LIMIT)).await
    }

    async fn keep_while(
        &self,
        hpa: Option<&KeptHpa>,
        time_left: impl Fn() -> Option<Duration> + Send + Sync,
    ) -> Result<Vec<String>, WriteFailure> {
        let (kind, namespace) = (&general_scaler::KIND, &self.scene.namespace);
        let wanted = KeepHpa { owner: &self.owner, kind, uid: &self.uid, namespace, hpa };
        let changes = self.keeper.keep(wanted, &time_left).await?;
        Ok(changes.into_iter().map(|change| format!("{} {}", change.action, change.name)).collect())
    }

    /// Waits for the next news of an HPA; returns whether it is there.
    async fn news(&mut self, name: &str) -> bool {
        loop {
            let event = tokio::time::timeout(LIMIT, self.events.recv()).await.expect("news in time").unwrap();
            if let Event::Hpa { hpa, target, .. } = event
                && hpa.1 == name
            {
                return target.is_some();
            }
        }
    }

    /// Writes that were counted with this result.
    fn writes(&self, result: &str) -> u64 {
        let series =
            format!("polyscaler_writes_total{{resource=\"horizontalpodautoscaler\",result=\"{result}\"}} ");
        let text = self.metrics.render();
        text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
    }

    fn api(&self) -> Api<HorizontalPodAutoscaler> {
        self.scene.namespaced()
    }
}

fn hpa(name: &str) -> KeptHpa {
    KeptHpa {
        name: name.to_owned(),
        labels: [("team".to_owned(), "shop".to_owned())].into(),
        annotations: [("note".to_owned(), "kept".to_owned())].into(),
        // The API server fills in the rest of the behavior, and writes the quantity in its own way.
        spec: json!({
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 2, "maxReplicas": 9,
            "metrics": [{ "type": "Resource", "resource": {
                "name": "cpu", "target": { "type": "AverageValue", "averageValue": "0.5" } } }],
            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 30 } },
        }),
        adopt_orphan: false,
    }
}

async fn made_by_hand(api: &Api<HorizontalPodAutoscaler>, name: &str) -> HorizontalPodAutoscaler {
    let object = json!({ "metadata": { "name": name }, "spec": {
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "maxReplicas": 3 } });
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
}

async fn patch(api: &Api<HorizontalPodAutoscaler>, name: &str, patch: Value) {
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_an_hpa_is_kept_as_it_is_wanted() {
    let scene = Scene::new("kept").await;
    let uid = owner(&scene).await;
    let mut keeping = Keeping::start(&scene, &uid).await;
    let (api, wanted) = (keeping.api(), hpa("kept"));

    assert_eq!(keeping.keep(Some(&wanted)).await.unwrap(), ["Created kept"]);
    let made = api.get("kept").await.unwrap();
    let owner = &made.owner_references()[0];
    assert_eq!((owner.kind.as_str(), owner.name.as_str(), &owner.uid), ("GeneralScaler", "owner", &uid));
    assert_eq!((owner.controller, owner.block_owner_deletion), (Some(true), Some(true)));
    assert_eq!((made.labels()["team"].as_str(), made.annotations()["note"].as_str()), ("shop", "kept"));
    assert!(made.managed_fields().iter().any(|entry| entry.manager.as_deref() == Some("polyscaler")));
    assert!(keeping.news("kept").await);
    for _ in 0..3 {
        assert_eq!(keeping.keep(Some(&wanted)).await.unwrap(), [""; 0]);
    }
    assert_eq!(keeping.writes("done"), 1);

    // Another replica begins to lead, and knows nothing of what this one wrote.
    let other = Keeping::start(&scene, &uid).await;
    assert_eq!(other.keep(Some(&wanted)).await.unwrap(), [""; 0]);
    assert_eq!(api.get("kept").await.unwrap().resource_version(), made.resource_version());

    // Edited by hand it is put back, and what is not ours stays.
    let edit = json!({ "metadata": { "labels": { "team": "theirs", "by": "hand" } },
        "spec": { "maxReplicas": 50, "behavior": { "scaleUp": { "stabilizationWindowSeconds": 7 } } } });
    patch(&api, "kept", edit).await;
    assert!(keeping.news("kept").await);
    assert_eq!(keeping.keep(Some(&wanted)).await.unwrap(), ["Updated kept"]);
    let put_back = api.get("kept").await.unwrap();
    assert_eq!((&put_back.spec, put_back.uid()), (&made.spec, made.uid()));
    assert_eq!((put_back.labels()["team"].as_str(), put_back.labels()["by"].as_str()), ("shop", "hand"));

    // Deleted by hand it is made again.
    api.delete("kept", &DeleteParams::default()).await.unwrap();
    while keeping.news("kept").await {}
    assert_eq!(keeping.keep(Some(&wanted)).await.unwrap(), ["Created kept"]);
    assert!(keeping.news("kept").await);

    // Another spec, another name, and none at all.
    let mut larger = wanted.clone();
    larger.spec["maxReplicas"] = json!(12);
    assert_eq!(keeping.keep(Some(&larger)).await.unwrap(), ["Updated kept"]);
    let renamed = KeptHpa { name: "renamed".to_owned(), ..larger };
    assert_eq!(keeping.keep(Some(&renamed)).await.unwrap(), ["Deleted kept", "Created renamed"]);
    assert!(keeping.news("renamed").await);
    assert_eq!(keeping.keep_while(None, || None).await.unwrap(), [""; 0], "without the right to write");
    assert_eq!(keeping.keep(None).await.unwrap(), ["Deleted renamed"]);
    assert_eq!(api.list(&Default::default()).await.unwrap().items.len(), 0);
    assert_eq!(keeping.writes("done"), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_3_a_foreign_hpa_is_never_touched_and_an_orphan_adopted_in_place() {
    let scene = Scene::new("foreign").await;
    let uid = owner(&scene).await;
    let foreign = made_by_hand(&scene.namespaced(), "kept").await;
    let keeping = Keeping::start(&scene, &uid).await;
    let (api, wanted) = (keeping.api(), hpa("kept"));
    let refused = keeping.keep(Some(&wanted)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::HpaConflict);
    assert!(refused.message.contains("kept already exists"), "{}", refused.message);
    assert_eq!(keeping.keep(None).await.unwrap(), [""; 0]);
    assert_eq!(api.get("kept").await.unwrap().resource_version(), foreign.resource_version());

    let adopting = KeptHpa { adopt_orphan: true, ..wanted };
    assert_eq!(keeping.keep(Some(&adopting)).await.unwrap(), ["Adopted kept"]);
    let adopted = api.get("kept").await.unwrap();
    assert_eq!((adopted.uid(), adopted.spec.max_replicas), (foreign.uid(), 9));
    assert_eq!(adopted.owner_references()[0].uid, uid);

    // To another object of ours it is foreign now, even one that would take an orphan.
    let other = Keeping::start(&scene, "another-uid").await;
    let refused = other.keep(Some(&adopting)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::HpaConflict);
    assert!(
        refused.message.contains("is already managed by the GeneralScaler 'owner'"),
        "{}",
        refused.message
    );

    // It goes with its owner.
    let owner = crate::harness::Scaling::namespaced(
        &scene.client,
        &scene.namespace,
        ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers"),
        "owner",
    );
    owner.delete().await;
    let gone = || async { api.get_opt("kept").await.unwrap().is_none().then_some(()) };
    wait::until("the HPA is garbage", LIMIT, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_distinguished_from_a_missing_right() {
    let scene = Scene::new("quota").await;
    let uid = owner(&scene).await;
    let quotas: Api<ResourceQuota> = scene.namespaced();
    let quota = json!({ "metadata": { "name": "no-hpas" },
        "spec": { "hard": { "count/horizontalpodautoscalers.autoscaling": "0" } } });
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    let counted = || async {
        let status = quotas.get("no-hpas").await.unwrap().status;
        status.and_then(|status| status.used).filter(|used| !used.is_empty()).map(|_| ())
    };
    wait::until("the quota counts", LIMIT, counted).await.unwrap();
    let keeping = Keeping::start(&scene, &uid).await;
    let refused = keeping.keep(Some(&hpa("kept"))).await.unwrap_err();
    assert_eq!(refused.reason, Reason::FailedUpdateHpa);
    for words in ["although permission is granted", "raise the quota", "no-hpas"] {
        assert!(refused.message.contains(words), "{}", refused.message);
    }
    assert_eq!(keeping.writes("refused"), 1);
}
