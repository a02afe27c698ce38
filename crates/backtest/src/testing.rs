//! Small manifests and replays for tests.

use std::time::Duration;

use engine::{Asked, Prepared, Problem, Query, SourceCatalog, Time};
use serde_json::{Value, json};

use crate::Manifest;
use crate::contender::{Contender, Fixed, Oracle, Planned};
use crate::load::{Grid, Recorded};
use crate::replay::{Entry, ReplayOptions, Replayed, replay};
use crate::workload::{Bound, WorkloadSpec, bind};

/// A catalog that finds every setting good.
pub(crate) struct Anything;

impl SourceCatalog for Anything {
    fn prepare(&self, asked: &Asked<'_>) -> Result<Prepared, Vec<Problem>> {
        Ok(Query::unprepared(asked.source).into())
    }
}

/// The object, compiled.
pub(crate) fn manifest(object: Value) -> Manifest {
    Manifest::compile(object, &Anything, &engine::POLICIES).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A GeneralScaler with one metric, from 1 to 20 replicas, polled every 15 s.
pub(crate) fn scaler(metric: &str, target: f64) -> Manifest {
    manifest(json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "targetDeployment": "web", "maxReplicas": 20, "safety": {}, "metrics": [
            { "name": metric, "type": "prometheus", "targetValue": target, "config": { "query": "x" } }] } }))
}

/// `web`, which calls `db` twice for each call.
pub(crate) fn group() -> Value {
    json!({ "apiVersion": "polyscaler.dev/v1alpha1", "kind": "ScalingGroup",
        "metadata": { "name": "shop", "namespace": "shop" },
        "spec": {
            "members": [
                { "targetRef": { "name": "web" }, "maxReplicas": 20, "capacity": 100.0 },
                { "targetRef": { "name": "db" }, "maxReplicas": 30, "capacity": 50.0 }],
            "metrics": [{ "name": "requests", "type": "prometheus", "config": { "query": "x" }, "member": "web" }],
            "callGraph": [{ "from": "web", "to": "db", "callsPerCall": 2.0 }], "safety": {} } })
}

/// A world and a load, ready to be replayed.
pub(crate) struct Scene {
    pub(crate) manifest: Manifest,
    pub(crate) bound: Bound,
    values: Vec<f64>,
    step: u64,
}

impl Scene {
    /// `manifest` over these values of one column, a value every `step` seconds.
    pub(crate) fn new(manifest: Manifest, yaml: &str, values: Vec<f64>, step: u64) -> Self {
        let spec = WorkloadSpec::from_yaml(yaml).unwrap();
        let bound = bind(&manifest, &spec, &["requests".to_owned()])
            .unwrap_or_else(|problems| panic!("{problems:?}"));
        Self { manifest, bound, values, step }
    }

    pub(crate) fn grid(&self) -> Grid<Recorded> {
        let mut samples = Recorded::new(1);
        for (index, value) in self.values.iter().enumerate() {
            samples.push(Time::from_seconds(index as i64 * self.step as i64), &[*value]);
        }
        Grid::open(samples, None).unwrap()
    }

    /// The manifest, the oracle and so many replicas for ever.
    pub(crate) fn entries(&self, fixed: u32) -> Vec<Entry> {
        let start = Time::default();
        let step = Duration::from_secs(self.step);
        let planned = Planned::new(self.manifest.plan.clone(), self.bound.signals.clone(), start);
        let all: [(&str, Box<dyn Contender>, Option<u32>); 3] = [
            ("web", Box::new(planned), None),
            ("oracle", Box::new(Oracle::new(&self.bound.workload, step, start)), None),
            ("static", Box::new(Fixed), Some(fixed)),
        ];
        let members = self.bound.workload.members.len();
        all.into_iter()
            .map(|(name, contender, replicas)| Entry {
                name: name.to_owned(),
                contender,
                replicas: replicas.map(|count| vec![count; members]),
            })
            .collect()
    }

    pub(crate) fn options() -> ReplayOptions {
        ReplayOptions { interval_millis: 15_000, records: true, splits: Vec::new(), until: None, threads: 1 }
    }

    pub(crate) fn replayed(&self, fixed: u32) -> Replayed {
        self.replayed_by(fixed, &Self::options())
    }

    pub(crate) fn replayed_by(&self, fixed: u32, options: &ReplayOptions) -> Replayed {
        let workload = &self.bound.workload;
        replay(&mut self.grid(), workload, self.entries(fixed), options, &mut |_| {}).unwrap()
    }
}
