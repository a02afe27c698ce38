//! The groups file moves the Deployments.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use testbed::wait;

use crate::coordinate::store::{Coordinator, SERVICES, Store, example};
use crate::harness::LIMIT;

#[tokio::test(flavor = "multi_thread")]
async fn the_groups_file_moves_the_seven_services() {
    let store = Store::new("drives", &example("groups.txt")).await;
    store.deploy_podless(&SERVICES).await;
    let recorders = store.record(&SERVICES).await;
    let coordinator = store.coordinate(&[("MIN_REPLICAS", "2"), ("MAX_REPLICAS", "6")]);
    for (name, recorder) in SERVICES.iter().zip(&recorders) {
        recorder.wait_for(3).await;
        assert!(recorder.replicas().iter().all(|replicas| (2..=6).contains(replicas)), "{name}");
        // A line a member with its explanation.
        let words = ["runner::reporting", &format!("/{name} "), "random ", "(2..6, round "];
        coordinator.wait_for_lines(&words, 3).await;
    }
    for group in ["group-1", "group-2", "group-3"] {
        coordinator.wait_for_actions(group, 1).await;
    }
    store.assert_no_finalizers().await;
    let events: Api<Event> = store.scene.namespaced();
    let look = || async {
        let of_webui = ListParams::default().fields("regarding.name=teastore-webui,reason=SuccessfulRescale");
        let found = events.list(&of_webui).await.map_err(|error| error.to_string())?;
        let notes: Vec<String> = found.items.into_iter().filter_map(|event| event.note).collect();
        let has =
            notes.iter().any(|note| note.starts_with("group-1 scaled from ") && note.contains("random "));
        if has { Ok(()) } else { Err(format!("{notes:?}")) }
    };
    wait::until("an Event of the Deployment", LIMIT, look).await.unwrap();
    coordinator.terminate().await;
    assert!(coordinator.lines(&["unknown member"]).is_empty(), "{}", coordinator.log());
}

/// What each member was scaled to in each round, as the log has it.
fn drawn(coordinator: &Coordinator) -> BTreeMap<(String, u64), u64> {
    let between = |line: &str, before: &str, after: &str| {
        let (_, rest) = line.split_once(before)?;
        Some(rest.split_once(after)?.0.to_owned())
    };
    let lines = coordinator.lines(&["runner::reporting", " scaled=Deployment ", ", round "]);
    let drawn = lines.iter().map(|line| {
        let member = between(line, " scaled=Deployment ", " ").unwrap();
        let member = member.rsplit('/').next().unwrap().to_owned();
        let round = between(line, ", round ", ")").unwrap().parse().unwrap();
        ((member, round), between(line, " to=", " ").unwrap().parse().unwrap())
    });
    drawn.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_repeats_its_actions() {
    let rounds = |seed: &'static str| async move {
        let store = Store::new("seed", &example("groups_1.txt")).await;
        store.deploy_podless(&SERVICES).await;
        let recorders = store.record(&SERVICES).await;
        let coordinator = store.coordinate(&[("SEED", seed)]);
        for recorder in &recorders {
            recorder.wait_for(5).await;
        }
        coordinator.terminate().await;
        drawn(&coordinator)
    };
    let [first, again, other] =
        join_all([rounds("42"), rounds("42"), rounds("43")]).await.try_into().unwrap();
    // On a machine in need a write may fail, and be missing in one of them.
    let in_both: Vec<_> = first.keys().filter(|key| again.contains_key(*key)).collect();
    assert!(in_both.len() >= 15, "{first:?}\n{again:?}");
    assert!(in_both.iter().all(|key| first[*key] == again[*key]), "{first:?}\n{again:?}");
    assert!(first.iter().any(|(key, to)| other.get(key).is_some_and(|other| other != to)), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_seed_one_is_drawn_and_reported() {
    let store = Store::new("drawn", "teastore-webui\n").await;
    let seed = |line: &str| line.split("seed=").nth(1).unwrap().split(' ').next().unwrap().parse::<u32>();
    let mut seeds = Vec::new();
    for _ in 0..2 {
        let coordinator = store.coordinate(&[]);
        let line = coordinator.wait_for_lines(&["seed=", "set SEED"], 1).await.remove(0);
        seeds.push(seed(&line).unwrap());
        coordinator.kill().await;
    }
    assert_ne!(seeds[0], seeds[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_tutorial_works_as_written() {
    let groups = "teastore-webui,teastore-db,teastore-image\nother_microservices\nother_microservices\n";
    let store = Store::new("tutorial", groups).await;
    store.deploy_podless(&SERVICES).await;
    let members = ["teastore-webui", "teastore-db", "teastore-image"];
    let (recorders, others) = (store.record(&members).await, store.record(&["teastore-auth"]).await);
    let coordinator = store.coordinate(&[("KUBERNETES_POD", "False")]);
    for recorder in &recorders {
        recorder.wait_for(2).await;
    }
    for line in ["line=2", "line=3"] {
        assert_eq!(
            coordinator.lines(&["ERROR", line, "other_microservices"]).len(),
            1,
            "{}",
            coordinator.log()
        );
    }
    // Whoever is in no group is left alone.
    others[0].expect(&[]).await;
    coordinator.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_spec_says_of_a_member_counts() {
    let store = Store::new("spec", "teastore-webui,teastore-db\n").await;
    store.deploy_podless(&["teastore-webui", "teastore-db"]).await;
    let spec = store.groups.with_file_name("spec.yaml");
    std::fs::write(&spec, "members: [{name: teastore-db, minReplicas: 3, maxReplicas: 3}, {name: gone}]\n")
        .unwrap();
    let recorders = store.record(&["teastore-webui", "teastore-db"]).await;
    let coordinator = store.coordinate(&[("GROUP_SPEC", spec.to_str().unwrap()), ("MIN_REPLICAS", "5")]);
    recorders[0].wait_for(3).await;
    recorders[1].expect(&[3]).await;
    assert!(recorders[0].replicas().iter().all(|replicas| (5..=10).contains(replicas)));
    assert_eq!(coordinator.lines(&["WARN", "GROUP_SPEC", "gone"]).len(), 1);
    coordinator.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_a_default_policy_is_warned_of() {
    let store = Store::new("dryrun", &example("groups.txt")).await;
    store.deploy_podless(&SERVICES).await;
    let recorders = store.record(&SERVICES).await;
    let bounds = [("DRY_RUN", "true"), ("MIN_REPLICAS", "2"), ("MAX_REPLICAS", "6")];
    let by_default = store.coordinate(&bounds);
    by_default.wait_for_lines(&["would scale", "random "], 3).await;
    let warned = "no policy is set: replicas are random, whatever the load is";
    assert_eq!(by_default.lines(&["WARN", warned]).len(), 1, "{}", by_default.log());
    assert!(recorders.iter().all(|recorder| recorder.replicas().is_empty()), "nothing is written");
    by_default.terminate().await;

    let by_choice = store.coordinate(&[&bounds[..], &[("POLICY", "random")]].concat());
    by_choice.wait_for_lines(&["would scale", "random "], 1).await;
    assert!(by_choice.lines(&[warned]).is_empty(), "{}", by_choice.log());
}
