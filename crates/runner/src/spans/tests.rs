//! What a listener to the spans gets of a poll.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use engine::{Memory, Plan};
use resources::Reason;
use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::ObjectKey;
use crate::poll::{Job, traced_poll};
use crate::scripted::{Answer, World, member, plan};

/// Fields of a span, with its name as `name` and that of its parent as `parent`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard(BTreeMap<&'static str, String>);

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

/// Hears all spans.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<(Id, Heard)>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut heard = Heard::default();
        let span = context.span(id).unwrap();
        heard.0.insert("name", span.name().to_owned());
        heard.0.insert("parent", span.parent().map_or("", |parent| parent.name()).to_owned());
        attributes.record(&mut heard);
        self.0.lock().unwrap().push((id.clone(), heard));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        // The numbers of spans that ended are used again.
        let (_, heard) = spans.iter_mut().rev().find(|(found, _)| found == id).unwrap();
        values.record(heard);
    }
}

impl Listener {
    /// The fields called `names` of each span called `span`, in the order in which they began.
    fn reported(&self, span: &str, names: &[&str]) -> Vec<Vec<String>> {
        let spans = self.0.lock().unwrap();
        let of_name = spans.iter().filter(|(_, heard)| heard.0["name"] == span);
        let fields = |heard: &Heard| {
            names.iter().map(|&name| heard.0.get(name).cloned().unwrap_or_default()).collect()
        };
        of_name.map(|(_, heard)| fields(heard)).collect()
    }
}

/// What is heard of a poll by `plan`, revoked from the start or not.
async fn listen(world: &World, plan: Plan, is_revoked: bool) -> Listener {
    let listener = Listener::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(listener.clone()));
    let (_revoke, revoked) = watch::channel(is_revoked);
    let (memory, not_before) = (Memory::default(), world.now());
    let key = ObjectKey::new("BusinessScaling", "", "shop");
    let job = Job {
        key,
        kind: &resources::business_scaling::KIND,
        uid: "1".to_owned(),
        generation: 1,
        warnings: Arc::default(),
        plan: Arc::new(plan),
        memory,
        workload: None,
        not_before,
        is_between: false,
        ask_last_scaled: false,
        written: Vec::new(),
        revoked,
    };
    traced_poll(world.services.clone(), job).await;
    drop(guard);
    listener
}

const FAILURE: [&str; 2] = ["error.type", "otel.status_code"];

#[tokio::test(start_paused = true)]
async fn each_member_has_its_spans_and_a_failing_write_marks_its_own_and_the_root() {
    let world = World::new();
    world.cluster.set("web", 2);
    world.cluster.set("api", 3);
    world.cluster.set("job", 6);
    world.cluster.fail("web", Reason::TargetForbidden);
    let group = Plan { members: ["web", "api", "job"].map(member).to_vec(), ..plan() };
    let heard = listen(&world, group, false).await;
    let forbidden = "TargetForbidden";
    let names = [
        "parent",
        "polyscaler.target",
        "polyscaler.outcome",
        "polyscaler.from",
        "polyscaler.to",
        "error.type",
    ];
    let targets = "Deployment/web, Deployment/api, Deployment/job";
    assert_eq!(heard.reported("poll", &names), [["", targets, "scaled", "11", "18", forbidden]]);
    let names = [
        "parent",
        "polyscaler.target",
        "polyscaler.from",
        "polyscaler.to",
        "polyscaler.result",
        "error.type",
    ];
    let acts = [
        ["poll", "Deployment/web", "2", "6", forbidden, forbidden],
        ["poll", "Deployment/api", "3", "6", "done", ""],
        ["poll", "Deployment/job", "6", "6", "unchanged", ""],
    ];
    assert_eq!(heard.reported("act", &names), acts);
    assert_eq!(
        heard.reported("observe", &["parent", "polyscaler.replicas"]),
        [["poll", "2"], ["poll", "3"], ["poll", "6"]]
    );
    assert_eq!(heard.reported("decide", &["parent", "polyscaler.recommended"]), [["poll", "18"]]);
    let explanation = &heard.reported("poll", &["polyscaler.explanation"])[0][0];
    assert!(explanation.starts_with("Deployment/web: linear 2→6 "), "{explanation}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_reading_and_a_missing_target_are_errors() {
    let world = World::new();
    let who = plan().metrics[0].query.key().rsplit('/').next().unwrap().to_owned();
    world.sampler.answer(&who, Answer::Absent);
    let heard = listen(&world, plan(), false).await;
    assert_eq!(heard.reported("sample", &FAILURE), [["MetricTimeout", "error"]]);
    assert_eq!(heard.reported("observe", &FAILURE), [["TargetNotFound", "error"]]);
    assert_eq!(
        heard.reported("poll", &["polyscaler.outcome", "otel.status_code"]),
        [["target_unavailable", "error"]]
    );
    assert!(heard.reported("act", &["name"]).is_empty(), "there is nothing to act on");
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_was_revoked_says_so() {
    let heard = listen(&World::new(), plan(), true).await;
    assert_eq!(heard.reported("poll", &["polyscaler.outcome", "otel.status_code"]), [["revoked", ""]]);
}
