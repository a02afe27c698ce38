//! Every scenario's day on the real loop in a scripted world, on paused time: a day takes no longer than its
//! computing. That the servers of a scenario answer its manifests is tested in `servers`, and one scenario is
//! played for real by the integration tests.

mod world;

use std::sync::Arc;
use std::time::Duration;

use runner::{Activity, Board, Event, Metrics, ObjectKey, Runner, Services, Terms};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::scenario::{Group, Load, QueueServer, Scenario};
use super::screen::Screen;
use super::servers::{Broker, Calls, Queues};
use super::stage::{GroupLook, Look, Seen};
use super::summary::{Operation, Summary};
use super::{Stage, load, play};
use world::{Anything, Counts, World};

use crate::policies::policies;

/// A loop over the objects of a scenario, which leads.
struct ScriptedStage {
    world: Arc<World>,
    queues: Queues,
    calls: Option<Calls>,
    activity: Arc<Activity>,
    board: Arc<Board>,
    /// The loop ends with its sender.
    _events: mpsc::Sender<Event>,
    _loop: JoinHandle<()>,
}

/// Where a figure is read.
fn url(path: &str) -> String {
    format!("http://load{path}")
}

impl ScriptedStage {
    async fn set(scenario: &Scenario) -> Self {
        let world = Arc::new(World::new());
        let (activity, board) = (Arc::new(Activity::new(100_000)), Arc::new(Board::default()));
        let services = Services {
            sampler: world.clone(),
            actuator: world.clone(),
            clock: world.clone(),
            guard: world.clone(),
            reconciler: world.clone(),
            journal: world.clone(),
            metrics: Arc::new(Metrics::new()),
            metrics_api: Arc::default(),
            activity: activity.clone(),
            board: board.clone(),
            answers: Arc::default(),
            outages: Arc::default(),
            audit: None,
            advisers: world.clone(),
            episodes: None,
            workloads: None,
            forecasts: runner::Forecasts::default(),
        };
        let counts = || Box::new(Counts(world.clone())) as Box<dyn Broker>;
        let brokers = [QueueServer::Nats, QueueServer::Redis].map(|server| (server, counts()));
        let queues = Queues::on(brokers.into(), scenario);
        let (events, received) = mpsc::channel(64);
        let running = tokio::spawn(
            Runner::new(
                services,
                Terms {
                    catalog: Arc::new(Anything),
                    policies: policies().clone(),
                    allow_cross_namespace: false,
                    own_namespace: "polyscaler".to_owned(),
                    defaults: None,
                    owners: Arc::default(),
                },
            )
            .run(received),
        );
        let mut stage = Self { world, queues, calls: None, activity, board, _events: events, _loop: running };
        stage.advance(scenario, load::hour_of_day(0.0), Duration::ZERO).await.unwrap();
        stage.deploy(scenario).await;
        stage
    }

    async fn deploy(&self, scenario: &Scenario) {
        for application in scenario.applications {
            self.world.deploy(application);
            if let Some(manifest) = application.manifest {
                self.apply(manifest(&url(&application.path()))).await;
            }
        }
        if let Some(group) = &scenario.group {
            self.apply((group.manifest)(&url(&group.path()))).await;
        }
        self.send(Event::Synced).await;
        self.send(Event::Leading(true)).await;
    }

    async fn apply(&self, mut object: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = resources::find(&text(&object["apiVersion"]), &text(&object["kind"])).unwrap();
        let name = text(&object["metadata"]["name"]);
        let key = ObjectKey::new(kind.kind, text(&object["metadata"]["namespace"]), name);
        object["metadata"]["uid"] = json!(key.name);
        object["metadata"]["generation"] = json!(1);
        object["metadata"]["creationTimestamp"] = json!("2023-11-01T00:00:00Z");
        self.send(Event::Applied { key, kind, object: Box::new(object) }).await;
    }

    async fn send(&self, event: Event) {
        assert!(self._events.send(event).await.is_ok(), "the loop has ended");
    }

    fn group(&self, scenario: &Scenario, group: &Group) -> Option<GroupLook> {
        let status = self.world.status(group.name);
        Some(GroupLook::of(scenario, self.calls.as_ref()?, status.as_ref()).unwrap())
    }
}

impl Stage for ScriptedStage {
    async fn advance(&mut self, scenario: &Scenario, hour: f64, elapsed: Duration) -> anyhow::Result<()> {
        for application in scenario.applications {
            match application.load {
                Load::Figure { at, .. } => {
                    self.world.document(&url(&application.path()), json!({ "active_users": at(hour) }));
                }
                Load::Requests { a_second, .. } => self.world.requests(application.name, a_second(hour)),
                Load::Queue(_) | Load::Calls => {}
            }
        }
        let ready = self.world.ready();
        if let Some(group) = &scenario.group {
            let calls = Calls::new((group.a_second)(hour), &ready);
            self.world.document(&url(&group.path()), calls.report());
            self.calls = Some(calls);
        }
        self.queues.advance(hour, elapsed, &ready).await
    }

    async fn look(&self, scenario: &Scenario) -> anyhow::Result<Look> {
        let objects = self.board.read(|objects| serde_json::to_value(objects.collect::<Vec<_>>()))?;
        let mut seen: Vec<Seen> = serde_json::from_value(objects)?;
        for one in &mut seen {
            one.flow = self.queues.flow(&one.name);
        }
        Ok(Look { seen, group: scenario.group.as_ref().and_then(|group| self.group(scenario, group)) })
    }

    async fn operations(&self) -> anyhow::Result<Vec<Operation>> {
        Ok(serde_json::from_value(serde_json::to_value(self.activity.actions())?)?)
    }
}

/// What a day of so many seconds prints.
async fn played(scenario: &str, seconds: u64) -> String {
    let scenario = Scenario::named(scenario).unwrap();
    let mut stage = ScriptedStage::set(scenario).await;
    let mut screen = Screen::new(scenario, false);
    let mut said = screen.introduction("http://127.0.0.1:8082", "/tmp/kubeconfig");
    let day = Duration::from_secs(seconds);
    play(&mut stage, &mut screen, scenario, day, |text| said.push_str(text)).await.unwrap();
    let summary = Summary::of(scenario, stage.operations().await.unwrap());
    assert!(summary.scaled(), "{summary}");
    said + &summary.to_string()
}

/// The minimum and maximum that a word such as `ready` says in the lines of an application.
fn range(said: &str, application: &str, word: &str) -> (u32, u32) {
    let value = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|found| *found != word);
        words.nth(1)?.parse().ok()
    };
    let lines = said.lines().filter(|line| line.split_whitespace().nth(1) == Some(application));
    let values: Vec<u32> = lines.filter_map(value).collect();
    (values.iter().copied().min().unwrap(), values.iter().copied().max().unwrap())
}

/// What waits, or how much load there is, in the lines of an application.
fn loads(said: &str, application: &str) -> Vec<f64> {
    let lines = said.lines().filter(|line| line.split_whitespace().nth(1) == Some(application));
    lines.filter_map(|line| line.split_whitespace().nth(2)?.parse().ok()).collect()
}

/// How often an application was scaled out and in, as the summary has it.
fn scaled(said: &str, application: &str) -> (u32, u32) {
    let summary = said.split_once("\nsummary\n").unwrap_or_else(|| panic!("no summary in {said}")).1;
    let line = summary.lines().find(|line| line.split_whitespace().next() == Some(application));
    let line = line.unwrap_or_else(|| panic!("no {application} in {summary}"));
    let before = |word: &str| {
        let (count, _) = line.split_once(word).unwrap();
        count.rsplit(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    (before(" out,"), before(" in)"))
}

/// The queue of an application fills, its pods become more, and it drains.
fn fills_and_drains(said: &str, application: &str) {
    let (least, most) = range(said, application, "ready");
    assert!(least <= 1 && most >= 2, "{application}: {least} to {most} in {said}");
    let (out, back) = scaled(said, application);
    assert!(out >= 1 && back >= 1, "{application}: {out} out, {back} in, in {said}");
    let waiting = loads(said, application);
    let fullest = waiting.iter().copied().fold(0.0, f64::max);
    assert!(fullest > 50.0, "{application}: {waiting:?} in {said}");
    let mut since = waiting.iter().skip_while(|count| **count < fullest);
    assert!(since.any(|count| *count < fullest / 2.0), "{application} drains: {waiting:?} in {said}");
}

#[tokio::test(start_paused = true)]
async fn queues_fill_and_drain_and_ready_pods_work_them_off() {
    let said = played("queue", 60).await;
    assert!(said.contains("kubectl get scalingrules,deployments"), "{said}");
    fills_and_drains(&said, "order-workers");
    fills_and_drains(&said, "mailer");
    assert!(said.contains("threshold "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn lists_fill_and_drain_and_ready_pods_work_them_off() {
    let said = played("worker", 60).await;
    assert!(said.contains("kubectl get generalscalers,deployments"), "{said}");
    fills_and_drains(&said, "worker");
    fills_and_drains(&said, "reports");
    assert!(said.contains("slo "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn replicas_follow_requests_and_a_budget_caps_them() {
    let said = played("http", 60).await;
    assert!(said.contains("kubectl get generalscalers,deployments"), "{said}");
    assert!(range(&said, "shop", "desired").1 >= 4, "{said}");
    let requests = loads(&said, "shop").into_iter().fold(0.0, f64::max);
    assert!((300.0..=890.0).contains(&requests), "{requests} requests a second in {said}");
    assert_eq!(range(&said, "search", "desired").1, 5, "{said}");
    assert!(said.contains("→5 (0.50/h of 0.50/h)"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn replicas_follow_business_figures() {
    let said = played("business", 40).await;
    assert!(said.contains("kubectl get businessscalings,deployments"), "{said}");
    let (least, most) = range(&said, "payment-service", "desired");
    assert!(least <= 2 && most == 10, "{least} to {most} in {said}");
}

/// How many members each action of a group moved, by the lines on it.
fn moved(said: &str) -> Vec<u32> {
    let lines = said.lines().filter_map(|line| line.split_once(" one action at ")?.1.split_once(": "));
    lines.map(|(_, story)| story.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_follows_the_load_at_its_entry_as_one() {
    let said = played("groups", 75).await;
    assert!(said.contains("kubectl get scalinggroups,deployments"), "{said}");
    for service in ["webui", "auth", "image", "recommender", "persistence", "db", "registry"] {
        let (least, most) = range(&said, &format!("teastore-{service}"), "desired");
        assert!(least < most, "{service}: {least} to {most} in {said}");
        let (out, back) = scaled(&said, &format!("teastore-{service}"));
        assert!(out >= 1 && back >= 1, "{service}: {out} out, {back} in, in {said}");
    }
    assert!(moved(&said).iter().any(|members| *members >= 6), "all or nearly all at once: {said}");
    assert!(said.contains(" %, ready after "), "{said}");
    assert!(said.contains("times as one, up to "), "{said}");
}
