use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Deployment, DeploymentChange};
use engine::Time;
use serde_json::Value;
use sources::{AddressPolicy, Registry};

use super::super::group_spec::GroupSpec;
use super::*;

struct Stage {
    app: App,
    coordinator: Coordinator,
}

impl Stage {
    fn new(file: &str) -> Self {
        Self::under("random", None, file)
    }

    fn under(policy: &str, group_spec: Option<&str>, file: &str) -> Self {
        let settings = Settings {
            namespace: "shop".to_owned(),
            interval: Duration::from_secs(60),
            min_replicas: 1,
            max_replicas: 10,
            policy: policy.to_owned(),
            dry_run: false,
            seed: 7,
            group_spec: group_spec.map(|text| GroupSpec::parse(text, policy).unwrap()),
            created: Time::from_seconds(1_700_000_000),
        };
        let app = App::new("teastore");
        let groups = GroupsFile::parse(file.as_bytes()).groups;
        let judge = Judge(Arc::new(Registry::new(AddressPolicy::default())));
        let coordinator = Coordinator::new(Path::new("groups.txt"), settings, judge, app.clone(), groups);
        Self { app, coordinator }
    }

    fn there(&self, names: &[&str]) {
        for name in names {
            let deployment = Deployment {
                name: (*name).to_owned(),
                uid: (*name).to_owned(),
                labels: BTreeMap::from([("app".to_owned(), "teastore".to_owned())]),
                annotations: BTreeMap::new(),
            };
            self.app.take(DeploymentChange::Applied(deployment));
        }
    }

    fn edit(&mut self, text: &str) -> bool {
        self.coordinator.edit(&Ok(text.as_bytes().to_vec()))
    }

    /// Each event in a line: `group-1 gone`, or generation and members.
    fn reported(&mut self) -> Vec<String> {
        let line = |event: Event| match event {
            Event::Applied { key, kind, object } => {
                assert_eq!((key.namespace.as_str(), kind.kind), ("shop", "ScalingGroup"));
                let name = |member: &Value| member["targetRef"]["name"].as_str().unwrap().to_owned();
                let members = object["spec"]["members"].as_array().unwrap();
                let members: Vec<String> = members.iter().map(name).collect();
                format!("{} {} {}", key.name, object["metadata"]["generation"], members.join(","))
            }
            Event::Deleted(key) => format!("{} gone", key.name),
            _ => panic!("another event"),
        };
        self.coordinator.reconcile().into_iter().map(line).collect()
    }
}

#[test]
fn a_group_is_reported_as_far_as_its_members_are_there() {
    let mut stage = Stage::new("web,db,image\nauth\n");
    assert_eq!(stage.reported(), [""; 0]);
    stage.there(&["web", "image", "other"]);
    assert_eq!(stage.reported(), ["group-1 1 web,image"]);
    assert_eq!(stage.reported(), [""; 0], "nothing is news");
    stage.there(&["db", "auth"]);
    assert_eq!(stage.reported(), ["group-1 2 web,db,image", "group-2 1 auth"]);
    stage.app.take(DeploymentChange::Deleted("auth".to_owned()));
    assert_eq!(stage.reported(), ["group-2 gone"]);
    stage.there(&["auth"]);
    assert_eq!(stage.reported(), ["group-2 2 auth"], "a generation never comes back");
}

#[test]
fn who_is_missing_hands_on_its_calls_and_a_foreign_one_has_no_part() {
    let spec = "
        metrics: [{type: cron, config: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: 3}, member: web}]
        members: [{name: web, capacity: 1}]
        callGraph: [{from: web, to: auth}, {from: auth, to: db}]";
    let mut stage = Stage::under("bottleneck", Some(spec), "web,auth,db\n");
    assert_eq!(stage.reported(), [""; 0], "nobody is there");
    stage.there(&["db"]);
    assert_eq!(stage.reported(), ["group-1 1 web,auth,db"]);
    stage.there(&["web", "auth"]);
    assert_eq!(stage.reported(), [""; 0], "they are found as targets are");
    stage.app.take(DeploymentChange::Deleted("auth".to_owned()));
    assert_eq!(stage.reported(), [""; 0]);
    let foreign = Deployment { name: "auth".to_owned(), ..Deployment::default() };
    stage.app.take(DeploymentChange::Applied(foreign));
    assert_eq!(stage.reported(), ["group-1 2 web,db"]);
}

#[test]
fn a_good_edit_counts_and_a_bad_one_does_not() {
    let mut stage = Stage::new("web,db\nauth\n");
    stage.there(&["web", "db", "auth", "image"]);
    assert_eq!(stage.reported(), ["group-1 1 web,db", "group-2 1 auth"]);
    for bad in ["web,web\n", "web\nweb\n", "web,,db\n", "Web\n", "", "# nothing\n"] {
        assert!(!stage.edit(bad), "{bad:?}");
        assert_eq!(stage.reported(), [""; 0], "{bad:?}");
    }
    assert!(!stage.coordinator.edit(&Err("cannot be read: gone".to_owned())));
    assert!(!stage.coordinator.edit(&Ok(vec![0xff])));
    assert_eq!(stage.reported(), [""; 0]);
    assert!(stage.edit("# new\nimage\nauth, db\n"));
    assert_eq!(stage.reported(), ["group-1 2 image", "group-2 2 auth,db"]);
    assert!(stage.edit("image # the same\n\nauth,db\n"));
    assert_eq!(stage.reported(), [""; 0]);
    assert!(stage.edit("image\n"));
    assert_eq!(stage.reported(), ["group-2 gone"]);
}

#[test]
fn who_is_unknown_is_remembered_until_that_changes() {
    let mut stage = Stage::new("web,db\nauth\n");
    stage.there(&["web"]);
    let foreign = Deployment { name: "auth".to_owned(), ..Deployment::default() };
    stage.app.take(DeploymentChange::Applied(foreign));
    stage.reported();
    let unknown = |stage: &Stage| {
        let mut unknown: Vec<_> =
            stage.coordinator.unknown.iter().map(|(name, said)| (name.clone(), *said)).collect();
        unknown.sort_by(|one, other| one.0.cmp(&other.0));
        unknown
    };
    assert_eq!(
        unknown(&stage),
        [("auth".to_owned(), (2, Standing::Foreign)), ("db".to_owned(), (1, Standing::Missing))]
    );
    stage.there(&["db", "auth"]);
    stage.reported();
    assert_eq!(unknown(&stage), []);
}

#[test]
fn an_edit_that_leaves_a_policy_without_its_metric_is_bad() {
    let spec = "metrics: [{type: cron, config: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: 3},
        member: web, targetValue: 1}]";
    let mut stage = Stage::under("bottleneck", Some(spec), "web,db\n");
    stage.there(&["web", "db"]);
    assert_eq!(stage.reported(), ["group-1 1 web,db"]);
    assert!(!stage.edit("web\ndb\n"), "nothing reports the load of db");
    assert_eq!(stage.reported(), [""; 0]);
    assert!(stage.edit("web\n"));
    assert_eq!(stage.reported(), ["group-1 2 web"]);
}

#[test]
fn the_mode_of_a_whole_scaling_group_is_that_of_each_group() {
    let whole = "
        kind: ScalingGroup
        metadata: {annotations: {polyscaler.dev/mode: observe}}
        spec: {safety: {cooldownSeconds: 5}}";
    let mut stage = Stage::under("random", Some(whole), "web\n");
    stage.there(&["web"]);
    let Some(Event::Applied { kind, object, .. }) = stage.coordinator.reconcile().pop() else {
        panic!("no group")
    };
    assert_eq!(object["metadata"]["annotations"], serde_json::json!({ "polyscaler.dev/mode": "observe" }));
    let catalog = stage.coordinator.judge.0.as_ref();
    let context = resources::Context {
        catalog,
        policies: &engine::POLICIES,
        allow_cross_namespace: false,
        admitting: false,
        resolved: None,
    };
    assert_eq!(kind.compile(&object, &context).unwrap().plan.mode, engine::Mode::Observe);
}
