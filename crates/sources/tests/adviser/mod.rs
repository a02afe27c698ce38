//! Advice over gRPC, from a real server on loopback whose answers are wrong in every way.

mod answers;
mod reach;
mod server;
mod tls;

use std::time::Duration;

use engine::episode::{MemberState, State};
use engine::{Absence, Advice, Adviser, Time};
use sources::{Advisers, Asker};

/// A group of `web` and `db`.
fn state() -> State {
    let member = |name: &str| MemberState {
        name: name.to_owned(),
        replicas: Some(2),
        ready: Some(2),
        min: 1,
        max: 9,
        weight: 1.0,
        capacity: Some(100.0),
        demand: Some(340.0),
        load: Some(1.7),
        need: Some(4),
        cost_per_pod_hour: 0.0,
    };
    State {
        at: Time::from_seconds(1_700_000_000),
        interval_seconds: 15.0,
        members: vec![member("web"), member("db")],
        metrics: Vec::new(),
        budget: None,
    }
}

/// What `advisers` get from `address`.
async fn ask(advisers: &Advisers, address: &str) -> Result<Advice, Absence> {
    ask_within(advisers, address, Duration::from_secs(30)).await
}

async fn ask_within(advisers: &Advisers, address: &str, timeout: Duration) -> Result<Advice, Absence> {
    let adviser = Adviser { address: address.to_owned(), timeout };
    let asker = Asker { kind: "ScalingGroup", namespace: "shop", name: "all" };
    advisers.ask(&adviser, asker, &state()).await
}

/// The counts that are advised, or reason and words of the absence, less the address.
fn reported(asked: Result<Advice, Absence>, address: &str) -> Result<Vec<Option<u32>>, String> {
    let method = format!("{address}/polyscaler.policy.v1.Policy/Decide: ");
    let words = |absence: Absence| {
        let what = absence.message.strip_prefix(&method);
        format!("{} {}", absence.reason, what.unwrap_or(&absence.message))
    };
    asked.map(|advice| advice.replicas).map_err(words)
}
